//! `--revoked`: keys that are admitted by nothing.
//!
//! As sshd's `RevokedKeys`, where it is a list of keys and certificates, of which the plain keys
//! count: one that is not understood to the last line refuses everybody.

use std::path::Path;

use handfast::trust::{ListedKey, MAX_FILE, glued, list_keys};

use super::{Explanation, Verdict};
use crate::error::Failure;
use crate::paths;

/// Why the list shuts the key out, if it does.
pub(super) fn check(
    path: &Path,
    is_revoked_by: impl Fn(&ListedKey) -> bool,
) -> Result<Option<Explanation>, Failure> {
    let (name, bytes) = paths::read(path, MAX_FILE)?;
    if bytes.starts_with(b"SSHKRL\n\0") {
        let explanation = Explanation::new(
            Verdict::Reject,
            format!(
                "{name} is a key revocation list, which this version does not honour, and what cannot be honoured admits nobody"
            ),
        );
        return Ok(Some(
            explanation.by_file(&name).remedy("write the revoked keys as lines of public keys"),
        ));
    }
    let (keys, skipped) = list_keys(&name, &bytes)?;
    if let Some(line) = keys.iter().find(|line| is_revoked_by(line)) {
        let explanation =
            Explanation::new(Verdict::Reject, format!("{} revokes this key", line.place()))
                .at(line.place())
                .remedy("the client needs a new key");
        return Ok(Some(explanation));
    }
    let lines = (1..).zip(bytes.split(|&byte| byte == b'\n'));
    let mut two = lines.filter_map(|(number, line)| Some((number, glued(line)?)));
    if let Some((number, fault)) = two.next() {
        let reason = format!(
            "{name}:{number}: {fault}; a list of revoked keys that cannot be read to the last line admits nobody"
        );
        let mut explanation = Explanation::new(Verdict::Reject, reason);
        explanation.place = Some((name, Some(number)));
        return Ok(Some(explanation.remedy("put each on a line of its own")));
    }
    if let Some(line) = skipped.lines().first() {
        let explanation = Explanation::new(
            Verdict::Reject,
            format!(
                "{line}; a list of revoked keys that cannot be read to the last line admits nobody"
            ),
        );
        return Ok(Some(explanation.at(line.place()).remedy("correct the line")));
    }
    let odd = keys.iter().find(|line| !line.before().is_empty());
    Ok(odd.map(|line| {
        Explanation::new(
            Verdict::Reject,
            format!("{} is not a bare key, and a list of revoked keys that cannot be honoured admits nobody", line.place()),
        )
        .at(line.place())
        .remedy("write the revoked keys as lines of bare public keys")
    }))
}
