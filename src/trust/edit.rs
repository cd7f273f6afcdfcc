//! Changing the files that say whom to trust.
//!
//! One editor at a time changes a file: it waits for the lock, reads, writes a new file beside the
//! old one, waits until that is on the disk, and renames it into place. Whoever is killed or runs
//! out of space on the way leaves the old file whole. Lines that are not touched stay byte for
//! byte. A symbolic link stays one: the file that it leads to is edited. Owner, group and mode are
//! kept; hard links, access control lists and extended attributes are not.

mod authorized_keys;
mod error;
mod hashing;
#[cfg(any(test, feature = "fuzzing"))]
mod in_memory;
mod known_hosts;
mod learning;
pub(super) mod lock;
#[cfg(test)]
mod tests;

pub use authorized_keys::{AuthorizedKeysFile, AuthorizedLine, LineState, NewKey};
pub use error::EditError;
pub use hashing::HashedHosts;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use in_memory::{Edit, edit_known_hosts};
pub use known_hosts::{
    FoundHost, KeptHost, KnownHostsFile, MatchedBy, NewHost, RemovedHosts, WhyKept,
};
pub use learning::{Learned, LeftOut, ProvedKeys, WhyLeftOut, WhyNotLearned};

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::lock::{Locked, Missing, Stamp};
use super::file::{Contents, expand, kind_of, open};
use super::new_file::{NewFile, sweep};
use super::{MAX_FILE, MAX_LINE, Place, TrustError};
use crate::key::shown::shown_whole;

/// How often to begin anew if a program that takes no lock, such as `ssh`, changes the file.
const TRIES: usize = 16;

/// Longest chain of symbolic links that is followed, as on Linux.
const MAX_LINKS: usize = 40;

/// What became of a line that was to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Added {
    /// It was added.
    Appended {
        /// The new line.
        at: Place,
    },
    /// The file says so already, and was not changed.
    AlreadyThere {
        /// The first line that does.
        at: Place,
    },
}

/// The new content, `None` for no change, and what is to be said about it.
type Change<T> = (Option<Vec<u8>>, T);

fn change<T>(
    path: &Path,
    missing: Missing,
    decide: impl Fn(&Contents) -> Result<Change<T>, EditError>,
) -> Result<T, EditError> {
    let (path, name) = expanded(path)?;
    let real = resolve(path.clone()).map_err(|problem| match problem.kind() {
        io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(&path).to_owned();
            EditError::NoFolder { path: path.clone(), folder }
        }
        _ => TrustError::new(&name, None, kind_of(problem)).into(),
    })?;
    for _ in 0..TRIES {
        let locked = Locked::open(&real, missing)
            .map_err(|problem| unopened(&path, &real, &name, problem))?
            .ok_or_else(|| EditError::Busy { path: path.clone() })?;
        let metadata = locked.file().metadata();
        let metadata =
            metadata.map_err(|problem| TrustError::new(&name, None, kind_of(problem)))?;
        let contents = Contents::of_file(&name, locked.file())?;
        let (bytes, result) = match decide(&contents)? {
            (Some(bytes), result) => (bytes, result),
            (None, result) => return Ok(result),
        };
        if bytes.len() > MAX_FILE || bytes.split(|&byte| byte == b'\n').any(|l| l.len() > MAX_LINE)
        {
            return Err(EditError::TooLarge { path });
        }
        sweep(&real);
        let failed = |doing| {
            let path = path.clone();
            move |problem| EditError::Write { path, doing, problem }
        };
        let mut new = NewFile::beside(&real).map_err(|problem| match problem.kind() {
            io::ErrorKind::PermissionDenied => read_only_folder(&path, &real),
            _ => failed("make a new file beside it")(problem),
        })?;
        new.write(&bytes).map_err(failed("write the new content"))?;
        if locked.made_here() {
            new.mode(0o600).map_err(failed("set the mode of the new file"))?;
        } else {
            new.like(&metadata)
                .map_err(|problem| EditError::Owner { path: path.clone(), problem })?;
        }
        new.sync().map_err(failed("get the new content to the disk"))?;
        let now = fs::metadata(&real).map(|now| Stamp::of(&now));
        if now.is_ok_and(|now| now == Stamp::of(&metadata)) {
            new.rename().map_err(failed("put the new file in place"))?;
            super::new_file::sync_folder(&real)
                .map_err(|problem| EditError::Unsynced { path: path.clone(), problem })?;
            return Ok(result);
        }
    }
    Err(EditError::Busy { path })
}

