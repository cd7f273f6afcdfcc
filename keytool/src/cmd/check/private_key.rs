//! What can be wrong with a private key file, and with the public key beside it.

use std::path::Path;

use handfast::key::{Identity, KeyError, PublicKey, printable, shell_path, text_changes};
use handfast::trust::{KeyFileError, MAX_FILE, list_keys};

use super::findings::{Findings, Severity};
use super::modes;
use crate::paths;

const ANEW: &str = "restore it from a copy, or make a new one with `keytool generate`";

pub(super) fn check(path: &Path, text: &[u8], findings: &mut Findings) {
    match Identity::load(path) {
        Err(KeyFileError::Permissions { mode, .. }) => findings.error(
            None,
            &format!("its mode is {mode:04o}, so that others have access to the private key"),
            &format!("run `chmod 600 {}`", shell_path(path)),
        ),
        // All else is about its contents, and found there.
        _ => modes::check(path, findings),
    }
    match Identity::from_openssh(text, None) {
        Ok(_) | Err(KeyError::PassphraseNeeded) => {}
        Err(problem) => findings.message(Severity::Error, None, &problem.for_file(path), ANEW),
    }
    let Ok(public) = PublicKey::from_openssh_private(text) else { return };
    let changes = text_changes(text).unwrap_or_default();
    if let Some(first) = changes.first() {
        let changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
        let problem = format!("{}, and OpenSSH does not read it so", changes.join(", "));
        findings.warning(None, &problem, &first.remedy(path));
    }
    beside(path, &public, findings);
}

/// The public key in the file beside it.
fn beside(path: &Path, public: &PublicKey, findings: &mut Findings) {
    let name = printable(&paths::public(path).to_string_lossy());
    let public_path = paths::public(path);
    let (word, public_word) = (shell_path(path), shell_path(&public_path));
    let remedy = format!("write it anew: `keytool public {word} > {public_word}`");
    let Ok((_, bytes)) = paths::read(&paths::public(path), MAX_FILE) else {
        let problem = format!("there is no public key beside it, or it cannot be read: {name}");
        return findings.warning(None, &problem, &remedy);
    };
    let keys = list_keys(&name, &bytes).map(|(keys, _)| keys).unwrap_or_default();
    match keys.first() {
        Some(key) if key.public_key() == Some(public) => {}
        Some(key) => findings.error(
            None,
            &format!(
                "{name} has another key: {}, and the private key's is {}",
                key.fingerprint(),
                public.fingerprint()
            ),
            &remedy,
        ),
        None => findings.error(None, &format!("{name} has no key that can be read"), &remedy),
    }
}
