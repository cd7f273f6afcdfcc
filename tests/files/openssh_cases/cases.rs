//! The cases, and how they are counted.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

/// One line of `cases.jsonl`.
pub(crate) struct Case {
    value: Value,
    folder: PathBuf,
}

impl Case {
    pub(crate) fn id(&self) -> &str {
        self.text("id")
    }

    /// The kind; patterns are told apart by the function that they are for.
    fn kind(&self) -> String {
        match self.text("kind") {
            "pattern" => format!("pattern {}", self.text("fn")),
            kind => kind.to_owned(),
        }
    }

    /// A field that is a text.
    #[track_caller]
    pub(crate) fn text(&self, field: &str) -> &str {
        self.value[field].as_str().unwrap_or_else(|| panic!("{field} of {}", self.value))
    }

    pub(crate) fn field(&self, field: &str) -> &Value {
        &self.value[field]
    }

    pub(crate) fn expected(&self) -> &Value {
        &self.value["expect"]
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The content of the file that a field names.
    pub(crate) fn file(&self, field: &str) -> Vec<u8> {
        fs::read(self.path(self.text(field))).unwrap()
    }
}

/// A case, or with `*` at the end several, on which we differ on purpose: what comes out instead,
/// and why.
pub(crate) type Difference = (&'static str, &'static str, &'static str);

/// Runs all cases of some kinds and prints how many there are of each. A case holds where `run`
/// gives nothing; else it says what came out instead.
pub(crate) fn hold(kinds: &[&str], differences: &[Difference], run: fn(&Case) -> Option<String>) {
    let counts = count(kinds, differences, run);
    let missing: Vec<_> = counts.iter().filter(|(_, n)| **n == 0).map(|(kind, _)| kind).collect();
    assert!(missing.is_empty(), "no cases of {missing:?}");
}

/// As [`hold`], for kinds of which the folder may have no cases.
pub(crate) fn hold_some(kinds: &[&str], run: fn(&Case) -> Option<String>) {
    count(kinds, &[], run);
}

fn count<'a>(
    kinds: &[&'a str],
    differences: &[Difference],
    run: fn(&Case) -> Option<String>,
) -> BTreeMap<&'a str, usize> {
    let folder = env::var_os("OPENSSH_CASES").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| panic!("OPENSSH_CASES names no folder"));
    let lines = fs::read_to_string(folder.join("cases.jsonl")).unwrap();
    let mut counts: BTreeMap<&'a str, usize> = kinds.iter().map(|kind| (*kind, 0)).collect();
    let mut on_purpose = vec![0; differences.len()];
    let mut wrong = Vec::new();
    for line in lines.lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let case = Case { value, folder: folder.clone() };
        let Some(count) = counts.get_mut(&*case.kind()) else { continue };
        *count += 1;
        let listed = differences.iter().position(|(id, _, _)| match id.strip_suffix('*') {
            Some(start) => case.id().starts_with(start),
            None => case.id() == *id,
        });
        match (run(&case), listed) {
            (None, None) => {}
            (Some(seen), Some(at)) if seen == differences[at].1 => on_purpose[at] += 1,
            (None, Some(_)) => wrong.push(format!("{}: no longer differs", case.id())),
            (Some(seen), _) => {
                wrong.push(format!("{}: expected {}, got {seen}", case.id(), case.expected()));
            }
        }
    }
    for (kind, count) in &counts {
        println!("{kind}: {count} cases");
    }
    for ((id, seen, why), count) in differences.iter().zip(&on_purpose) {
        println!("{id}: {count} on purpose otherwise, {seen}: {why}");
        if *count == 0 {
            wrong.push(format!("{id}: there is no such case"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    counts
}
