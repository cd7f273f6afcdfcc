//! The files that say whom to trust.

use std::time::SystemTime;

use super::input::Script;
use super::{Reached, fixed};
use crate::trust::{AuthorizedKeys, Decision, Host, KnownHosts, Question, Verdict};

/// Reads a `known_hosts` and asks it about a host; the host stands in front.
pub fn known_hosts(data: &[u8]) -> Reached {
    let mut script = Script::new(data);
    let text = String::from_utf8_lossy(script.chunk()).into_owned();
    let host = Host::parse(&text, Some(22)).or_else(|_| Host::new(fixed::NAME, fixed::PORT));
    let host = host.expect("the name is good");
    let again = Host::new(host.name(), host.port());
    assert_eq!(again.as_ref(), Ok(&host), "a host is read again");
    let file = script.rest();
    let known = match KnownHosts::parse("known_hosts", file) {
        Ok(known) => known,
        Err(error) => {
            assert!(error.to_string().starts_with("known_hosts"), "{error}");
            return Reached::Nothing;
        }
    };
    let lines = file.split(|&byte| byte == b'\n').count();
    assert!(known.skipped().total() <= lines, "a line is skipped once");
    assert!(known.skipped().lines().iter().all(|line| line.place().line() <= lines));
    let accepted = known.keys_for(&host);
    for key in [fixed::host(), fixed::other_host(), fixed::alice()] {
        let key = key.public_key();
        let verdict = known.check(&host, key);
        assert!(!verdict.to_string().contains(char::is_control), "{verdict}");
        let matches = matches!(verdict, Verdict::Match { .. });
        assert_eq!(accepted.contains(key), matches, "hints are for keys that are accepted");
        match &verdict {
            Verdict::Match { by_port_fallback, .. } => {
                assert!(*by_port_fallback != known.knows(&host), "a fallback needs no line");
                assert_contains(file, key);
            }
            Verdict::Changed { known: others, .. } => {
                assert!(known.knows(&host) && !others.is_empty(), "another key is known");
            }
            Verdict::Revoked { .. } => assert_contains(file, key),
            Verdict::Unknown { .. } => assert!(!known.knows(&host), "the host is unknown"),
        }
    }
    Reached::Proved
}

/// Reads an `authorized_keys` and asks it about keys.
pub fn authorized_keys(data: &[u8]) -> Reached {
    let keys = match AuthorizedKeys::parse("authorized_keys", data) {
        Ok(keys) => keys,
        Err(error) => {
            assert!(error.to_string().starts_with("authorized_keys"), "{error}");
            return Reached::Nothing;
        }
    };
    let lines = data.split(|&byte| byte == b'\n').count();
    assert!(keys.skipped().total() <= lines, "a line is skipped once");
    for key in [fixed::host(), fixed::other_host(), fixed::alice()] {
        let key = key.public_key();
        let decision = keys.decide(&Question::new(key, SystemTime::UNIX_EPOCH));
        match &decision {
            Decision::Admitted(entry) => {
                assert!((1..=lines).contains(&entry.place().line()), "{decision}");
                assert_contains(data, key);
            }
            Decision::Refused(refused) => {
                assert!(refused.total() > 0, "a line refuses");
                assert!(!decision.to_string().contains(char::is_control), "{decision}");
                assert_contains(data, key);
            }
            Decision::Unlisted => {}
        }
    }
    Reached::Proved
}

/// A key that counts stands in the file, whatever else does.
#[track_caller]
fn assert_contains(file: &[u8], key: &crate::key::PublicKey) {
    // OpenSSH passes over white space within base64
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | 0x0b..=b'\r');
    let file: Vec<u8> = file.iter().copied().filter(|byte| !is_space(byte)).collect();
    let text = key.to_string();
    let base64 = text.split(' ').nth(1).expect("it is behind the type").as_bytes();
    assert!(file.windows(base64.len()).any(|window| window == base64), "no line holds {key}");
}
