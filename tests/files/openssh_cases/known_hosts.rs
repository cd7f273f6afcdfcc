//! What the lines of `known_hosts` say, and the verdicts over them.

use std::fs;

use handfast::key::Fingerprint;
use handfast::trust::{
    FoundHost, Host, HostError, KnownHosts, KnownHostsFile, ListedKey, MatchedBy, TrustErrorKind,
    Verdict, list_keys,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::openssh_cases::cases::{Case, Difference, hold};

fn host(text: &str) -> Host {
    Host::parse(text, Some(22)).unwrap()
}

/// The fingerprint of the one key in a `.pub` file.
pub(crate) fn fingerprint(case: &Case, path: &str) -> Fingerprint {
    let (keys, _) = list_keys(path, &fs::read(case.path(path)).unwrap()).unwrap();
    keys.first().unwrap_or_else(|| panic!("no key in {path}")).fingerprint()
}

/// The lines of a file that are about a host.
fn found(content: &[u8], lookup: &str) -> Vec<FoundHost> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("known_hosts");
    fs::write(&path, content).unwrap();
    KnownHostsFile::new(path).find(&host(lookup)).unwrap()
}

/// A verdict in one word.
fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Match { .. } => "match",
        Verdict::Unknown { .. } => "unknown",
        Verdict::Changed { .. } => "changed",
        Verdict::Revoked { .. } => "revoked",
        Verdict::CertificateRefused { .. } => "cert-rejected",
        other => panic!("{other}"),
    }
}

/// A file without the lines for which it is refused as a whole, and whether there are any.
fn readable(content: &[u8]) -> (KnownHosts, bool) {
    let mut lines: Vec<&[u8]> = content.split(|&byte| byte == b'\n').collect();
    let mut refused = false;
    loop {
        match KnownHosts::parse("known_hosts", &lines.join(&b"\n"[..])) {
            Ok(known) => return (known, refused),
            Err(error) => {
                let marked = matches!(
                    error.kind(),
                    TrustErrorKind::MarkedLine { .. } | TrustErrorKind::HiddenMarker { .. }
                );
                assert!(marked && lines.len() > 1, "{error}");
                lines[error.line().unwrap() - 1] = b"";
                refused = true;
            }
        }
    }
}

const REFUSED: &str = "the file refused for a line with a marker, else as expected";

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn verdicts() {
    const WITH_PORT_22: &str =
        "`name:22` and `[name]:22` stand for no host in OpenSSH, whose file this is";
    const DIFFERENCES: &[Difference] = &[
        (
            "openssh.hostkeys.verdict.*",
            REFUSED,
            "line 37 begins with `@` and is not understood: it may have been a revocation",
        ),
        ("go.kh.NewKeyType", "unknown", WITH_PORT_22),
        ("go.kh.SameKeyType", "unknown", WITH_PORT_22),
        ("go.kh.IPAddress", "unknown", WITH_PORT_22),
        ("go.kh.IPv6Address", "unknown", WITH_PORT_22),
    ];
    hold(&["kh.lookup"], DIFFERENCES, |case| {
        let (known, refused) = readable(&case.file("file"));
        let verdict = known.check_text(&host(case.text("lookup")), case.file("key")).unwrap();
        let seen = word(&verdict);
        match (seen == case.expected(), refused) {
            (true, false) => None,
            (true, true) => Some(REFUSED.to_owned()),
            (false, _) => Some(seen.to_owned()),
        }
    });
}

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn lines() {
    const UNREADABLE: &str =
        "a line that cannot be read is about no host; OpenSSH, too, passes over it when it decides";
    const DIFFERENCES: &[Difference] = &[
        ("openssh.hostkeys.line38", "another lookup", UNREADABLE),
        ("openssh.hostkeys.line39", "another lookup", UNREADABLE),
        ("openssh.hostkeys.line40", "another lookup", UNREADABLE),
        ("openssh.hostkeys.line41", "another lookup", UNREADABLE),
        ("openssh.hostkeys.line42", "another lookup", UNREADABLE),
    ];
    hold(&["kh.line"], DIFFERENCES, |case| {
        let content = case.file("file");
        let number = usize::try_from(case.field("line").as_u64().unwrap()).unwrap();
        let line = content.split(|&byte| byte == b'\n').nth(number - 1).unwrap();
        let expected = case.expected();
        let seen = read(case, line, expected);
        let fields = expected.as_object().unwrap().iter();
        let other: Vec<_> =
            fields.filter(|(name, value)| seen[name] != **value).map(|(name, _)| &**name).collect();
        (!other.is_empty()).then(|| format!("another {}", other.join(", ")))
    });
}

