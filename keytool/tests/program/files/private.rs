//! Private keys that came through secret stores, editors and chats, and keys of other programs: what
//! is read, what is named, and that the commands in the messages do what they say.

use std::fs;

use super::quoting::commands;
use crate::files::desk::Desk;

/// A name that shows whether it was quoted.
const NAME: &str = "a key";

/// A desk with a whole pair, `k` and `k.pub`, and the text of the private key.
fn desk() -> (Desk, String) {
    let desk = Desk::new();
    desk.keygen(&["-q", "-t", "ed25519", "-N", "", "-C", "alice", "-f", "k"]);
    let text = desk.read("k");
    (desk, text)
}

fn put(desk: &Desk, text: impl AsRef<[u8]>) {
    let _ = fs::remove_file(desk.path(NAME));
    desk.write(NAME, text);
    desk.set_mode(NAME, 0o600);
    desk.write(&format!("{NAME}.pub"), desk.read("k.pub"));
}

/// Whether a text shows a part of the private key.
fn shows_the_key(said: &str, text: &str) -> bool {
    let secret: String = text.lines().filter(|line| !line.contains('-')).collect();
    // The first half holds the public key.
    let mut parts = (secret.len() / 2..secret.len() - 16).filter_map(|at| secret.get(at..at + 16));
    parts.any(|part| said.contains(part))
}

/// The one finding of `check`, without its place.
fn finding(desk: &Desk, text: &str) -> String {
    let (code, data, talk) = desk.keytool(&["check", NAME]);
    assert_eq!((code, data.lines().count()), (1, 1), "{data}{talk}");
    assert!(!shows_the_key(&data, text), "{data}");
    data.trim_end().strip_prefix("a key: ").expect("its place").to_owned()
}

/// The one command of a message.
fn command(message: &str) -> String {
    let mut commands = commands(message);
    assert_eq!(commands.len(), 1, "{message}");
    commands.swap_remove(0)
}

/// Runs the command of a message, and holds what it leaves against the whole key.
fn mend(desk: &Desk, message: &str) {
    let command = command(message);
    let (code, data, talk) = desk.shell(&command);
    assert_eq!((code, talk.as_str()), (0, ""), "{command}: {data}");
    assert_eq!(desk.mode(NAME), 0o600, "{command}");
    assert_eq!(desk.keygen(&["-y", "-f", NAME]), desk.read("k.pub"), "{command}");
    let (code, data, _) = desk.keytool(&["check", NAME]);
    assert_eq!((code, data.as_str()), (0, ""), "{command}");
}

#[test]
fn what_is_still_one_key_is_read_and_what_happened_is_named() {
    let (desk, text) = desk();
    let each = |f: fn(&str) -> String| text.lines().map(f).collect::<String>();
    for (changed, what) in [
        (format!("\u{feff}{text}"), "a byte order mark stands before it"),
        (format!("\n{text}"), "blank lines stand before its first line"),
        (each(|line| format!("    {line}\n")), "its lines are indented"),
        (each(|line| format!("{line} \n")), "there are blanks at the ends of its lines"),
        (each(|line| format!("{line}\r\n")), "its lines end in CR LF"),
        (text.trim_end().to_owned(), "its last line has no line end"),
        (
            format!("\u{feff}\n\t{}", text.trim_end().replace('\n', " \r\n\t")),
            "a byte order mark stands before it, blank lines stand before its first line, \
             its lines are indented, there are blanks at the ends of its lines, \
             its lines end in CR LF, its last line has no line end",
        ),
    ] {
        put(&desk, &changed);
        assert_eq!(desk.done(&["public", NAME]), desk.read("k.pub"), "{what}");
        assert_eq!(desk.done(&["fingerprint", NAME]), desk.done(&["fingerprint", "k"]), "{what}");
        let said = finding(&desk, &text);
        let expected = format!("warning: {what}, and OpenSSH does not read it so; take out ");
        assert!(said.starts_with(&expected), "{said}");
        mend(&desk, &said);

        // A new passphrase writes the file anew, as it should be.
        put(&desk, &changed);
        desk.write("secret", "one");
        desk.set_mode("secret", 0o600);
        desk.done(&["passphrase", NAME, "--new-passphrase-file", "secret"]);
        assert_eq!(desk.keygen(&["-y", "-P", "one", "-f", NAME]), desk.read("k.pub"), "{what}");
    }
}

#[test]
fn what_is_no_whole_key_any_more_is_named_with_what_mends_it() {
    let (desk, text) = desk();
    let utf16 = |bytes: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        format!("{mark}{text}").encode_utf16().flat_map(bytes).collect()
    };
    let lines = "its line breaks are lost";
    let literal = r"its line breaks are written as the two characters \n";
    let around = "there is other text before its first line or behind its last";
    for (changed, what) in [
        (text.replace('\n', " ").into_bytes(), lines),
        (text.replace('\n', "").into_bytes(), lines),
        (format!("\u{feff}{}\n", text.replace('\n', " ")).into_bytes(), lines),
        (text.replace('\n', "\\n").into_bytes(), literal),
        (text.replace('\n', "\\r\\n").into_bytes(), literal),
        (format!("\"{}\"\n", text.replace('\n', "\\n")).into_bytes(), literal),
        (format!("KEY='{text}'\n").into_bytes(), around),
        (format!("```\n{text}```\n").into_bytes(), around),
        (utf16(u16::to_le_bytes, "\u{feff}"), "the file is UTF-16"),
        (utf16(u16::to_be_bytes, "\u{feff}"), "the file is UTF-16"),
        (utf16(u16::to_le_bytes, ""), "the file is UTF-16"),
        (utf16(u16::to_be_bytes, ""), "the file is UTF-16"),
    ] {
        put(&desk, &changed);
        let said = finding(&desk, &text);
        let expected = format!("error: the private key cannot be read: {what}");
        assert!(said.starts_with(&expected), "{said}");
        // Who loads the key is told the same.
        for args in [&["public", NAME][..], &["passphrase", NAME, "--no-passphrase"]] {
            let (code, data, talk) = desk.keytool(args);
            assert_eq!((code, data.as_str()), (3, ""), "{talk}");
            let told = said.strip_prefix("error: ").expect("an error");
            assert_eq!(talk, format!("error: {NAME}: {told}\n"));
        }
        let (code, data, talk) = desk.keytool(&["fingerprint", NAME]);
        assert_eq!((code, data.as_str()), (3, ""));
        assert!(talk.contains(what), "{talk}");
        mend(&desk, &said);
    }
    put(&desk, desk.shell("base64 k").1);
    let said = finding(&desk, &text);
    assert!(said.contains("the whole file is encoded in base64"), "{said}");
    mend(&desk, &said);
}

