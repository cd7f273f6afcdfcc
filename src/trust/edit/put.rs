//! New content in the place of the old.

use std::fs::Metadata;
use std::io;

use super::super::new_file::{NewFile, sweep, sync_folder};
use super::lock::{Locked, Stamp};

/// Why the new content is not in its place. The old file is whole, unless the variant says otherwise.
#[derive(Debug)]
pub(in crate::trust) enum NotPut {
    /// Something failed.
    Failed { doing: &'static str, problem: io::Error },
    /// No file can be made in the folder.
    ReadOnlyFolder(io::Error),
    /// Owner, group and mode cannot be set at all.
    Owner(io::Error),
    /// Only a new file would do, and none can take the place of this one.
    Mount,
    /// A part of the new lines is in the file, and cannot be taken back.
    Torn(io::Error),
    /// It is in its place, and perhaps not on the disk.
    Unsynced(io::Error),
}

fn failed(doing: &'static str) -> impl FnOnce(io::Error) -> NotPut {
    move |problem| NotPut::Failed { doing, problem }
}

/// Puts `new` in the place of `old`, which was read when the file was as `before` says, or where
/// there is no file. `Ok(false)` if another program has changed that meanwhile.
pub(in crate::trust) fn put(
    locked: &Locked,
    before: Option<&Metadata>,
    old: &[u8],
    new: &[u8],
) -> Result<bool, NotPut> {
    let spot = locked.spot();
    if locked.is_mount() {
        return append(locked, before, old, new);
    }
    sweep(spot);
    let mut file = NewFile::beside(spot).map_err(|problem| match problem.kind() {
        io::ErrorKind::PermissionDenied => NotPut::ReadOnlyFolder(problem),
        _ => failed("make a new file beside it")(problem),
    })?;
    file.write(new).map_err(failed("write the new content"))?;
    match before {
        Some(before) => file.like(before).map_err(NotPut::Owner)?,
        None => {
            #[cfg(unix)]
            give_to_heir(locked, &file).map_err(NotPut::Owner)?;
            file.mode(0o600).map_err(failed("set the mode of the new file"))?;
        }
    }
    file.sync().map_err(failed("get the new content to the disk"))?;
    let placed = match before {
        None => file.put(),
        Some(before) => {
            let now = spot.look(spot.name()).map(|now| Stamp::of(&now));
            if now.is_ok_and(|now| now == Stamp::of(before)) {
                file.rename()
            } else {
                return Ok(false);
            }
        }
    };
    match placed {
        Ok(()) => {}
        Err(error) if before.is_none() && error.kind() == io::ErrorKind::AlreadyExists => {
            return Ok(false);
        }
        // a mount that the system does not tell otherwise
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            return append(locked, before, old, new);
        }
        Err(problem) => {
            let barred = problem.kind() == io::ErrorKind::PermissionDenied;
            let doing = match barred && is_sticky(locked) {
                true => {
                    "put the new file in place, for the file belongs to another user and its folder is sticky (mode 1777), so that only that user can replace it"
                }
                false => "put the new file in place",
            };
            return Err(failed(doing)(problem));
        }
    }
    sync_folder(spot).map_err(NotPut::Unsynced)?;
    Ok(true)
}

#[cfg(unix)]
fn give_to_heir(locked: &Locked, file: &NewFile) -> io::Result<()> {
    let heir = super::lock::beside::Owner::of(locked.spot(), None)?;
    if rustix::process::geteuid().is_root() { file.give_to(heir.uid, heir.gid) } else { Ok(()) }
}

#[cfg(unix)]
fn is_sticky(locked: &Locked) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    locked.spot().look_at_folder().is_ok_and(|folder| folder.mode() & 0o1000 != 0)
}

#[cfg(not(unix))]
fn is_sticky(_: &Locked) -> bool {
    false
}

/// Adds to the file itself what `new` has after `old`.
#[cfg(unix)]
fn append(
    locked: &Locked,
    before: Option<&Metadata>,
    old: &[u8],
    new: &[u8],
) -> Result<bool, NotPut> {
    use std::io::Write as _;

    use rustix::fs::{OFlags, fcntl_setfl};

    use super::super::new_file::sync;

    let (Some(mut file), Some(before)) = (locked.file(), before) else { return Err(NotPut::Mount) };
    let Some(tail) = new.strip_prefix(old) else { return Err(NotPut::Mount) };
    let ready = fcntl_setfl(file, OFlags::APPEND).map_err(io::Error::from);
    let now = ready.and_then(|()| file.metadata()).map_err(failed("open it to add to it"))?;
    if Stamp::of(&now) != Stamp::of(before) {
        return Ok(false);
    }
    if let Err(problem) = file.write_all(tail) {
        // so that no half of a line stays, which the next line would be added to
        let undone = file.set_len(before.len()).and_then(|()| file.sync_all());
        return Err(match undone {
            Ok(()) => failed("add to it")(problem),
            Err(_) => NotPut::Torn(problem),
        });
    }
    sync(file).map_err(NotPut::Unsynced)?;
    Ok(true)
}

#[cfg(not(unix))]
fn append(_: &Locked, _: Option<&Metadata>, _: &[u8], _: &[u8]) -> Result<bool, NotPut> {
    Err(NotPut::Mount)
}
