//! `keytool hosts add`.

use handfast::key::{Fingerprint, PublicKey};
use handfast::trust::{Added, Host, HostAnswer, KnownHostsFile, NewHost};

use super::{public_key_file, scan};
use crate::ask;
use crate::cli::AddHost;
use crate::error::{Answer, Failure};
use crate::output::talk;
use crate::paths;

pub(crate) fn run(args: AddHost) -> Result<Answer, Failure> {
    let host = &args.host;
    let key = match &args.key {
        Some(path) => {
            let (key, _) = public_key_file::read(path)?;
            check(host, &key, args.fingerprint)?;
            key
        }
        None => scanned(&args)?,
    };
    let path = paths::or_default(args.file.file, "known_hosts");
    paths::make_folder_of(&path)?;
    let new = NewHost::new(host, &key)
        .comment(&args.comment)
        .hashed(args.hash)
        .beside_others(args.beside);
    match KnownHostsFile::new(path).add(&new)? {
        Added::Appended { at } => {
            talk(format_args!("{at}: added {} for {host}", key.fingerprint()));
        }
        Added::AlreadyThere { at } => {
            talk(format_args!("{at}: lists {} for {host} already", key.fingerprint()));
        }
        _ => {}
    }
    Ok(Answer::Done)
}

fn scanned(args: &AddHost) -> Result<PublicKey, Failure> {
    let asks = !args.yes && args.fingerprint.is_none();
    if asks && !ask::somebody_there() {
        return Err(Failure::Usage(
            "there is no terminal to compare the fingerprint on; give the one that the host's operator names with --fingerprint, or its key with --key".to_owned(),
        ));
    }
    let key = scan::proved_key(&args.host, args.timeout)?;
    check(&args.host, &key, args.fingerprint)?;
    if asks {
        scan::describe(&args.host, &key);
        let said = ask::about_key(&args.host)?;
        let nothing = || Failure::No(format!("{}: nothing was added", args.host));
        match said {
            HostAnswer::Yes => {}
            HostAnswer::No => return Err(nothing()),
            HostAnswer::Fingerprint(fingerprint) => check(&args.host, &key, Some(fingerprint))?,
        }
    }
    Ok(key)
}

fn check(host: &Host, key: &PublicKey, expected: Option<Fingerprint>) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected != key.fingerprint() => Err(Failure::No(format!(
            "{host}: the key is {}, not {expected}; nothing was added: either the fingerprint is another host's, or somebody stands between",
            key.fingerprint()
        ))),
        _ => Ok(()),
    }
}