/// Whatever became of the text, it is a private key.
#[test]
fn its_mode_is_checked_too() {
    let (desk, text) = desk();
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for changed in [
        format!("\u{feff}{text}").into_bytes(),
        format!("\n{text}").into_bytes(),
        text.replace('\n', "\n    ").into_bytes(),
        text.replace('\n', " ").into_bytes(),
        text.replace('\n', "\\n").into_bytes(),
        format!("KEY='{text}'").into_bytes(),
        text.replace("-----BEGIN", "\u{2014}BEGIN").into_bytes(),
        utf16,
        b"PuTTY-User-Key-File-3: ssh-ed25519\n".to_vec(),
        b"-----BEGIN EC PRIVATE KEY-----\n".to_vec(),
    ] {
        put(&desk, &changed);
        desk.set_mode(NAME, 0o644);
        let (code, data, _) = desk.keytool(&["check", NAME]);
        assert_eq!((code, data.lines().count()), (1, 2), "{data}");
        let mode = "a key: error: its mode is 0644, so that others have access to the private key; \
                    run `chmod 600 'a key'`\n";
        assert!(data.starts_with(mode), "{data}");
        let (code, _, talk) = desk.keytool(&["public", NAME]);
        assert_eq!(code, 3);
        assert!(talk.contains("a key: refused, for its mode is 0644"), "{talk}");
    }
}

#[test]
fn files_of_other_programs_are_named() {
    let (desk, _) = desk();
    for (kind, format, what) in [
        ("rsa", "PEM", "it is an RSA private key in a PEM file (PKCS#1)"),
        ("ecdsa", "PEM", "it is an ECDSA private key in a PEM file (SEC 1)"),
        ("rsa", "PKCS8", "it is an RSA private key in a PEM file (PKCS#8)"),
        ("ecdsa", "PKCS8", "it is an ECDSA private key in a PEM file (PKCS#8)"),
    ] {
        for passphrase in ["", "open sesame"] {
            let _ = fs::remove_file(desk.path(NAME));
            desk.keygen(&["-q", "-t", kind, "-m", format, "-N", passphrase, "-f", NAME]);
            let what = match (format, passphrase) {
                ("PKCS8", "open sesame") => {
                    "it is a private key in a PEM file (PKCS#8) under a passphrase"
                }
                _ => what,
            };
            for args in [&["check", NAME][..], &["public", NAME], &["fingerprint", NAME]] {
                let (_, data, talk) = desk.keytool(args);
                let said = format!("{data}{talk}");
                let expected = format!("not a private key in OpenSSH's format: {what}");
                assert!(said.contains(&expected), "{said}");
                assert!(said.contains("`ssh-keygen -p -f 'a key'`"), "{said}");
            }
        }
        // The command is one that ssh-keygen takes.
        desk.keygen(&["-q", "-p", "-P", "open sesame", "-N", "", "-f", NAME]);
        assert!(desk.read(NAME).starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"));
    }
}

#[test]
fn a_public_key_of_another_program_is_converted_by_the_command_in_the_message() {
    let (desk, _) = desk();
    desk.write("a key.pub", desk.keygen(&["-e", "-f", "k.pub"]));
    desk.set_mode("a key.pub", 0o600);
    for args in
        [&["check", "a key.pub"][..], &["fingerprint", "a key.pub"], &["public", "a key.pub"]]
    {
        let (code, data, talk) = desk.keytool(args);
        let said = format!("{data}{talk}");
        assert_ne!(code, 0, "{said}");
        assert!(said.contains("it is a public key in the format of RFC 4716"), "{said}");
        let command = command(&said);
        assert_eq!(command, "ssh-keygen -i -f 'a key.pub' > 'a key.openssh.pub'");
        assert_eq!(desk.shell(&command).0, 0);
        let line = desk.read("a key.openssh.pub");
        assert_eq!(line.trim_end(), desk.read("k.pub").trim_end().trim_end_matches(" alice"));
    }
}

#[test]
#[ignore = "needs puttygen"]
fn a_putty_file_is_converted_by_the_command_in_the_message() {
    let (desk, _) = desk();
    for (name, made) in [("a key.ppk", "a key.openssh"), (NAME, "a key.openssh")] {
        let _ = fs::remove_file(desk.path(made));
        let output = desk.run("puttygen", &["k", "-O", "private", "-o", name]);
        assert!(output.status.success(), "{output:?}");
        desk.set_mode(name, 0o600);
        let (code, _, talk) = desk.keytool(&["public", name]);
        assert_eq!(code, 3);
        assert!(talk.contains("it is a PuTTY file; export it in OpenSSH's format"), "{talk}");
        assert_eq!(desk.shell(&command(&talk)), (0, String::new(), String::new()));
        assert_eq!(desk.done(&["public", made]), desk.read("k.pub"));
    }
}
