//! `authorized_keys`: which keys a server admits.

mod deciding;
mod decision;
mod expiry;
mod from;
pub(super) mod options;
mod permissions;
#[cfg(unix)]
mod streamed;

use std::collections::HashMap;
#[cfg(unix)]
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::tz::TimeZone;

pub(super) use self::deciding::Deciding;
pub use self::decision::{Decision, Entry, Question, RefusedLine, RefusedLines, WhyRefused};
pub use self::expiry::expiry_time;
pub(crate) use self::expiry::rfc3339;
pub(super) use self::expiry::written;
pub(super) use self::from::FromList;
use self::options::{Options, split_options};
use self::permissions::LineOptions;
pub use self::permissions::Permissions;
#[cfg(unix)]
pub(super) use self::streamed::decide_in_file;
#[cfg(unix)]
use super::TrustErrorKind;
use super::file::{Contents, Ownership, expand, split_at_blank, trim_start};
use super::glued::glued;
use super::key_text::KeyText;
use super::place::REMEMBERED;
use super::strict_modes::Guard;
use super::{LineFault, Place, SkippedLines, StrictModes, TrustError};
use crate::key::shown::shown_whole;
use crate::key::{Fingerprint, PublicKey, is_key_type};

/// What an `authorized_keys` file said when it was read; a snapshot that is cheap to clone.
///
/// ```
/// use std::time::SystemTime;
/// use handfast::key::Identity;
/// use handfast::trust::{AuthorizedKeys, Decision, Question};
///
/// let alice = Identity::generate()?;
/// let text = format!("{} alice@example.org\n", alice.public_key());
/// let keys = AuthorizedKeys::parse("authorized_keys", text.as_bytes())?;
///
/// let question = Question::new(alice.public_key(), SystemTime::now());
/// let Decision::Admitted(entry) = keys.decide(&question) else { panic!() };
/// assert_eq!(entry.comment(), "alice@example.org");
/// assert_eq!(entry.place().to_string(), "authorized_keys:1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct AuthorizedKeys(Arc<Lines>);

#[derive(Debug)]
struct Lines {
    /// The whole path, as messages show it.
    path: Arc<str>,
    read: SystemTime,
    /// The lines of each key, in their order.
    by_key: HashMap<PublicKey, Vec<Line>>,
    skipped: SkippedLines,
}

/// What a line asks for, or why it admits nobody.
pub(super) type Meaning = Result<Arc<Permissions>, WhyRefused>;

/// A line whose key was read.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) place: Place,
    pub(super) comment: String,
    pub(super) permissions: Meaning,
}

