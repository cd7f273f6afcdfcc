//! Changing the files that say whom to trust.
//!
//! One editor at a time changes a file: it waits for the lock, reads, writes a new file beside the
//! old one, waits until that is on the disk, and renames it into place. Whoever is killed or runs
//! out of space on the way leaves the old file whole. Lines that are not touched stay byte for
//! byte. A symbolic link stays one: the file that it leads to is edited, if the link belongs to
//! root, to the caller, or to the owner of what it leads to. Owner, group and mode are kept as far
//! as the process may set them; where the group is not, its permissions are taken away. Hard links,
//! access control lists and extended attributes are not kept.
//!
//! A file that is a mount of its own cannot be replaced. Lines are added to it in place; other
//! changes are refused.

mod authorized_keys;
mod error;
mod hashing;
#[cfg(any(test, feature = "fuzzing"))]
mod in_memory;
mod known_hosts;
mod learning;
pub(super) mod lock;
pub(super) mod put;
#[cfg(test)]
mod tests;

pub use authorized_keys::{AuthorizedKeysFile, AuthorizedLine, LineState, NewKey};
pub use error::EditError;
pub use hashing::HashedHosts;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use in_memory::{Edit, edit_known_hosts};
pub use known_hosts::{
    FoundHost, HostLine, HostLineState, KeptHost, KnownHostsFile, MatchedBy, NewHost, RemovedHosts,
    WhyKept,
};
pub use learning::{Learned, LeftOut, OtherName, ProvedKeys, WhyLeftOut, WhyNotLearned};

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::lock::{Locked, Missing, NoLock};
use self::put::{NotPut, put};
use super::file::{Contents, check_bytes, expand, kind_of};
use super::spot::{Astray, Found, Links, Spot, is_shielded};
use super::{MAX_FILE, MAX_LINE, Place, TrustError, TrustErrorKind};
use crate::key::shown::shown_whole;

/// How often to begin anew if a program that takes no lock, such as `ssh`, changes the file.
const TRIES: usize = 16;

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
    let not_found = || TrustError::new(&name, None, TrustErrorKind::NotFound);
    for _ in 0..TRIES {
        let spot = Spot::find(&path, Links::Trusted)
            .map_err(|astray| astray_error(&path, &name, astray))?;
        if missing == Missing::Refuse && matches!(spot.open(false), Ok(Found::Missing)) {
            return Err(not_found().into());
        }
        let locked = Locked::open(&spot).map_err(|why| lock_error(&path, &name, &spot, why))?;
        let (contents, before) = match locked.file() {
            Some(file) => {
                let metadata = file.metadata();
                let metadata =
                    metadata.map_err(|problem| TrustError::new(&name, None, kind_of(problem)))?;
                (Contents::of_file(&name, file)?, Some(metadata))
            }
            None if missing == Missing::Refuse => return Err(not_found().into()),
            None => (Contents::empty(&name), None),
        };
        let (bytes, result) = match decide(&contents)? {
            (Some(bytes), result) => (bytes, result),
            (None, result) => return Ok(result),
        };
        if bytes.len() > MAX_FILE || bytes.split(|&byte| byte == b'\n').any(|l| l.len() > MAX_LINE)
        {
            return Err(EditError::TooLarge { path });
        }
        // a file whose NUL bytes let it pass so far may not pass with one line more or less
        check_bytes(&name, &bytes)?;
        let old = contents.with_mark(contents.bytes());
        let done = put(&locked, before.as_ref(), &old, &bytes);
        if done.map_err(|why| put_error(&path, &spot, why))? {
            return Ok(result);
        }
    }
    Err(EditError::KeepsChanging { path })
}

fn astray_error(path: &Path, name: &Arc<str>, astray: Astray) -> EditError {
    let path = path.to_owned();
    match astray {
        Astray::NoFolder => {
            let folder = path.parent().unwrap_or(&path).to_owned();
            EditError::NoFolder { path, folder }
        }
        Astray::Link(refused) => EditError::Link { path, refused },
        Astray::Io(problem) if problem.kind() == io::ErrorKind::IsADirectory => {
            TrustError::new(name, None, TrustErrorKind::NotRegular { seen: "a directory" }).into()
        }
        Astray::Io(problem) => TrustError::new(name, None, kind_of(problem)).into(),
    }
}

