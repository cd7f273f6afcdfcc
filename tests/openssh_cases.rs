//! Cases whose expectations others wrote: those of OpenSSH's and Go's own tests.
//!
//! The folder is not part of the project. With it:
//! `OPENSSH_CASES=folder cargo test --test openssh_cases -- --ignored --nocapture`
#![cfg(feature = "files")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of it is test code, and not all of it in functions that are tests"
)]

#[path = "openssh_cases/authorized_keys.rs"]
mod authorized_keys;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What became of a case.
enum Outcome {
    Same,
    /// What was expected, and what came instead.
    Different(String),
}

/// A kind of cases, what runs one of them, and on which of them we differ, with the reason.
type Kind = (&'static str, fn(&Value, &Path) -> Outcome, &'static [(&'static str, &'static str)]);

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn every_case_gives_what_openssh_gives_or_differs_for_a_reason() {
    let folder = std::env::var_os("OPENSSH_CASES").expect("OPENSSH_CASES names the folder");
    let folder = PathBuf::from(folder);
    let text = std::fs::read_to_string(folder.join("cases.jsonl")).unwrap();
    let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: BTreeMap<_, _> =
        authorized_keys::KINDS.iter().map(|(kind, run, differ)| (*kind, (run, *differ))).collect();

    let mut counts = BTreeMap::<_, (usize, usize)>::new();
    let mut wrong = Vec::new();
    for case in &cases {
        let (kind, id) = (case["kind"].as_str().unwrap(), case["id"].as_str().unwrap());
        let Some((run, differ)) = kinds.get(kind) else { continue };
        let on_purpose = differ.iter().find(|(differs, _)| *differs == id);
        let count = counts.entry(kind).or_default();
        match (run(case, &folder), on_purpose) {
            (Outcome::Same, None) => count.0 += 1,
            (Outcome::Different(what), Some((_, reason))) => {
                count.1 += 1;
                println!("{id} differs: {what}; {reason}");
            }
            (Outcome::Same, Some(_)) => wrong.push(format!("{id} differs no longer")),
            (Outcome::Different(what), None) => wrong.push(format!("{id}: {what}")),
        }
    }
    for (kind, (same, different)) in &counts {
        println!("{kind}: {same} the same, {different} different on purpose");
    }
    assert_eq!(counts.len(), kinds.len(), "there are cases of each kind");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
