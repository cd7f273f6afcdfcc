//! Changing the passphrase of a private key file.

use std::fs;
use std::io;
use std::path::Path;

use super::super::edit::lock::{Locked, Missing, Stamp};
use super::super::new_file::{NewFile, sweep, sync_folder};
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
        let real = fs::canonicalize(&path).map_err(unread(&path))?;
        if !fs::metadata(&real).map_err(unread(&path))?.is_file() {
            return Err(KeyFileError::NotAFile { path });
        }
        let locked = Locked::open(&real, Missing::Refuse)
            .map_err(unwritten)?
            .ok_or_else(|| unwritten(io::Error::other("another program holds the lock on it")))?;
        let metadata = locked.file().metadata().map_err(unread(&path))?;
        let text = read_open(locked.file(), &path, check_owner_alone)?;
        let text = Self::reseal(&text, old, new)
            .map_err(|problem| KeyFileError::Key { path: path.clone(), problem })?;
        sweep(&real);
        let write = || {
            let mut new = NewFile::beside(&real)?;
            new.write(text.as_bytes())?;
            new.like(&metadata)?;
            new.sync()?;
            if Stamp::of(&fs::metadata(&real)?) != Stamp::of(&metadata) {
                return Err(io::Error::other("another program changed it meanwhile"));
            }
            new.rename()?;
            sync_folder(&real)
        };
        write().map_err(unwritten)
    }
}
