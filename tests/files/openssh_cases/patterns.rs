//! Patterns and lists of them, as lines of `known_hosts` have them.

use handfast::key::{Identity, PublicKey};
use handfast::trust::{Host, KnownHosts};

use crate::openssh_cases::cases::{Difference, hold};

/// Whether a line with this list is about this name.
fn listed(list: &str, name: &str, key: &PublicKey) -> bool {
    let line = format!("{list} {key}");
    let known = KnownHosts::parse("known_hosts", line.as_bytes()).unwrap();
    known.knows(&Host::new(name, 22).unwrap())
}

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn patterns() {
    const NO_CASE: &str = "names of hosts have no case, in OpenSSH's look-up neither";
    const DIFFERENCES: &[Difference] = &[
        ("openssh.match.L271", "1", NO_CASE),
        ("openssh.match.L272", "1", NO_CASE),
        ("openssh.match.L274", "1", NO_CASE),
    ];
    hold(&["pattern match_pattern", "pattern match_pattern_list"], DIFFERENCES, |case| {
        let key = Identity::generate().unwrap().public_key().clone();
        let (name, list) = (case.field("string").as_str(), case.text("pattern"));
        let seen = match case.text("fn") {
            // a name is never empty; with the same letter before both, nothing else changes
            "match_pattern" => {
                i64::from(listed(&format!("x{list}"), &format!("x{}", name.unwrap()), &key))
            }
            "match_pattern_list" => {
                let (list, name) = match name.unwrap() {
                    "" if !list.is_empty() => (prefixed(list), "x"),
                    name => (list.to_owned(), name),
                };
                let name = if name.is_empty() { "x" } else { name };
                match listed(&list, name, &key) {
                    true => 1,
                    // a list that says nothing of a name takes it in when it ends with all names
                    false if listed(&format!("{list},*"), name, &key) => 0,
                    false => -1,
                }
            }
            other => panic!("{other}"),
        };
        (case.expected() != seen).then(|| seen.to_string())
    });
}

/// The list with an `x` before each pattern.
fn prefixed(list: &str) -> String {
    let element = |element: &str| match element.strip_prefix('!') {
        Some(pattern) => format!("!x{pattern}"),
        None => format!("x{element}"),
    };
    list.split(',').map(element).collect::<Vec<_>>().join(",")
}