fn lock_error(path: &Path, name: &Arc<str>, spot: &Spot, why: NoLock) -> EditError {
    let owned = path.to_owned();
    match why {
        NoLock::Busy => EditError::Busy { path: owned },
        NoLock::Refused { lock, reason } => EditError::LockFile { path: owned, lock, reason },
        NoLock::NotRegular(seen) => {
            TrustError::new(name, None, TrustErrorKind::NotRegular { seen }).into()
        }
        NoLock::Make(problem) => match problem.kind() {
            io::ErrorKind::PermissionDenied => read_only_folder(path, spot, problem),
            _ => {
                let is_new = matches!(spot.open(false), Ok(Found::Missing));
                let doing = if is_new { "make it" } else { "make a lock file beside it" };
                EditError::Write { path: owned, doing, problem }
            }
        },
        NoLock::Open(problem) => unopened(path, name, spot, problem),
    }
}

/// Why a file could not be opened to be changed: it may be one that can be read all the same.
fn unopened(path: &Path, name: &Arc<str>, spot: &Spot, problem: io::Error) -> EditError {
    let denied = problem.kind() == io::ErrorKind::PermissionDenied;
    match spot.open(false) {
        Ok(Found::File(file)) => match Contents::of_file(name, &file) {
            Err(error) => error.into(),
            Ok(_) if denied && !is_shielded(&file) => EditError::ReadOnly { path: path.to_owned() },
            Ok(_) => {
                let doing = match denied {
                    true => {
                        "change it while it has the attribute `i` or `a` (`lsattr` shows it, `chattr` takes it away)"
                    }
                    false => "open and lock it for a change",
                };
                EditError::Write { path: path.to_owned(), doing, problem }
            }
        },
        _ => TrustError::new(name, None, kind_of(problem)).into(),
    }
}

fn put_error(path: &Path, spot: &Spot, why: NotPut) -> EditError {
    let owned = path.to_owned();
    match why {
        NotPut::Failed { doing, problem } => EditError::Write { path: owned, doing, problem },
        NotPut::ReadOnlyFolder(problem) => read_only_folder(path, spot, problem),
        NotPut::Owner(problem) => EditError::Owner { path: owned, problem },
        NotPut::Mount => EditError::Mount { path: owned },
        NotPut::Torn(problem) => EditError::Torn { path: owned, problem },
        NotPut::Unsynced(problem) => EditError::Unsynced { path: owned, problem },
    }
}

/// Why no file can be made in the folder.
fn read_only_folder(path: &Path, spot: &Spot, problem: io::Error) -> EditError {
    if spot.folder_is_shielded() {
        let doing = "make or remove files in its folder while that has the attribute `i` or `a` (`lsattr -d` shows it, `chattr` takes it away)";
        return EditError::Write { path: path.to_owned(), doing, problem };
    }
    EditError::ReadOnlyFolder { path: path.to_owned(), folder: spot.folder_path() }
}

/// The path with `~/` replaced, and as messages show it.
fn expanded(path: &Path) -> Result<(PathBuf, Arc<str>), TrustError> {
    let shown = |path: &Path| Arc::<str>::from(shown_whole(&path.to_string_lossy()));
    let path = expand(path).map_err(|kind| TrustError::new(&shown(path), None, kind))?;
    let name = shown(&path);
    Ok((path, name))
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
    contents
        .bytes()
        .split_inclusive(|&byte| byte == b'\n')
        .zip(1..)
        .map(|(whole, number)| (number, whole, line_of(whole)))
}

/// A line without its end.
fn line_of(whole: &[u8]) -> &[u8] {
    let line = whole.strip_suffix(b"\n").unwrap_or(whole);
    line.strip_suffix(b"\r").unwrap_or(line)
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
