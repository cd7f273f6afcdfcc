//! `keytool passphrase`.

use handfast::key::{Identity, KeyError};
use handfast::trust::KeyFileError;

use crate::ask::somebody_there;
use crate::cli::ChangePassphrase;
use crate::error::{Answer, Failure};
use crate::output::talk;
use crate::passphrase::{self, Passphrase};
use crate::paths;

pub(crate) fn run(args: ChangePassphrase) -> Result<Answer, Failure> {
    let path = paths::home(&paths::or_default(args.file.or(args.file_option), "id_ed25519"))?;
    let no_passphrase = passphrase::as_of_ssh_keygen(args.new_passphrase)? || args.no_passphrase;
    // An old one that is empty is none.
    passphrase::as_of_ssh_keygen(args.old_passphrase)?;
    let name = paths::shown(&path);
    let old = match Identity::load(&path) {
        Ok(_) => None,
        Err(KeyFileError::Key { problem: KeyError::PassphraseNeeded, .. }) => {
            let old = passphrase::given_or_asked(args.passphrase.passphrase_file, &path)?;
            // Before anybody thinks of a new one.
            Identity::load_with_passphrase(&path, &*old)?;
            Some(old)
        }
        Err(error) => return Err(error.into()),
    };
    let new = if no_passphrase {
        None
    } else {
        match args.new_passphrase_file {
            Some(file) => passphrase::given(Some(file))?,
            None => Some(ask()?),
        }
    };
    let done = match (&old, &new) {
        (None, None) => {
            talk(format_args!("{name}: no passphrase protects it; nothing was changed"));
            return Ok(Answer::Done);
        }
        (None, Some(_)) => "a passphrase protects it now",
        (Some(_), Some(_)) => "the passphrase was changed",
        (Some(_), None) => "the passphrase was taken away; whoever can read the file has the key",
    };
    Identity::change_passphrase(
        &path,
        old.as_deref().map(Vec::as_slice),
        new.as_deref().map(Vec::as_slice),
    )?;
    talk(format_args!("{name}: {done}"));
    Ok(Answer::Done)
}

fn ask() -> Result<Passphrase, Failure> {
    if !somebody_there() {
        return Err(Failure::Usage(
            "there is no terminal to ask for a new passphrase on; give one with --new-passphrase-file, or say --no-passphrase".to_owned(),
        ));
    }
    passphrase::ask_for_new("New passphrase: ")?.ok_or_else(|| {
        Failure::Usage(
            "an empty passphrase protects nothing; give one, or say --no-passphrase; nothing was changed".to_owned(),
        )
    })
}
