//! Where a path leads: a folder that is held open, and the name of a file in it.
//!
//! A path is walked once, folder by folder. On Unix the walk goes by descriptors, and what is done
//! afterwards is done in the folder that the walk reached: a link or a folder that is exchanged
//! meanwhile leads nothing astray.

#[cfg(not(unix))]
mod plain;
#[cfg(unix)]
mod unix;

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(not(unix))]
use self::plain as system;
#[cfg(unix)]
use self::unix as system;
#[cfg(unix)]
pub(super) use self::unix::Passed;
use crate::key::shell_path;
use crate::key::shown::shown_whole;

/// What becomes of a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// It is followed if it belongs to root, to the caller, or to the owner of what it leads to.
    Trusted,
    /// As [`Trusted`](Self::Trusted), but one with the file's own name is not followed: the file is
    /// a new one.
    Above,
    /// It is followed, whoever laid it.
    #[cfg(unix)]
    All,
}

/// A symbolic link that was not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkRefused {
    /// Another user laid it.
    #[error(
        "{} is a symbolic link that user id {owner} has laid, who is neither root nor the user of this program nor the owner of what it leads to; if the real path {} is meant, give that",
        shown(link),
        shell_path(real)
    )]
    Foreign {
        /// The link.
        link: PathBuf,
        /// The user id of its owner.
        owner: u32,
        /// Where the whole path leads.
        real: PathBuf,
    },
    /// It leads nowhere.
    #[error(
        "{} is a symbolic link that leads to {}, and there is nothing; make that first, or give the real path",
        shown(link),
        shell_path(real)
    )]
    Dangling {
        /// The link.
        link: PathBuf,
        /// Where the whole path leads.
        real: PathBuf,
    },
}

/// Why a walk did not come to its end.
#[derive(Debug)]
pub(super) enum Astray {
    /// A folder on the way does not exist.
    NoFolder,
    /// A link was not followed.
    Link(LinkRefused),
    /// The operating system said no.
    Io(io::Error),
}

/// What stands under a name.
#[derive(Debug)]
pub(super) enum Found {
    /// A regular file, open.
    File(File),
    /// Something else, with its article; it was not opened.
    NotRegular(&'static str),
    /// Nothing.
    Missing,
}

/// A folder that is held open, and the name of a file in it, which need not exist.
#[derive(Debug)]
pub(super) struct Spot {
    folder: system::Folder,
    name: OsString,
    real: PathBuf,
}

impl Spot {
    /// Walks a path.
    pub(super) fn find(path: &Path, links: Links) -> Result<Arc<Self>, Astray> {
        let system::Reached { folder, name, real, .. } = system::walk(path, links)?;
        Ok(Arc::new(Self { folder, name, real }))
    }

    /// The same, with the folders in which a name was looked up.
    #[cfg(unix)]
    pub(super) fn find_by_way_of(path: &Path) -> Result<(Arc<Self>, Vec<Passed>), Astray> {
        let system::Reached { folder, name, real, passed } = system::walk(path, Links::All)?;
        Ok((Arc::new(Self { folder, name, real }), passed))
    }

    /// The name of the file.
    pub(super) fn name(&self) -> &OsStr {
        &self.name
    }

    /// The path without links, for messages: nothing is opened by it.
    pub(super) fn real(&self) -> &Path {
        &self.real
    }

    /// The path of the folder, for messages.
    pub(super) fn folder_path(&self) -> PathBuf {
        self.real.parent().unwrap_or(&self.real).to_owned()
    }

    /// Opens the file if it is a regular one, to read and, if `write` says so, to write.
    pub(super) fn open(&self, write: bool) -> io::Result<Found> {
        self.folder.open(&self.name, write)
    }

    /// Opens another file of the folder in the same way.
    #[cfg(unix)]
    pub(super) fn open_beside(&self, name: &OsStr, write: bool) -> io::Result<Found> {
        self.folder.open(name, write)
    }

    /// What is known of the file, or of another of the folder; of a link, if it is one.
    pub(super) fn look(&self, name: &OsStr) -> io::Result<Metadata> {
        self.folder.look(name)
    }

    /// What is known of the folder.
    #[cfg(unix)]
    pub(super) fn look_at_folder(&self) -> io::Result<Metadata> {
        self.folder.look(OsStr::new("."))
    }

    /// Makes a file that only its owner has access to, where no name stands.
    pub(super) fn create(&self, name: &OsStr) -> io::Result<File> {
        self.folder.create(name)
    }

    /// Gives a file of the folder another name, and takes that from whatever has it.
    pub(super) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.folder.rename(from, to)
    }

    /// Gives a file of the folder a second name.
    pub(super) fn link(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.folder.link(from, to)
    }

    /// Takes a name out of the folder.
    pub(super) fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.folder.remove(name)
    }

    /// The names in the folder, as far as they can be read.
    #[cfg(unix)]
    pub(super) fn names(&self) -> Vec<OsString> {
        self.folder.names()
    }

    /// Whether the folder has an attribute that keeps names from being made or taken out.
    pub(super) fn folder_is_shielded(&self) -> bool {
        self.folder.is_shielded()
    }

    /// Waits until the names in the folder are on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.folder.sync()
    }
}

/// Whether a file or a folder has an attribute that keeps even its owner from changing it.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn is_shielded(file: &File) -> bool {
    use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};

    let attributes = StatxAttributes::IMMUTABLE | StatxAttributes::APPEND;
    statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::empty())
        .is_ok_and(|seen| seen.stx_attributes.intersects(attributes))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn is_shielded(_: &File) -> bool {
    false
}

fn shown(path: &Path) -> String {
    shown_whole(&path.to_string_lossy())
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
