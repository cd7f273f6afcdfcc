use ssh_key::encoding::base64::{Base64, Encoding as _};

use super::super::tests::alice;
use super::*;
use crate::key::{Identity, text_changes};

fn text() -> String {
    alice().to_openssh(None).unwrap().to_string()
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2], mark: bool) -> Vec<u8> {
    let mark = if mark { "\u{feff}" } else { "" };
    format!("{mark}{text}").encode_utf16().flat_map(bytes).collect()
}

/// None of it can be base64, or a part of the two lines.
#[test]
fn white_space_and_a_mark_change_nothing() {
    use TextChange::*;

    let text = text();
    let each = |f: fn(&str) -> String| text.lines().map(f).collect::<String>();
    for (changed, changes) in [
        (text.clone(), vec![]),
        (format!("\u{feff}{text}"), vec![ByteOrderMark]),
        (format!("\n\n{text}\n\n"), vec![BlankLinesBefore]),
        (format!("\r\n \t\n{text}"), vec![BlankLinesBefore, Indented, TrailingBlanks, CrLf]),
        (each(|line| format!("    {line}\n")), vec![Indented]),
        (each(|line| format!("{line} \t\n")), vec![TrailingBlanks]),
        (each(|line| format!("{line}\r\n")), vec![CrLf]),
        (each(|line| format!("{line} \r\n")), vec![TrailingBlanks, CrLf]),
        (text.trim_end().to_owned(), vec![NoLastLineEnd]),
        (
            format!("\u{feff}\n\t{}", text.trim_end().replace('\n', " \r\n ")),
            vec![ByteOrderMark, BlankLinesBefore, Indented, TrailingBlanks, CrLf, NoLastLineEnd],
        ),
    ] {
        let read = Identity::from_openssh(&changed, None).unwrap();
        assert_eq!(read.public_key(), alice().public_key(), "{changed:?}");
        assert_eq!(text_changes(&changed), Ok(changes), "{changed:?}");
    }
    let secret = alice().to_openssh(Some(b"secret")).unwrap();
    let read = Identity::from_openssh(format!("\u{feff}\n{}", *secret), Some(b"secret")).unwrap();
    assert_eq!(read.public_key(), alice().public_key());
}

#[test]
fn other_changes_are_named_and_refused() {
    use TextChange::*;

    let text = text();
    let spaces = text.replace('\n', " ");
    let literal = text.replace('\n', "\\n");
    let twice = Base64::encode_string(text.as_bytes());
    let bare: String = text.lines().filter(|line| !line.contains('-')).collect();
    for (changed, change) in [
        (spaces.clone(), LineBreaksLost),
        (spaces.trim_end().to_owned(), LineBreaksLost),
        (text.replace('\n', ""), LineBreaksLost),
        (format!("\u{feff}  {spaces}"), LineBreaksLost),
        (text.replacen("-----\n", "----- ", 1), LineBreaksLost),
        (text.replacen("\n-----END", " -----END", 1), LineBreaksLost),
        (literal.clone(), LiteralLineBreaks),
        (text.replace('\n', "\\r\\n"), LiteralLineBreaks),
        (format!("\"{literal}\""), LiteralLineBreaks),
        (format!("{{\"key\": \"{literal}\"}}\n"), LiteralLineBreaks),
        (format!("KEY=\"{text}\""), TextAround),
        (format!("```\n{text}```\n"), TextAround),
        (format!("here is the key:\n{text}"), TextAround),
        (text.replace('\n', "\n> "), TextAround),
        (text.trim_end().to_owned() + "\"\n", TextAround),
        (text.replace("-----", "\u{2014}\u{2014}-"), Dashes),
        (text.replace("-----BEGIN", "----BEGIN"), Dashes),
        (text.replace("END OPENSSH PRIVATE KEY-----", "END OPENSSH PRIVATE KEY"), Dashes),
        (twice, Base64Twice),
        (bare, LinesMissing),
    ] {
        let error = Identity::from_openssh(&changed, None).unwrap_err();
        assert_eq!(error, KeyError::ChangedText { change }, "{changed:?}");
        assert_eq!(text_changes(&changed), Err(error));
        assert!(is_private(changed.as_bytes()) || change == TextAround, "{changed:?}");
        assert!(!change.loads());
    }
}

#[test]
fn utf_16_is_named() {
    type Bytes = fn(u16) -> [u8; 2];
    let orders: [(Bytes, bool); 2] = [(u16::to_le_bytes, false), (u16::to_be_bytes, true)];
    let text = text();
    for (bytes, big_endian) in orders {
        for marked in [true, false] {
            for text in [&text, &text.replace('\n', "\r\n"), &format!("\r\n{text}")] {
                let changed = utf16(text, bytes, marked);
                let change = TextChange::Utf16 { big_endian, marked };
                let error = Identity::from_openssh(&changed, None).unwrap_err();
                assert_eq!(error, KeyError::ChangedText { change });
                assert!(is_private(&changed));
            }
        }
    }
}

