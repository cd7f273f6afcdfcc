//! Files and command lines that are not as they must be.

use std::net::TcpListener;

use crate::desk::{Called, Desk, keygen, run};

fn serve(desk: &Desk, options: &[&str]) -> Called {
    run(desk.command(&[&["serve", "--listen", "127.0.0.1:0"], options].concat()), b"")
}

/// Calls nobody: what is wrong shows before anything is sent.
fn call(desk: &Desk, options: &[&str]) -> Called {
    run(desk.command(&[&["call", "127.0.0.1:9"], options].concat()), b"hello")
}

#[test]
fn missing_files_are_named() {
    let desk = Desk::new();
    desk.write("known_hosts", "");
    let missing = "there is no such file";
    serve(&desk, &["--host-key", "none"]).fails(
        6,
        &format!("error: none: {missing}; make a key with `ssh-keygen -t ed25519 -f none`"),
    );
    let create = "give another path, or create it (it may be empty)";
    serve(&desk, &["--host-key", "host", "--authorized-keys", "none"])
        .fails(6, &format!("error: none: {missing}; {create}"));
    call(&desk, &["--known-hosts", "none"]).fails(6, &format!("error: none: {missing}; {create}"));
    call(&desk, &["--known-hosts", "known_hosts", "--identity", "none"]).fails(
        6,
        &format!("error: none: {missing}; make a key with `ssh-keygen -t ed25519 -f none`"),
    );
}

#[cfg(unix)]
#[test]
fn files_that_are_open_to_others_are_refused_with_the_remedy() {
    let desk = Desk::new();
    desk.write("known_hosts", "");
    for name in ["host", "alice"] {
        desk.set_mode(name, 0o644);
    }
    let refused = |name| {
        format!(
            "error: {name}: refused, for its mode is 0644 and others than its owner have access to \
             the private key in it; run `chmod 600 {name}`"
        )
    };
    serve(&desk, &["--host-key", "host"]).fails(6, &refused("host"));
    call(&desk, &["--known-hosts", "known_hosts", "--identity", "alice"])
        .fails(6, &refused("alice"));

    desk.set_mode("host", 0o600);
    desk.set_mode("authorized_keys", 0o666);
    serve(&desk, &["--host-key", "host", "--authorized-keys", "authorized_keys"]).fails(
        6,
        "error: authorized_keys: the file has mode 0666, so that others could admit anyone; run \
         `chmod go-w authorized_keys`",
    );
}

#[test]
fn a_key_of_another_type_is_named() {
    let desk = Desk::new();
    desk.write("known_hosts", "");
    keygen(&desk, &["-t", "rsa", "-b", "2048", "-N", "", "-f", "old"]);
    let refused = "error: old: keys of type ssh-rsa are not supported; make an Ed25519 key with \
                   `ssh-keygen -t ed25519`";
    serve(&desk, &["--host-key", "old"]).fails(6, refused);
    call(&desk, &["--known-hosts", "known_hosts", "--identity", "old"]).fails(6, refused);

    desk.write("old", "not a key");
    let called = serve(&desk, &["--host-key", "old"]);
    assert_eq!(called.code, 6);
    assert!(called.err.starts_with("error: old: not a private key in OpenSSH's format"));
}

#[test]
fn a_revocation_that_cannot_be_read_refuses_the_file() {
    let desk = Desk::new();
    desk.write("known_hosts", "# servers\n\n@revoke * ssh-ed25519 AAAA\n");
    call(&desk, &["--known-hosts", "known_hosts"]).fails(
        6,
        "error: known_hosts:3: the line begins with `@` and is not understood: `@revoke` is no \
         marker, only `@revoked` and `@cert-authority` are; correct or remove it",
    );
}

#[test]
fn lines_that_are_passed_over_are_named() {
    let desk = Desk::new();
    let lines = desk.read("authorized_keys");
    desk.write("authorized_keys", format!("ssh-ed25519 broken\n{lines}"));
    let server = desk.serve(&["--authorized-keys", "authorized_keys"]);
    let log = server.log();
    assert!(log.contains("WARN") && log.contains("authorized_keys:1"), "{log}");
    desk.know(&server);
    assert_eq!(desk.call(&server, &["--identity", "alice"], b"hello").code, 0);

    desk.write("known_hosts", format!("{} ssh-ed25519 broken\n", server.host()));
    let called = desk.call(&server, &["--identity", "alice"], b"hello");
    assert_eq!(called.code, 4);
    let (warning, error) = called.err.split_once('\n').unwrap();
    assert!(warning.contains("WARN") && warning.contains("known_hosts:1"), "{}", called.err);
    assert!(error.starts_with("error: ") && error.contains("known_hosts:1"), "{}", called.err);
}

#[test]
fn a_wrong_command_line_is_usage() {
    let desk = Desk::new();
    for arguments in [
        &[][..],
        &["dance"],
        &["serve"],
        &["serve", "--listen", "127.0.0.1:0", "--host-key", "host", "--cipher", "rot13"],
        &["serve", "--listen", "127.0.0.1:0", "--host-key", "host", "--allow-ip", "10.0.0.1/8"],
        &["serve", "--listen", "127.0.0.1", "--host-key", "host"],
        &["call"],
        &["call", "127.0.0.1:9"],
        &["call", "127.0.0.1", "--known-hosts", "known_hosts"],
        &["call", "127.0.0.1:9", "--known-hosts", "known_hosts", "--rekey-after", "0"],
        &["call", "127.0.0.1:9", "--known-hosts", "known_hosts", "--cipher", "rot13"],
    ] {
        let called = run(desk.command(arguments), b"");
        assert_eq!(called.code, 2, "{arguments:?}: {}", called.err);
        assert!(called.err.contains("--help"), "{}", called.err);
    }
}

#[test]
fn settings_and_addresses_that_cannot_be_used() {
    let desk = Desk::new();
    desk.write("known_hosts", "");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let called = run(desk.command(&["serve", "--listen", &address, "--host-key", "host"]), b"");
    assert_eq!(called.code, 6);
    assert!(called.err.starts_with(&format!("error: cannot listen on {address}: ")));
    let called = run(desk.command(&["call", "127.0.0.1:1", "--known-hosts", "known_hosts"]), b"");
    assert_eq!(called.code, 6);
    assert!(called.err.starts_with("error: [127.0.0.1]:1 cannot be reached: "), "{}", called.err);

    let twice = ["--cipher", "aes-256-gcm", "--cipher", "aes-256-gcm"];
    let called = serve(&desk, &[&["--host-key", "host"], &twice[..]].concat());
    assert_eq!(called.code, 6);
    assert!(called.err.contains("a cipher is named twice"), "{}", called.err);
}
