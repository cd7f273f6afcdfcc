use std::fs;

use super::*;
use crate::key::Identity;
use crate::trust::{Host, KnownHosts, Verdict};

/// `KEY` stands for a key; gives the file before and after, and what was said.
fn hashed(text: &str) -> (String, String, Result<HashedHosts, EditError>) {
    let key = Identity::from_seed(&[1; 32]).public_key().to_string();
    let before = text.replace("KEY", &key);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known_hosts");
    fs::write(&path, &before).unwrap();
    let result = KnownHostsFile::new(&path).hash();
    (before, fs::read_to_string(path).unwrap(), result)
}

#[test]
fn names_are_hidden_and_still_match() {
    let (_, after, result) = hashed("# a\r\n \tA,[b]:7000\tKEY  two words\r\n\nc KEY");
    assert_eq!(result.unwrap().hashed.len(), 2);
    let lines: Vec<_> = after.split('\n').collect();
    assert_eq!((lines.len(), lines[0], lines[3]), (5, "# a\r", ""));
    for line in &lines[1..3] {
        assert!(line.starts_with("|1|") && line.contains("\tssh-ed25519 "), "{line}");
        assert!(line.ends_with("  two words\r"), "{line}");
    }
    assert!(lines[4].starts_with("|1|") && !lines[4].ends_with('\r'), "{after}");
    let known = KnownHosts::parse("known_hosts", after.as_bytes()).unwrap();
    let key = Identity::from_seed(&[1; 32]);
    for (name, line) in [("a:22", 2), ("b:7000", 3), ("c:22", 5)] {
        let host = Host::parse(name, None).unwrap();
        let verdict = known.check(&host, key.public_key());
        assert!(matches!(&verdict, Verdict::Match { at, .. } if at.line() == line), "{name}");
    }
}

#[test]
fn what_a_hash_cannot_stand_for_stays() {
    for (text, why) in [
        ("*.a KEY\n", Some(WhyKept::Pattern)),
        ("a,b? KEY\n", Some(WhyKept::Pattern)),
        ("a,!b KEY\n", Some(WhyKept::Pattern)),
        ("@revoked a KEY\n", Some(WhyKept::Marker)),
        ("@cert-authority a KEY\n", Some(WhyKept::Marker)),
        ("|1|AAECAwQFBgcICQoLDA0ODxAREhM=|AAECAwQFBgcICQoLDA0ODxAREhM= KEY\n", None),
        ("# a KEY\n\n", None),
    ] {
        let (before, after, result) = hashed(text);
        let result = result.unwrap();
        assert_eq!(after, before);
        assert_eq!(result.hashed, []);
        assert_eq!(result.kept.first().map(|kept| kept.why), why, "{text}");
    }
}

#[test]
fn a_file_with_a_line_that_cannot_be_read_is_not_changed() {
    for text in ["a KEY\nb ssh-ed25519 AAAA\n", "a KEY\n@Revoked b KEY\n", "a KEY\nb\0 KEY\n"] {
        let (before, after, result) = hashed(text);
        assert_eq!(after, before);
        assert!(
            matches!(&result, Err(EditError::InvalidLine { at, .. }) if at.line() == 2),
            "{result:?}"
        );
    }
}

/// Each of its names would repeat the comment: thirty gigabytes in all.
#[test]
fn a_line_that_would_grow_without_end_is_left() {
    let text = format!("{}z KEY {}\n", "a,".repeat(60_000), "x".repeat(500_000));
    let (before, after, result) = hashed(&text);
    assert!(matches!(result, Err(EditError::TooLarge { .. })));
    assert!(before == after);
}