#[test]
fn a_file_that_was_cut_off_or_is_none_is_named() {
    let first = "its first line is not `-----BEGIN OPENSSH PRIVATE KEY-----`";
    let last = "its last line, `-----END OPENSSH PRIVATE KEY-----`, is missing";
    for (text, reason) in [
        ("", "the file is empty"),
        (" \n\n", "the file is empty"),
        ("\u{feff}", "the file is empty"),
        ("hello", first),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", last),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n", last),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END\n", last),
        (
            "-----BEGIN OPENSSH PRIVATE KEY-----\n@@@@\n-----END OPENSSH PRIVATE KEY-----\n",
            "its base64 is not valid",
        ),
    ] {
        let expected = KeyError::InvalidPrivateKey { reason };
        assert_eq!(Identity::from_openssh(text, None).unwrap_err(), expected, "{text:?}");
    }
}

#[test]
fn other_formats_are_named_with_what_converts_them() {
    let path = std::path::Path::new("a b.ppk");
    for (text, what, command) in [
        (
            "-----BEGIN RSA PRIVATE KEY-----\n",
            "an RSA private key in a PEM file (PKCS#1)",
            "`ssh-keygen -p -f 'a b.ppk'`",
        ),
        (
            "-----BEGIN EC PRIVATE KEY-----\n",
            "an ECDSA private key in a PEM file (SEC 1)",
            "`ssh-keygen -p -f 'a b.ppk'`",
        ),
        (
            "-----BEGIN DSA PRIVATE KEY-----\n",
            "a DSA private key in a PEM file",
            "`ssh-keygen -p -f 'a b.ppk'`",
        ),
        (
            "\u{feff}-----BEGIN PRIVATE KEY-----\r\nMC4CAQAwBQYDK2VwBCIEIMp8zsmVaOUm0j4e4+AxtRBSYOXp2TOxB8a0SuFoC1Q8\r\n",
            "an Ed25519 private key in a PEM file (PKCS#8)",
            "`ssh-keygen -p -f 'a b.ppk'`",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIG/AIBADANBgkqhkiG9w0BAQEFAASCBuYwggbiAgEAAoIBgQCYFzz3mIm3S0s/\n",
            "an RSA private key in a PEM file (PKCS#8)",
            "`ssh-keygen -p -f 'a b.ppk'`",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjAYxICLKY9PB4tHl\n",
            "an ECDSA private key in a PEM file (PKCS#8)",
            "`ssh-keygen -p -f 'a b.ppk'`",
        ),
        (
            "-----BEGIN PRIVATE KEY-----\n",
            "a private key in a PEM file (PKCS#8)",
            "`ssh-keygen -p -f 'a b.ppk'`",
        ),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
            "a private key in a PEM file (PKCS#8) under a passphrase",
            "`ssh-keygen -p -f 'a b.ppk'`",
        ),
        (
            "PuTTY-User-Key-File-3: ssh-ed25519\r\n",
            "a PuTTY file",
            "`puttygen 'a b.ppk' -O private-openssh -o 'a b.openssh'`",
        ),
        (
            "PuTTY-User-Key-File-2: ssh-rsa\r\n",
            "a PuTTY file of a key that is not Ed25519",
            "`ssh-keygen -t ed25519`",
        ),
        (
            "---- BEGIN SSH2 PUBLIC KEY ----\n",
            "the format of RFC 4716",
            "`ssh-keygen -i -f 'a b.ppk' > 'a b.ppk.openssh.pub'`",
        ),
        (
            "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n",
            "a private key of ssh.com",
            "`ssh-keygen -t ed25519`",
        ),
        ("SSH PRIVATE KEY FILE FORMAT 1.1\n\0", "SSH version 1", "`ssh-keygen -t ed25519`"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "a PGP file", "`ssh-keygen -t ed25519`"),
        ("-----BEGIN CERTIFICATE-----\n", "an X.509 certificate", "`ssh-keygen -t ed25519`"),
        (
            "-----BEGIN PUBLIC KEY-----\n",
            "a public key in a PEM file",
            "`ssh-keygen -i -m PKCS8 -f 'a b.ppk'`",
        ),
        ("-----BEGIN X-----\n", "a PEM file of another kind", "`ssh-keygen -t ed25519`"),
        ("\n ssh-ed25519 AAAA", "it is a public key; the private key's file has no `.pub`", ""),
    ] {
        let error = Identity::from_openssh(text, None).unwrap_err();
        assert!(matches!(error, KeyError::OtherFormat { .. }), "{text}: {error:?}");
        let told = error.for_file(path);
        assert!(told.contains(what) && told.contains(command), "{told}");
        assert_eq!(
            told.replace("'a b.ppk'", "FILE")
                .replace("'a b.openssh'", "FILE.openssh")
                .replace("'a b.ppk.openssh.pub'", "FILE.openssh.pub"),
            error.to_string()
        );
    }
}
