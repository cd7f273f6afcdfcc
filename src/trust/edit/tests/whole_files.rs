//! Files that are refused as a whole, lines of two entries, and addresses in other spellings.

use super::super::*;
use super::{desk, host, key, removed_from};
use crate::trust::{AuthorizedKeys, KnownHosts};
use std::fs;

/// Two entries in one line: taking out the first would take the second with it.
#[test]
fn a_line_of_two_entries_is_never_changed() {
    let (a, b) = (key(1), key(2));
    let (plain, revoked) = (format!("h {a} me@lab"), format!("@revoked * {b}"));
    for (line, revokes) in [
        (format!("{plain}{revoked}"), true),
        (format!("h {a}{revoked}"), true),
        (format!("# the lab{revoked}"), true),
        (format!("{plain}x {b}"), false),
    ] {
        let content = format!("{line}\nx {a}\n");
        let (_folder, path) = desk("known_hosts", &content);
        let file = KnownHostsFile::new(&path);
        let fault = crate::trust::glued(line.as_bytes()).unwrap();
        let at = Place::new(&path.to_string_lossy().into(), 1);
        let expected = EditError::InvalidLine { at, fault }.to_string();
        assert_eq!(file.remove(&host("h")).unwrap_err().to_string(), expected);
        assert_eq!(file.hash().unwrap_err().to_string(), expected);
        assert_eq!(file.remove(&host("x")).is_err(), revokes, "{line}");
        fs::write(&path, &content).unwrap();
        let host = host("new.example.org");
        let added = file.add(&NewHost::new(&host, &a));
        assert_eq!(added.is_err(), revokes, "{line}");
        if revokes {
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }
}

/// With the line end that is missing, its last bytes are text and NUL bytes in turns.
#[test]
fn no_edit_makes_a_file_that_is_refused_as_utf16() {
    let content = b"\x80\0a\0b\0";
    let (_folder, path) = desk("known_hosts", content);
    assert!(KnownHosts::open(&path).is_ok());
    let added = KnownHostsFile::new(&path).add(&NewHost::new(&host("h"), &key(1)));
    let text = added.unwrap_err().to_string();
    assert!(text.ends_with(": this file is UTF-16; save it as UTF-8"), "{text}");
    assert_eq!(fs::read(&path).unwrap(), content);
}

/// PowerShell writes it, with `>` and with `>>`.
#[test]
fn nothing_is_appended_to_utf16() {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let line = format!("h {}\r\n", key(1));
    let (host, key) = (host("h"), key(2));
    for content in
        [wide(&format!("\u{feff}{line}")), wide(&line), [line.as_bytes(), &wide(&line)].concat()]
    {
        let (_folder, path) = desk("file", &content);
        let utf16 = |error: EditError| {
            let text = error.to_string();
            assert!(text.ends_with(": this file is UTF-16; save it as UTF-8"), "{text}");
            assert_eq!(fs::read(&path).unwrap(), content);
        };
        let known = KnownHostsFile::new(&path);
        let others = [key.clone()];
        let proved = ProvedKeys::new(&host, &key, &others);
        utf16(known.add(&NewHost::new(&host, &key)).unwrap_err());
        utf16(known.remove(&host).unwrap_err());
        utf16(known.hash().unwrap_err());
        utf16(known.learn(&proved).unwrap_err());
        utf16(known.rotate(&proved).unwrap_err());
        utf16(known.find(&host).unwrap_err().into());
        let authorized = AuthorizedKeysFile::new(&path);
        utf16(authorized.add(&NewKey::new(&key)).unwrap_err());
        utf16(authorized.remove(&key.fingerprint()).unwrap_err());
        utf16(authorized.lines().unwrap_err().into());
        utf16(KnownHosts::open(&path).unwrap_err().into());
        let off = crate::trust::StrictModes::Off;
        utf16(AuthorizedKeys::open_with(&path, &off).unwrap_err().into());
    }
}

#[test]
fn an_ipv6_address_goes_in_every_spelling() {
    let key = key(1);
    let long = "fd5f:4268:2387:97c1:0000:0000:0000:0003";
    for (before, name, after) in [
        ("[fd5f:4268:2387:97c1:0:0:0:2]:7000 KEY\n", "[fd5f:4268:2387:97c1::2]:7000", ""),
        ("[fd5f:4268:2387:97c1::2]:7000 KEY\n", "[FD5F:4268:2387:97c1:0:0:0:2]:7000", ""),
        ("h,fd5f:4268:2387:97c1:0:0:0:2 KEY\n", "fd5f:4268:2387:97c1::2", "h KEY\n"),
        ("fd5f:4268:2387:97C1:0:0:0:2,x KEY\n", "fd5f:4268:2387:97c1::2", "x KEY\n"),
        ("fd5f:4268:2387:97c1:0:0:0:2 KEY\n", "fd5f:4268:2387:97c1::3", "same"),
    ] {
        let [before, after] = [before, after].map(|text| text.replace("KEY", &key.to_string()));
        let after = if after == "same" { before.clone() } else { after };
        assert_eq!(removed_from(&before, name).0, after, "{before} {name}");
    }
    let revoked = format!("@revoked {long} {key}\n");
    let (_folder, path) = desk("known_hosts", &revoked);
    let host = host("fd5f:4268:2387:97c1::3");
    let found = KnownHostsFile::new(&path).find(&host).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].marker, found[0].by), (Some("@revoked"), MatchedBy::Name));
    let added = KnownHostsFile::new(&path).add(&NewHost::new(&host, &key));
    assert!(matches!(added, Err(EditError::Revoked { .. })), "{added:?}");
    // hashed by a program that does not shorten it
    let (_folder, path) =
        desk("known_hosts", format!("{} {key}\n", known_hosts::hash(long.as_bytes()).unwrap()));
    assert_eq!(KnownHostsFile::new(&path).find(&host).unwrap()[0].by, MatchedBy::Hash);
    assert_eq!(KnownHostsFile::new(&path).remove(&host).unwrap().removed.len(), 1);
}
