//! `keytool authorize`.

use handfast::trust::{Added, AuthorizedKeys, AuthorizedKeysFile, NewKey, TrustErrorKind};

use super::public_key_file;
use crate::cli::Authorize;
use crate::error::{Answer, Failure};
use crate::output::talk;
use crate::paths;

/// Whether a `from=` can match no address: what it lists is excluded, or the names of hosts.
pub(super) fn reaches_nobody(list: &str) -> bool {
    let of_address =
        |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.' | '/' | '*' | '?' | '%');
    list.split(',').all(|item| item.starts_with('!') || !item.chars().all(of_address))
}

pub(crate) fn run(args: Authorize) -> Result<Answer, Failure> {
    let (key, comment) = public_key_file::read(&args.key)?;
    let comment = args.comment.unwrap_or(comment);
    let path = paths::or_default(args.file.file, "authorized_keys");
    paths::make_folder_of(&path)?;
    let mut new = NewKey::new(&key).comment(&comment);
    if let Some(list) = &args.from {
        new = new.from(list);
    }
    let shut = args.from.as_deref().is_some_and(reaches_nobody);
    if let Some(last) = args.expires {
        new = new.expires(last);
    }
    if args.cert_authority {
        new = new.cert_authority();
    }
    if let Some(logins) = &args.principals {
        new = new.principals(logins);
    }
    match AuthorizedKeysFile::new(&path).add(&new)? {
        Added::Appended { at } => talk(format_args!("{at}: added {}", key.fingerprint())),
        Added::AlreadyThere { at } => {
            let does = if args.cert_authority { "lists" } else { "admits" };
            talk(format_args!("{at}: {does} {} already", key.fingerprint()));
        }
        _ => {}
    }
    if shut {
        talk(
            "warning: nobody comes from there: no address is in --from, and names are not looked up",
        );
    }
    // A file that others can write to is refused when it counts.
    if let Err(error) = AuthorizedKeys::open(&path)
        && matches!(
            error.kind(),
            TrustErrorKind::WritableByOthers { .. } | TrustErrorKind::WritableFolder { .. }
        )
    {
        talk(format_args!("warning: servers refuse this file: {error}"));
    }
    Ok(Answer::Done)
}
