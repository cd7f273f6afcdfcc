//! The files that say whom to trust.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::input::Script;
use super::{Reached, fixed};
use crate::trust::{
    AuthorizedKeys, Decision, Host, KnownHosts, Listed, Question, Verdict, listed, matches,
};

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
            Verdict::Revoked { at } => {
                // a certificate of it revokes it as well, and holds it in other base64
                let line = file.split(|&byte| byte == b'\n').nth(at.line() - 1).expect("a line");
                if !line.windows(10).any(|window| window == b"-cert-v01@") {
                    assert_contains(line, key);
                }
            }
            Verdict::Unknown { .. } => assert!(!known.knows(&host), "the host is unknown"),
            Verdict::CertificateRefused { .. } => panic!("a plain key is no certificate"),
        }
    }
    Reached::Proved
}

/// Holds a list of patterns against a name; the list stands in front.
pub fn patterns(data: &[u8]) -> Reached {
    let mut script = Script::new(data);
    let (list, name) = (script.chunk(), script.rest());
    // the product of their lengths is the time
    let name = name.get(..1024).unwrap_or(name);
    let verdict = listed(list, name);
    let all = [list, b",*"].concat();
    let (mut taken, mut excluded) = (false, false);
    for element in list.strip_suffix(b",").unwrap_or(list).split(|&byte| byte == b',') {
        let negated = element.strip_prefix(b"!");
        let found = matches(negated.unwrap_or(element), name);
        taken |= found && negated.is_none();
        excluded |= found && negated.is_some();
    }
    let is_short = list.split(|&byte| byte == b',').all(|element| element.len() < 1023);
    if is_short && !list.is_empty() {
        let expected = match (excluded, taken) {
            (true, _) => Listed::Excluded,
            (false, true) => Listed::Yes,
            (false, false) => Listed::No,
        };
        assert_eq!(verdict, expected, "an element is what it is alone");
        assert_eq!(listed(&all, name) == Listed::Excluded, excluded, "nothing lifts an exclusion");
    }
    if verdict == Listed::Yes { Reached::Proved } else { Reached::Nothing }
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

/// Reads options, asks at some times and from some addresses, and writes what they ask for again.
pub fn authorized_options(data: &[u8]) -> Reached {
    let alice = fixed::alice();
    let key = alice.public_key();
    let one_line: Vec<u8> = data.iter().copied().filter(|byte| *byte != b'\n').collect();
    let file = [&one_line, &b" "[..], key.to_string().as_bytes()].concat();
    let Ok(keys) = AuthorizedKeys::parse("authorized_keys", &file) else { return Reached::Nothing };
    let ask = |at: u64, from: Option<IpAddr>| {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
        let question = Question::new(key, at).honours_command();
        keys.decide(&from.map_or(question.clone(), |from| question.from(from)))
    };
    let (mut admitted, mut last) = (None, 0);
    for from in [None, Some([127, 0, 0, 1].into()), Some([192, 0, 2, 1].into())] {
        for at in [0, 1 << 31, u64::from(u32::MAX) << 6] {
            let decision = ask(at, from);
            assert!(!decision.to_string().contains(char::is_control), "{decision}");
            if let Decision::Admitted(entry) = decision {
                let permissions = entry.permissions();
                assert!(from.is_some() || permissions.from().is_none(), "it comes from nowhere");
                let expires = permissions.expires();
                last = expires.map_or(at, |last| {
                    last.duration_since(SystemTime::UNIX_EPOCH).expect("it is later").as_secs()
                });
                assert!(at <= last, "its time is over");
                admitted = Some(entry);
            }
        }
    }
    let Some(entry) = admitted else { return Reached::Nothing };
    let permissions = entry.permissions();
    assert!(!permissions.to_string().contains(char::is_control), "{permissions}");
    if permissions.expires().is_some() {
        for from in [None, Some([127, 0, 0, 1].into()), Some([192, 0, 2, 1].into())] {
            assert!(!matches!(ask(last + 1, from), Decision::Admitted(_)), "its time is over");
        }
    }
    Reached::Proved
}

/// Reads the value of `from=` and holds addresses against it.
pub fn from_list(data: &[u8]) -> Reached {
    let mut script = Script::new(data);
    let address = script.chunk();
    let mut octets = [0; 16];
    octets.iter_mut().zip(address).for_each(|(octet, byte)| *octet = *byte);
    let v6 = IpAddr::from(octets);
    let v4 = octets.first_chunk::<4>().map(|four| IpAddr::from(*four)).expect("there are 16");
    let rest = script.rest();
    // what would end the value, or the line
    let list: Vec<u8> =
        rest.iter().copied().filter(|byte| !matches!(byte, b'"' | b'\\' | b'\n' | 0)).collect();
    let alice = fixed::alice();
    let key = alice.public_key();
    let admits = |list: &[u8], from: IpAddr| {
        let file = [b"from=\"", list, b"\" ", key.to_string().as_bytes()].concat();
        let keys = AuthorizedKeys::parse("authorized_keys", &file).expect("it is one line");
        let question = Question::new(key, SystemTime::UNIX_EPOCH).from(from);
        matches!(keys.decide(&question), Decision::Admitted(_))
    };
    let mut reached = Reached::Nothing;
    for from in [v4, v6] {
        let mapped = match from {
            IpAddr::V4(from) => IpAddr::V6(from.to_ipv6_mapped()),
            from => from,
        };
        let admitted = admits(&list, from);
        assert_eq!(admits(&list, mapped), admitted, "a mapped address is the same");
        if admitted {
            reached = Reached::Proved;
            // excluding the address outweighs all, and more that is excluded admits nobody
            let excluded = format!(",!{}", from.to_canonical());
            assert!(!admits(&[&list, excluded.as_bytes()].concat(), from), "`!` outweighs all");
            assert!(admits(&[&list, &b",198.51.100.1"[..]].concat(), from), "one more element");
        }
    }
    reached
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
