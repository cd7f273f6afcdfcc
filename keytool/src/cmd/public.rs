//! `keytool public`.

use handfast::key::{Identity, KeyError, printable};
use handfast::trust::KeyFileError;

use crate::cli::Public;
use crate::error::{Answer, Failure};
use crate::output::data;
use crate::passphrase::{self, VARIABLE};
use crate::paths;

pub(crate) fn run(args: Public) -> Result<Answer, Failure> {
    let path = paths::or_default(args.file, "id_ed25519");
    let identity = match Identity::load(&path) {
        Err(KeyFileError::Key { path, problem: KeyError::PassphraseNeeded }) => {
            let name = paths::shown(&path);
            let passphrase = match passphrase::given(args.passphrase.passphrase_file)? {
                Some(passphrase) => passphrase,
                None if passphrase::somebody_there() => passphrase::ask_for(&name)?,
                None => {
                    return Err(Failure::Usage(format!(
                        "{name}: the key is protected by a passphrase, and there is no terminal to ask for it on; give it with --passphrase-file or {VARIABLE}"
                    )));
                }
            };
            Identity::load_with_passphrase(&path, &*passphrase)
        }
        identity => identity,
    };
    let identity = identity.map_err(|error| match error {
        KeyFileError::Key { problem: KeyError::WrongPassphrase, .. } => {
            Failure::No(error.to_string())
        }
        error => error.into(),
    })?;
    let comment = printable(identity.comment());
    data(format_args!("{} {comment}", identity.public_key()).to_string().trim_end())?;
    Ok(Answer::Done)
}
