//! A file that stands at its place whole or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rand::TryRng as _;
use rand::rngs::SysRng;

/// A file that is being written beside its place, under a name of its own; removed when dropped.
#[derive(Debug)]
pub(super) struct NewFile {
    file: File,
    path: PathBuf,
    target: PathBuf,
}

impl NewFile {
    /// Makes an empty file in the folder of `target`, which only its owner has access to.
    pub(super) fn beside(target: &Path) -> io::Result<Self> {
        let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut random = [0; 8];
        SysRng.try_fill_bytes(&mut random).map_err(io::Error::other)?;
        let path = target.with_file_name(beside_name(name, u64::from_ne_bytes(random)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let new = Self { file, path, target: target.to_owned() };
        new.claim()?;
        Ok(new)
    }

    /// Says that somebody is still writing it, so that [`sweep`] passes over it.
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
        self.file.write_all(bytes)
    }

    /// Gives it the owner, the group and the mode of another file.
    #[cfg(unix)]
    pub(super) fn like(&self, other: &Metadata) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt as _;

        let ours = self.file.metadata()?;
        if (ours.uid(), ours.gid()) != (other.uid(), other.gid()) {
            std::os::unix::fs::fchown(&self.file, Some(other.uid()), Some(other.gid()))?;
        }
        self.mode(other.mode() & 0o7777)
    }

    #[cfg(not(unix))]
    pub(super) fn like(&self, _: &Metadata) -> io::Result<()> {
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
        self.file.sync_all()
    }

    /// Puts it in the place of whatever file stands there.
    pub(super) fn rename(self) -> io::Result<()> {
        fs::rename(&self.path, &self.target)
    }

    /// Puts it where no file stands; [`io::ErrorKind::AlreadyExists`] if one does.
    pub(super) fn put(self) -> io::Result<()> {
        match fs::hard_link(&self.path, &self.target) {
            Ok(()) => fs::remove_file(&self.path)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // File systems without links: an empty file takes the name, and is replaced.
            Err(_) => {
                drop(OpenOptions::new().write(true).create_new(true).open(&self.target)?);
                fs::rename(&self.path, &self.target)
                    .inspect_err(|_| drop(fs::remove_file(&self.target)))?;
            }
        }
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Where it has found its place, nothing has this name any more.
        let _ = fs::remove_file(&self.path);
    }
}

/// Waits until the names in a file's folder are on the disk, where a folder can be opened for that.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

const SUFFIX: &str = ".handfast-new";

/// `.known_hosts.0123456789abcdef.handfast-new`.
fn beside_name(name: &OsStr, random: u64) -> OsString {
    let mut out = OsString::from(".");
    out.push(name);
    out.push(format!(".{random:016x}{SUFFIX}"));
    out
}

/// Removes what processes left behind that were killed while they wrote such a file for `target`.
#[cfg(unix)]
pub(super) fn sweep(target: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::{FlockOperation, OFlags, flock};

    let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else { return };
    let Ok(entries) = fs::read_dir(folder) else { return };
    let (len, name) = (beside_name(name, 0).len(), name.as_encoded_bytes());
    for entry in entries.flatten() {
        let found = entry.file_name();
        let bytes = found.as_encoded_bytes();
        let ours = bytes.len() == len
            && bytes.strip_prefix(b".").is_some_and(|rest| rest.starts_with(name))
            && bytes.ends_with(SUFFIX.as_bytes());
        if !ours {
            continue;
        }
        let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed();
        let Ok(file) = File::options().read(true).custom_flags(flags).open(entry.path()) else {
            continue;
        };
        // Whoever still writes it holds its lock.
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(not(unix))]
pub(super) fn sweep(_: &Path) {}
