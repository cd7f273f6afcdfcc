//! Private keys on disk: read only where nobody else can read them, written so that nobody else
//! ever could.

mod passphrase;

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::file::{MARK, open};
use super::new_file::{NewFile, sync_folder};
use super::spot::{Astray, LinkRefused, Links, Spot};
use crate::key::shown::shown_whole;
use crate::key::{Identity, KeyError, MAX_FILE, is_key_type, shell_path, shell_word};

/// Why a private key file was not read or written. Every message names the file.
///
/// The messages are complete in themselves, so there is no [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// There is no such file.
    #[error(
        "{}: there is no such file; make a key with `ssh-keygen -t ed25519 -f {}`",
        shown(path),
        shell_path(path)
    )]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be opened or read.
    #[error("{}: cannot read the private key: {problem}", shown(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        problem: io::Error,
    },
    /// The path leads to a directory, a pipe or a device.
    #[error("{}: not a regular file", shown(path))]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// There is a public key in the file.
    #[error("{}: this is a public key; give the private one{}", shown(path), without_pub(path))]
    PublicKey {
        /// The file.
        path: PathBuf,
    },
    /// There is nothing in the file, or nothing but blanks.
    #[error("{}: the file is empty; restore it from a copy, or make a new key", shown(path))]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner have access to the file (Unix only).
    #[error(
        "{}: refused, for its mode is {mode:04o} and others than its owner have access to the private key in it; run `chmod 600 {}`",
        shown(path),
        shell_path(path)
    )]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another group than the one that was named may read the file (Unix only).
    #[error(
        "{}: refused, for group id {seen} may read the private key in it, and only the group `{}` may; run `chgrp {} {}` or `chmod 600 {}`",
        shown(path),
        shown_whole(group),
        shell_word(group),
        shell_path(path),
        shell_path(path)
    )]
    OtherGroup {
        /// The file.
        path: PathBuf,
        /// The group id of the file.
        seen: u32,
        /// The group that was named.
        group: String,
    },
    /// The group that was named does not exist on this machine (Unix only).
    #[error(
        "{}: there is no group `{}` on this machine that could share it",
        shown(path),
        shown_whole(group)
    )]
    NoGroup {
        /// The file.
        path: PathBuf,
        /// The group that was named.
        group: String,
    },
    /// The path begins with `~/`, but it is not known where the user's home directory is.
    #[error(
        "{}: no home directory is known to put in place of `~`; set HOME or give the whole path",
        shown(path)
    )]
    NoHome {
        /// The path as it was given.
        path: PathBuf,
    },
    /// The file was read, but what it holds is not a key that can be used, or the key cannot be
    /// written.
    #[error("{}: {}", shown(path), problem.for_file(path))]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with its content.
        problem: KeyError,
    },
    /// A key was to be written where there is a file already. Nothing was changed.
    #[error("{}: there is a file already, and a private key never replaces one", shown(path))]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A symbolic link on the way to a file that was to be written is not followed.
    #[error("{}: {refused}; nothing was changed", shown(path))]
    Link {
        /// The file, as it was named.
        path: PathBuf,
        /// The link, and where it leads.
        refused: LinkRefused,
    },
    /// The file could not be written. What was written of it has been removed.
    #[error("{}: cannot write the private key: {problem}", shown(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        problem: io::Error,
    },
}

