//! What the documents say of the tests is so: every requirement of docs/PROTOCOL.md and every claim
//! of SECURITY.md names a test that is there, and every test cites requirements that are there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// All Rust files below these folders.
fn sources(folders: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left: Vec<_> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found
}

/// The tests that a text names as `file.rs::name`, between backticks.
fn named(text: &str) -> Vec<(String, String)> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.split_once("::"))
        .filter(|(file, _)| Path::new(file).extension().is_some_and(|end| end == "rs"))
        .map(|(file, name)| (file.to_owned(), name.to_owned()))
        .collect()
}

/// Whether a file has a function of this name that is a test, and not one that is left out.
fn has_test(file: &str, name: &str) -> bool {
    let Ok(text) = fs::read_to_string(root().join(file)) else { return false };
    // checks that a macro runs for each crypto backend
    let of_backends = text.split("per_backend!(").skip(1).filter_map(|list| list.split(')').next());
    if of_backends.flat_map(|list| list.split([',', ':'])).any(|check| check.trim() == name) {
        return true;
    }
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let is_it = line
            .trim_start_matches("async ")
            .strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('('));
        let attributes = || lines.iter().take(at).rev().take_while(|l| l.starts_with(['#', '/']));
        is_it && attributes().any(|l| l.starts_with("#[") && l.contains("test"))
    })
}

/// The ids that docs/PROTOCOL.md states.
fn stated() -> BTreeSet<String> {
    document("docs/PROTOCOL.md")
        .lines()
        .filter_map(|line| line.strip_prefix("- **[")?.split_once(']'))
        .map(|(id, _)| id.to_owned())
        .collect()
}

#[test]
fn every_requirement_is_held_by_a_test_that_is_there() {
    let text = document("docs/PROTOCOL.md");
    let mut left = stated();
    assert!(left.len() > 100, "the requirements were found");
    let index = text.split("## 12. Index").nth(1).unwrap();
    for row in index.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let (id, held) = (cells[1], cells[3]);
        if !left.remove(id) {
            assert!(id == "id" || id.starts_with('-'), "{id} is stated once and listed once");
            continue;
        }
        let tests = named(held);
        let by_type = held.starts_with("by type: ");
        let later = held.contains("not in this release");
        assert!(!tests.is_empty() || by_type || later, "{id} is held by nothing: {held}");
        for (file, name) in tests {
            assert!(has_test(&file, &name), "{id}: there is no test {name} in {file}");
        }
    }
    assert!(left.is_empty(), "not in the index: {left:?}");
}

#[test]
fn every_claim_of_security_is_held_by_a_test_that_is_there() {
    let text = document("SECURITY.md");
    let tests = named(&text);
    assert!(tests.len() > 40, "the tests were found");
    for (file, name) in tests {
        assert!(has_test(&file, &name), "there is no test {name} in {file}");
    }
    let mut in_claims = false;
    for line in text.lines() {
        let last = line.trim_end_matches('|').rsplit('|').next().unwrap().trim();
        match (line.starts_with('|'), last == "held by") {
            (false, _) => in_claims = false,
            (true, true) => in_claims = true,
            (true, false) if in_claims && !line.contains("---") => {
                let by_type = last.starts_with("by type: ");
                assert!(by_type || !named(last).is_empty(), "held by nothing: {line}");
            }
            (true, false) => {}
        }
    }
}

#[test]
fn every_requirement_that_a_test_cites_is_stated() {
    let stated = stated();
    let mut cited = 0;
    for file in sources(&["src", "tests"]) {
        let text = fs::read_to_string(&file).unwrap();
        let comments = text.lines().map(str::trim).filter(|line| line.starts_with("/// ["));
        for id in comments.flat_map(|line| line.split(['[', ']'])) {
            let theme = id.trim_end_matches(|c: char| c.is_ascii_digit()).strip_suffix('-');
            let is_id = theme.is_some_and(|t| t.chars().all(|c| c.is_ascii_uppercase()));
            if is_id && id.len() > 3 {
                assert!(stated.contains(id), "{}: {id} is not stated", file.display());
                cited += 1;
            }
        }
    }
    assert!(cited > 100, "the citations were found");
}
