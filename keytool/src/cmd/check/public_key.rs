//! What can be wrong with a file of one public key.

use std::path::Path;

use handfast::key::{KeyError, public_key_format, shell_path};
use handfast::trust::{LineFault, ListedKey, list_keys};

use super::findings::{Findings, Severity};
use super::modes;

pub(super) fn check(path: &Path, bytes: &[u8], findings: &mut Findings) {
    modes::check(path, findings);
    if let Some(format) = public_key_format(bytes) {
        let message = KeyError::OtherFormat { format }.for_file(path);
        return findings.message(Severity::Error, 1, &message, "copy the key anew");
    }
    let (keys, skipped) = match list_keys(findings.file(), bytes) {
        Ok(found) => found,
        Err(error) => {
            let message = error.kind().to_string();
            return findings.message(Severity::Error, error.line(), &message, "split the file");
        }
    };
    for line in skipped.lines() {
        if matches!(line.fault(), LineFault::Glued { .. }) {
            // Told of already.
            continue;
        }
        let fault = line.fault().to_string();
        findings.message(Severity::Error, line.place().line(), &fault, "copy the line anew");
    }
    match keys.as_slice() {
        [] if skipped.total() == 0 => {
            findings.error(None, "there is no key in it", &from_private(path))
        }
        [] => {}
        [key, more @ ..] => {
            of_use(key, findings);
            if !key.before().is_empty() {
                findings.error(
                    key.place().line(),
                    "something stands before the key",
                    "leave the bare key, `ssh-ed25519 AAAA... comment`",
                );
            }
            if let Some(second) = more.first() {
                findings.warning(
                    second.place().line(),
                    "there is more than one key in it, and programs read the first",
                    "put each key into a file of its own",
                );
            }
        }
    }
}

/// The command that writes the file anew.
fn from_private(path: &Path) -> String {
    let private = match path.extension() {
        Some(extension) if extension == "pub" => shell_path(path.with_extension("")),
        _ => "KEY".to_owned(),
    };
    format!("make it from the private key: `keytool public {private} > {}`", shell_path(path))
}

/// Says if a key can be used by nobody.
pub(super) fn of_use(key: &ListedKey, findings: &mut Findings) {
    let line = key.place().line();
    if key.public_key().is_some() {
        return;
    }
    match key.key_type() {
        "ssh-ed25519" => findings.error(line, WEAK, "remove it, and ask where it comes from"),
        certificate if certificate.contains("-cert-v01@") => findings.warning(
            line,
            "it is a certificate, and this version does not honour certificates",
            "use the plain key",
        ),
        other => findings.warning(
            line,
            &format!("keys of type {other} are not supported"),
            "make an Ed25519 key with `keytool generate`",
        ),
    }
}

pub(super) const WEAK: &str =
    "the key is no valid point of the curve, or one of small order under which anybody can forge";
