//! One editor at a time.

use std::fs::{self, File};
use std::io;
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long to wait for another program that edits the file.
const PATIENCE: Duration = Duration::from_secs(30);
const NAP: Duration = Duration::from_millis(5);

/// What happens if there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trust) enum Missing {
    /// An empty one is made.
    Create,
    /// That is an error.
    Refuse,
}

/// A file that nobody else edits by these functions while this exists.
#[derive(Debug)]
pub(in crate::trust) struct Locked {
    file: File,
    made_here: bool,
    #[cfg(unix)]
    path: PathBuf,
    #[cfg(windows)]
    _turn: File,
}

impl Locked {
    /// Waits for its turn; `Ok(None)` if it does not come.
    pub(in crate::trust) fn open(path: &Path, missing: Missing) -> io::Result<Option<Self>> {
        let started = Instant::now();
        loop {
            if let Some(locked) = Self::try_open(path, missing)? {
                return Ok(Some(locked));
            }
            if started.elapsed() > PATIENCE {
                return Ok(None);
            }
            std::thread::sleep(NAP);
        }
    }

    /// The lock is on the file itself. Whoever had it before may have put another file in its
    /// place: then it is that file's turn.
    #[cfg(unix)]
    fn try_open(path: &Path, missing: Missing) -> io::Result<Option<Self>> {
        use rustix::fs::{FlockOperation, flock};
        use rustix::io::Errno;

        let (file, made_here) = match open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && missing == Missing::Create => {
                match create(path) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
                    file => (file?, true),
                }
            }
            file => (file?, false),
        };
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let locked = Self { file, path: path.to_owned(), made_here };
        Ok(locked.is_in_place().then_some(locked))
    }

    /// A file beside it that only one process can have open, and that vanishes with it.
    #[cfg(windows)]
    fn try_open(path: &Path, missing: Missing) -> io::Result<Option<Self>> {
        use std::os::windows::fs::OpenOptionsExt as _;

        const FILE_FLAG_DELETE_ON_CLOSE: u32 = 0x0400_0000;
        const ERROR_ACCESS_DENIED: i32 = 5;
        const ERROR_SHARING_VIOLATION: i32 = 32;

        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let turn = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .share_mode(0)
            .custom_flags(FILE_FLAG_DELETE_ON_CLOSE)
            .open(name);
        let turn = match turn {
            Ok(turn) => turn,
            Err(error)
                if matches!(
                    error.raw_os_error(),
                    Some(ERROR_ACCESS_DENIED | ERROR_SHARING_VIOLATION)
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let (file, made_here) = match open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && missing == Missing::Create => {
                (create(path)?, true)
            }
            file => (file?, false),
        };
        Ok(Some(Self { file, made_here, _turn: turn }))
    }

    #[cfg(not(any(unix, windows)))]
    fn try_open(_: &Path, _: Missing) -> io::Result<Option<Self>> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "there are no locks on this system"))
    }

    pub(in crate::trust) fn file(&self) -> &File {
        &self.file
    }

    /// Whether there was no file before.
    pub(in crate::trust) fn made_here(&self) -> bool {
        self.made_here
    }

    #[cfg(unix)]
    fn is_in_place(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;

        let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        match (self.file.metadata(), fs::metadata(&self.path)) {
            (Ok(open), Ok(named)) => id(open) == id(named),
            _ => false,
        }
    }
}

#[cfg(unix)]
impl Drop for Locked {
    fn drop(&mut self) {
        // Made for the lock only, and nothing was put in its place.
        let empty = self.file.metadata().is_ok_and(|metadata| metadata.len() == 0);
        if self.made_here && empty && self.is_in_place() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    // To write as well: a file that its owner made read-only is not to be changed, and locks on
    // NFS want it. Without NONBLOCK a FIFO would hold us here.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    File::options().read(true).write(true).custom_flags(flags).open(path)
}

#[cfg(windows)]
fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).open(path)
}

#[cfg(any(unix, windows))]
fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// How a file looked: another program that takes no lock may have changed it when this differs.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::trust) struct Stamp(u64, Option<std::time::SystemTime>, (u64, u64));

impl Stamp {
    pub(in crate::trust) fn of(metadata: &fs::Metadata) -> Self {
        #[cfg(unix)]
        let id = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let id = (0, 0);
        Self(metadata.len(), metadata.modified().ok(), id)
    }
}
