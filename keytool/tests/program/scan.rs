//! `keytool hosts scan` and `hosts add` against servers of ours.

#![expect(clippy::expect_used, reason = "helpers of tests end a test this way")]

use std::path::Path;
use std::process::{Command, Stdio};

use handfast::auth::{PeerAddr, public_key};
use handfast::handshake::Identities;
use handfast::key::Identity;
use handfast::trust::AuthorizedKeys;
use handfast::{AcceptError, Server};
use tempfile::TempDir;

/// Runs keytool off the threads that serve; its exit code, data and talk.
async fn keytool(home: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keytool"));
    command.args(args).current_dir(home).env("HOME", home).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("no panic").expect("keytool");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scan_shows_the_proved_key_and_reveals_nothing() {
    let home = TempDir::new().expect("a temporary directory");
    let identity = Identity::from_seed(&[7; 32]);
    let key = identity.public_key().clone();
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = tcp.local_addr().expect("its address").to_string();
    let port = address.rsplit(':').next().expect("a port").to_owned();
    // The server's side of it: the client left before it said anything about itself.
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let server = Server::new(identity);
        while let Ok((stream, from)) = tcp.accept().await {
            let (server, told) = (server.clone(), told.clone());
            tokio::spawn(async move {
                let outcome = server.accept_over(stream, PeerAddr::Ip(from)).await.map(drop);
                let _ = told.send(outcome);
            });
        }
    });

    let (code, data, talk) = keytool(home.path(), &["hosts", "scan", &address]).await;
    assert_eq!(code, 0, "{talk}");
    assert_eq!(data, format!("[127.0.0.1]:{port} {key}\n"));
    assert!(talk.contains(&key.fingerprint().to_string()) && talk.contains("+--[ED25519 256]--+"));
    let outcome = heard.recv().await.expect("the server's side");
    let error: AcceptError = outcome.expect_err("nobody was admitted");
    let text = error.to_string();
    assert!(matches!(error, AcceptError::HostKeyRefused), "{text}");

    let add = |more: &'static [&'static str]| {
        let args = [&["hosts", "add", "--file", "known"], more].concat();
        let (home, address) = (home.path().to_owned(), address.clone());
        async move { keytool(&home, &[&args[..], &[&address]].concat()).await }
    };
    let (code, _, talk) = add(&[]).await;
    assert_eq!(code, 2, "{talk}");
    let other = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";
    let (code, _, talk) =
        add(&["--fingerprint", "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"]).await;
    assert_eq!(code, 1);
    assert!(talk.contains(&format!("not {other}; nothing was added")), "{talk}");
    assert!(!home.path().join("known").exists());

    let (code, _, talk) = add(&["--yes"]).await;
    assert_eq!(code, 0, "{talk}");
    let known = std::fs::read_to_string(home.path().join("known")).expect("the file");
    assert_eq!(known, data);
    let (code, _, talk) = add(&["--yes"]).await;
    assert_eq!(code, 0);
    assert!(talk.contains("known:1: lists "), "{talk}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keys_of_a_host_are_rotated() {
    let home = TempDir::new().expect("a temporary directory");
    let [first, second, gone, alice] = [1, 2, 3, 4].map(|seed| Identity::from_seed(&[seed; 32]));
    alice.save(home.path().join("alice"), None).expect("alice's key");
    let line = format!("{} alice\n", alice.public_key());
    let keys = AuthorizedKeys::parse("authorized_keys", line.as_bytes()).expect("a file");
    let listener = Server::new(first.clone())
        .identities(Identities::new(first.clone()).and(second.clone()))
        .authenticator(public_key(keys))
        .listen("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    tokio::spawn(async move {
        loop {
            let _ = listener.accept().await;
        }
    });
    let host = address.replace("127.0.0.1", "[127.0.0.1]");
    let known = |keys: &[&Identity]| {
        let lines = keys.iter().map(|key| format!("{host} {}\n", key.public_key()));
        std::fs::write(home.path().join("known"), lines.collect::<String>()).expect("a file");
    };
    let read = || std::fs::read_to_string(home.path().join("known")).expect("the file");
    let rotate = async || {
        let args = ["hosts", "rotate", &address, "--file", "known", "--identity", "alice"];
        keytool(home.path(), &args).await
    };

    known(&[&first, &gone]);
    let (code, data, talk) = rotate().await;
    assert_eq!((code, data.as_str()), (0, ""), "{talk}");
    assert!(talk.contains(&format!("known:2: removed {host}, {}", gone.fingerprint())), "{talk}");
    assert!(talk.contains(&format!("added {} for {host}", second.fingerprint())), "{talk}");
    let now = read();
    assert!(now.starts_with(&format!(
        "{host} {}\n{host} {} ",
        first.public_key(),
        second.public_key()
    )));
    assert!(!now.contains(&gone.public_key().to_string()));

    let (code, _, talk) = rotate().await;
    assert_eq!((code, read()), (0, now), "{talk}");
    assert!(talk.ends_with(": nothing was changed\n"), "{talk}");

    known(&[&gone]);
    let before = read();
    let (code, _, talk) = rotate().await;
    assert_eq!((code, read()), (1, before), "{talk}");
    assert!(talk.contains("HAS CHANGED"), "{talk}");
}

