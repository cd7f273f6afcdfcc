use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn key() -> PublicKey {
    (0..=u8::MAX).find_map(|n| PublicKey::from_bytes(&[n; 32]).ok()).unwrap()
}

#[test]
fn a_line_has_what_was_asked_for() {
    let key = key();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_553_445);
    let new = NewKey::new(&key);
    for (new, expected) in [
        (new.clone(), format!("{key}")),
        (new.clone().comment("alice"), format!("{key} alice")),
        (
            new.clone().from("10.0.0.0/8,!10.1.0.0/16").expires(at),
            format!("from=\"10.0.0.0/8,!10.1.0.0/16\",expiry-time=\"20300102030405Z\" {key}"),
        ),
        (
            new.clone().cert_authority().principals("alice,bob").comment("ca"),
            format!("cert-authority,principals=\"alice,bob\" {key} ca"),
        ),
    ] {
        assert_eq!(new.line().unwrap().0, expected);
    }
}

#[test]
fn values_that_would_mean_something_else_are_refused() {
    let key = key();
    let new = NewKey::new(&key);
    let refused = |new: NewKey<'_>| new.line().unwrap_err().to_string();
    for (list, reason) in [
        (
            "10.1.2.3/8",
            "`10.1.2.3/8` in its option `from` is not a network: bits are set behind its prefix",
        ),
        ("", "`` in its option `from` is empty"),
        ("a b", "it holds a blank, which would be part of what is compared"),
        ("a\"", "it holds a quote or a backslash"),
        ("a\\", "it holds a quote or a backslash"),
        ("a\n", "it holds a blank, which would be part of what is compared"),
    ] {
        let shown = shown_whole(list);
        assert_eq!(
            refused(new.clone().from(list)),
            format!("`{shown}` cannot be the value of the option `from`: {reason}")
        );
    }
    assert!(refused(new.clone().principals("alice")).contains("lacks `cert-authority`"));
    for logins in ["", "alice,", ",alice", "alice,,bob"] {
        let error = refused(new.clone().cert_authority().principals(logins));
        assert!(error.ends_with("a name in it is empty"), "{error}");
    }
    assert!(
        refused(new.clone().cert_authority().principals("al\u{202e}ice")).contains("direction")
    );
    let error = refused(new.expires(SystemTime::UNIX_EPOCH));
    assert!(error.starts_with("`1970-01-01T00:00:00Z` cannot"), "{error}");
}

proptest! {
    /// Whatever is asked for is refused, or written as a line that is one entry and means it.
    #[test]
    fn a_line_reads_back_as_one_entry(
        comment in "\\PC{0,20}|[ -~\t\n\r\"\\\\]{0,20}",
        from in prop::option::of("[0-9.,/*?!:a-f]{0,20}|\\PC{0,8}|[ -~\n]{0,8}|10\\.[0-9]\\.0\\.0/16"),
        expires in prop::option::of(0u64..300_000_000_000),
        principals in prop::option::of("[a-z,]{0,12}|\\PC{0,8}|[ -~\n]{0,8}"),
        cert_authority: bool,
    ) {
        let key = key();
        let mut new = NewKey::new(&key).comment(&comment);
        new.from = from.as_deref();
        new.expires = expires.map(|s| SystemTime::UNIX_EPOCH + Duration::from_secs(s));
        new.principals = principals.as_deref();
        new.cert_authority = cert_authority;
        match new.line() {
            Ok((text, meaning)) => {
                let file = format!("# before\n{text}\n# behind\n");
                let keys = crate::trust::AuthorizedKeys::parse("f", file.as_bytes()).unwrap();
                prop_assert_eq!(keys.skipped().total(), 0);
                let [line] = keys.lines_of(&key) else { panic!("{text} is one entry") };
                prop_assert_eq!(line.place.line(), 2);
                prop_assert_eq!(&line.permissions, &meaning);
                prop_assert_eq!(&line.comment, comment.trim_matches([' ', '\t']).trim_end());
                prop_assert!(new.is_meant(&line.permissions));
            }
            Err(error) => prop_assert!(!matches!(error, EditError::Unreadable { .. }), "{error}"),
        }
    }
}
