//! `keytool authorize`.

use std::path::Path;

use handfast::key::{PublicKey, printable};
use handfast::trust::{
    Added, AuthorizedKeys, AuthorizedKeysFile, EditError, NewKey, Place, TrustErrorKind,
};
use serde_json::{Value, json};

use super::public_key_file::{self, Key};
use crate::cli::Authorize;
use crate::error::{Answer, Failure};
use crate::output::{self, talk};
use crate::paths;

/// Whether a `from=` can match no address: what it lists is excluded, or the names of hosts.
pub(super) fn reaches_nobody(list: &str) -> bool {
    let of_address =
        |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.' | '/' | '*' | '?' | '%');
    list.split(',').all(|item| item.starts_with('!') || !item.chars().all(of_address))
}

pub(crate) fn run(args: Authorize) -> Result<Answer, Failure> {
    // All of them are read before the first of them is admitted.
    let (mut keys, mut others) = (Vec::<Key>::new(), Vec::new());
    let inputs = args.keys.len().saturating_add(args.identities.len());
    for path in args.keys.iter().chain(&args.identities) {
        let (more, left_out) = match public_key_file::read_all(path) {
            Ok(read) => read,
            // One that cannot be used is named, and the others are admitted.
            Err(Failure::No(why)) if inputs > 1 => (Vec::new(), vec![why]),
            Err(failure) => return Err(hint(failure, path)),
        };
        for key in more {
            if keys.iter().all(|(known, _)| *known != key.0) {
                keys.push(key);
            }
        }
        others.extend(left_out);
    }
    if args.comment.is_some() && keys.len() > 1 {
        return Err(Failure::Usage(format!(
            "--comment is for one key, and there are {}; leave it out, and each keeps its own",
            keys.len()
        )));
    }
    let path = paths::or_default(args.file.file.clone(), "authorized_keys");
    paths::make_folder_of(&path)?;
    let file = AuthorizedKeysFile::new(&path);
    let (mut list, mut refused) = (Vec::new(), false);
    for (key, comment) in &keys {
        let comment = args.comment.as_ref().unwrap_or(comment);
        match add(&file, &args, key, comment) {
            Ok((at, added)) => list.push(to_json(&at, key, comment, added)),
            Err(
                error @ (EditError::Restricted { .. }
                | EditError::Unrestricted { .. }
                | EditError::Comment { .. }),
            ) if keys.len() > 1 => {
                let failure = Failure::from(error);
                talk(format_args!("{}: {}: {failure}", output::bad("error"), key.fingerprint()));
                refused = true;
            }
            Err(error) => return Err(error.into()),
        }
    }
    for other in &others {
        talk(format_args!("not added: {other}"));
    }
    if args.json {
        output::json(&list.into())?;
    }
    if args.from.as_deref().is_some_and(reaches_nobody) {
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
    Ok(if refused || !others.is_empty() { Answer::No } else { Answer::Done })
}

/// Adds a key, and says so; its line, and whether it is new.
fn add(
    file: &AuthorizedKeysFile,
    args: &Authorize,
    key: &PublicKey,
    comment: &str,
) -> Result<(Option<Place>, bool), EditError> {
    let mut new = NewKey::new(key).comment(comment);
    if let Some(list) = &args.from {
        new = new.from(list);
    }
    if let Some(last) = args.expires {
        new = new.expires(last);
    }
    if args.cert_authority {
        new = new.cert_authority();
    }
    if let Some(logins) = &args.principals {
        new = new.principals(logins);
    }
    Ok(match file.add(&new)? {
        Added::Appended { at } => {
            talk(format_args!("{at}: added {}", key.fingerprint()));
            (Some(at), true)
        }
        Added::AlreadyThere { at } => {
            let does = if args.cert_authority { "lists" } else { "admits" };
            talk(format_args!("{at}: {does} {} already", key.fingerprint()));
            (Some(at), false)
        }
        _ => (None, false),
    })
}

fn to_json(at: &Option<Place>, key: &PublicKey, comment: &str, added: bool) -> Value {
    json!({
        "file": at.as_ref().map(Place::file),
        "line": at.as_ref().map(Place::line),
        "type": "ssh-ed25519",
        "fingerprint": key.fingerprint().to_string(),
        "comment": printable(comment),
        "added": added,
    })
}

/// `user@host` as an argument is meant as `ssh-copy-id` takes it.
fn hint(failure: Failure, path: &Path) -> Failure {
    let text = path.to_string_lossy();
    if path.exists() || !text.contains('@') || text.contains(['/', ' ']) {
        return failure;
    }
    Failure::Usage(format!(
        "{}: there is no such file; keytool admits keys on this machine, and `ssh-copy-id` on another one",
        printable(&text)
    ))
}