/// Why a file could not be opened to be changed: it may be one that can be read all the same.
fn unopened(path: &Path, real: &Path, name: &Arc<str>, problem: io::Error) -> EditError {
    let kind = problem.kind();
    let denied = kind == io::ErrorKind::PermissionDenied;
    let failed = |doing, problem| EditError::Write { path: path.to_owned(), doing, problem };
    match open(real) {
        Ok(file) => match Contents::of_file(name, &file) {
            Err(error) => error.into(),
            Ok(_) if denied => EditError::ReadOnly { path: path.to_owned() },
            Ok(_) => failed("open and lock it for a change", problem),
        },
        Err(error) if error.kind() != io::ErrorKind::NotFound || error.kind() == kind => {
            TrustError::new(name, None, kind_of(problem)).into()
        }
        Err(_) if denied => read_only_folder(path, real),
        Err(_) => failed("make it", problem),
    }
}

fn read_only_folder(path: &Path, real: &Path) -> EditError {
    let folder = real.parent().unwrap_or(real).to_owned();
    EditError::ReadOnlyFolder { path: path.to_owned(), folder }
}

/// The path with `~/` replaced, and as messages show it.
fn expanded(path: &Path) -> Result<(PathBuf, Arc<str>), TrustError> {
    let shown = |path: &Path| Arc::<str>::from(shown_whole(&path.to_string_lossy()));
    let path = expand(path).map_err(|kind| TrustError::new(&shown(path), None, kind))?;
    let name = shown(&path);
    Ok((path, name))
}

/// The file itself behind symbolic links; it need not exist, its folder must.
fn resolve(mut path: PathBuf) -> io::Result<PathBuf> {
    for _ in 0..MAX_LINKS {
        match fs::canonicalize(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let parent = fs::canonicalize(parent.unwrap_or(Path::new(".")))?;
        match fs::read_link(&path) {
            Ok(leads_to) => path = parent.join(leads_to),
            Err(_) => return Ok(parent.join(path.file_name().unwrap_or_default())),
        }
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// `line` behind all that there is, and the number it gets.
fn append(contents: &Contents, line: &str) -> (Vec<u8>, usize) {
    let mut bytes = contents.bytes().to_vec();
    let number = push_line(&mut bytes, line);
    (contents.with_mark(&bytes), number)
}

/// Puts `line` behind all lines, and gives the number it gets; the last of them may lack its end.
fn push_line(bytes: &mut Vec<u8>, line: &str) -> usize {
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    let number = bytes.iter().filter(|&&byte| byte == b'\n').count().saturating_add(1);
    bytes.extend_from_slice(line.as_bytes());
    bytes.push(b'\n');
    number
}

/// The lines with their numbers: each with its end, and without.
fn whole_lines(contents: &Contents) -> impl Iterator<Item = (usize, &[u8], &[u8])> {
    contents.bytes().split_inclusive(|&byte| byte == b'\n').zip(1..).map(|(whole, number)| {
        let line = whole.strip_suffix(b"\n").unwrap_or(whole);
        (number, whole, line.strip_suffix(b"\r").unwrap_or(line))
    })
}

/// A comment that stays on its line and reads as what it is.
fn check_comment(comment: &str) -> Result<&str, EditError> {
    let reason = if comment.contains(['\n', '\r']) {
        "a line end"
    } else if comment.contains(|c: char| c.is_control()) {
        "a control character"
    } else if shown_whole(comment) != comment {
        "a character that shows as nothing or turns the direction of text"
    } else {
        return Ok(comment.trim_matches([' ', '\t']));
    };
    Err(EditError::Comment { comment: comment.to_owned(), reason })
}