/// A server that has a new key beside the old one, and its address.
async fn with_two_keys(old: &Identity, new: &Identity) -> String {
    let listener = Server::new(old.clone())
        .identities(Identities::new(old.clone()).and(new.clone()))
        .authenticator(handfast::auth::anonymous())
        .listen("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    tokio::spawn(async move {
        loop {
            let _ = listener.accept().await;
        }
    });
    address
}

/// One server has two names and a client that uses both: each gets the new key, by one call or two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_with_two_names_is_rotated_under_both() {
    let home = TempDir::new().expect("a temporary directory");
    let [old, new] = [1, 2].map(|seed| Identity::from_seed(&[seed; 32]));
    let address = with_two_keys(&old, &new).await;
    let port = address.rsplit(':').next().expect("a port").to_owned();
    let by_name = format!("localhost:{port}");
    let names = [format!("[127.0.0.1]:{port}"), format!("[localhost]:{port}")];
    let known = home.path().join("known");
    let both = names.each_ref().map(|name| format!("{name} {}\n", old.public_key())).concat();
    let read = || std::fs::read_to_string(&known).expect("the file");
    let rotate = async |host: &str, more: &[&str]| {
        let args = [&["hosts", "rotate", host, "--file", "known"], more].concat();
        keytool(home.path(), &args).await
    };
    let with_new = |name: &str| format!("{name} {} handfast-learned ", new.public_key());

    std::fs::write(&known, &both).expect("a file");
    let (code, _, talk) = rotate(&address, &[]).await;
    assert_eq!(code, 0, "{talk}");
    assert_eq!(
        talk,
        format!(
            "known:3: added {} for {}\n\
             known:2: lists the key that it presented, for {}; not changed\n\
             if these are names of the same server: `keytool hosts rotate {address} --also {by_name} \
             --file known`\n",
            new.fingerprint(),
            names[0],
            names[1],
        )
    );
    assert!(read().starts_with(&format!("{both}{}", with_new(&names[0]))), "{}", read());
    let (code, _, talk) = rotate(&by_name, &[]).await;
    assert_eq!(code, 0, "{talk}");
    assert_eq!(talk, format!("known:4: added {} for {}\n", new.fingerprint(), names[1]));
    assert_eq!(read().matches(&new.public_key().to_string()).count(), 2, "{}", read());

    for also in [by_name.as_str(), "localhost"] {
        std::fs::write(&known, &both).expect("a file");
        let (code, data, talk) = rotate(&address, &["--also", also, "--json"]).await;
        assert_eq!(code, 0, "{talk}");
        let list: serde_json::Value = serde_json::from_str(&data).expect("JSON");
        let list = list.as_array().expect("an array");
        let told: Vec<_> =
            list.iter().map(|it| (it["host"].as_str(), it["line"].as_u64())).collect();
        assert_eq!(told, [(Some(&*names[0]), Some(3)), (Some(&*names[1]), Some(4))], "{data}");
        for name in &names {
            assert!(read().contains(&with_new(name)), "{}", read());
        }
    }

    // The name of another server does not get the keys of this one.
    let other = format!("{both}x.example.org {}\n", new.public_key());
    std::fs::write(&known, &other).expect("a file");
    let (code, _, talk) = rotate(&address, &["--also", "x.example.org"]).await;
    assert_eq!((code, read()), (1, other), "{talk}");
    assert!(talk.contains("must be known by the same key"), "{talk}");

    // The line that counts for every port is changed by its own name.
    let bare = format!("127.0.0.1 {}\n", old.public_key());
    std::fs::write(&known, &bare).expect("a file");
    let (code, _, talk) = rotate(&address, &[]).await;
    assert_eq!((code, read()), (1, bare.clone()), "{talk}");
    assert!(talk.contains("to change that line say `--also 127.0.0.1:22`"), "{talk}");
    for also in ["127.0.0.1:22", "127.0.0.1"] {
        std::fs::write(&known, &bare).expect("a file");
        let (code, _, talk) = rotate(&address, &["--also", also]).await;
        assert_eq!(code, 0, "{talk}");
        assert!(read().starts_with(&format!("{bare}{}", with_new("127.0.0.1"))), "{}", read());
    }
}

