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