/// What a line says, in the form of the cases.
fn read(case: &Case, line: &[u8], expected: &Value) -> Value {
    let (status, marker) = match KnownHosts::parse("known_hosts", line) {
        Ok(known) if known.skipped().total() > 0 => ("invalid", None),
        Ok(_) => ("ok", None),
        Err(_) => ("invalid", Some("error")),
    };
    let (keys, _) = list_keys("known_hosts", line).unwrap();
    let key = keys.first().filter(|_| status == "ok");
    let status = if status == "ok" && key.is_none() { "comment" } else { status };
    let mut seen = expected.clone();
    seen["status"] = status.into();
    let words: Vec<_> = key.map(|key| key.before().split(' ').collect()).unwrap_or_default();
    let (marked, hosts) = match words.as_slice() {
        ["@revoked", hosts] => ("revoke", Some(*hosts)),
        ["@cert-authority", hosts] => ("ca", Some(*hosts)),
        [hosts] => ("none", Some(*hosts)),
        _ => ("none", None),
    };
    seen["marker"] = marker.unwrap_or(marked).into();
    // of lines that cannot be read, and of hashed names, nothing is told
    if status == "ok" && !hosts.is_some_and(|hosts| hosts.starts_with('|')) {
        seen["hosts"] = json!(hosts);
    }
    seen["keytype"] = key.map_or("UNSPEC".to_owned(), ListedKey::short_type).into();
    seen["comment"] = json!(key.map(ListedKey::comment));
    if let Some(path) = expected["key"].as_str()
        && key.map(ListedKey::fingerprint) != Some(fingerprint(case, path))
    {
        seen["key"] = "another".into();
    }
    if expected["key"].is_null() && key.is_some() {
        seen["key"] = "one".into();
    }
    for (name, of_name) in seen["lookup"].as_object_mut().unwrap() {
        let found = found(line, name);
        let by = found.first().map(|found| found.by);
        *of_name = json!({ "match": by.is_some(), "hashed": by == Some(MatchedBy::Hash) });
    }
    seen
}

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn authorities() {
    hold(&["kh.authority"], &[], |case| {
        let key = fingerprint(case, case.text("key"));
        let is_authority = found(&case.file("file"), case.text("lookup")).iter().any(|found| {
            found.marker == Some("@cert-authority") && found.line.fingerprint() == key
        });
        (case.expected() != is_authority).then(|| is_authority.to_string())
    });
}

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn lines_that_must_not_be_usable() {
    hold(&["kh.parse_error"], &[], |case| {
        let content = case.file("file");
        let known = KnownHosts::parse("known_hosts", &content).ok()?;
        let host = host(case.text("lookup"));
        let usable = known.knows(&host) || known.skipped().total() == 0;
        usable.then(|| "usable".to_owned())
    });
}

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn fields() {
    const MARKED: &str =
        "a line that begins with `@` and is not understood may have been meant as a revocation";
    const DIFFERENCES: &[Difference] = &[
        ("go.kh.parse10", "the file refused", MARKED),
        ("go.kh.parse11", "the file refused", MARKED),
    ];
    hold(&["kh.parse"], DIFFERENCES, |case| {
        let content = case.file("file");
        let Ok(known) = KnownHosts::parse("known_hosts", &content) else {
            return Some("the file refused".to_owned());
        };
        let (keys, _) = list_keys("known_hosts", &content).unwrap();
        let error = match (keys.first(), known.skipped().lines().first()) {
            (Some(_), _) => None,
            (None, Some(line)) => Some(line.fault().to_string()),
            (None, None) => Some("EOF".to_owned()),
        };
        let expected = case.expected();
        // Go has words of its own for what is wrong with a line
        let same_error = match (expected["error"].as_str(), &error) {
            (Some("EOF"), Some(seen)) => seen == "EOF",
            (Some(_), Some(seen)) => seen != "EOF",
            (expected, seen) => expected.is_none() && seen.is_none(),
        };
        let hosts: Vec<_> =
            keys.iter().flat_map(|key| key.before().split(',')).map(str::to_owned).collect();
        let comment = keys.first().map(ListedKey::comment).filter(|comment| !comment.is_empty());
        let same_key =
            keys.iter().all(|key| key.fingerprint() == fingerprint(case, case.text("key")));
        let same = same_error
            && expected["marker"].is_null()
            && expected["hosts"] == json!(hosts)
            && expected["comment"] == json!(comment)
            && same_key;
        (!same).then(|| format!("{error:?} {hosts:?} {comment:?} {same_key}"))
    });
}

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn spellings() {
    const TWO_READINGS: &str = "the text can also be an address and a port; it is refused with both spellings to choose from";
    const DIFFERENCES: &[Difference] = &[
        ("go.kh.Normalize12", "refused as ambiguous", TWO_READINGS),
        ("go.kh.Normalize14", "refused as ambiguous", TWO_READINGS),
        ("go.kh.Normalize16", "refused as ambiguous", TWO_READINGS),
        ("go.kh.Normalize17", "refused as ambiguous", TWO_READINGS),
        ("go.kh.Normalize18", "refused as ambiguous", TWO_READINGS),
    ];
    hold(&["kh.normalize", "kh.format"], DIFFERENCES, |case| {
        let seen = match Host::parse(case.text("address"), Some(22)) {
            Ok(host) => host.to_string(),
            Err(HostError::Ambiguous { .. }) => "refused as ambiguous".to_owned(),
            Err(error) => error.to_string(),
        };
        (case.expected() != &seen).then_some(seen)
    });
}
