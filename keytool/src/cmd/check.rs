//! `keytool check`.

mod authorized_keys;
mod findings;
mod kind;
mod known_hosts;
mod modes;
mod private_key;
mod public_key;
mod text;

use std::path::Path;

use handfast::key::is_utf16;
use handfast::trust::MAX_FILE;
use serde_json::json;
use zeroize::Zeroizing;

use self::findings::{Finding, Findings, Severity};
use crate::cli::{Check, Kind};
use crate::error::{Answer, Failure};
use crate::output::{self, data, json, talk};
use crate::paths;

/// What the binary lists of `ssh-keygen -k` begin with.
const KRL: &[u8] = b"SSHKRL\n\0";

pub(crate) fn run(args: &Check) -> Result<Answer, Failure> {
    let (mut all, mut unreadable) = (Vec::new(), false);
    for path in &args.files {
        match check(path, args.kind) {
            Ok(findings) => all.extend(findings.into_list()),
            Err(failure) if args.files.len() == 1 => return Err(failure),
            // The other files are looked at all the same.
            Err(failure) => {
                talk(format_args!("{}: {failure}", output::bad("error")));
                unreadable = true;
            }
        }
    }
    if args.json {
        json(&all.iter().map(to_json).collect::<Vec<_>>().into())?;
    } else {
        all.iter().try_for_each(|finding| data(line(finding)))?;
    }
    if unreadable {
        return Err(Failure::Io("not all of the files could be read".to_owned()));
    }
    if all.is_empty() {
        talk("nothing is wrong");
        return Ok(Answer::Done);
    }
    let count = |severity| all.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let plural = |count| if count == 1 { "" } else { "s" };
    talk(format_args!("{errors} error{}, {warnings} warning{}", plural(errors), plural(warnings)));
    Ok(Answer::No)
}

fn check(given: &Path, kind: Option<Kind>) -> Result<Findings, Failure> {
    if given == Path::new("-") {
        return Err(Failure::Usage(
            "standard input has no owner and no mode to check; give the path of a file".to_owned(),
        ));
    }
    let path = &paths::home(given)?;
    let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    if path.exists() && !is_file {
        let name = paths::shown(path);
        return Err(Failure::Io(format!("{name}: not a regular file; give the path of one")));
    }
    let (name, bytes) = paths::read(path, MAX_FILE)?;
    // It may be a private key's.
    let bytes = Zeroizing::new(bytes);
    let mut findings = Findings::of(name);
    if bytes.starts_with(KRL) {
        let problem = "it is a key revocation list, and this version does not honour those";
        findings.warning(None, problem, "revoke host keys by `@revoked` lines in known_hosts");
        return Ok(findings);
    }
    let kind = kind.unwrap_or_else(|| kind::recognise(path, &bytes));
    if kind != Kind::PrivateKey && is_utf16(&bytes) {
        // no line of it says anything
        findings.error(None, "this file is UTF-16", "save it as UTF-8");
        return Ok(findings);
    }
    if matches!(kind, Kind::PrivateKey | Kind::PublicKey)
        && let Some(empty) = paths::emptiness(&bytes)
    {
        let remedy = "restore it from a copy, or make a new key with `keytool generate`";
        findings.error(None, empty, remedy);
        return Ok(findings);
    }
    match kind {
        Kind::PrivateKey => private_key::check(path, &bytes, &mut findings),
        Kind::PublicKey => {
            text::check(path, &bytes, &mut findings);
            public_key::check(path, &bytes, &mut findings);
        }
        Kind::KnownHosts => {
            text::check(path, &bytes, &mut findings);
            known_hosts::check(path, &bytes, &mut findings);
        }
        Kind::AuthorizedKeys => {
            text::check(path, &bytes, &mut findings);
            authorized_keys::check(path, &mut findings);
        }
    }
    Ok(findings)
}

/// `known_hosts:3: error: what is wrong; what to do`.
fn line(finding: &Finding) -> String {
    let place = match finding.line {
        Some(line) => format!("{}:{line}", finding.file),
        None => finding.file.clone(),
    };
    let severity = match finding.severity {
        Severity::Error => output::bad("error"),
        Severity::Warning => output::doubtful("warning"),
    };
    format!("{place}: {severity}: {}; {}", finding.problem, finding.remedy)
}

fn to_json(finding: &Finding) -> serde_json::Value {
    json!({
        "file": finding.file,
        "line": finding.line,
        "severity": finding.severity.name(),
        "problem": finding.problem,
        "remedy": finding.remedy,
    })
}
