//! One editor at a time.
//!
//! On Unix the lock is a file beside the one that is edited, `.known_hosts.handfast-lock`, which
//! only the owner of the edited file can open, so that a user who can merely read that file cannot
//! hold up its editors. What counts is the lock that a process holds on it (`flock`), not that it
//! exists: one that a killed process has left is taken over. It goes with the edit.
//!
//! A file that is a mount of its own has other neighbours inside and outside a container. There the
//! lock is on the file itself, and waiting for it is short.

#[cfg(unix)]
pub(in crate::trust) mod beside;

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::spot::{Found, Spot};

/// How long to wait for another process that edits the file.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait for a lock that other users may hold.
const SHORT: Duration = Duration::from_secs(2);
const NAP: Duration = Duration::from_millis(5);

/// What happens if there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trust) enum Missing {
    /// A new one is made.
    Create,
    /// That is an error.
    Refuse,
}

/// Why there is no lock.
#[derive(Debug)]
pub(in crate::trust) enum NoLock {
    /// Another process holds it for too long.
    Busy,
    /// What stands under the name of the lock file is not to be used.
    Refused { lock: PathBuf, reason: String },
    /// The lock file cannot be made.
    Make(io::Error),
    /// The file itself cannot be opened to be changed.
    Open(io::Error),
    /// It is no regular file, but this.
    NotRegular(&'static str),
}

/// A file that no other process edits by these functions while this exists.
#[derive(Debug)]
pub(in crate::trust) struct Locked {
    spot: Arc<Spot>,
    file: Option<File>,
    is_mount: bool,
    #[cfg(unix)]
    _beside: Option<beside::LockFile>,
    #[cfg(windows)]
    _turn: File,
}

impl Locked {
    pub(in crate::trust) fn spot(&self) -> &Arc<Spot> {
        &self.spot
    }

    /// The file, if there is one, open to read and to write.
    pub(in crate::trust) fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// Whether another file cannot take the place of this one.
    pub(in crate::trust) fn is_mount(&self) -> bool {
        self.is_mount
    }
}

/// Opens the file; to write as well, since a file that its owner made read-only is not to be
/// changed.
fn open(spot: &Spot) -> Result<Option<File>, NoLock> {
    match spot.open(true).map_err(NoLock::Open)? {
        Found::File(file) => Ok(Some(file)),
        Found::Missing => Ok(None),
        Found::NotRegular(seen) => Err(NoLock::NotRegular(seen)),
    }
}

#[cfg(unix)]
impl Locked {
    /// Waits for its turn.
    pub(in crate::trust) fn open(spot: &Arc<Spot>) -> Result<Self, NoLock> {
        let (spot, file) = (Arc::clone(spot), open(spot)?);
        if let Some(file) = file.as_ref().filter(|file| is_mount(file)) {
            lock_itself(file)?;
            let file = Some(file.try_clone().map_err(NoLock::Open)?);
            return Ok(Self { spot, file, is_mount: true, _beside: None });
        }
        let beside = beside::LockFile::take(&spot, file.as_ref())?;
        // it may have been replaced while this waited
        let file = open(&spot)?;
        Ok(Self { spot, file, is_mount: false, _beside: Some(beside) })
    }
}

/// Waits a little for the lock on the file itself.
#[cfg(unix)]
pub(in crate::trust) fn lock_itself(file: &File) -> Result<(), NoLock> {
    use rustix::fs::{FlockOperation, flock};
    use rustix::io::Errno;

    let started = Instant::now();
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK | Errno::INTR) if started.elapsed() < SHORT => {}
            Err(Errno::WOULDBLOCK | Errno::INTR) => return Err(NoLock::Busy),
            Err(error) => return Err(NoLock::Open(error.into())),
        }
        std::thread::sleep(NAP);
    }
}

/// Whether a file is a mount of its own, as `docker run -v FILE:FILE` makes it.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_mount(file: &File) -> bool {
    use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};

    let seen = statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::empty());
    let known = seen.is_ok_and(|seen| seen.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
    #[cfg(test)]
    let known = known || tests::PRETENDS_TO_BE_A_MOUNT.get();
    known
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
fn is_mount(_: &File) -> bool {
    false
}

#[cfg(windows)]
impl Locked {
    /// Waits for its turn: a file beside it that only one process can have open, and that vanishes
    /// with it.
    pub(in crate::trust) fn open(spot: &Arc<Spot>) -> Result<Self, NoLock> {
        let started = Instant::now();
        loop {
            if let Some(turn) = Self::turn(spot).map_err(NoLock::Make)? {
                let file = open(spot)?;
                return Ok(Self { spot: Arc::clone(spot), file, is_mount: false, _turn: turn });
            }
            if started.elapsed() > PATIENCE {
                return Err(NoLock::Busy);
            }
            std::thread::sleep(NAP);
        }
    }

    fn turn(spot: &Spot) -> io::Result<Option<File>> {
        use std::os::windows::fs::OpenOptionsExt as _;

        const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
        const ERROR_ACCESS_DENIED: i32 = 5;
        const ERROR_SHARING_VIOLATION: i32 = 32;

        let mut name = spot.real().as_os_str().to_owned();
        name.push(".lock");
        let turn = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .share_mode(0)
            .custom_flags(FILE_FLAG_DELETE_ON_CLOSE)
            .open(name);
        match turn {
            Ok(turn) => Ok(Some(turn)),
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(ERROR_ACCESS_DENIED | ERROR_SHARING_VIOLATION)
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(not(any(unix, windows)))]
impl Locked {
    pub(in crate::trust) fn open(_: &Arc<Spot>) -> Result<Self, NoLock> {
        let _ = (PATIENCE, SHORT, NAP, Instant::now());
        Err(NoLock::Make(io::Error::new(
            io::ErrorKind::Unsupported,
            "there are no locks on this system",
        )))
    }
}

/// How a file looked: another program that takes no lock may have changed it when this differs.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::trust) struct Stamp(u64, Option<std::time::SystemTime>, (u64, u64), (i64, i64));

impl Stamp {
    pub(in crate::trust) fn of(metadata: &fs::Metadata) -> Self {
        #[cfg(unix)]
        let (id, changed) = {
            use std::os::unix::fs::MetadataExt as _;
            ((metadata.dev(), metadata.ino()), (metadata.ctime(), metadata.ctime_nsec()))
        };
        #[cfg(not(unix))]
        let (id, changed) = ((0, 0), (0, 0));
        Self(metadata.len(), metadata.modified().ok(), id, changed)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
