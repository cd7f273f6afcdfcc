//! Changing the passphrase of a private key file.

use std::io;
use std::path::Path;

use super::super::edit::lock::{Locked, NoLock};
use super::super::edit::put::{NotPut, put};
use super::super::spot::{Astray, Found, Links, Spot};
use super::{KeyFileError, check_owner_alone, expand, read_open, unread};
use crate::key::Identity;

/// Files (feature `files`).
impl Identity {
    /// Gives a private key file another passphrase, its first one, or none. A leading `~/` is the
    /// user's home directory. Takes about a second of computing for the passphrases, and waits up
    /// to half a minute for other editors, so call it where blocking is allowed.
    ///
    /// `old` is ignored if the file is not encrypted. The comment stays to the byte, and owner,
    /// group and mode are kept; a symbolic link is followed. The new file is written beside the old
    /// one, read back, and put in its place when it is on the disk: whoever is killed on the way
    /// leaves the old file or the new one. A file that somebody was killed in is removed by the next
    /// change; it has mode 0600, and holds the key as the new file would.
    ///
    /// What the old file held can stay on the disk until it is overwritten: a key that was ever
    /// written without a passphrase is best replaced.
    ///
    /// # Errors
    /// As [`load_with_passphrase`](Self::load_with_passphrase);
    /// [`EmptyPassphrase`](crate::key::KeyError::EmptyPassphrase), and [`KeyFileError::Write`],
    /// also if another program changes the file meanwhile.
    pub fn change_passphrase(
        path: impl AsRef<Path>,
        old: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<(), KeyFileError> {
        let path = expand(path.as_ref())?;
        let unwritten = |problem| KeyFileError::Write { path: path.clone(), problem };
        let spot = Spot::find(&path, Links::Trusted).map_err(|astray| match astray {
            Astray::NoFolder => KeyFileError::NotFound { path: path.clone() },
            Astray::Link(refused) => KeyFileError::Link { path: path.clone(), refused },
            Astray::Io(problem) => unread(&path)(problem),
        })?;
        match spot.open(false) {
            Ok(Found::File(_)) => {}
            Ok(Found::Missing) => return Err(KeyFileError::NotFound { path }),
            Ok(Found::NotRegular(_)) => return Err(KeyFileError::NotAFile { path }),
            Err(problem) => return Err(unread(&path)(problem)),
        }
        let locked = Locked::open(&spot).map_err(|why| unwritten(unlocked(why)))?;
        let Some(file) = locked.file() else { return Err(KeyFileError::NotFound { path }) };
        let metadata = file.metadata().map_err(unread(&path))?;
        let text = read_open(file, &path, check_owner_alone)?;
        let sealed = Self::reseal(&text, old, new)
            .map_err(|problem| KeyFileError::Key { path: path.clone(), problem })?;
        match put(&locked, Some(&metadata), &text, sealed.as_bytes()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(unwritten(io::Error::other("another program changed it meanwhile"))),
            Err(why) => Err(unwritten(not_put(why))),
        }
    }
}

fn unlocked(why: NoLock) -> io::Error {
    match why {
        NoLock::Busy => io::Error::other("another program holds the lock on it"),
        NoLock::Refused { lock, reason } => io::Error::other(format!(
            "{} is in the way, the name of the lock file: {reason}; remove it if no program edits the key",
            super::shown(&lock)
        )),
        NoLock::Make(problem) | NoLock::Open(problem) => problem,
        NoLock::NotRegular(seen) => io::Error::other(format!("this is {seen}")),
    }
}

fn not_put(why: NotPut) -> io::Error {
    match why {
        NotPut::Failed { problem, .. }
        | NotPut::ReadOnlyFolder(problem)
        | NotPut::Owner(problem)
        | NotPut::Torn(problem)
        | NotPut::Unsynced(problem) => problem,
        NotPut::Mount => mount(),
    }
}

/// The file cannot be replaced.
pub(super) fn mount() -> io::Error {
    io::Error::other(
        "the file is a mount of its own, so that no other file can take its place; mount its folder instead",
    )
}
