//! `keytool public`.

use std::path::Path;

use handfast::key::printable;
use serde_json::json;

use crate::cli::Public;
use crate::error::{Answer, Failure};
use crate::output::{self, data};
use crate::{passphrase, paths};

pub(crate) fn run(args: Public) -> Result<Answer, Failure> {
    let path = paths::or_default(args.file.or(args.file_option), "id_ed25519");
    let file = args.passphrase.passphrase_file;
    let identity = if path == Path::new("-") {
        passphrase::identity_of_input(file)?
    } else {
        passphrase::identity(&path, file)?
    };
    let comment = printable(identity.comment());
    let key = identity.public_key();
    if args.json {
        output::json(&json!([{
            "file": paths::shown(&path),
            "key": key.to_string(),
            "type": "ssh-ed25519",
            "fingerprint": key.fingerprint().to_string(),
            "comment": comment,
        }]))?;
    } else {
        data(format_args!("{key} {comment}").to_string().trim_end())?;
    }
    Ok(Answer::Done)
}
