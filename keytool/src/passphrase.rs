//! Where a passphrase comes from.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use handfast::key::{Identity, KeyError, MAX_FILE, is_utf16, shell_path};
use handfast::trust::KeyFileError;
use zeroize::Zeroizing;

use crate::ask::somebody_there;
use crate::error::Failure;
use crate::output::talk;
use crate::paths;

/// The environment variable that can hold a passphrase.
pub(crate) const VARIABLE: &str = "HANDFAST_PASSPHRASE";

/// Longest passphrase that is read from a file, in bytes.
const MAX: u64 = 4096;

/// A passphrase; wiped when dropped.
pub(crate) type Passphrase = Zeroizing<Vec<u8>>;

/// The passphrase that was given without asking: from a file, or the environment.
pub(crate) fn given(file: Option<PathBuf>) -> Result<Option<Passphrase>, Failure> {
    let (from, passphrase, remedy) = if let Some(path) = file {
        (paths::shown(&path), from_file(path)?, "put it on the first line of the file")
    } else if let Some(value) = std::env::var_os(VARIABLE) {
        let remedy = "the variable is set, and holds nothing: set it to the passphrase, or unset it to be asked";
        (VARIABLE.to_owned(), Zeroizing::new(value.into_encoded_bytes()), remedy)
    } else {
        return Ok(None);
    };
    if passphrase.is_empty() {
        return Err(Failure::Usage(format!(
            "{from}: the passphrase is empty, and an empty one protects nothing; {remedy}; a key without one is made by --no-passphrase"
        )));
    }
    Ok(Some(passphrase))
}

/// Whether `-N ''` says that there is to be no passphrase. Any other is refused, for all users of
/// the machine can read the arguments of a program.
pub(crate) fn as_of_ssh_keygen(argument: Option<String>) -> Result<bool, Failure> {
    match argument.map(Zeroizing::new) {
        None => Ok(false),
        Some(text) if text.is_empty() => Ok(true),
        Some(_) => Err(Failure::Usage(
            "a passphrase among the arguments can be read by every user of this machine; give it on the terminal, or in a file with --passphrase-file or --new-passphrase-file".to_owned(),
        )),
    }
}

/// The first line of a file.
fn from_file(path: PathBuf) -> Result<Passphrase, Failure> {
    let path = paths::home(&path)?;
    let failed = |error: io::Error| {
        Failure::Io(format!("{}: cannot read the passphrase: {error}", paths::shown(&path)))
    };
    let file = std::fs::File::open(&path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
            talk(format_args!(
                "warning: {}: others than its owner have access to the passphrase; run `chmod 600 {}`",
                paths::shown(&path),
                shell_path(&path)
            ));
        }
    }
    // As large as it can become: growing would leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX).unwrap_or(0) + 64));
    file.take(MAX.saturating_add(1)).read_to_end(&mut text).map_err(failed)?;
    if u64::try_from(text.len()).is_ok_and(|len| len > MAX) {
        let name = paths::shown(&path);
        return Err(Failure::Io(format!("{name}: a passphrase has at most {MAX} bytes")));
    }
    if is_utf16(&text) {
        let name = paths::shown(&path);
        return Err(Failure::Io(format!("{name}: this file is UTF-16; save it as UTF-8")));
    }
    let len = text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len());
    text.truncate(len);
    if text.last() == Some(&b'\r') {
        text.pop();
    }
    Ok(text)
}

/// Asks on the terminal for a new passphrase, twice; none if it is empty.
pub(crate) fn ask_for_new(prompt: &str) -> Result<Option<Passphrase>, Failure> {
    for _ in 0..3 {
        let first = ask(prompt)?;
        let again = ask("The same again: ")?;
        if first == again {
            return Ok((!first.is_empty()).then_some(first));
        }
        talk("The two are not the same.");
    }
    Err(Failure::Usage("no passphrase was given twice alike; nothing was written".to_owned()))
}

/// A private key, with its passphrase if it has one.
pub(crate) fn identity(path: &Path, file: Option<PathBuf>) -> Result<Identity, Failure> {
    match Identity::load(path) {
        Err(KeyFileError::Key { path, problem: KeyError::PassphraseNeeded }) => {
            let passphrase = given_or_asked(file, &path)?;
            Ok(Identity::load_with_passphrase(&path, &*passphrase)?)
        }
        identity => Ok(identity?),
    }
}

/// As [`identity`], for a key on standard input, of which nobody can be asked at the same time.
pub(crate) fn identity_of_input(file: Option<PathBuf>) -> Result<Identity, Failure> {
    let (name, text) = paths::read(Path::new("-"), MAX_FILE)?;
    let text = Zeroizing::new(text);
    let failed = |problem: KeyError| match problem {
        KeyError::WrongPassphrase => Failure::No(format!("{name}: {problem}")),
        problem => Failure::Io(format!("{name}: {problem}")),
    };
    match Identity::from_openssh(&*text, None) {
        Err(KeyError::PassphraseNeeded) => {
            let passphrase = given(file)?.ok_or_else(|| {
                Failure::Usage(format!(
                    "{name}: the key is protected by a passphrase; give it with --passphrase-file or {VARIABLE}"
                ))
            })?;
            Identity::from_openssh(&*text, Some(&*passphrase)).map_err(failed)
        }
        identity => identity.map_err(failed),
    }
}

/// The passphrase of a key that there is: given, or asked for.
pub(crate) fn given_or_asked(file: Option<PathBuf>, key: &Path) -> Result<Passphrase, Failure> {
    let name = paths::shown(key);
    match given(file)? {
        Some(passphrase) => Ok(passphrase),
        None if somebody_there() => ask(&format!("Passphrase for {name}: ")),
        None => Err(Failure::Usage(format!(
            "{name}: the key is protected by a passphrase, and there is no terminal to ask for it on; give it with --passphrase-file or {VARIABLE}"
        ))),
    }
}

fn ask(prompt: &str) -> Result<Passphrase, Failure> {
    #[cfg(unix)]
    let line = crate::prompt::hidden_line(prompt);
    #[cfg(not(unix))]
    let line = rpassword::prompt_password(prompt).map(|text| Zeroizing::new(text.into_bytes()));
    line.map_err(|error| Failure::Io(format!("the terminal: cannot read a passphrase: {error}")))
}
