//! A file that stands at its place whole or not at all.

pub(super) mod traces;

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Write as _};
use std::sync::Arc;

use rand::TryRng as _;
use rand::rngs::SysRng;

use super::spot::Spot;
use traces::{Trace, trace};

/// A file that is being written beside its place, under a name of its own; removed when dropped.
#[derive(Debug)]
pub(super) struct NewFile {
    file: File,
    name: OsString,
    spot: Arc<Spot>,
}

impl NewFile {
    /// Makes an empty file in the folder of `spot`, which only its owner has access to.
    pub(super) fn beside(spot: &Arc<Spot>) -> io::Result<Self> {
        let mut random = [0; 8];
        SysRng.try_fill_bytes(&mut random).map_err(io::Error::other)?;
        Self::named(spot, u64::from_ne_bytes(random))
    }

    fn named(spot: &Arc<Spot>, random: u64) -> io::Result<Self> {
        let name = beside_name(spot.name(), random);
        let new = Self { file: spot.create(&name)?, name, spot: Arc::clone(spot) };
        trace(Trace::Created);
        new.claim()?;
        Ok(new)
    }

    /// Says that it is still being written, so that [`sweep`] passes over it.
    #[cfg(unix)]
    fn claim(&self) -> io::Result<()> {
        use rustix::fs::{FlockOperation, flock};
        match flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
            // Some file systems know no locks; then nothing is swept there either.
            Ok(()) | Err(rustix::io::Errno::NOTSUP | rustix::io::Errno::NOLCK) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(unix))]
    fn claim(&self) -> io::Result<()> {
        let _ = self;
        Ok(())
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        trace(Trace::Written);
        self.file.write_all(bytes)
    }

    /// Gives it the owner, the group and the mode of another file, as far as this process may, in
    /// such a way that nobody gets access who had none.
    #[cfg(unix)]
    pub(super) fn like(&self, other: &Metadata) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt as _;

        self.give_to(other.uid(), other.gid())?;
        let ours = self.file.metadata()?;
        let mut mode = other.mode() & 0o7777;
        if ours.uid() != other.uid() {
            mode &= !0o4000;
        }
        if ours.gid() != other.gid() {
            // who was in the group counts among all others from now on
            let of_group = mode >> 3 & 0o7;
            mode &= 0o5700 | of_group;
        }
        self.mode(mode)
    }

    #[cfg(not(unix))]
    pub(super) fn like(&self, _: &Metadata) -> io::Result<()> {
        Ok(())
    }

    /// Gives it to an owner and a group, as far as this process may: an owner who is not in the
    /// file's group may not, and ids without a number in this container have none to give.
    #[cfg(unix)]
    pub(super) fn give_to(&self, uid: u32, gid: u32) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt as _, fchown};

        let ours = self.file.metadata()?;
        if (ours.uid(), ours.gid()) == (uid, gid)
            || fchown(&self.file, Some(uid), Some(gid)).is_ok()
        {
            return Ok(());
        }
        for (uid, gid) in [(None, Some(gid)), (Some(uid), None)] {
            match fchown(&self.file, uid, gid) {
                Err(error) if !is_barred(&error) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Sets the permission bits, whatever the umask is; nothing where there are none.
    #[cfg(unix)]
    pub(super) fn mode(&self, mode: u32) -> io::Result<()> {
        self.file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
    }

    #[cfg(not(unix))]
    pub(super) fn mode(&self, _: u32) -> io::Result<()> {
        Ok(())
    }

    /// Waits until the content is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        sync(&self.file)
    }

    /// Puts it in the place of whatever file stands there.
    pub(super) fn rename(self) -> io::Result<()> {
        trace(Trace::Placed);
        self.spot.rename(&self.name, self.spot.name())
    }

    /// Puts it where no file stands; [`io::ErrorKind::AlreadyExists`] if one does.
    pub(super) fn put(self) -> io::Result<()> {
        trace(Trace::Placed);
        let name = self.spot.name().to_owned();
        self.put_as(&name).map(drop)
    }

    /// The same under another name; gives the file itself.
    pub(super) fn put_as(self, name: &OsStr) -> io::Result<File> {
        let file = self.file.try_clone()?;
        match self.spot.link(&self.name, name) {
            Ok(()) => self.spot.remove(&self.name)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // File systems without links: an empty file takes the name, and is replaced.
            Err(_) => {
                drop(self.spot.create(name)?);
                self.spot.rename(&self.name, name).inspect_err(|_| drop(self.spot.remove(name)))?;
            }
        }
        Ok(file)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Where it has found its place, nothing has this name any more.
        let _ = self.spot.remove(&self.name);
    }
}

/// Whether an owner or a group cannot be given, which is no fault of the disk.
#[cfg(unix)]
fn is_barred(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput)
}

/// Waits until what was written to a file is on the disk.
pub(super) fn sync(file: &File) -> io::Result<()> {
    trace(Trace::Synced);
    file.sync_all()
}

/// Waits until the names in a file's folder are on the disk, where a folder can be opened for that.
pub(super) fn sync_folder(spot: &Spot) -> io::Result<()> {
    trace(Trace::FolderSynced);
    spot.sync()
}

const SUFFIX: &str = ".handfast-new";

/// `.known_hosts.0123456789abcdef.handfast-new`.
fn beside_name(name: &OsStr, random: u64) -> OsString {
    let mut out = OsString::from(".");
    out.push(name);
    out.push(format!(".{random:016x}{SUFFIX}"));
    out
}

/// Removes what processes left in the folder that were killed while they wrote such a file.
#[cfg(unix)]
pub(super) fn sweep(spot: &Spot) {
    use rustix::fs::{FlockOperation, flock};

    use super::spot::Found;

    let (len, name) = (beside_name(spot.name(), 0).len(), spot.name().as_encoded_bytes());
    for found in spot.names() {
        let bytes = found.as_encoded_bytes();
        let ours = bytes.len() == len
            && bytes.strip_prefix(b".").is_some_and(|rest| rest.starts_with(name))
            && bytes.ends_with(SUFFIX.as_bytes());
        if !ours {
            continue;
        }
        let Ok(Found::File(file)) = spot.open_beside(&found, false) else { continue };
        // A process that still writes it holds its lock.
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = spot.remove(&found);
        }
    }
}

#[cfg(not(unix))]
pub(super) fn sweep(_: &Spot) {}

#[cfg(test)]
#[cfg(unix)]
mod tests;
