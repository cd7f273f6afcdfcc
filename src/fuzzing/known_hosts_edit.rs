//! Changes of a `known_hosts`: what is not touched stays, and what is written is read back.

use std::collections::BTreeSet;

use super::input::Script;
use super::{Reached, fixed};
use crate::key::PublicKey;
use crate::trust::{
    Edit, EditError, Host, KnownHosts, NewHost, ProvedKeys, Verdict, edit_known_hosts,
};

/// Changes a `known_hosts` in one way; what to do and the host stand in front.
pub fn known_hosts_edit(data: &[u8]) -> Reached {
    let mut script = Script::new(data);
    let what = script.u8();
    let text = String::from_utf8_lossy(script.chunk()).into_owned();
    let host = Host::parse(&text, Some(22)).or_else(|_| Host::new(fixed::NAME, fixed::PORT));
    let host = host.expect("the name is good");
    let before = script.rest();
    let (key, other) = (fixed::host(), fixed::other_host());
    let (key, others) = (key.public_key(), [other.public_key().clone()]);
    let proved = ProvedKeys::new(&host, key, &others);
    let edit = match what % 6 {
        0 => Edit::Add(NewHost::new(&host, key).comment("comment")),
        1 => Edit::Add(NewHost::new(&host, key).hashed(true).beside_others(true)),
        2 => Edit::Remove(&host),
        3 => Edit::Hash,
        4 => Edit::Learn(proved),
        _ => Edit::Rotate(proved),
    };
    let (after, touched) = match edit_known_hosts(before, &edit) {
        Ok((Some(after), touched)) => (after, touched),
        Ok((None, touched)) => {
            assert!(touched.is_empty(), "a file that stays has no line that was touched");
            return Reached::Hello;
        }
        Err(error) => {
            assert!(!matches!(error, EditError::Unreadable { .. }), "{error}");
            assert!(!error.to_string().contains(char::is_control), "{error}");
            return Reached::Nothing;
        }
    };
    assert_untouched(before, &after, &touched);
    let (old, new) = (read(before), read(&after));
    assert!(new.skipped().total() <= old.skipped().total(), "what is written can be read");
    assert_verdicts(&edit, &old, &new, &host, key);
    Reached::Proved
}

fn read(file: &[u8]) -> KnownHosts {
    KnownHosts::parse("known_hosts", file).expect("a file that was changed can be read")
}

/// Lines that were not touched stand in the new file byte for byte, in their order; a byte order
/// mark belongs to the file, not to the first of them, which may be removed.
fn assert_untouched(before: &[u8], after: &[u8], touched: &BTreeSet<usize>) {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let (before, after) = match (before.strip_prefix(MARK), after.strip_prefix(MARK)) {
        (Some(before), Some(after)) => (before, after),
        (Some(_), None) => panic!("the byte order mark is gone"),
        // the next line may begin with a mark of its own, which must not become the file's
        (None, Some(after)) => (before, after),
        (None, None) => (before, after),
    };
    let mut left = after.split(|&byte| byte == b'\n');
    for (line, number) in before.split(|&byte| byte == b'\n').zip(1..) {
        if !touched.contains(&number) {
            assert!(left.any(|kept| kept == line), "line {number} is gone");
        }
    }
}

fn assert_verdicts(
    edit: &Edit<'_>,
    old: &KnownHosts,
    new: &KnownHosts,
    host: &Host,
    key: &PublicKey,
) {
    let matches = |known: &KnownHosts, key: &PublicKey| {
        matches!(known.check(host, key), Verdict::Match { by_port_fallback: false, .. })
    };
    match edit {
        Edit::Add(_) => assert!(matches(new, key), "what was added counts"),
        Edit::Remove(_) => {
            let kept = |key: &PublicKey| !matches(new, key) || matches(old, key);
            assert!(new.keys_for(host).iter().all(kept), "no key is added");
        }
        Edit::Hash => {
            for key in [key, fixed::other_host().public_key(), fixed::alice().public_key()] {
                assert_eq!(matches(old, key), matches(new, key), "a hash is for the same name");
            }
            assert_eq!(old.knows(host), new.knows(host));
        }
        Edit::Learn(_) | Edit::Rotate(_) => {
            assert!(matches(old, key) && matches(new, key), "the key in use stays");
        }
    }
}
