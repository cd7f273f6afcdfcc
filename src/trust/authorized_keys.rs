//! `authorized_keys`: which keys a server admits.

mod decision;
pub(super) mod options;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

pub use self::decision::{Decision, Entry, RefusedLine, WhyRefused};
use self::options::{Options, split_options};
use super::file::{Contents, Ownership, split_at_blank, trim_start};
use super::key_text::KeyText;
use super::{LineFault, Place, SkippedLines, TrustError};
use crate::key::{PublicKey, is_key_type};

/// What an `authorized_keys` file said when it was read; a snapshot that is cheap to clone.
///
/// ```
/// use handfast::key::Identity;
/// use handfast::trust::{AuthorizedKeys, Decision};
///
/// let alice = Identity::generate()?;
/// let text = format!("{} alice@example.org\n", alice.public_key());
/// let keys = AuthorizedKeys::parse("authorized_keys", text.as_bytes())?;
///
/// let Decision::Admitted(entry) = keys.find(alice.public_key()) else { panic!() };
/// assert_eq!(entry.comment(), "alice@example.org");
/// assert_eq!(entry.place().to_string(), "authorized_keys:1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct AuthorizedKeys(Arc<Lines>);

#[derive(Debug, Default)]
struct Lines {
    /// The lines of each key, in their order.
    by_key: HashMap<PublicKey, Vec<Line>>,
    skipped: SkippedLines,
}

/// A line whose key was read.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) entry: Entry,
    /// Why the line admits nobody, if so.
    pub(super) refused: Option<WhyRefused>,
}

impl AuthorizedKeys {
    /// Reads a file; `~/` at the start of `path` stands for the home directory.
    ///
    /// On Unix, root or the user of this process must own the file, and nobody else may write to
    /// it.
    ///
    /// # Errors
    /// Whatever keeps the file from being read, and an owner or mode that lets others admit anyone.
    /// A file that does not exist is an error too; an empty one admits nobody.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TrustError> {
        Self::collect(&Contents::read(path.as_ref(), Ownership::Strict)?)
    }

    /// Takes the bytes of a file that comes from elsewhere; `name` stands for its path in messages.
    ///
    /// # Errors
    /// As [`open`](Self::open), where it is about the contents.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, TrustError> {
        Self::collect(&Contents::new(name, bytes)?)
    }

    /// As [`parse`](Self::parse), for a file that has been read.
    pub(super) fn of(contents: &Contents) -> Result<Self, TrustError> {
        Self::collect(contents)
    }

    fn collect(file: &Contents) -> Result<Self, TrustError> {
        let mut lines = Lines::default();
        for line in file.lines() {
            let (number, bytes) = line?;
            let place = Place::new(file.name(), number);
            match parse_line(place.clone(), bytes) {
                Ok(None) => {}
                Ok(Some((key, line))) => {
                    if let Some(why) = &line.refused {
                        tracing::warn!(%place, reason = %why, "line admits nobody");
                    }
                    lines.by_key.entry(key).or_default().push(line);
                }
                Err(fault) => lines.skipped.push(place, fault),
            }
        }
        Ok(Self(Arc::new(lines)))
    }

    /// Decides about a key that a client has proved to hold.
    ///
    /// The first line that lists the key and may be honoured admits it; a line that may not be
    /// honoured does not stand in the way of a later one.
    pub fn find(&self, key: &PublicKey) -> Decision {
        let Some(lines) = self.0.by_key.get(key) else { return Decision::Unlisted };
        let mut refused = Vec::new();
        for line in lines {
            match &line.refused {
                None => return Decision::Admitted(line.entry.clone()),
                Some(why) => {
                    refused.push(RefusedLine::new(line.entry.place().clone(), why.clone()));
                }
            }
        }
        Decision::Refused(refused)
    }

    /// The lines that were passed over: those that could not be read, and keys of types that are
    /// not supported.
    pub fn skipped(&self) -> &SkippedLines {
        &self.0.skipped
    }
}

/// Reads `[options] key [comment]`; `None` for an empty line and a comment.
pub(super) fn parse_line(
    place: Place,
    line: &[u8],
) -> Result<Option<(PublicKey, Line)>, LineFault> {
    let line = trim_start(line);
    if line.contains(&0) {
        return Err(LineFault::Nul);
    }
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    // As in OpenSSH: what does not read as a key begins with options.
    let (options, (key, comment)) = match KeyText::parse(line) {
        Ok(key) => (None, key),
        Err(fault) if is_key_type(split_at_blank(line).0) => return Err(fault),
        Err(_) => {
            let (options, rest) = split_options(line)?;
            let rest = trim_start(rest);
            if rest.is_empty() {
                return Err(LineFault::NoKey);
            }
            (Some(options), KeyText::parse(rest)?)
        }
    };
    let refused = options.and_then(|options| match Options::parse(options) {
        Ok(options) => WhyRefused::from_options(&options),
        Err(fault) => Some(WhyRefused::BadOptions { fault }),
    });
    let key = key.public_key()?;
    let entry = Entry::new(place, String::from_utf8_lossy(comment).trim_end().to_owned());
    Ok(Some((key, Line { entry, refused })))
}

#[cfg(test)]
mod tests;