/// Files (feature `files`).
impl Identity {
    /// Reads an unencrypted private key file, as `ssh-keygen -t ed25519` makes it. A leading `~/`
    /// is the user's home directory. Reads from disk, so call it where blocking is allowed.
    ///
    /// On Unix a file that anybody but its owner has access to is refused, whoever the owner is. On
    /// other systems nothing of the kind is checked.
    ///
    /// # Errors
    /// [`KeyFileError::NotFound`], [`KeyFileError::Permissions`] and the other variants about the
    /// file; [`KeyFileError::Key`] with [`KeyError::PassphraseNeeded`] if it is encrypted, or
    /// with another [`KeyError`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        load(path.as_ref(), None)
    }

    /// As [`load`](Self::load), for a file that this group may read beside its owner, as a volume of
    /// a container has it: mode 0440 or 0640, owner root. The group is a name or, where it has none,
    /// its number. Unix only.
    ///
    /// Whoever is in the group can be who the key says. The group may not write to the file, and
    /// others have no access at all.
    ///
    /// # Errors
    /// As [`load`](Self::load); [`KeyFileError::NoGroup`] and [`KeyFileError::OtherGroup`].
    #[cfg(unix)]
    pub fn load_shared_with_group(
        path: impl AsRef<Path>,
        group: &str,
    ) -> Result<Self, KeyFileError> {
        parse(expand(path.as_ref())?, None, |path, metadata| check_group(path, metadata, group))
    }

    /// As [`load`](Self::load), for a file protected by a passphrase.
    ///
    /// # Errors
    /// As [`load`](Self::load); a wrong passphrase is [`KeyFileError::Key`] with
    /// [`KeyError::WrongPassphrase`].
    pub fn load_with_passphrase(
        path: impl AsRef<Path>,
        passphrase: impl AsRef<[u8]>,
    ) -> Result<Self, KeyFileError> {
        load(path.as_ref(), Some(passphrase.as_ref()))
    }

    /// Writes the key to a new file that `ssh` and `ssh-keygen` can read, encrypted if there is a
    /// passphrase. A leading `~/` is the user's home directory.
    ///
    /// The file must not exist yet. On Unix only its owner has access from the first byte on (mode
    /// 0600); on other systems the directory's rules apply. The file takes its name when it is
    /// whole: half a key never stands there. When this returns, the file is on disk.
    ///
    /// # Errors
    /// [`KeyFileError::Exists`], [`KeyFileError::Write`], [`KeyFileError::NoHome`], and
    /// [`KeyFileError::Key`] with the error of [`to_openssh`](Self::to_openssh). No file is
    /// left behind.
    pub fn save(
        &self,
        path: impl AsRef<Path>,
        passphrase: Option<&[u8]>,
    ) -> Result<(), KeyFileError> {
        self.unplaced(path.as_ref(), passphrase, false)?.put_new()
    }

    /// As [`save`](Self::save), with the public key beside the private one, as `ssh-keygen` leaves
    /// them: `path` and `path.pub`, the latter with mode 0644 and the comment.
    ///
    /// Neither file may exist, unless `replace` says that both may be replaced; then a symbolic
    /// link is followed. Both are written whole before the first of them takes its place, so that
    /// no lack of space comes between.
    ///
    /// # Errors
    /// As [`save`](Self::save), for either file.
    pub fn save_pair(
        &self,
        path: impl AsRef<Path>,
        passphrase: Option<&[u8]>,
        replace: bool,
    ) -> Result<(), KeyFileError> {
        let private = self.unplaced(path.as_ref(), passphrase, replace)?;
        let mut public_path = private.path.clone().into_os_string();
        public_path.push(".pub");
        let text = self.public_line();
        let public = Unplaced::write(public_path.into(), text.as_bytes(), 0o644, replace)?;
        if replace {
            private.replace()?;
            return public.replace();
        }
        if public.is_there() {
            // Of two who make the same pair, the slower one hears of the private key.
            let both = private.is_there();
            return Err(KeyFileError::Exists {
                path: if both { private.path } else { public.path },
            });
        }
        private.put_new()?;
        public.put_new()
    }

    /// The line of a `.pub` file, with its end; characters of the comment that would leave the line
    /// or drive a terminal are escaped.
    fn public_line(&self) -> String {
        let comment = shown_whole(self.comment());
        let space = if comment.is_empty() { "" } else { " " };
        format!("{}{space}{comment}\n", self.public_key())
    }

    fn unplaced(
        &self,
        path: &Path,
        passphrase: Option<&[u8]>,
        through_links: bool,
    ) -> Result<Unplaced, KeyFileError> {
        let path = expand(path)?;
        let text = self
            .to_openssh(passphrase)
            .map_err(|problem| KeyFileError::Key { path: path.clone(), problem })?;
        Unplaced::write(path, text.as_bytes(), 0o600, through_links)
    }
}