impl AuthorizedKeys {
    /// Reads a file; `~/` at the start of `path` stands for the home directory.
    ///
    /// On Unix, root or the user of this process must own the file and the folders above it, and
    /// nobody else may write to them: [`StrictModes::Full`].
    ///
    /// # Errors
    /// Whatever keeps the file from being read, and an owner or mode that lets others admit anyone.
    /// A file that does not exist is an error too; an empty one admits nobody.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TrustError> {
        Self::open_with(path, &StrictModes::Full)
    }

    /// As [`open`](Self::open), with other checks of owner and mode.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: impl AsRef<Path>, modes: &StrictModes) -> Result<Self, TrustError> {
        let path = path.as_ref();
        Self::open_guarded(path, modes.guard())
    }

    fn open_guarded(path: &Path, guard: Option<Guard>) -> Result<Self, TrustError> {
        let ownership = guard.map_or(Ownership::Any, Ownership::Strict);
        Self::collect(&Contents::read(path, ownership)?, whole_path(path))
    }

    /// Reads a file that `open` opens.
    #[cfg(unix)]
    pub(super) fn open_by(
        path: &Path,
        guard: Option<Guard>,
        open: impl FnOnce(&Path) -> Result<File, TrustErrorKind>,
    ) -> Result<Self, TrustError> {
        let ownership = guard.map_or(Ownership::Any, Ownership::Strict);
        Self::collect(&Contents::read_with(path, &ownership, open)?, whole_path(path))
    }

    /// Takes the bytes of a file that comes from elsewhere; `name` stands for its path in messages.
    ///
    /// # Errors
    /// As [`open`](Self::open), where it is about the contents.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, TrustError> {
        let contents = Contents::new(name, bytes)?;
        Self::collect(&contents, Arc::clone(contents.name()))
    }

    /// As [`parse`](Self::parse), for a file that has been read.
    pub(super) fn of(contents: &Contents) -> Result<Self, TrustError> {
        Self::collect(contents, Arc::clone(contents.name()))
    }

    fn collect(file: &Contents, path: Arc<str>) -> Result<Self, TrustError> {
        let mut lines = Lines {
            path,
            read: SystemTime::now(),
            by_key: HashMap::new(),
            skipped: SkippedLines::default(),
        };
        let mut refused = 0usize;
        let local = TimeZone::system();
        for line in file.lines() {
            let (number, bytes) = line?;
            let place = Place::new(file.name(), number);
            match parse_line(place.clone(), bytes, &local) {
                Ok(None) => {}
                Ok(Some((key, line))) => {
                    if let Err(why) = &line.permissions {
                        refused = refused.saturating_add(1);
                        warn_of(&place, why, refused);
                    }
                    lines.by_key.entry(key).or_default().push(line);
                }
                Err(fault) => lines.skipped.push(place, glued(bytes).unwrap_or(fault)),
            }
        }
        Ok(Self(Arc::new(lines)))
    }

    /// Decides about a key that a client has proved to hold.
    ///
    /// The first line that lists the key and may be honoured admits it; a line that may not be
    /// honoured does not stand in the way of a later one.
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        let mut deciding = Deciding::new(question);
        self.lines_of(question.key()).iter().for_each(|line| deciding.look(line));
        deciding.done()
    }

    /// The lines that list a key, in order.
    pub(super) fn lines_of(&self, key: &PublicKey) -> &[Line] {
        self.0.by_key.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// The path of the file, from `/` on; the name that was given for bytes from elsewhere. Escaped
    /// where it holds what does not belong into a message.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// When the file was read. What was written to it since then is not known here.
    pub fn read_at(&self) -> SystemTime {
        self.0.read
    }

    /// The key of this fingerprint, if a line lists it.
    pub fn key_of(&self, fingerprint: &Fingerprint) -> Option<&PublicKey> {
        self.0.by_key.keys().find(|key| key.fingerprint() == *fingerprint)
    }

    /// The lines that were passed over: those that could not be read, and keys of types that are
    /// not supported.
    pub fn skipped(&self) -> &SkippedLines {
        &self.0.skipped
    }
}

/// A path as messages show it, from `/` on if the current folder is known.
fn whole_path(path: &Path) -> Arc<str> {
    let path = expand(path).unwrap_or_else(|_| path.to_owned());
    let path = std::path::absolute(&path).unwrap_or(path);
    shown_whole(&path.to_string_lossy()).into()
}

/// Says that a line admits nobody, unless that was said often enough.
fn warn_of(place: &Place, why: &WhyRefused, count: usize) {
    if count <= REMEMBERED {
        tracing::warn!(%place, reason = %why, "line admits nobody");
    } else if count == REMEMBERED.saturating_add(1) {
        tracing::warn!(%place, "further lines that admit nobody are not logged one by one");
    }
}

/// Reads `[options] key [comment]`; `None` for an empty line and a comment.
pub(super) fn parse_line(
    place: Place,
    line: &[u8],
    local: &TimeZone,
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
        Ok(key) => (&[][..], key),
        Err(fault) if is_key_type(split_at_blank(line).0) => return Err(fault),
        Err(_) => {
            let (options, rest) = split_options(line)?;
            let rest = trim_start(rest);
            if rest.is_empty() {
                return Err(LineFault::NoKey);
            }
            (options, KeyText::parse(rest)?)
        }
    };
    let key = key.public_key()?;
    let comment = String::from_utf8_lossy(comment).trim_end().to_owned();
    Ok(Some((key, Line { place, comment, permissions: permissions(options, local) })))
}

fn permissions(options: &[u8], local: &TimeZone) -> Meaning {
    let read = Options::parse(options).and_then(|options| LineOptions::read(&options, local));
    match read {
        Ok(LineOptions { cert_authority: true, permissions, principals }) => {
            Err(WhyRefused::CertAuthority { principals, permissions: Arc::new(permissions) })
        }
        Ok(read) => Ok(Arc::new(read.permissions)),
        Err(fault) => Err(WhyRefused::BadOptions { fault }),
    }
}

#[cfg(test)]
mod tests;
