//! Where files are by default, and how paths are shown.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use handfast::key::{is_utf16, printable, shell_path, shell_word};
use handfast::trust::Host;

use crate::error::Failure;

/// Where `ssh` looks for what it needs, below the home directory.
const FOLDER: &str = "~/.ssh";

/// Standard input in messages.
pub(crate) const INPUT: &str = "standard input";

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

/// The path as a word of a command for a shell; `-` is standard input, as in every command.
pub(crate) fn word(path: &Path) -> String {
    if path == Path::new("-") { "-".to_owned() } else { shell_path(path) }
}

/// A host as a word of a command for a shell. Its name can begin with `-`, which brackets hide.
pub(crate) fn host_word(host: &Host) -> String {
    let text = host.to_string();
    if text.starts_with('-') { shell_word(format!("[{text}]:22")) } else { shell_word(text) }
}

/// The path of a file with `.pub` behind its name.
pub(crate) fn public(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// All of a file, or of standard input for `-`, up to `limit` bytes; and its name in messages. What
/// is none is read only if it was opened for this program: a FIFO or a device could let it wait for
/// ever.
pub(crate) fn read(path: &Path, limit: usize) -> Result<(String, Vec<u8>), Failure> {
    let (name, source): (_, Box<dyn io::Read>) = if path == Path::new("-") {
        (INPUT.to_owned(), Box::new(io::stdin().lock()))
    } else {
        let path = home(path)?;
        let name = shown(&path);
        let cannot = |error| Failure::Io(format!("{name}: cannot open it: {error}"));
        let file = open(&path).map_err(cannot)?;
        let metadata = file.metadata().map_err(cannot)?;
        if !metadata.is_file() && !is_handed_over(&path) {
            let seen = if metadata.is_dir() { "a directory" } else { "not a regular file" };
            return Err(Failure::Io(format!(
                "{name}: this is {seen}; give the path of a regular file, or - for standard input"
            )));
        }
        (name, Box::new(file))
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

/// The same for a file of text, which UTF-16 is refused as.
pub(crate) fn read_text(path: &Path, limit: usize) -> Result<(String, Vec<u8>), Failure> {
    let (name, bytes) = read(path, limit)?;
    if is_utf16(&bytes) {
        return Err(Failure::Io(format!("{name}: this file is UTF-16; save it as UTF-8")));
    }
    Ok((name, bytes))
}

/// What is to be said of contents that hold nothing.
pub(crate) fn emptiness(bytes: &[u8]) -> Option<&'static str> {
    if bytes.is_empty() {
        Some("the file is empty")
    } else if bytes.iter().all(u8::is_ascii_whitespace) {
        Some("there is nothing but blanks in it")
    } else {
        None
    }
}

/// As [`emptiness`], of a file that can be read.
pub(crate) fn empty(path: &Path) -> Option<&'static str> {
    read(path, handfast::trust::MAX_FILE).ok().and_then(|(_, bytes)| emptiness(&bytes))
}

/// Opens a file to be read, and waits for nobody.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    if !is_handed_over(path) {
        use rustix::fs::OFlags;
        // or else a FIFO would hold us here until somebody writes to it
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
    }
    options.open(path)
}

/// Whether a path leads to what the shell has opened: standard input, or the pipe of `<(command)`.
fn is_handed_over(path: &Path) -> bool {
    let folders = ["/dev/fd", "/proc/self/fd"].map(Path::new);
    path == Path::new("/dev/stdin") || path.parent().is_some_and(|in_it| folders.contains(&in_it))
}
