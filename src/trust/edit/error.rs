//! Why a file was not changed.

use std::io;
use std::path::{Path, PathBuf};

use super::super::known_hosts::listed_keys;
use super::super::{Host, KnownKey, LineFault, LinkRefused, Place, TrustError};
use super::WhyNotLearned;
use crate::key::shown::shown_whole;
use crate::key::{KeyError, shell_path};

/// Why a file that says whom to trust was not changed. It is as it was before, whole, unless the
/// variant says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// The file cannot be read, or not be understood.
    #[error(transparent)]
    Read(#[from] TrustError),
    /// The folder that the file belongs into does not exist.
    #[error(
        "{}: there is no such folder to put the file in; run `mkdir -p -m 700 {}`",
        shown(path),
        shell_path(folder)
    )]
    NoFolder {
        /// The file.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
    },
    /// A symbolic link on the way to the file is not followed.
    #[error("{}: {refused}; nothing was changed", shown(path))]
    Link {
        /// The file, as it was named.
        path: PathBuf,
        /// The link, and where it leads.
        refused: LinkRefused,
    },
    /// What stands under the name of the lock file is not one of this file's editors.
    #[error(
        "{}: {} is in the way, the name of the lock file: {reason}; remove it if no program edits the file; nothing was changed",
        shown(path),
        shown(lock)
    )]
    LockFile {
        /// The file.
        path: PathBuf,
        /// What is in the way.
        lock: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is a mount of its own, as `docker run -v FILE:FILE` makes it: lines can be added to
    /// it, and nothing else can be changed.
    #[error(
        "{}: the file is a mount of its own, so that no other file can take its place; mount its folder instead, or change the file outside of the container; nothing was changed",
        shown(path)
    )]
    Mount {
        /// The file.
        path: PathBuf,
    },
    /// A part of the new lines is in the file, which is a mount of its own.
    #[error(
        "{}: a part of the new lines was added, and could not be taken back: {problem}; look at the end of the file",
        shown(path)
    )]
    Torn {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        problem: io::Error,
    },
    /// The file can be read, and this program may not write to it.
    #[error(
        "{}: this program may read the file and not write to it; if it is to be changed, run this as its owner, after `chmod u+w {}` where that is missing; nothing was changed",
        shown(path),
        shell_path(path)
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// Each change is a new file beside the old one, and this program may not make files there.
    #[error(
        "{}: this program may not make files in the folder {}, which a change needs; run `chmod u+w {}`, or run this as somebody who may; nothing was changed",
        shown(path),
        shown(folder),
        shell_path(folder)
    )]
    ReadOnlyFolder {
        /// The file.
        path: PathBuf,
        /// The folder that it is in, or that the link in its place leads to.
        folder: PathBuf,
    },
    /// The file has a line that cannot be read.
    #[error("{at} cannot be read: {fault}; correct or remove that line first; nothing was changed")]
    InvalidLine {
        /// The line.
        at: Place,
        /// What is wrong with it.
        fault: LineFault,
    },
    /// The keys that a host proved to hold are not to be learned.
    #[error("no key of {host} was learned: {why}")]
    NotLearned {
        /// The host.
        host: Host,
        /// Why not.
        why: WhyNotLearned,
    },
    /// The new content could not be written. The old file is whole.
    #[error("{}: cannot {doing}: {problem}; the file is as it was", shown(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the operating system said.
        problem: io::Error,
    },
    /// Owner, group or mode of the new file cannot be set, for another reason than that this program
    /// may not.
    #[error(
        "{}: its owner, group or mode cannot be kept: {problem}; run this as the file's owner; the file is as it was",
        shown(path)
    )]
    Owner {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        problem: io::Error,
    },
    /// The file was replaced, but whether the change outlives a power failure is not known.
    #[error(
        "{}: changed, but it cannot be made sure that the change is on the disk: {problem}",
        shown(path)
    )]
    Unsynced {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        problem: io::Error,
    },
    /// Another program edits the file and does not come to an end.
    #[error(
        "{}: another program holds the lock on the file; try again when it is done",
        shown(path)
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Another program, which takes no lock, changes the file again and again.
    #[error(
        "{}: another program changes the file again and again; try again when it is done; nothing was changed",
        shown(path)
    )]
    KeepsChanging {
        /// The file.
        path: PathBuf,
    },
    /// The name of the host would mean something else in the file.
    #[error("`{}` cannot be written as the name of a host: it holds {reason}", shown_whole(name))]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The comment would not stay one, or could deceive whoever reads it.
    #[error("`{}` cannot be the comment of a key: it holds {reason}", shown_whole(comment))]
    Comment {
        /// The comment.
        comment: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file or the line would become larger than any that is read.
    #[error("{}: with the change it would be larger than what is read back", shown(path))]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The host is known by another key.
    #[error(
        "{host} is known by another key: {}; if the host has changed its key, remove that line first",
        listed_keys(known)
    )]
    OtherKey {
        /// The host.
        host: Host,
        /// The keys that it is known by; never empty.
        known: Vec<KnownKey>,
    },
    /// The key is revoked for the host.
    #[error("{at} revokes this key for {host}; it was not added")]
    Revoked {
        /// The host.
        host: Host,
        /// The line that revokes it.
        at: Place,
    },
    /// The key is listed with other options, which another line would lift.
    #[error(
        "{at} lists this key with restrictions ({restrictions}), and another line would lift them; edit that line by hand, or remove it first"
    )]
    Restricted {
        /// The line.
        at: Place,
        /// What it says.
        restrictions: String,
    },
    /// The key is listed without restrictions, which a line with some would not change.
    #[error(
        "{at} lists this key without restrictions, and a line with some would not restrict it; remove that line first"
    )]
    Unrestricted {
        /// The line.
        at: Place,
    },
    /// The value of an option would not count, or would not mean what was meant.
    #[error("`{}` cannot be the value of the option `{name}`: {reason}", shown_whole(value))]
    Option {
        /// The option.
        name: &'static str,
        /// The value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system gave no random bytes.
    #[error("{0}; nothing was written")]
    Randomness(KeyError),
    /// A line did not read back as what it was made from; it was not written.
    #[error(
        "internal error: the line made for `{}` does not read back; nothing was written",
        shown_whole(text)
    )]
    Unreadable {
        /// What it was made for.
        text: String,
    },
}

fn shown(path: &Path) -> String {
    shown_whole(&path.to_string_lossy())
}