/// A script that adds a host every day is not asked about what the file says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_there_is_added_without_a_question() {
    let home = TempDir::new().expect("a temporary directory");
    let [old, new] = [1, 2].map(|seed| Identity::from_seed(&[seed; 32]));
    let address = with_two_keys(&old, &new).await;
    let host = address.replace("127.0.0.1", "[127.0.0.1]");
    let known = home.path().join("known");
    let add = async |more: &[&str]| {
        let args = [&["hosts", "add", &address, "--file", "known"], more].concat();
        keytool(home.path(), &args).await
    };
    let (code, _, talk) = add(&[]).await;
    assert_eq!(code, 2, "{talk}");
    for (line, expected, more) in [
        (format!("{host} {}\n", old.public_key()), 0, "known:1: lists SHA256:"),
        (format!("{host} {}\n", new.public_key()), 1, "is known by another key"),
        (format!("@revoked {host} {}\n", old.public_key()), 1, "revokes this key"),
        (format!("127.0.0.1 {}\n", old.public_key()), 2, "there is no terminal"),
    ] {
        std::fs::write(&known, &line).expect("a file");
        let (code, _, talk) = add(&[]).await;
        assert_eq!(code, expected, "{line}: {talk}");
        assert!(talk.contains(more), "{line}: {talk}");
        assert_eq!(std::fs::read_to_string(&known).expect("the file"), line);
    }

    let (code, data, talk) = keytool(home.path(), &["hosts", "scan", "--json", &address]).await;
    assert_eq!((code, talk.as_str()), (0, ""));
    let list: serde_json::Value = serde_json::from_str(&data).expect("JSON");
    assert_eq!(list[0]["host"], host);
    assert_eq!(list[0]["name"], "127.0.0.1");
    assert_eq!(list[0]["fingerprint"], old.fingerprint().to_string());
    assert_eq!(list[0]["key"], old.public_key().to_string());
    assert_eq!(list[0]["known_hosts"], format!("{host} {}", old.public_key()));
    let args = ["hosts", "scan", "--json", &address, "127.0.0.1:1"];
    let (code, data, talk) = keytool(home.path(), &args).await;
    let list: serde_json::Value = serde_json::from_str(&data).expect("JSON");
    assert_eq!((code, list.as_array().map(Vec::len)), (3, Some(1)), "{talk}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_speak_the_protocol_has_no_key() {
    let home = TempDir::new().expect("a temporary directory");
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = tcp.local_addr().expect("its address").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            use tokio::io::AsyncWriteExt as _;
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await;
        }
    });
    let (code, data, talk) = keytool(home.path(), &["hosts", "scan", &address]).await;
    assert_eq!((code, data.as_str()), (3, ""));
    assert!(talk.contains(": no key was learnt: "), "{talk}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs script of util-linux, for a terminal"]
async fn the_person_at_the_terminal_is_shown_the_key_and_asked() {
    let home = TempDir::new().expect("a temporary directory");
    let identity = Identity::from_seed(&[7; 32]);
    let key = identity.public_key().clone();
    let listener = Server::new(identity).listen("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });

    let answered = |answer: String| {
        let script = format!(
            "(sleep 2; printf '{answer}\\n'; sleep 2) | \
             script -qec '\"$KEYTOOL\" hosts add {address} --file known' /dev/null"
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(home.path()).env("HOME", home.path());
        command.env("KEYTOOL", env!("CARGO_BIN_EXE_keytool"));
        async move {
            let output = tokio::task::spawn_blocking(move || command.output()).await;
            let output = output.expect("no panic").expect("sh");
            (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
        }
    };
    let known = home.path().join("known");

    let (code, talk) = answered("perhaps\\nno".to_owned()).await;
    assert_eq!(code, Some(1), "{talk}");
    assert!(talk.contains(&key.fingerprint().to_string()), "{talk}");
    assert!(talk.contains("+--[ED25519 256]--+"), "{talk}");
    assert_eq!(talk.matches("(yes, no, or paste the fingerprint)").count(), 2, "{talk}");
    let other = Identity::from_seed(&[8; 32]).fingerprint();
    let (code, talk) = answered(other.to_string()).await;
    assert_eq!(code, Some(1), "{talk}");
    assert!(talk.contains("either the fingerprint is another host's, or somebody stands between"));
    assert!(!known.exists());

    let (code, talk) = answered(key.fingerprint().to_string()).await;
    assert_eq!(code, Some(0), "{talk}");
    assert!(std::fs::read_to_string(known).expect("the file").contains(&key.to_string()));
}
