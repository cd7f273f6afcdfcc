//! Patterns with `*` and `?`, and lists of them with `!`, as OpenSSH matches them.

/// From this length on a pattern makes its whole list match nothing.
pub(super) const TOO_LONG: usize = 1023;

/// What a list of patterns says of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    /// A pattern matches and none with `!` does.
    Yes,
    /// No pattern matches.
    No,
    /// A pattern with `!` matches; that outweighs all others.
    Excluded,
}

/// Whether `pattern` matches the whole of `text`: `*` stands for any run of bytes, `?` for one
/// byte.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Behind the latest `*`: the rest of the pattern, and where in the text it was last tried.
    // Going back further than to the latest one is never needed, so the time is at most the product
    // of the lengths.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), text.split_first()) {
            (Some((b'*', rest)), _) => {
                retry = Some((rest, text));
                pattern = rest;
            }
            (Some((p, after_p)), Some((t, after_t))) if *p == b'?' || p == t => {
                (pattern, text) = (after_p, after_t);
            }
            (None, None) => return true,
            _ => {
                let Some((rest, [_, later @ ..])) = retry else { return false };
                retry = Some((rest, later));
                (pattern, text) = (rest, later);
            }
        }
    }
}

/// What the comma list `patterns` says of `text`. Both are in lower case already where case does
/// not matter.
pub(crate) fn listed(patterns: &[u8], text: &[u8]) -> Listed {
    let mut found = Listed::No;
    for (negated, pattern) in elements(patterns) {
        if pattern.len() >= TOO_LONG {
            return Listed::No;
        }
        if matches(pattern, text) {
            if negated {
                return Listed::Excluded;
            }
            found = Listed::Yes;
        }
    }
    found
}

/// The elements of a comma list, each with whether it is negated.
pub(super) fn elements(patterns: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    // A comma ends an element; behind the last one there is none.
    let ended = patterns.strip_suffix(b",").unwrap_or(patterns);
    let none = if patterns.is_empty() { 0 } else { usize::MAX };
    ended.split(|&byte| byte == b',').take(none).map(|element| match element.strip_prefix(b"!") {
        Some(pattern) => (true, pattern),
        None => (false, element),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, without a thought for time.
    fn slow(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|skip| slow(rest, &text[skip..])),
            [b'?', rest @ ..] => !text.is_empty() && slow(rest, &text[1..]),
            [p, rest @ ..] => text.first() == Some(p) && slow(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn matches_as_defined(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(pattern, text), slow(pattern, text));
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches("a*".repeat(500).as_bytes(), "a".repeat(255).as_bytes()));
    }

    #[test]
    fn lists() {
        use Listed::{Excluded, No, Yes};
        let long = "x".repeat(1023);
        let almost = "x".repeat(1022);
        for (patterns, text, expected) in [
            ("", "", No),
            (",", "", Yes),
            ("a,", "", No),
            (",,a", "", Yes),
            ("!", "", Excluded),
            ("a,b", "b", Yes),
            ("!b,*", "b", Excluded),
            ("*,!b", "b", Excluded),
            ("!b", "a", No),
            ("!!b", "!b", Excluded),
            ("a,!c,*", "b", Yes),
            (&format!("a,{long}"), "a", No),
            (&format!("!a,{long}"), "a", Excluded),
            (&format!("a,!{long}"), "a", No),
            (&format!("a,{almost}"), "a", Yes),
        ] {
            assert_eq!(listed(patterns.as_bytes(), text.as_bytes()), expected, "{patterns} {text}");
        }
    }
}
