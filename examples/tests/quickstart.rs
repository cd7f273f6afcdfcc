//! The example `quickstart` says what it should. `cargo test` builds it.

use std::process::Command;

#[test]
fn it_shows_who_is_let_in_and_who_is_not() {
    let test = std::env::current_exe().unwrap();
    let examples = test.parent().unwrap().parent().unwrap().join("examples");
    let program = examples.join(format!("quickstart{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "run `cargo build --example quickstart` first");
    let output = Command::new(program).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert!(output.status.success(), "{text}");

    // what stands behind a name
    let one = |name: &str| {
        let start = format!("   {name:<17}");
        let mut rows = text.lines().filter_map(|line| line.strip_prefix(&start));
        match (rows.next(), rows.next()) {
            (Some(row), None) => row,
            _ => panic!("`{name}` does not stand there once:\n{text}"),
        }
    };
    let (host, alice) = (one("host_ed25519"), one("alice_ed25519"));
    assert!(host.starts_with("SHA256:") && alice.starts_with("SHA256:") && host != alice);
    assert_eq!(one("alice knows"), format!("the server is {host}"));
    assert_eq!(one("server knows"), format!("the client is {alice}"));
    for line in [
        "known_hosts:1 lists this key",
        "chacha20-poly1305, keys from X25519 + ML-KEM-768",
        "authorized_keys:1 lists this key, for alice@example.org",
    ] {
        assert!(text.lines().any(|seen| seen.trim() == line), "no `{line}` in:\n{text}");
    }
    assert!(text.contains("login alice, from 127.0.0.1:"), "{text}");
    assert_eq!(one("they talk"), "\"Are you there?\" \"I am here.\"");
    assert_eq!(one("bob hears"), "permission denied (2)");
    assert_eq!(one("server's reason"), "no line of authorized_keys lists this key");
    assert_eq!(one("alice expects"), format!("{host}, by known_hosts:1"));
    assert_ne!(one("it shows"), host);
}
