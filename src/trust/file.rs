//! Reading a file once, whole and bounded; and its lines.

#[cfg(unix)]
mod lines;

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::strict_modes::{Guard, check};
use super::{MAX_FILE, MAX_LINE, TrustError, TrustErrorKind};
use crate::key::is_utf16;
use crate::key::shown::shown_whole;

#[cfg(unix)]
pub(super) use self::lines::Lines;

/// Who may own and write a file, beside being able to read it.
pub(super) enum Ownership {
    /// Whoever: OpenSSH looks at neither for `known_hosts`.
    Any,
    /// As sshd's StrictModes.
    Strict(Guard),
}

/// A file in memory, without its byte order mark.
#[derive(Debug, Clone)]
pub(super) struct Contents {
    name: Arc<str>,
    bytes: Vec<u8>,
    marked: bool,
}

/// The byte order mark of UTF-8, which some editors put at the start of a file.
pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

impl Contents {
    /// Takes bytes that come from elsewhere; `name` stands for the path in messages.
    pub(super) fn new(name: &str, bytes: &[u8]) -> Result<Self, TrustError> {
        let name = shown_whole(name).into();
        check_bytes(&name, bytes)?;
        Ok(Self::without_mark(name, bytes.to_vec()))
    }

    /// Reads a file; `~/` at the start of `path` stands for the home directory.
    pub(super) fn read(path: &Path, ownership: Ownership) -> Result<Self, TrustError> {
        Self::read_with(path, &ownership, open_to_read)
    }

    /// Reads a file that `open` opens.
    pub(super) fn read_with(
        path: &Path,
        ownership: &Ownership,
        open: impl FnOnce(&Path) -> Result<File, TrustErrorKind>,
    ) -> Result<Self, TrustError> {
        let shown = |path: &Path| Arc::<str>::from(shown_whole(&path.to_string_lossy()));
        let path = expand(path).map_err(|kind| TrustError::new(&shown(path), None, kind))?;
        let name = shown(&path);
        let bytes =
            read(&path, ownership, open).map_err(|kind| TrustError::new(&name, None, kind))?;
        check_bytes(&name, &bytes)?;
        Ok(Self::without_mark(name, bytes))
    }

    /// Takes all that an open file holds; `name` is its path as messages show it.
    pub(super) fn of_file(name: &Arc<str>, file: &File) -> Result<Self, TrustError> {
        let bytes = file.metadata().map_err(kind_of).and_then(|metadata| {
            check_regular(&metadata)?;
            read_all(file, &metadata)
        });
        let bytes = bytes.map_err(|kind| TrustError::new(name, None, kind))?;
        check_bytes(name, &bytes)?;
        Ok(Self::without_mark(Arc::clone(name), bytes))
    }

    /// A file that does not exist yet.
    pub(super) fn empty(name: &Arc<str>) -> Self {
        Self::without_mark(Arc::clone(name), Vec::new())
    }

    fn without_mark(name: Arc<str>, mut bytes: Vec<u8>) -> Self {
        let marked = bytes.starts_with(MARK);
        if marked {
            bytes.drain(..MARK.len());
        }
        Self { name, bytes, marked }
    }

    /// A file of these lines, with a byte order mark if this one has one. A mark that the first of
    /// them begins with stays a part of that line, which could otherwise come to mean something.
    pub(super) fn with_mark(&self, lines: &[u8]) -> Vec<u8> {
        let mark: &[u8] = if self.marked || lines.starts_with(MARK) { MARK } else { &[] };
        [mark, lines].concat()
    }

    /// All of it behind that mark.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The path as messages show it.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The lines with their numbers, from 1, without `\n` or `\r\n`; a line that is too long is an
    /// error.
    pub(super) fn lines(&self) -> impl Iterator<Item = Result<(usize, &[u8]), TrustError>> {
        self.bytes.split(|&byte| byte == b'\n').zip(1..).map(|(line, number)| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.len() > MAX_LINE {
                let kind = TrustErrorKind::LineTooLong { len: line.len(), max: MAX_LINE };
                return Err(TrustError::new(&self.name, Some(number), kind));
            }
            Ok((number, line))
        })
    }
}

/// That a file is none that is refused whatever its lines say.
pub(super) fn check_bytes(name: &Arc<str>, bytes: &[u8]) -> Result<(), TrustError> {
    let kind = if bytes.len() > MAX_FILE {
        TrustErrorKind::FileTooLarge { max: MAX_FILE }
    } else if is_utf16(bytes) {
        TrustErrorKind::Utf16
    } else {
        return Ok(());
    };
    Err(TrustError::new(name, None, kind))
}

/// `line` without the blanks and tabs it begins with.
pub(super) fn trim_start(line: &[u8]) -> &[u8] {
    let blanks = line.iter().take_while(|byte| is_blank(byte)).count();
    line.get(blanks..).unwrap_or_default()
}

/// The bytes before the first blank or tab, and those from it on.
pub(super) fn split_at_blank(line: &[u8]) -> (&[u8], &[u8]) {
    let word = line.iter().take_while(|byte| !is_blank(byte)).count();
    line.split_at_checked(word).unwrap_or((line, &[]))
}

/// Only these two separate words, in all of OpenSSH's files.
pub(super) fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

pub(super) fn expand(path: &Path) -> Result<PathBuf, TrustErrorKind> {
    let Ok(below) = path.strip_prefix("~") else {
        return Ok(path.to_owned());
    };
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    Ok(home.ok_or(TrustErrorKind::NoHome)?.join(below))
}

fn read(
    path: &Path,
    ownership: &Ownership,
    open: impl FnOnce(&Path) -> Result<File, TrustErrorKind>,
) -> Result<Vec<u8>, TrustErrorKind> {
    // All questions go to the open file: between two looks at a path another file can take its
    // place.
    let file = open(path)?;
    let metadata = file.metadata().map_err(kind_of)?;
    check_regular(&metadata)?;
    if let Ownership::Strict(guard) = ownership {
        check(&metadata, path, guard)?;
    }
    read_all(&file, &metadata)
}

pub(super) fn open_to_read(path: &Path) -> Result<File, TrustErrorKind> {
    open(path).map_err(kind_of)
}

fn check_regular(metadata: &Metadata) -> Result<(), TrustErrorKind> {
    if metadata.is_file() {
        return Ok(());
    }
    let seen = if metadata.is_dir() { "a directory" } else { "not a regular file" };
    Err(TrustErrorKind::NotRegular { seen })
}

fn read_all(file: &File, metadata: &Metadata) -> Result<Vec<u8>, TrustErrorKind> {
    let limit = u64::try_from(MAX_FILE).unwrap_or(u64::MAX);
    if metadata.len() > limit {
        return Err(TrustErrorKind::FileTooLarge { max: MAX_FILE });
    }
    // The file may grow meanwhile: the size that counts is that of what was read.
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(kind_of)?;
    Ok(bytes)
}

/// Opens what is at a path to be read, and waits for nobody.
#[cfg(unix)]
pub(super) fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    // Without NONBLOCK a FIFO would hold us here until somebody writes to it.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
pub(super) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

pub(super) fn kind_of(error: io::Error) -> TrustErrorKind {
    match error.kind() {
        io::ErrorKind::NotFound => TrustErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => TrustErrorKind::Denied,
        _ => TrustErrorKind::Io { error },
    }
}

#[cfg(test)]
mod tests;
