//! `keytool public`.

use handfast::key::{Identity, KeyError, printable};
use handfast::trust::KeyFileError;

use crate::cli::Public;
use crate::error::{Answer, Failure};
use crate::output::data;
use crate::{passphrase, paths};

pub(crate) fn run(args: Public) -> Result<Answer, Failure> {
    let path = paths::or_default(args.file, "id_ed25519");
    let identity = match Identity::load(&path) {
        Err(KeyFileError::Key { path, problem: KeyError::PassphraseNeeded }) => {
            let passphrase = passphrase::given_or_asked(args.passphrase.passphrase_file, &path)?;
            Identity::load_with_passphrase(&path, &*passphrase)
        }
        identity => identity,
    };
    let identity = identity?;
    let comment = printable(identity.comment());
    data(format_args!("{} {comment}", identity.public_key()).to_string().trim_end())?;
    Ok(Answer::Done)
}
