//! The lock file beside a file that is edited.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::Arc;
use std::time::Instant;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::super::super::new_file::NewFile;
use super::super::super::spot::{Found, Spot};
use super::{NAP, NoLock, PATIENCE, SHORT};

/// A lock file that this process holds; removed when dropped.
#[derive(Debug)]
pub(super) struct LockFile {
    file: File,
    name: OsString,
    spot: Arc<Spot>,
}

/// What came of one look at the lock file.
enum Look {
    Held(File),
    /// Another process holds it, or was quicker.
    Wait,
    /// It may be one that another user is about to remove, or one that stands in the way.
    InTheWay(String),
}

/// Whose the edited file is, or will be.
#[derive(Debug, Clone, Copy)]
pub(in crate::trust) struct Owner {
    pub(in crate::trust) uid: u32,
    pub(in crate::trust) gid: u32,
}

impl Owner {
    /// The owner of a file. A new file is that of the process or, where root makes it in the folder
    /// of another user, of that user, who could not read it otherwise.
    pub(in crate::trust) fn of(spot: &Spot, file: Option<&File>) -> io::Result<Self> {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        let metadata = match file {
            Some(file) => file.metadata()?,
            None if uid.is_root() => spot.look_at_folder()?,
            None => return Ok(Self { uid: uid.as_raw(), gid: gid.as_raw() }),
        };
        Ok(Self { uid: metadata.uid(), gid: metadata.gid() })
    }
}

/// `.known_hosts.handfast-lock`.
pub(super) fn name_of(spot: &Spot) -> OsString {
    let mut name = OsString::from(".");
    name.push(spot.name());
    name.push(".handfast-lock");
    name
}

impl LockFile {
    pub(super) fn take(spot: &Arc<Spot>, file: Option<&File>) -> Result<Self, NoLock> {
        let owner = Owner::of(spot, file).map_err(NoLock::Open)?;
        let name = name_of(spot);
        let refused = |reason| NoLock::Refused { lock: spot.folder_path().join(&name), reason };
        let started = Instant::now();
        let mut in_the_way = None;
        loop {
            match look(spot, &name, owner)? {
                Look::Held(file) => {
                    let held = Self { file, name: name.clone(), spot: Arc::clone(spot) };
                    // the process that had it before has removed it
                    if held.is_in_place() {
                        return Ok(held);
                    }
                    in_the_way = None;
                }
                Look::Wait => in_the_way = None,
                Look::InTheWay(reason) => {
                    let since = in_the_way.get_or_insert_with(Instant::now);
                    if since.elapsed() > SHORT {
                        return Err(refused(reason));
                    }
                }
            }
            if started.elapsed() > PATIENCE {
                return Err(NoLock::Busy);
            }
            std::thread::sleep(NAP);
        }
    }

    fn is_in_place(&self) -> bool {
        match (self.file.metadata(), self.spot.look(&self.name)) {
            (Ok(open), Ok(named)) => same(&open, &named),
            _ => false,
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // before the lock goes with the file, so that the next process makes one of its own
        if self.is_in_place() {
            let _ = self.spot.remove(&self.name);
        }
    }
}

fn same(a: &Metadata, b: &Metadata) -> bool {
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

fn look(spot: &Arc<Spot>, name: &OsString, owner: Owner) -> Result<Look, NoLock> {
    let found = match spot.look(name) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return make(spot, name, owner),
        Err(error) => return Err(NoLock::Make(error)),
    };
    let caller = rustix::process::geteuid().as_raw();
    if !found.is_file() {
        return Ok(Look::InTheWay("it is not a regular file".to_owned()));
    }
    if ![0, caller, owner.uid].contains(&found.uid()) {
        let reason = format!(
            "it belongs to user id {}, who is neither root nor the user of this program nor the owner of the file",
            found.uid()
        );
        return Ok(Look::InTheWay(reason));
    }
    let file = match spot.open_beside(name, true) {
        Ok(Found::File(file)) => file,
        Ok(_) => return Ok(Look::Wait),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let reason =
                format!("it belongs to user id {}, who edits the file or did", found.uid());
            return Ok(Look::InTheWay(reason));
        }
        Err(error) => return Err(NoLock::Make(error)),
    };
    let metadata = file.metadata().map_err(NoLock::Make)?;
    if !same(&metadata, &found) {
        return Ok(Look::Wait);
    }
    if metadata.mode() & 0o077 != 0 {
        // as a restored backup has it, or a volume whose modes were changed; never a file that has
        // another name, or a content
        let ours = metadata.nlink() == 1 && metadata.len() == 0;
        let private = std::fs::Permissions::from_mode(0o600);
        if !ours || file.set_permissions(private).is_err() {
            let mode = metadata.mode() & 0o7777;
            let reason = format!("its mode is {mode:04o}, so that others can hold it");
            return Ok(Look::InTheWay(reason));
        }
    }
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Look::Held(file)),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(Look::Wait),
        Err(error) => Err(NoLock::Make(error.into())),
    }
}

/// Makes the lock file, which has its owner and its lock before it has its name.
fn make(spot: &Arc<Spot>, name: &OsString, owner: Owner) -> Result<Look, NoLock> {
    let made = || {
        let new = NewFile::beside(spot)?;
        if rustix::process::geteuid().is_root() {
            new.give_to(owner.uid, owner.gid)?;
        }
        new.put_as(name)
    };
    match made() {
        Ok(file) => {
            flock(&file, FlockOperation::NonBlockingLockExclusive)
                .map_err(|error| NoLock::Make(error.into()))?;
            Ok(Look::Held(file))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Look::Wait),
        Err(error) => Err(NoLock::Make(error)),
    }
}
