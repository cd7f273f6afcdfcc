//! Changing `authorized_keys`.

mod new_key;

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

pub use self::new_key::NewKey;
use super::super::authorized_keys::{Line, Meaning, parse_line};
use super::super::file::{Contents, Ownership};
use super::super::glued::glued;
use super::super::listing::ListedKey;
use super::super::{AuthorizedKeys, LineFault, Permissions, Place, TrustError, WhyRefused};
use super::lock::Missing;
use super::{Added, EditError, append, change, whole_lines};
use crate::key::Fingerprint;

/// An `authorized_keys` file to be changed: one editor at a time, the old file or the new one and
/// nothing between, and what is not touched stays byte for byte.
///
/// A leading `~/` in its path is the home directory. Links of root, the caller, and the owner of
/// what they lead to are followed, and no others. Owner, group and mode are kept as far as this
/// process may set them; a group that is not kept loses its permissions. Hard links, access control
/// lists and extended attributes are not kept. A file that is a mount of its own gets lines in
/// place, and no other change. All functions read and write the disk, and those that change the
/// file wait up to half a minute for other editors.
///
/// ```
/// use handfast::key::Identity;
/// use handfast::trust::{Added, AuthorizedKeysFile, NewKey};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("authorized_keys");
/// let (file, alice) = (AuthorizedKeysFile::new(&path), Identity::generate()?);
/// let added = file.add(&NewKey::new(alice.public_key()).comment("alice@example.org"))?;
/// assert!(matches!(added, Added::Appended { at } if at.line() == 1));
/// assert_eq!(file.remove(&alice.fingerprint())?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct AuthorizedKeysFile {
    path: PathBuf,
}

/// A line of `authorized_keys` that is neither empty nor a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthorizedLine {
    /// Where it stands.
    pub place: Place,
    /// Its key, if that can be read.
    pub key: Option<ListedKey>,
    /// What it does.
    pub state: LineState,
}

/// What a line of `authorized_keys` does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineState {
    /// It admits its key, as far as its options go.
    Admits(Permissions),
    /// It can be read, and admits nobody.
    Refused(WhyRefused),
    /// It was passed over.
    Skipped(LineFault),
}

impl AuthorizedKeysFile {
    /// Names a file; nothing is read yet.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned() }
    }

    /// Admits a key, unless a line does so already in the same way. A file that does not exist is
    /// made, with mode 0600; its folder is not.
    ///
    /// # Errors
    /// [`EditError::Restricted`] if the key is listed with other options, which the new line would
    /// lift; [`EditError::Unrestricted`] if it is listed without any, which the new line would not
    /// change; [`EditError::Option`], [`EditError::Comment`], and whatever keeps the file from being
    /// read or written.
    pub fn add(&self, new: &NewKey<'_>) -> Result<Added, EditError> {
        let (text, wanted) = new.line()?;
        change(&self.path, Missing::Create, |contents| {
            let keys = AuthorizedKeys::of(contents)?;
            let lines = keys.lines_of(new.key);
            if let Some(line) = lines.iter().find(|line| line.permissions == wanted) {
                return Ok((None, Added::AlreadyThere { at: line.place.clone() }));
            }
            let is_authority =
                |meaning: &Meaning| matches!(meaning, Err(WhyRefused::CertAuthority { .. }));
            // what a key may sign, and whether it is admitted itself, are two things
            let alike = |line: &&Line| is_authority(&line.permissions) == is_authority(&wanted);
            if let Some(line) = lines.iter().find(alike) {
                return Err(conflict(line));
            }
            let (bytes, number) = append(contents, &text);
            Ok((Some(bytes), Added::Appended { at: Place::new(contents.name(), number) }))
        })
    }

    /// Takes away every line with this key, whatever its type and options: those that were, as
    /// they stood before.
    ///
    /// # Errors
    /// Whatever keeps the file from being read or written, also that it does not exist.
    pub fn remove(&self, key: &Fingerprint) -> Result<Vec<ListedKey>, EditError> {
        change(&self.path, Missing::Refuse, |contents| {
            let (mut out, mut removed) = (Vec::new(), Vec::new());
            for (number, whole, line) in whole_lines(contents) {
                // What is behind a NUL byte OpenSSH does not see, and admits the key before it.
                let line = line.split(|&byte| byte == 0).next().unwrap_or_default();
                match ListedKey::parse(Place::new(contents.name(), number), line) {
                    Ok(Some(listed)) if listed.fingerprint() == *key => removed.push(listed),
                    _ => out.extend_from_slice(whole),
                }
            }
            Ok(((!removed.is_empty()).then(|| contents.with_mark(&out)), removed))
        })
    }

    /// All lines but empty ones and comments, in order. Owner and mode of the file do not matter
    /// here. Millions of them take gigabytes; [`each_line`](Self::each_line) keeps none, and of the
    /// file only its bytes.
    ///
    /// # Errors
    /// Whatever keeps the file from being read.
    pub fn lines(&self) -> Result<Vec<AuthorizedLine>, TrustError> {
        let mut lines = Vec::new();
        self.each_line(|line| lines.push(line))?;
        Ok(lines)
    }

    /// Shows the same lines to `look`, one after the other.
    ///
    /// # Errors
    /// As [`lines`](Self::lines); one that is too long ends it.
    pub fn each_line(&self, mut look: impl FnMut(AuthorizedLine)) -> Result<(), TrustError> {
        let contents = Contents::read(&self.path, Ownership::Any)?;
        let local = TimeZone::system();
        for line in contents.lines() {
            let (number, bytes) = line?;
            let place = Place::new(contents.name(), number);
            let state = match parse_line(place.clone(), bytes, &local) {
                Ok(None) => continue,
                Ok(Some((_, line))) => match line.permissions {
                    Ok(permissions) => LineState::Admits((*permissions).clone()),
                    Err(why) => LineState::Refused(why),
                },
                Err(fault) => LineState::Skipped(glued(bytes).unwrap_or(fault)),
            };
            let key = ListedKey::parse(place.clone(), bytes).ok().flatten();
            look(AuthorizedLine { place, key, state });
        }
        Ok(())
    }
}

/// Why no other line is put beside this one.
fn conflict(line: &Line) -> EditError {
    let at = line.place.clone();
    let restrictions = match &line.permissions {
        Ok(permissions) => permissions.to_string(),
        Err(WhyRefused::CertAuthority { principals: None, permissions }) => permissions.to_string(),
        Err(why) => why.to_string(),
    };
    if restrictions.is_empty() {
        return EditError::Unrestricted { at };
    }
    EditError::Restricted { at, restrictions }
}
