//! The example `echo`, as programs that talk to each other: what goes through, and how each refusal
//! shows to whoever called. `cargo test` builds it; `ssh-keygen` must be installed.

#![expect(clippy::unwrap_used, reason = "helpers of tests end a test this way")]

mod desk;
mod files;
mod refusals;

use std::io::{Read as _, Write as _};

use desk::{Desk, keygen};

/// More than all the buffers between two programs hold.
fn much() -> Vec<u8> {
    (0..12_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0]).collect()
}

#[test]
fn what_is_sent_comes_back_under_keys_of_ssh_keygen() {
    let desk = Desk::empty();
    keygen(&desk, &["-t", "ed25519", "-N", "", "-C", "server", "-f", "host"]);
    keygen(&desk, &["-t", "ed25519", "-N", "", "-C", "alice", "-f", "alice"]);
    desk.write("authorized_keys", desk.read("alice.pub"));
    let server = desk.serve(&["--authorized-keys", "authorized_keys"]);
    desk.write("known_hosts", format!("{} {}", server.host(), desk.read("host.pub")));
    let called = desk.call(&server, &["--identity", "alice", "--login", "alice"], b"hello\n");
    assert_eq!((called.code, called.out.as_slice(), called.err.as_str()), (0, &b"hello\n"[..], ""));
    let log = server.log();
    assert!(log.contains("admitted") && log.contains("login=\"alice\""), "{log}");
}

#[test]
fn a_protected_key_opens_with_the_passphrase_of_the_environment() {
    let desk = Desk::new();
    keygen(&desk, &["-t", "ed25519", "-a", "1", "-N", "correct horse", "-f", "locked"]);
    desk.write("authorized_keys", desk.read("locked.pub"));
    let server = desk.serve(&["--authorized-keys", "authorized_keys"]);
    desk.know(&server);
    let call = |passphrase: Option<&str>| {
        let mut command = desk.command(&["call", &server.address, "--known-hosts", "known_hosts"]);
        command.args(["--identity", "locked"]);
        if let Some(passphrase) = passphrase {
            command.env("HANDFAST_PASSPHRASE", passphrase);
        }
        desk::run(command, b"hello")
    };
    let called = call(Some("correct horse"));
    assert_eq!((called.code, called.out.as_slice()), (0, &b"hello"[..]));
    call(Some("wrong horse")).fails(6, "error: locked: wrong passphrase for the private key");
    call(None).fails(
        6,
        "error: locked: the private key is protected by a passphrase and none was given; give it \
         in the environment variable HANDFAST_PASSPHRASE",
    );
    call(Some("")).fails(
        6,
        "error: locked: the private key is protected by a passphrase and none was given; give it \
         in the environment variable HANDFAST_PASSPHRASE, which is set, and empty",
    );
}

fn much_comes_back(options: &[&str]) {
    let desk = Desk::new();
    let server = desk.serve(&["--authorized-keys", "authorized_keys"]);
    desk.know(&server);
    let much = much();
    let called = desk.call(&server, &[&["--identity", "alice"], options].concat(), &much);
    assert_eq!((called.code, called.err.as_str()), (0, ""), "{options:?}");
    assert!(called.out == much, "what comes back is what was sent, with {options:?}");
}

#[test]
fn much_goes_both_ways_at_once() {
    much_comes_back(&[]);
    much_comes_back(&["--eager"]);
}

#[test]
fn much_goes_both_ways_past_rekeys() {
    much_comes_back(&["--rekey-after", "500000"]);
    much_comes_back(&["--rekey-after", "1"]);
    much_comes_back(&["--cipher", "aes-256-gcm", "--rekey-after", "500000", "--eager"]);
}

#[test]
fn keys_are_renewed_while_they_talk() {
    let desk = Desk::new();
    let server = desk.serve(&["--authorized-keys", "authorized_keys"]);
    desk.know(&server);
    for cipher in ["chacha20-poly1305", "aes-256-gcm"] {
        let options = ["--identity", "alice", "--cipher", cipher, "--rekey-after", "100000"];
        let mut call = desk.begin_call(&server, &options);
        for words in much().chunks(40_000).take(100) {
            call.say_and_hear(words);
        }
        let called = call.end();
        assert_eq!((called.code, called.err.as_str()), (0, ""));
    }
}

#[test]
fn an_eager_client_may_have_nothing_to_say() {
    let desk = Desk::new();
    let server = desk.serve(&["--authorized-keys", "authorized_keys"]);
    desk.know(&server);
    for options in [&["--identity", "alice", "--eager"][..], &["--identity", "alice"]] {
        let called = desk.call(&server, options, b"");
        assert_eq!((called.code, called.out.as_slice(), called.err.as_str()), (0, &b""[..], ""));
    }
}

#[test]
fn both_ciphers_work_and_one_must_be_in_common() {
    let desk = Desk::new();
    let ciphers = ["chacha20-poly1305", "aes-256-gcm"];
    for (served, other) in [(ciphers[0], ciphers[1]), (ciphers[1], ciphers[0])] {
        let server = desk.serve(&["--authorized-keys", "authorized_keys", "--cipher", served]);
        desk.know(&server);
        let call = |options: &[&str]| {
            desk.call(&server, &[&["--identity", "alice"], options].concat(), b"hello")
        };
        assert_eq!(call(&["--cipher", served]).code, 0);
        assert_eq!(call(&["--cipher", other, "--cipher", served]).code, 0);
        call(&["--cipher", other]).fails(
            6,
            "error: the server refused, in words that nothing vouches for: no cipher in common",
        );
    }
}

