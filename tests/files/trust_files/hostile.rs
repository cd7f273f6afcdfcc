//! Whatever the bytes: no panic, and no trust without a line that holds the key.

use std::time::SystemTime;

use handfast::key::PublicKey;
use handfast::key::is_utf16;
use handfast::trust::{AuthorizedKeys, Decision, Host, KnownHosts, Question, Verdict};
use proptest::prelude::*;

use crate::trust_files::{ECDSA, RSA, keys};

/// Pieces of lines, so that some files say something.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let [a, b] = keys::<2>().map(|key| key.to_string());
    let fixed = [
        "h",
        "x",
        "[h]:7000",
        "*",
        "?",
        "!",
        "!h,*",
        ",",
        "[",
        "]:22",
        "|1|",
        "|",
        "#",
        "@revoked",
        "@cert-authority",
        "@",
        "restrict",
        "cert-authority",
        "from=\"h\"",
        "from=\"*\"",
        "expiry-time=\"20300102Z\"",
        "principals=\"a\"",
        "environment=\"A=b\"",
        "\"",
        "\\",
        "=",
        "ssh-ed25519",
        "ssh-rsa",
        "AAAA",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\0",
        "\u{b}",
        "\u{feff}",
        RSA,
        ECDSA,
    ];
    let mut pieces: Vec<Vec<u8>> = fixed.iter().map(|piece| piece.as_bytes().to_vec()).collect();
    for key in [&a, &b] {
        pieces.push(format!("h {key}\n").into_bytes());
        pieces.extend([key.clone().into_bytes(), key.replace(' ', "").into_bytes()]);
    }
    let piece = prop_oneof![9 => prop::sample::select(pieces), 1 => prop::collection::vec(any::<u8>(), 1..4)];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![3 => pieces(), 1 => prop::collection::vec(any::<u8>(), 0..400)]
}

/// The base64 of the key stands in the line; white space within it is passed over, as in OpenSSH.
fn holds(file: &[u8], line: usize, key: &PublicKey) -> bool {
    let line = file.split(|&byte| byte == b'\n').nth(line - 1).unwrap();
    let line: Vec<u8> = line.iter().copied().filter(|byte| !matches!(byte, 0xb..=0xd)).collect();
    let text = key.to_string();
    String::from_utf8_lossy(&line).contains(text.split_once(' ').unwrap().1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn known_hosts(file in bytes()) {
        let Ok(known) = KnownHosts::parse("known_hosts", &file) else { return Ok(()) };
        for host in ["h:22", "h:7000", "x:22"].map(|host| Host::parse(host, None).unwrap()) {
            for key in keys::<2>() {
                let verdict = known.check(&host, &key);
                match &verdict {
                    Verdict::Match { at, .. } | Verdict::Revoked { at } => {
                        prop_assert!(holds(&file, at.line(), &key));
                    }
                    Verdict::Changed { .. } => prop_assert!(known.knows(&host)),
                    _ => prop_assert!(!known.knows(&host)),
                }
                let accepted = matches!(verdict, Verdict::Match { .. });
                prop_assert_eq!(known.keys_for(&host).contains(&key), accepted);
            }
        }
    }

    #[test]
    fn authorized_keys(file in bytes()) {
        let keys_in_file = match AuthorizedKeys::parse("authorized_keys", &file) {
            Ok(keys) => keys,
            Err(error) => {
                prop_assert!(is_utf16(&file), "{}", error);
                return Ok(());
            }
        };
        for key in keys::<2>() {
            let question = Question::new(&key, SystemTime::UNIX_EPOCH);
            match keys_in_file.decide(&question) {
                Decision::Admitted(entry) => prop_assert!(holds(&file, entry.place().line(), &key)),
                Decision::Refused(lines) => {
                    prop_assert!(lines.lines().iter().all(|line| holds(&file, line.place().line(), &key)));
                }
                _ => {}
            }
        }
    }

    #[test]
    fn hosts(text in "\\PC{0,20}|[a-z0-9:.%\\[\\]]{0,20}") {
        if let Ok(host) = Host::parse(&text, Some(22)) {
            let again = Host::parse(&format!("[{}]:{}", host.name(), host.port()), None);
            prop_assert_eq!(again, Ok(host));
        }
    }
}
