//! Public keys as arguments: files of them, standard input, or the text of a key.

use std::path::Path;

use handfast::key::{KeyError, PublicKey, is_private_key, printable, public_key_format};
use handfast::trust::{ListedKey, SkippedLines, list_keys};

use crate::error::Failure;
use crate::output::talk;
use crate::paths;

/// Largest such file, in bytes.
const MAX: usize = 65_536;

/// A key that can be used, and its comment.
pub(crate) type Key = (PublicKey, String);

/// All keys that can be used, and why the others cannot. One of them can.
pub(crate) fn read_all(path: &Path) -> Result<(Vec<Key>, Vec<String>), Failure> {
    let (name, bytes) = source(path)?;
    let (listed, skipped) = list(&name, &bytes)?;
    let (mut keys, mut others) = (Vec::new(), Vec::new());
    for key in &listed {
        match bare(key).and_then(|()| usable(key)) {
            Ok(key) => keys.push(key),
            Err(failure) => others.push(failure),
        }
    }
    if keys.is_empty() && !others.is_empty() {
        return Err(others.swap_remove(0));
    }
    let mut others: Vec<_> = others.iter().map(ToString::to_string).collect();
    others.extend(skipped.lines().iter().map(ToString::to_string));
    Ok((keys, others))
}

/// The one key or certificate of a `.pub` file, of whatever type, and its line. Of several it is the one
/// that can be used, and the others are named.
pub(crate) fn read_any(path: &Path) -> Result<(ListedKey, Vec<u8>), Failure> {
    let (name, bytes) = source(path)?;
    let (keys, skipped) = list(&name, &bytes)?;
    let can_be_used = |key: &&ListedKey| key.before().is_empty() && key.public_key().is_some();
    let mut candidates = keys.iter().filter(can_be_used);
    let key = match (keys.as_slice(), candidates.next(), candidates.next()) {
        ([key], ..) if skipped.total() == 0 => key,
        (_, Some(key), None) => key,
        ([_], ..) => return Err(Failure::Io(skipped.to_string())),
        (more, ..) => {
            return Err(Failure::Usage(format!(
                "{name}: there are {} keys in it; give a file with one",
                more.len()
            )));
        }
    };
    bare(key)?;
    for other in keys.iter().filter(|other| other.place() != key.place()) {
        if let Err(why) = bare(other).and_then(|()| usable(other)) {
            talk(format_args!("left out: {why}"));
        }
    }
    for line in skipped.lines() {
        talk(format_args!("left out: {line}"));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut lines = text.split(|&byte| byte == b'\n').skip(key.place().line().saturating_sub(1));
    Ok((key.clone(), lines.next().unwrap_or_default().to_vec()))
}

/// What the argument stands for, and its name in messages.
fn source(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let (name, bytes) = match path.to_str().filter(|text| is_key(text) && !path.exists()) {
        Some(text) => ("the key among the arguments".to_owned(), text.as_bytes().to_vec()),
        None => paths::read(path, MAX)?,
    };
    if let Some(format) = public_key_format(&bytes) {
        let error = KeyError::OtherFormat { format };
        return Err(Failure::Io(format!("{name}: {}", error.for_file(path))));
    }
    if is_private_key(&bytes) {
        return Err(Failure::Usage(format!(
            "{name}: this is a private key; give the public one, whose name ends in .pub"
        )));
    }
    Ok((name, bytes))
}

/// Whether an argument is the text of a public key: a type, a blank, and more.
fn is_key(text: &str) -> bool {
    let key_type = text.split_once(' ').map(|(key_type, _)| key_type);
    key_type.is_some_and(|it| ["ssh-", "sk-", "ecdsa-"].iter().any(|start| it.starts_with(start)))
}

/// The keys of a file, of which there is one.
fn list(name: &str, bytes: &[u8]) -> Result<(Vec<ListedKey>, SkippedLines), Failure> {
    let (keys, skipped) = list_keys(name, bytes)?;
    if !keys.is_empty() {
        return Ok((keys, skipped));
    }
    Err(Failure::Io(if skipped.total() > 0 {
        skipped.to_string()
    } else if let Some(empty) = paths::emptiness(bytes) {
        let empty = if name == paths::INPUT { "there is nothing in it" } else { empty };
        format!("{name}: {empty}; expected a public key, `ssh-ed25519 AAAA...`")
    } else {
        format!("{name}: there is no key in it; expected `ssh-ed25519 AAAA...`")
    }))
}

/// That nothing stands before the key.
fn bare(key: &ListedKey) -> Result<(), Failure> {
    if key.before().is_empty() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{}: there is `{}` before the key; give a file with a bare public key",
        key.place(),
        printable(key.before())
    )))
}

fn usable(key: &ListedKey) -> Result<Key, Failure> {
    match key.public_key() {
        Some(public) => Ok((public.clone(), key.comment().to_owned())),
        None => Err(Failure::No(format!(
            "{}: a key of type {} is not supported; make an Ed25519 key with `keytool generate`",
            key.place(),
            key.key_type()
        ))),
    }
}
