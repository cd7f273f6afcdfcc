//! The commands in messages, pasted into a shell: they do what they say, with any name.

use std::fs;
use std::path::Path;

use crate::files::desk::{Desk, KEYTOOL, parts, public_line};

/// Names that a shell, a terminal, an option parser or a reader of messages could take for
/// something else.
const NAMES: [&str; 12] = [
    "a b",
    "it's",
    "a\"b",
    "$(touch pwned)",
    "`touch pwned`",
    "a; touch pwned",
    "a\ntouch pwned\nb",
    "-rf",
    "--help",
    "100% \\n",
    "a\u{1b}[2J\u{202e}b",
    "x*?[!a]",
];

/// The commands of a message, which stand in backquotes.
pub(super) fn commands(message: &str) -> Vec<String> {
    let programs = [
        "(umask 077; ",
        "puttygen ",
        "keytool ",
        "ssh-keygen ",
        "chmod ",
        "mkdir ",
        "sed ",
        "cat ",
        "chown ",
    ];
    let quoted = message.split('`').skip(1).step_by(2);
    quoted
        .filter(|text| programs.iter().any(|program| text.starts_with(program)))
        .map(str::to_owned)
        .collect()
}

/// A desk whose shell finds keytool by its name.
struct Shell(Desk);

impl Shell {
    fn new() -> Self {
        Self(Desk::new())
    }

    /// Runs the commands that a message shows, one after the other; all must succeed.
    fn paste(&self, message: &str, count: usize) {
        let shown = message.trim_end_matches('\n');
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{message:?}");
        let commands = commands(message);
        assert_eq!(commands.len(), count, "{message}");
        for line in commands {
            let folder = Path::new(KEYTOOL).parent().expect("the folder of keytool").display();
            let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
            let mut shell = self.0.command("sh", &["-c", &line]);
            let (code, data, talk) = parts(shell.env("PATH", path).output().expect("sh"));
            assert_eq!(code, 0, "{line}: {data}{talk}");
        }
        assert!(!self.0.path("pwned").exists(), "{message}");
    }
}

/// A path that no option parser of ours takes for an option.
fn arg(name: &str) -> String {
    format!("./{name}")
}

#[test]
fn a_mode_that_is_too_wide_is_mended_by_the_command_in_the_message() {
    for name in NAMES {
        let shell = Shell::new();
        let desk = &shell.0;
        desk.done(&["generate", "--no-passphrase", &arg(name)]);
        desk.set_mode(name, 0o644);
        let (code, _, talk) = desk.keytool(&["public", &arg(name)]);
        assert_eq!(code, 3, "{name:?}: {talk}");
        shell.paste(&talk, 1);
        assert_eq!(desk.mode(name), 0o600, "{name:?}");

        desk.set_mode(name, 0o644);
        let (_, data, _) = desk.keytool(&["check", &arg(name)]);
        shell.paste(&data, 1);
        assert_eq!(desk.mode(name), 0o600, "{name:?}");
    }
}

#[test]
fn a_name_with_a_dash_first_is_no_option() {
    let shell = Shell::new();
    let desk = &shell.0;
    desk.write("-rf", public_line(1, "alice"));
    desk.set_mode("-rf", 0o666);
    let (_, data, _) = desk.keytool(&["check", "--as", "authorized-keys", "--", "-rf"]);
    shell.paste(&data, 1);
    assert_eq!(desk.mode("-rf"), 0o644);
}

#[test]
fn what_is_missing_is_made_by_the_command_in_the_message() {
    for name in NAMES {
        let shell = Shell::new();
        let desk = &shell.0;
        let below = format!("{}/known", arg(name));
        desk.write("alice.pub", public_line(1, "alice"));
        let add = ["hosts", "add", "rpc.example.org", "--key", "alice.pub", "--file", &below];
        let (code, _, talk) = desk.keytool(&add);
        assert_eq!(code, 3, "{name:?}: {talk}");
        shell.paste(&talk, 1);
        desk.done(&add);
        fs::remove_dir_all(desk.path(name)).expect("the folder");

        let key = format!("{}/key", arg(name));
        let (code, _, talk) = desk.keytool(&["generate", "--no-passphrase", &key]);
        assert_eq!(code, 3, "{name:?}: {talk}");
        shell.paste(&talk, 1);
        desk.done(&["generate", "--no-passphrase", &key]);

        fs::remove_file(desk.path(name).join("key.pub")).expect("the public key");
        let (_, data, _) = desk.keytool(&["check", &key]);
        shell.paste(&data, 1);
        let (code, data, _) = desk.keytool(&["check", &key]);
        assert_eq!(code, 0, "{data}");
    }
}

#[test]
fn what_explain_advises_can_be_pasted() {
    for name in NAMES {
        let shell = Shell::new();
        let desk = &shell.0;
        let (key, known) = (arg(&format!("{name}.pub")), arg(name));
        desk.write(&format!("{name}.pub"), public_line(1, "alice"));
        desk.write("bob.pub", public_line(2, "bob"));
        desk.write(name, "");
        for host in ["rpc.example.org:7000", "a$(touch${IFS}pwned)", "-x"] {
            let host = format!("--host={host}");
            let explain = ["explain", "host", &known, &host, "--key", &key];
            let (_, data, _) = desk.keytool(&explain);
            shell.paste(&data, 1);
            desk.done(&explain);
            let other = ["explain", "host", &known, &host, "--key", "bob.pub"];
            let (_, data, _) = desk.keytool(&other);
            shell.paste(&data, 2);
            desk.done(&other);
        }
        desk.write(name, "");
        desk.set_mode(name, 0o600);
        let explain = [
            "explain",
            "client",
            "--authorized-keys",
            &known,
            "--login",
            "alice",
            "--from",
            "::1",
            "--key",
            &key,
        ];
        let (_, data, _) = desk.keytool(&explain);
        shell.paste(&data, 1);
        desk.done(&explain);
    }
}

/// What stands in a file may come from others.
#[test]
fn a_host_in_a_file_stays_a_word() {
    let shell = Shell::new();
    let desk = &shell.0;
    desk.keygen(&["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", "rsa"]);
    let rsa = desk.read("rsa.pub");
    for (host, word) in [
        ("a;touch${IFS}pwned", "'a;touch${ifs}pwned'"),
        ("--key=bob.pub", "'[--key=bob.pub]:22'"),
        ("|1|GhM4gMfrGk/Yvw1GC9/RI8ALpCg=|bEGVgF0bIvfbBTj4g0xHlYU9G+8=", "HOST"),
    ] {
        desk.write("known_hosts", format!("{host} {rsa}"));
        desk.set_mode("known_hosts", 0o600);
        let (_, data, _) = desk.keytool(&["check", "known_hosts"]);
        let expected = format!("`keytool hosts add {word} --beside --file known_hosts`");
        assert!(data.contains(&expected), "{data}");
    }
}

#[test]
fn lines_are_converted_by_the_command_in_the_message() {
    for name in NAMES {
        let shell = Shell::new();
        let desk = &shell.0;
        desk.write(name, format!("rpc.example.org {}\r\n", public_line(1, "x").trim_end()));
        desk.set_mode(name, 0o600);
        let check = ["check", "--as", "known-hosts", &arg(name)];
        let (_, data, _) = desk.keytool(&check);
        shell.paste(&data, 1);
        let (code, data, _) = desk.keytool(&check);
        assert_eq!((code, data.as_str()), (0, ""), "{name:?}");
    }
}