#[test]
fn x25519_alone_must_be_allowed_by_both() {
    let desk = Desk::new();
    let strict = desk.serve(&["--authorized-keys", "authorized_keys"]);
    desk.know(&strict);
    desk.call(&strict, &["--identity", "alice", "--classical"], b"hello").fails(
        6,
        "error: the server refused, in words that nothing vouches for: it requires X25519 with \
         ML-KEM-768",
    );
    let lenient = desk.serve(&["--authorized-keys", "authorized_keys", "--allow-classical"]);
    desk.know(&lenient);
    for options in [&["--identity", "alice", "--classical"][..], &["--identity", "alice"]] {
        let called = desk.call(&lenient, options, b"hello");
        assert_eq!((called.code, called.out.as_slice()), (0, &b"hello"[..]));
    }
}

#[test]
fn a_stealth_server_answers_those_who_know_its_key() {
    let desk = Desk::new();
    let server = desk.serve(&["--authorized-keys", "authorized_keys", "--stealth"]);
    desk.know(&server);
    assert_eq!(desk.call(&server, &["--identity", "alice"], b"hello").code, 0);
    // whoever expects another key waits for an answer that does not come
    let other = desk.key("other");
    desk.write("known_hosts", format!("{} {}\n", server.host(), other.public_key()));
    let called = desk.call(&server, &["--identity", "alice"], b"hello");
    assert_eq!((called.code, called.out.as_slice()), (6, &b""[..]), "{}", called.err);
}

#[test]
fn clients_are_served_beside_each_other() {
    let desk = Desk::new();
    let server = desk.serve(&["--authorized-keys", "authorized_keys"]);
    desk.know(&server);
    let mut first = desk.begin_call(&server, &["--identity", "alice"]);
    first.say_and_hear(b"one");
    assert_eq!(desk.call(&server, &["--identity", "alice"], b"two").out, b"two");
    // somebody who says nothing holds up nobody
    let _silent = std::net::TcpStream::connect(&server.address).unwrap();
    first.say_and_hear(b"three");
    assert_eq!(first.end().code, 0);
}

#[test]
fn a_stream_that_is_cut_off_is_not_one_that_ended() {
    let desk = Desk::new();
    let server = desk.serve(&["--authorized-keys", "authorized_keys"]);
    desk.know(&server);
    let mut call = desk.begin_call(&server, &["--identity", "alice"]);
    call.say_and_hear(b"hello");
    drop(server);
    let called = call.end();
    assert_eq!(called.code, 6);
    assert_eq!(called.err, "error: the stream was cut off: it ended without the peer's Close\n");
}

#[cfg(unix)]
#[test]
fn a_server_that_is_asked_to_stop_says_so() {
    let desk = Desk::new();
    let mut server = desk.serve(&["--authorized-keys", "authorized_keys"]);
    desk.know(&server);
    let mut call = desk.begin_call(&server, &["--identity", "alice"]);
    call.say_and_hear(b"hello");
    assert_eq!(server.terminate(), 0);
    let called = call.end();
    assert_eq!(called.code, 6);
    assert_eq!(called.err, "error: the peer ended the connection: shutting down (5)\n");
}

#[test]
fn another_protocol_is_told_by_its_name() {
    let desk = Desk::new();
    let web = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = web.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let (mut stream, _) = web.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    desk.write("known_hosts", "");
    let command = desk.command(&["call", &address, "--known-hosts", "known_hosts"]);
    desk::run(command, b"")
        .fails(6, "error: the peer does not speak handfast: it seems to speak HTTP");
}

/// `script` gives the client a terminal.
#[test]
#[ignore = "needs script of util-linux, for a terminal"]
fn a_person_at_the_terminal_is_asked_about_a_new_server() {
    let desk = Desk::new();
    let server = desk.serve(&["--authorized-keys", "authorized_keys"]);
    desk.write("known_hosts", "");
    let ask = |answer: &str| {
        let call = desk.command(&["call", &server.address, "--known-hosts", "known_hosts"]);
        let mut command = std::process::Command::new("sh");
        command.current_dir(call.get_current_dir().unwrap()).env("ECHO", call.get_program());
        let script = format!(
            "(echo '{answer}'; sleep 3) | script -qec '\"$ECHO\" call {} --known-hosts \
             known_hosts --identity alice --ask </dev/null' /dev/null",
            server.address
        );
        command.args(["-c", &script]);
        desk::run(command, b"")
    };
    let host = handfast::key::Identity::load(desk.path("host")).unwrap();
    let said = |called: &desk::Called| String::from_utf8(called.out.clone()).unwrap();
    let no = ask("no");
    assert!(said(&no).contains("was not confirmed: the answer was no"), "{}", said(&no));
    assert_eq!((no.code, desk.read("known_hosts").as_str()), (4, ""));
    let yes = ask(&host.fingerprint().to_string());
    assert_eq!(yes.code, 0, "{}", said(&yes));
    for shown in [host.fingerprint().to_string(), "[ED25519 256]".to_owned()] {
        assert!(said(&yes).contains(&shown), "{}", said(&yes));
    }
    let line = format!("{} {}\n", server.host(), host.public_key());
    assert_eq!(desk.read("known_hosts"), line);
    let known = desk.call(&server, &["--identity", "alice", "--ask"], b"hello");
    assert_eq!((known.code, known.out.as_slice()), (0, &b"hello"[..]), "it is known now");
}
