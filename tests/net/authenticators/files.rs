//! Authenticators that decide by files: of logins, of the server's time, of the machine.

use super::*;

/// A login's file decides, and whatever is wrong with login or file looks the same from outside.
/// [AUTH-15]
#[cfg(unix)]
#[tokio::test]
async fn each_login_is_held_against_its_own_file() {
    crate::limit::bounded();
    let (alice, bob) = (key(), key());
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, key: &Identity, options: &str| {
        let line = format!("{options}{} {name}\n", key.public_key());
        std::fs::write(folder.path().join(name), line).unwrap();
    };
    write("alice", &alice, "");
    write("bob", &bob, "command=\"only this\",environment=\"A=b\" ");
    let path = format!("{}/%u", folder.path().display());
    let stack = || {
        let modes = StrictModes::Below(folder.path().to_owned());
        public_key_by_login(&path).unwrap().strict_modes(modes)
    };
    let call = |identity: &Identity, login| Caller { login, ..Caller::with_key(identity) };

    let peer = assert_admitted(meet(stack(), call(&alice, "alice")).await);
    assert_eq!((peer.login.as_str(), peer.credentials.comment.as_str()), ("alice", "alice"));
    let peer = assert_admitted(meet(stack().honours_command(), call(&bob, "bob")).await);
    let permissions = &peer.credentials.permissions;
    assert_eq!(permissions.command(), Some("only this"));
    assert_eq!(permissions.environment(), [("A".to_owned(), "b".to_owned())]);

    for (identity, login, reason) in [
        (&bob, "alice", "no line of authorized_keys lists this key"),
        (&alice, "bob", "no line of authorized_keys lists this key"),
        (&bob, "bob", "the entry is for one command"),
        (&alice, "carol", "there is no such file"),
        (&alice, "", "it is empty"),
        (&alice, "../alice", "is no file name"),
        (&alice, ".", "is no file name"),
    ] {
        let began = std::time::Instant::now();
        assert_denied(meet(stack(), call(identity, login)).await, reason);
        // whether there is a file or not
        assert!(began.elapsed() >= std::time::Duration::from_millis(10), "{login}");
    }
    assert_denied(meet(stack(), Caller::without_key()).await, "the client proved no key");
    // the file is read again for each
    write("alice", &bob, "");
    assert_denied(meet(stack(), call(&alice, "alice")).await, "no line of authorized_keys");
}

#[tokio::test]
async fn a_list_that_is_replaced_decides_about_the_next_connection() {
    let (alice, bob) = (key(), key());
    let list = |key: &Identity| {
        let line = format!("{}\n", key.public_key());
        AuthorizedKeys::parse("authorized_keys", line.as_bytes()).unwrap()
    };
    let keys = Arc::new(RwLock::new(list(&alice)));
    let stack = || {
        let current = Arc::clone(&keys);
        move |attempt: Attempt| {
            let now = current.read().unwrap().clone();
            async move { public_key(now).authenticate(attempt).await }
        }
    };
    assert_admitted(meet(stack(), Caller::with_key(&alice)).await);
    *keys.write().unwrap() = list(&bob);
    assert_denied(meet(stack(), Caller::with_key(&alice)).await, "no line of authorized_keys");
    assert_admitted(meet(stack(), Caller::with_key(&bob)).await);
}

#[tokio::test]
async fn the_address_and_the_time_are_those_of_the_attempt() {
    crate::limit::bounded();
    let alice = key();
    let stack = |options: &str| {
        let line = format!("{options} {}", alice.public_key());
        public_key(AuthorizedKeys::parse("authorized_keys", line.as_bytes()).unwrap())
    };
    let inside = stack("from=\"192.0.2.0/24,2001:db8::/32,fe80::/10\",expiry-time=\"99991231Z\"");
    for from in ["192.0.2.1:7", "[::ffff:192.0.2.1]:7", "[2001:db8::1]:7", "[fe80::1]:7"] {
        assert_admitted(meet(inside.clone(), Caller::with_key(&alice).from(from)).await);
    }
    for (from, reason) in [
        ("198.51.100.1:7", "this one comes from 198.51.100.1"),
        // in a zone, an address is not one of the whole network
        ("[fe80::1%2]:7", "this one has no address"),
    ] {
        assert_denied(meet(inside.clone(), Caller::with_key(&alice).from(from)).await, reason);
    }
    let expired = stack("expiry-time=\"20000101Z\"");
    assert_denied(meet(expired, Caller::with_key(&alice)).await, "the entry has expired");
}

#[cfg(unix)]
#[tokio::test]
async fn the_machines_server_has_the_machines_key_and_admits_nobody() {
    crate::limit::bounded();
    // whether there is one, and whether we may read it, is the machine's affair
    let machine = Identity::load("/etc/ssh/ssh_host_ed25519_key");
    match (Server::from_system_files(), machine) {
        (Ok(server), Ok(machine)) => {
            let (near, far) = tokio::io::duplex(1 << 16);
            let client = Client::new()
                .host_verifier(PinnedKeys::new([machine.public_key().clone()]))
                .identity(key());
            let target = Host::new("example.org", 7000).unwrap();
            let (accepted, connected) = tokio::join!(
                server.accept_over(far, PeerAddr::Unknown),
                client.connect_over(near, &target)
            );
            // it got as far as the client's key: the host key was the pinned one
            let outcome = (accepted.map(|(_, peer)| peer), connected.map(drop));
            assert_denied(outcome, "admits nobody");
        }
        (Err(error), Err(expected)) => assert_eq!(error.to_string(), expected.to_string()),
        (server, key) => panic!("{server:?} for {key:?}"),
    }
}
