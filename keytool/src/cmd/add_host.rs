//! `keytool hosts add`.

use std::io::{self, BufRead as _, Write as _};

use handfast::key::{Fingerprint, PublicKey};
use handfast::trust::{Added, Host, HostAnswer, KnownHostsFile, NewHost};

use super::{public_key_file, scan};
use crate::cli::AddHost;
use crate::error::{Answer, Failure};
use crate::output::talk;
use crate::{passphrase, paths};

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
    if asks && !passphrase::somebody_there() {
        return Err(Failure::Usage(
            "there is no terminal to compare the fingerprint on; give the one that the host's operator names with --fingerprint, or its key with --key".to_owned(),
        ));
    }
    let key = scan::proved_key(&args.host, args.timeout)?;
    check(&args.host, &key, args.fingerprint)?;
    if asks {
        scan::describe(&args.host, &key);
        confirm(&args.host, &key)?;
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

/// Asks the person at the terminal, who may paste the fingerprint that the operator gave.
fn confirm(host: &Host, key: &PublicKey) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::Io(format!("the terminal: {error}"));
    loop {
        {
            let mut out = io::stderr().lock();
            write!(
                out,
                "Is that what the operator of {host} says? (yes, no, or paste the fingerprint): "
            )
            .and_then(|()| out.flush())
            .map_err(failed)?;
        }
        let mut line = String::new();
        let len = io::stdin().lock().read_line(&mut line).map_err(failed)?;
        let no = || Failure::No(format!("{host}: nothing was added"));
        if len == 0 {
            return Err(no());
        }
        match line.trim().parse() {
            Ok(HostAnswer::Yes) => return Ok(()),
            Ok(HostAnswer::No) => return Err(no()),
            Ok(HostAnswer::Fingerprint(expected)) => return check(host, key, Some(expected)),
            Err(help) => talk(help),
        }
    }
}
