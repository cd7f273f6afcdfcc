//! `keytool explain host`.

use std::path::PathBuf;

use handfast::key::shell_path;
use handfast::trust::{KnownHosts, Verdict as Said};

use super::offered::{Offered, PLAIN};
use super::{Explanation, Verdict};
use crate::cli::ExplainHost;
use crate::error::{Answer, Failure};
use crate::paths;

pub(crate) fn run(args: &ExplainHost) -> Result<Answer, Failure> {
    let offered = Offered::read(&args.key)?;
    let known = KnownHosts::open_all(&args.files)?;
    let explained = |said| explained(said, args);
    let explanation = match &offered {
        Offered::Key { key, .. } => explained(known.check(&args.host, key)),
        Offered::Never { why, text, .. } => match known.check_text(&args.host, text) {
            // What the files accept cannot be used all the same.
            Ok(Said::Match { at, .. }) => {
                Explanation::new(Verdict::Refused, why).at(&at).remedy(PLAIN)
            }
            Ok(said) => explained(said).remedy(PLAIN),
            Err(_) => Explanation::new(Verdict::Refused, why).remedy(PLAIN),
        },
    };
    let asked = [("host", args.host.to_string()), ("key", offered.fingerprint().to_string())];
    explanation.print(&args.form, &asked)
}

fn explained(said: Said, args: &ExplainHost) -> Explanation {
    let (host, key_file) = (paths::host_word(&args.host), paths::word(&args.key));
    match &said {
        Said::Match { at, .. } => Explanation::new(Verdict::Match, &said).at(at),
        Said::Changed { at, .. } => Explanation::new(Verdict::Changed, &said).at(at).remedy(format!(
            "ask the host's operator; only if its key is another now, take out the line and add the new key: `keytool hosts remove {host} --file {file}`, `keytool hosts add {host} --key {key_file} --file {file}`",
            file = file_word(args, at.file())
        )),
        Said::Revoked { at } => Explanation::new(Verdict::Revoked, &said)
            .at(at)
            .remedy("whoever has this key is not the host; ask its operator for the new one"),
        Said::Unknown { .. } => Explanation::new(Verdict::Unknown, &said).note_empty(&args.files).remedy(format!(
            "compare the fingerprint with what the host's operator says, then `keytool hosts add {host} --key {key_file} --file {}`",
            // the file that a key is added to which none of them lists
            args.files.first().map(|path| paths::word(path)).unwrap_or_default()
        )),
        _ => match said.at() {
            Some(at) => Explanation::new(Verdict::Refused, &said).at(at).remedy(PLAIN),
            None => Explanation::new(Verdict::Refused, &said).remedy(PLAIN),
        },
    }
}

/// The file that messages show as `shown`, as a word of a command.
fn file_word(args: &ExplainHost, shown: &str) -> String {
    let is_shown =
        |path: &&PathBuf| paths::home(path).is_ok_and(|path| paths::shown(&path) == shown);
    args.files.iter().find(is_shown).map_or_else(|| shell_path(shown), |path| paths::word(path))
}
