//! `public_key_by_login` against files that are long.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;

use handfast::auth::{PeerAddr, public_key_by_login};
use handfast::key::Identity;
use handfast::trust::{Host, MAX_FILE, PinnedKeys, StrictModes};
use handfast::{AcceptError, Client, Server, blocking};

/// Lines of keys that are valid and of no stranger, as many as a file may hold.
fn long_file(folder: &std::path::Path) {
    let line = format!("{} somebody@example.org\n", Identity::generate().unwrap().public_key());
    let mut file = std::fs::File::create(folder.join("alice")).unwrap();
    file.write_all(line.repeat(MAX_FILE / line.len()).as_bytes()).unwrap();
}

/// What the process has had resident at most, in bytes.
#[cfg(target_os = "linux")]
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// Three strangers at once name a login whose file is as long as one may be.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_file_costs_a_stranger_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    long_file(folder.path());
    let modes = StrictModes::Below(folder.path().to_owned());
    let path = format!("{}/%u", folder.path().display());
    let host = Identity::generate().unwrap();
    let pins = PinnedKeys::new([host.public_key().clone()]);
    let stack = public_key_by_login(&path).unwrap().strict_modes(modes);
    let server = Server::new(host).authenticator(stack);
    let before = peak();
    let strangers: Vec<_> = (0..3)
        .map(|_| {
            let (near, far) = tokio::io::duplex(1 << 16);
            let client = Client::new()
                .host_verifier(pins.clone())
                .login("alice")
                .identity(Identity::generate().unwrap());
            tokio::spawn(async move {
                let target = Host::new("example.org", 7000).unwrap();
                client.connect_over(near, &target).await.map(drop)
            });
            let server = server.clone();
            tokio::spawn(async move {
                server.accept_over(far, PeerAddr::Unknown).await.map(|(_, peer)| peer)
            })
        })
        .collect();
    for stranger in strangers {
        let error = stranger.await.unwrap().unwrap_err();
        assert!(
            matches!(&error, AcceptError::Denied { reason }
                if reason.ends_with("no line of authorized_keys lists this key")),
            "{error}"
        );
    }
    // one such file held whole would be more; tests beside this one take a few MiB
    let grown = peak().saturating_sub(before);
    assert!(grown < MAX_FILE, "{grown} bytes more than before");
}

/// The same code decides on threads.
#[test]
fn the_last_line_of_a_long_file_admits_on_threads_too() {
    let folder = tempfile::tempdir().unwrap();
    let (host, alice) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let other = Identity::generate().unwrap().public_key().to_string();
    let lines = format!("command=\"{other}\" {other}\n").repeat(2000);
    let text = format!("{lines}{} alice", alice.public_key());
    std::fs::write(folder.path().join("alice"), text).unwrap();
    let path = format!("{}/%u", folder.path().display());
    let stack = public_key_by_login(&path)
        .unwrap()
        .strict_modes(StrictModes::Below(folder.path().to_owned()))
        .at_once(1, 1);
    let pins = PinnedKeys::new([host.public_key().clone()]);
    let server = blocking::Server::from(Server::new(host).authenticator(stack));
    let listener = server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let call = |identity: Identity| {
        let client = Client::new().host_verifier(pins.clone()).login("alice").identity(identity);
        blocking::Client::from(client).connect(&address.to_string()).map(drop)
    };
    assert!(call(Identity::generate().unwrap()).is_err());
    let caller = std::thread::scope(|scope| {
        let caller = scope.spawn(|| call(alice));
        let (_, peer) = listener.accept().unwrap();
        caller.join().unwrap().unwrap();
        peer
    });
    assert_eq!(caller.credentials.place.line(), 2001);
    assert_eq!(caller.credentials.comment, "alice");
}
