//! `keytool public`.

use handfast::key::printable;

use crate::cli::Public;
use crate::error::{Answer, Failure};
use crate::output::data;
use crate::{passphrase, paths};

pub(crate) fn run(args: Public) -> Result<Answer, Failure> {
    let path = paths::or_default(args.file, "id_ed25519");
    let identity = passphrase::identity(&path, args.passphrase.passphrase_file)?;
    let comment = printable(identity.comment());
    data(format_args!("{} {comment}", identity.public_key()).to_string().trim_end())?;
    Ok(Answer::Done)
}
