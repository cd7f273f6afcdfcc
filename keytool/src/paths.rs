//! Where files are by default, and how paths are shown.

use std::fs::DirBuilder;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use handfast::key::printable;

use crate::error::Failure;

/// Where `ssh` looks for what it needs, below the home directory.
const FOLDER: &str = "~/.ssh";

/// A file that the user named, or one in `~/.ssh`.
pub(crate) fn or_default(given: Option<PathBuf>, name: &str) -> PathBuf {
    given.unwrap_or_else(|| Path::new(FOLDER).join(name))
}

/// Makes `~/.ssh` (mode 0700) if a file is to be written there by default.
pub(crate) fn make_folder_of(path: &Path) -> Result<(), Failure> {
    if path.parent() != Some(Path::new(FOLDER)) {
        return Ok(());
    }
    let folder = home(Path::new(FOLDER))?;
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Failure::Io(format!("{}: cannot make the folder: {error}", shown(&folder))))
        }
        _ => Ok(()),
    }
}

/// The path with the home directory in the place of a leading `~/`.
pub(crate) fn home(path: &Path) -> Result<PathBuf, Failure> {
    let Ok(rest) = path.strip_prefix("~") else { return Ok(path.to_owned()) };
    match std::env::home_dir() {
        Some(home) if !home.as_os_str().is_empty() => Ok(home.join(rest)),
        _ => Err(Failure::Io(format!(
            "{}: no home directory is known to put in place of `~`; set HOME or give the whole path",
            shown(path)
        ))),
    }
}

/// The path, fit for a terminal.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// The path of a file with `.pub` behind its name.
pub(crate) fn public(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// All of a file, or of standard input for `-`, up to `limit` bytes; and its name in messages.
pub(crate) fn read(path: &Path, limit: usize) -> Result<(String, Vec<u8>), Failure> {
    let (name, source): (_, Box<dyn io::Read>) = if path == Path::new("-") {
        ("standard input".to_owned(), Box::new(io::stdin().lock()))
    } else {
        let path = home(path)?;
        let name = shown(&path);
        match std::fs::File::open(&path) {
            Ok(file) => (name, Box::new(file)),
            Err(error) => return Err(Failure::Io(format!("{name}: cannot open it: {error}"))),
        }
    };
    let mut bytes = Vec::new();
    let most = u64::try_from(limit.saturating_add(1)).unwrap_or(u64::MAX);
    source
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::Io(format!("{name}: cannot read it: {error}")))?;
    if bytes.len() > limit {
        return Err(Failure::Io(format!("{name}: more than {limit} bytes; give a smaller file")));
    }
    Ok((name, bytes))
}