fn load(path: &Path, passphrase: Option<&[u8]>) -> Result<Identity, KeyFileError> {
    parse(expand(path)?, passphrase, check_owner_alone)
}

fn parse(
    path: PathBuf,
    passphrase: Option<&[u8]>,
    check: impl FnOnce(&Path, &Metadata) -> Result<(), KeyFileError>,
) -> Result<Identity, KeyFileError> {
    let text = read(&path, check)?;
    Identity::from_openssh(&*text, passphrase)
        .map_err(|problem| KeyFileError::Key { path, problem })
}

/// Only the owner has access.
#[cfg(unix)]
fn check_owner_alone(path: &Path, metadata: &Metadata) -> Result<(), KeyFileError> {
    check_mode(path, metadata, 0o700)
}

#[cfg(not(unix))]
fn check_owner_alone(_: &Path, _: &Metadata) -> Result<(), KeyFileError> {
    Ok(())
}

/// Only the owner has access, and the group may read if it is this one.
#[cfg(unix)]
fn check_group(path: &Path, metadata: &Metadata, group: &str) -> Result<(), KeyFileError> {
    use std::os::unix::fs::MetadataExt as _;

    check_mode(path, metadata, 0o740)?;
    let seen = metadata.gid();
    if metadata.mode() & 0o040 != 0 && seen != group_id(path, group)? {
        let (path, group) = (path.to_owned(), group.to_owned());
        return Err(KeyFileError::OtherGroup { path, seen, group });
    }
    Ok(())
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &Metadata, allowed: u32) -> Result<(), KeyFileError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777;
    if mode & 0o777 & !allowed != 0 {
        return Err(KeyFileError::Permissions { path: path.to_owned(), mode });
    }
    Ok(())
}

/// The number of a group that is named, or given as a number.
#[cfg(unix)]
fn group_id(path: &Path, group: &str) -> Result<u32, KeyFileError> {
    let found = nix::unistd::Group::from_name(group)
        .map_err(|problem| KeyFileError::Read { path: path.to_owned(), problem: problem.into() })?;
    let id = found.map(|found| found.gid.as_raw()).or_else(|| group.parse().ok());
    id.ok_or_else(|| KeyFileError::NoGroup { path: path.to_owned(), group: group.to_owned() })
}

fn read(
    path: &Path,
    check: impl FnOnce(&Path, &Metadata) -> Result<(), KeyFileError>,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    // a folder can be opened on Unix only
    #[cfg(not(unix))]
    if !std::fs::metadata(path).map_err(unread(path))?.is_file() {
        return Err(KeyFileError::NotAFile { path: path.to_owned() });
    }
    // all is asked of the open file, which waits for no writer if it is a pipe
    read_open(&open(path).map_err(unread(path))?, path, check)
}

fn unread(path: &Path) -> impl Fn(io::Error) -> KeyFileError {
    let path = path.to_owned();
    move |problem| match problem.kind() {
        io::ErrorKind::NotFound => KeyFileError::NotFound { path: path.clone() },
        _ => KeyFileError::Read { path: path.clone(), problem },
    }
}

/// All of an open file, if it can be a private key and its owner and mode are as they should be.
fn read_open(
    file: &File,
    path: &Path,
    check: impl FnOnce(&Path, &Metadata) -> Result<(), KeyFileError>,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let metadata = file.metadata().map_err(unread(path))?;
    if !metadata.is_file() {
        return Err(KeyFileError::NotAFile { path: path.to_owned() });
    }
    // One byte more than allowed shows that there is too much; room for all, as growing leaves
    // copies behind.
    let limit = MAX_FILE.saturating_add(1);
    let mut text = Zeroizing::new(Vec::with_capacity(limit.saturating_add(64)));
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut text).map_err(unread(path))?;
    // What is no private key needs another path, not another mode.
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(KeyFileError::Empty { path: path.to_owned() });
    }
    if is_public_key(&text) {
        return Err(KeyFileError::PublicKey { path: path.to_owned() });
    }
    check(path, &metadata)?;
    Ok(text)
}

