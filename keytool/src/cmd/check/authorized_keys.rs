//! What can be wrong with `authorized_keys`.

use std::collections::HashMap;
use std::path::Path;
use std::time::SystemTime;

use handfast::key::{Fingerprint, KeyError};
use handfast::trust::{
    AuthorizedKeys, AuthorizedKeysFile, AuthorizedLine, LineFault, LineState, Permissions,
    WhyRefused,
};

use super::findings::{Findings, Severity};
use super::public_key::WEAK;
use crate::cmd::authorize::reaches_nobody;

const REMEDY: &str = "correct or remove it";

pub(super) fn check(path: &Path, findings: &mut Findings) {
    if let Err(error) = AuthorizedKeys::open(path) {
        let message = format!("servers refuse the file: {}", error.kind());
        findings.message(Severity::Error, error.line(), &message, REMEDY);
    }
    let mut seen = HashMap::new();
    // Told of already, where it is an error.
    let _ = AuthorizedKeysFile::new(path).each_line(|line| {
        state(&line, findings);
        repetition(&line, &mut seen, findings);
    });
}

/// Says if a line before this one admits its key whenever it does. `seen` are the lines so far, by
/// key and conditions.
fn repetition(
    line: &AuthorizedLine,
    seen: &mut HashMap<(Fingerprint, String), usize>,
    findings: &mut Findings,
) {
    let (Some(key), LineState::Admits(permissions)) = (&line.key, &line.state) else { return };
    let (number, fingerprint) = (line.place.line(), key.fingerprint());
    // The first line that admits a key wins; one without conditions admits it always.
    let always = *permissions == Permissions::default();
    let options = if always { String::new() } else { key.before().to_ascii_lowercase() };
    let before = seen
        .get(&(fingerprint, String::new()))
        .or_else(|| seen.get(&(fingerprint, options.clone())));
    if let Some(first) = before {
        findings.warning(
            number,
            &format!("it is never reached, for line {first} is about the same key"),
            "remove one of the two",
        );
    }
    seen.entry((fingerprint, options)).or_insert(number);
}

fn state(line: &AuthorizedLine, findings: &mut Findings) {
    let number = line.place.line();
    match &line.state {
        LineState::Admits(permissions) if permissions.has_expired(SystemTime::now()) => {
            findings.warning(number, "it has expired, and admits nobody any more", "remove it")
        }
        LineState::Admits(permissions) if permissions.from().is_some_and(reaches_nobody) => {
            findings.warning(
                number,
                "it admits nobody: no address is in its `from=`, and names are not looked up",
                "list the addresses or networks it is about, or put `*` beside what is excluded",
            );
        }
        LineState::Skipped(LineFault::Key(KeyError::InvalidPoint)) => {
            findings.error(number, WEAK, "remove it, and ask where it comes from");
        }
        // Told of already.
        LineState::Skipped(LineFault::Glued { .. }) => {}
        LineState::Skipped(fault) => {
            let unsupported =
                matches!(fault, LineFault::Key(KeyError::UnsupportedAlgorithm { .. }));
            let severity = if unsupported { Severity::Warning } else { Severity::Error };
            findings.message(severity, number, &fault.to_string(), REMEDY);
        }
        LineState::Refused(why) => {
            // Options that cannot be read are a slip; an authority is what this version does not
            // honour.
            let severity = match why {
                WhyRefused::BadOptions { .. } => Severity::Error,
                _ => Severity::Warning,
            };
            findings.message(severity, number, &format!("it admits nobody: {why}"), REMEDY);
        }
        _ => {}
    }
}
