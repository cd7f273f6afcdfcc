//! `keytool generate`.

use std::fs;
use std::path::Path;

use handfast::key::{Identity, MAX_FILE, PublicKey, printable, shell_path};
use handfast::trust::KeyFileError;
use serde_json::json;

use crate::ask::somebody_there;
use crate::cli::Generate;
use crate::error::{Answer, Failure};
use crate::output::{data, json, talk};
use crate::passphrase::{self, Passphrase, VARIABLE};
use crate::paths;

/// Longest comment, in bytes; it stands in two files and in every list of keys.
const MAX_COMMENT: usize = 1024;

pub(crate) fn run(args: Generate) -> Result<Answer, Failure> {
    let given = paths::or_default(args.file.or(args.file_option), "id_ed25519");
    check_name(&given)?;
    let path = paths::home(&given)?;
    let no_passphrase = passphrase::as_of_ssh_keygen(args.new_passphrase)? || args.no_passphrase;
    if path.is_dir() {
        return Err(Failure::No(format!(
            "{}: this is a folder; name a file in it: `keytool generate {}`",
            paths::shown(&path),
            shell_path(given.join("id_ed25519"))
        )));
    }
    if fs::symlink_metadata(&path).is_ok() && !args.force {
        if args.if_missing {
            return is_there(&path, args.json);
        }
        return Err(KeyFileError::Exists { path }.into());
    }
    let comment = match args.comment {
        Some(comment) => check_comment(comment)?,
        None => default_comment(),
    };
    let passphrase = if no_passphrase {
        None
    } else {
        match passphrase::given(args.passphrase.passphrase_file)? {
            Some(passphrase) => Some(passphrase),
            None => ask()?,
        }
    };
    paths::make_folder_of(&given)?;
    let identity =
        Identity::generate().map_err(|error| Failure::Io(error.to_string()))?.with_comment(comment);
    match identity.save_pair(&path, passphrase.as_deref().map(Vec::as_slice), args.force) {
        Ok(()) => {}
        // Somebody else was quicker.
        Err(KeyFileError::Exists { path: there }) if args.if_missing && there == path => {
            return is_there(&path, args.json);
        }
        Err(error) => return Err(error.into()),
    }
    let key = identity.public_key();
    if !args.quiet {
        talk(format_args!("Made a key; its fingerprint is {}", key.fingerprint()));
        talk(key.randomart());
        if passphrase.is_none() {
            talk("No passphrase protects it: whoever can read the file has the key.");
        }
    }
    print(&path, true, key, args.json)
}

/// The name is that of the private key; the public one is written beside it.
fn check_name(path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Err(Failure::Usage(
            "-: keys are written to files, not to standard output; name the private key's file"
                .to_owned(),
        ));
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("pub")) {
        return Err(Failure::Usage(format!(
            "{}: this is the name of a public key; name the private one, and the public key is written beside it: `keytool generate {}`",
            paths::shown(path),
            shell_path(path.with_extension(""))
        )));
    }
    Ok(())
}

fn ask() -> Result<Option<Passphrase>, Failure> {
    if somebody_there() {
        return passphrase::ask_for_new("Passphrase for the new key (empty: none): ");
    }
    Err(Failure::Usage(format!(
        "there is no terminal to ask for a passphrase on; give one with --passphrase-file or {VARIABLE}, or say --no-passphrase"
    )))
}

fn is_there(path: &Path, as_json: bool) -> Result<Answer, Failure> {
    let (name, text) = paths::read(path, MAX_FILE)?;
    if let Some(empty) = paths::emptiness(&text) {
        return Err(Failure::Io(format!("{name}: {empty}; remove it, or say --force")));
    }
    let key = PublicKey::from_openssh_private(text).map_err(|error| {
        Failure::Io(format!("{}: there is a file, but no key of use: {error}", paths::shown(path)))
    })?;
    talk(format_args!("{}: is there already; nothing was changed", paths::shown(path)));
    print(path, false, &key, as_json)
}

fn print(path: &Path, created: bool, key: &PublicKey, as_json: bool) -> Result<Answer, Failure> {
    if as_json {
        json(&json!({
            "private": path.to_string_lossy(),
            "public": paths::public(path).to_string_lossy(),
            "created": created,
            "key": key.to_string(),
            "fingerprint": key.fingerprint().to_string(),
        }))?;
    } else {
        data(paths::shown(path))?;
    }
    Ok(Answer::Done)
}

fn check_comment(comment: String) -> Result<String, Failure> {
    if printable(&comment) != comment {
        return Err(Failure::Usage(format!(
            "`{}` cannot be the comment of a key: it holds characters that are not visible",
            printable(&comment)
        )));
    }
    if comment.len() > MAX_COMMENT {
        return Err(Failure::Usage(format!("a comment has at most {MAX_COMMENT} bytes")));
    }
    Ok(comment.trim().to_owned())
}

/// `user@host`, as far as the environment tells.
fn default_comment() -> String {
    let of = |names: [&str; 2]| {
        names.into_iter().find_map(|name| std::env::var(name).ok().filter(|it| !it.is_empty()))
    };
    let user = of(["USER", "USERNAME"]);
    let host = fs::read_to_string("/etc/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .or_else(|| of(["HOSTNAME", "COMPUTERNAME"]));
    let comment = match (user, host) {
        (Some(user), Some(host)) => format!("{user}@{host}"),
        (user, host) => user.or(host).unwrap_or_default(),
    };
    check_comment(comment).unwrap_or_default()
}
