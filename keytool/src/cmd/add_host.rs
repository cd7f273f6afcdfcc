//! `keytool hosts add`.

use std::path::Path;

use handfast::key::{Fingerprint, PublicKey};
use handfast::trust::{
    Added, Host, HostAnswer, KnownHosts, KnownHostsFile, NewHost, Place, TrustErrorKind, Verdict,
};
use serde_json::json;

use super::public_key_file::{self, Key};
use super::scan;
use crate::ask;
use crate::cli::AddHost;
use crate::error::{Answer, Failure};
use crate::output::{self, talk};
use crate::paths;

pub(crate) fn run(args: AddHost) -> Result<Answer, Failure> {
    let host = &args.host;
    let path = paths::or_default(args.file.file.clone(), "known_hosts");
    let (keys, others) = match &args.key {
        Some(path) => {
            let (keys, others) = public_key_file::read_all(path)?;
            (expected(host, keys, args.fingerprint)?, others)
        }
        None => (vec![scanned(&args, &path)?], Vec::new()),
    };
    paths::make_folder_of(&path)?;
    let file = KnownHostsFile::new(path);
    let mut list = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        let new = NewHost::new(host, key)
            .comment(&args.comment)
            .hashed(args.hash)
            // the keys of one file stand beside each other
            .beside_others(args.beside || index > 0);
        let (at, added) = match file.add(&new)? {
            Added::Appended { at } => {
                talk(format_args!("{at}: added {} for {host}", key.fingerprint()));
                (Some(at), true)
            }
            Added::AlreadyThere { at } => {
                talk(format_args!("{at}: lists {} for {host} already", key.fingerprint()));
                (Some(at), false)
            }
            _ => (None, false),
        };
        list.push(json!({
            "file": at.as_ref().map(Place::file),
            "line": at.as_ref().map(Place::line),
            "host": host.to_string(),
            "type": "ssh-ed25519",
            "fingerprint": key.fingerprint().to_string(),
            "added": added,
        }));
    }
    for other in &others {
        talk(format_args!("not added: {other}"));
    }
    if args.json {
        output::json(&list.into())?;
    }
    Ok(if others.is_empty() { Answer::Done } else { Answer::No })
}

/// The keys of a file, or of them the one with the fingerprint that is expected.
fn expected(
    host: &Host,
    keys: Vec<Key>,
    fingerprint: Option<Fingerprint>,
) -> Result<Vec<PublicKey>, Failure> {
    let mut keys: Vec<_> = keys.into_iter().map(|(key, _)| key).collect();
    if let Some(fingerprint) = fingerprint
        && let Some(first) = keys.first()
    {
        let named = keys.iter().find(|key| key.fingerprint() == fingerprint).unwrap_or(first);
        check(host, named, Some(fingerprint))?;
        keys = vec![named.clone()];
    }
    Ok(keys)
}

/// The key that the host shows, if it is the right one.
fn scanned(args: &AddHost, path: &Path) -> Result<PublicKey, Failure> {
    let known = known(path)?;
    let asks = !args.yes && args.fingerprint.is_none();
    let can_ask = ask::somebody_there();
    // Where no line is about the host, somebody has to compare.
    if asks
        && !can_ask
        && (known.is_none() || KnownHostsFile::new(path).find(&args.host)?.is_empty())
    {
        return Err(no_terminal());
    }
    let key = scan::proved_key(&args.host, args.timeout)?;
    check(&args.host, &key, args.fingerprint)?;
    if !asks || known.is_some_and(|known| is_decided(&known, args, &key)) {
        return Ok(key);
    }
    if !can_ask {
        return Err(no_terminal());
    }
    scan::describe(&args.host, &key);
    match ask::about_key(&args.host)? {
        HostAnswer::Yes => {}
        HostAnswer::No => {
            return Err(Failure::No(format!("{}: nothing was added", args.host)));
        }
        HostAnswer::Fingerprint(fingerprint) => check(&args.host, &key, Some(fingerprint))?,
    }
    Ok(key)
}

/// The file, if there is one.
fn known(path: &Path) -> Result<Option<KnownHosts>, Failure> {
    match KnownHosts::open(path) {
        Ok(known) => Ok(Some(known)),
        Err(error) if matches!(error.kind(), TrustErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether the file says what becomes of the key, whatever somebody would answer: it is there, or
/// cannot be added.
fn is_decided(known: &KnownHosts, args: &AddHost, key: &PublicKey) -> bool {
    match known.check(&args.host, key) {
        Verdict::Match { by_port_fallback, .. } => !by_port_fallback,
        Verdict::Revoked { .. } => true,
        Verdict::Changed { .. } => !args.beside,
        _ => false,
    }
}

fn no_terminal() -> Failure {
    Failure::Usage(
        "there is no terminal to compare the fingerprint on; give the one that the host's operator names with --fingerprint, or its key with --key".to_owned(),
    )
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