/// The name of the private key beside a public one.
fn without_pub(path: &Path) -> String {
    match path.extension() {
        Some(extension) if extension == "pub" => {
            format!(", `{}`", shell_path(path.with_extension("")))
        }
        _ => String::new(),
    }
}

/// Whether the first line begins with the type of a key, as that of a `.pub` file.
fn is_public_key(text: &[u8]) -> bool {
    let text = text.strip_prefix(MARK).unwrap_or(text).trim_ascii_start();
    is_key_type(text.split(u8::is_ascii_whitespace).next().unwrap_or_default())
}

/// A file that is on the disk whole, but not yet under its name.
struct Unplaced {
    path: PathBuf,
    spot: Arc<Spot>,
    new: NewFile,
}

impl Unplaced {
    fn write(
        path: PathBuf,
        text: &[u8],
        mode: u32,
        through_links: bool,
    ) -> Result<Self, KeyFileError> {
        let links = if through_links { Links::Trusted } else { Links::Above };
        let spot = match Spot::find(&path, links) {
            Ok(spot) => spot,
            Err(Astray::Link(refused)) => return Err(KeyFileError::Link { path, refused }),
            Err(Astray::NoFolder) => {
                let problem = io::ErrorKind::NotFound.into();
                return Err(KeyFileError::Write { path, problem });
            }
            Err(Astray::Io(problem)) => return Err(KeyFileError::Write { path, problem }),
        };
        let write = || {
            let mut new = NewFile::beside(&spot)?;
            new.mode(mode)?;
            new.write(text)?;
            new.sync()?;
            Ok(new)
        };
        match write() {
            Ok(new) => Ok(Self { path, spot, new }),
            Err(problem) => Err(KeyFileError::Write { path, problem }),
        }
    }

    /// Whether something has its name.
    fn is_there(&self) -> bool {
        self.spot.look(self.spot.name()).is_ok()
    }

    fn put_new(self) -> Result<(), KeyFileError> {
        let Self { path, spot, new } = self;
        new.put().and_then(|()| sync_folder(&spot)).map_err(|problem| match problem.kind() {
            io::ErrorKind::AlreadyExists => KeyFileError::Exists { path },
            _ => KeyFileError::Write { path, problem },
        })
    }

    fn replace(self) -> Result<(), KeyFileError> {
        let Self { path, spot, new } = self;
        if spot.look(spot.name()).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(KeyFileError::NotAFile { path });
        }
        new.rename().and_then(|()| sync_folder(&spot)).map_err(|problem| {
            let busy = problem.kind() == io::ErrorKind::ResourceBusy;
            KeyFileError::Write { path, problem: if busy { passphrase::mount() } else { problem } }
        })
    }
}

/// Puts the home directory in place of a leading `~/`, as a shell would.
fn expand(path: &Path) -> Result<PathBuf, KeyFileError> {
    let Ok(rest) = path.strip_prefix("~") else { return Ok(path.to_owned()) };
    match std::env::home_dir() {
        Some(home) if !home.as_os_str().is_empty() => Ok(home.join(rest)),
        _ => Err(KeyFileError::NoHome { path: path.to_owned() }),
    }
}

fn shown(path: &Path) -> String {
    shown_whole(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_tilde_is_the_home_directory() {
        let home = std::env::home_dir().unwrap();
        assert_eq!(expand(Path::new("~/.ssh/id_ed25519")).unwrap(), home.join(".ssh/id_ed25519"));
        for path in ["~bob/key", "./~/key", "key~", "/etc/~/key"] {
            assert_eq!(expand(Path::new(path)).unwrap(), Path::new(path));
        }
    }
}
