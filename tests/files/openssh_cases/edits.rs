//! Finding lines, and changing files.

use std::fs;

use handfast::key::Identity;
use handfast::trust::{Added, Host, KnownHosts, KnownHostsFile, NewHost, Verdict};
use serde_json::json;
use tempfile::TempDir;

use crate::openssh_cases::cases::{Case, Difference, hold};
use crate::openssh_cases::known_hosts::fingerprint;

/// A copy of the file of a case that may be changed.
fn copy(case: &Case) -> (TempDir, KnownHostsFile, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("known_hosts");
    let content = case.file("file");
    fs::write(&path, &content).unwrap();
    let file = KnownHostsFile::new(path);
    (folder, file, content)
}

fn host(text: &str) -> Host {
    Host::parse(text, Some(22)).unwrap()
}

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn found_lines() {
    hold(&["kh.find"], &[], |case| {
        let (_folder, file, _) = copy(case);
        let found = file.find(&host(case.text("lookup"))).unwrap();
        let lines: Vec<_> = found.iter().map(|found| found.line.place().line()).collect();
        let marker = found.first().and_then(|found| match found.marker {
            Some("@cert-authority") => Some("ca"),
            Some("@revoked") => Some("revoked"),
            _ => None,
        });
        let expected = case.expected();
        let keys = expected["keys"].as_array().unwrap().iter();
        let keys: Vec<_> = keys.map(|key| fingerprint(case, key.as_str().unwrap())).collect();
        let seen: Vec<_> = found.iter().map(|found| found.line.fingerprint()).collect();
        // of a hashed file only the keys are told, in whatever order
        let same_lines = match expected["lines"].is_null() {
            true => seen.len() == keys.len(),
            false => expected["lines"] == json!(lines) && seen == keys,
        };
        let same = same_lines
            && keys.iter().all(|key| seen.contains(key))
            && expected["marker"] == json!(marker);
        (!same).then(|| format!("{lines:?} {marker:?} {seen:?}"))
    });
}

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn changed_files() {
    const DIFFERENCES: &[Difference] = &[
        (
            "openssh.keygen-kh.edit.remove_wildcard",
            "unchanged",
            "a pattern stands for other hosts, too, which would be unknown then; it is named and stays",
        ),
        (
            "openssh.keygen-kh.edit.remove_multiple",
            "changed, but otherwise",
            "the other names of the line are other hosts; only the one that was named goes",
        ),
    ];
    hold(&["kh.edit"], DIFFERENCES, |case| {
        let (folder, file, before) = copy(case);
        let done = match case.text("op") {
            "remove" => file.remove(&host(case.text("host"))).map(drop),
            "hash" => file.hash().map(drop),
            other => panic!("{other}"),
        };
        let after = fs::read(folder.path().join("known_hosts")).unwrap();
        let result = match &done {
            Err(_) if after == before => "error",
            Err(error) => panic!("changed in spite of {error}"),
            Ok(()) if after == before => "unchanged",
            Ok(()) => "changed",
        };
        let expected = case.expected();
        if expected["result"] != result {
            return Some(result.to_owned());
        }
        let same = match expected["file"].as_str() {
            Some(path) => after == fs::read(case.path(path)).unwrap(),
            None => {
                assert_eq!(expected["no_line_matches"], "^host-[abfgh]");
                let text = String::from_utf8(after).unwrap();
                let plain = |line: &str| {
                    line.strip_prefix("host-")
                        .is_some_and(|rest| rest.starts_with(['a', 'b', 'f', 'g', 'h']))
                };
                !text.lines().any(plain)
            }
        };
        (!same).then(|| format!("{result}, but otherwise"))
    });
}

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn added_lines() {
    hold(&["kh.append"], &[], |case| {
        let (folder, file, before) = copy(case);
        let (host, key) = (host("new.example.org"), Identity::generate().unwrap());
        let added = file.add(&NewHost::new(&host, key.public_key())).unwrap();
        assert!(matches!(added, Added::Appended { .. }));
        let path = folder.path().join("known_hosts");
        let after = fs::read_to_string(&path).unwrap();
        assert!(after.as_bytes().starts_with(&before), "what was there stays");
        let verdict = KnownHosts::open(&path).unwrap().check(&host, key.public_key());
        let seen = json!({
            "lines_after": after.lines().count(),
            "readable_after": matches!(verdict, Verdict::Match { .. }),
        });
        (case.expected() != &seen).then(|| seen.to_string())
    });
}
