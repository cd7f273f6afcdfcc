//! `keytool fingerprint`.

use std::path::Path;

use handfast::key::{
    Fingerprint, KeyError, PublicKey, is_private_key, printable, public_key_format,
};
use handfast::trust::{MAX_FILE, list_keys};
use serde_json::{Value, json};

use crate::cli::FingerprintArgs;
use crate::error::{Answer, Failure};
use crate::output::{self, data, json, talk};
use crate::paths;

/// A key of one of the files.
struct Found {
    file: String,
    line: Option<usize>,
    fingerprint: Fingerprint,
    key_type: String,
    short_type: String,
    bits: Option<usize>,
    comment: String,
}

pub(crate) fn run(args: &FingerprintArgs) -> Result<Answer, Failure> {
    let mut answer = Answer::Done;
    let (mut all, mut unreadable) = (Vec::new(), false);
    let files: Vec<_> = args.files.iter().chain(&args.file_option).collect();
    for path in &files {
        match read(path) {
            Ok(found) if found.is_empty() => answer = Answer::No,
            Ok(found) => all.extend(found),
            Err(failure) if files.len() == 1 => return Err(failure),
            // The keys of the other files are printed all the same.
            Err(failure) => {
                talk(format_args!("{}: {failure}", output::bad("error")));
                unreadable = true;
            }
        }
    }
    if args.json {
        let list: Vec<_> = all.iter().map(|key| key.to_json(args.randomart)).collect();
        json(&list.into())?;
    } else {
        for key in &all {
            data(key.line())?;
            if args.randomart {
                data(key.randomart())?;
            }
        }
    }
    if unreadable {
        return Err(Failure::Io("not all of the files could be read".to_owned()));
    }
    Ok(answer)
}

fn read(path: &Path) -> Result<Vec<Found>, Failure> {
    let (name, bytes) = paths::read(path, MAX_FILE)?;
    if let Some(empty) = paths::emptiness(&bytes) {
        let empty = if name == paths::INPUT { "there is nothing in it" } else { empty };
        talk(format_args!("{name}: {empty}"));
        return Ok(Vec::new());
    }
    if let Some(format) = public_key_format(&bytes) {
        let error = KeyError::OtherFormat { format };
        return Err(Failure::Io(format!("{name}: {}", error.for_file(path))));
    }
    if is_private_key(&bytes) {
        let key = PublicKey::from_openssh_private(&bytes)
            .map_err(|error| Failure::Io(format!("{name}: {}", error.for_file(path))))?;
        return Ok(vec![Found {
            comment: comment_beside(path, &key),
            file: name,
            line: None,
            fingerprint: key.fingerprint(),
            key_type: "ssh-ed25519".to_owned(),
            short_type: "ED25519".to_owned(),
            bits: Some(256),
        }]);
    }
    let (keys, skipped) = list_keys(&name, &bytes)?;
    if skipped.total() > 0 {
        talk(format_args!("warning: {skipped}"));
    }
    if keys.is_empty() {
        talk(format_args!("{name}: there is no key in it"));
    }
    let found = keys.into_iter().map(|key| {
        let comment = if key.comment().is_empty() { key.before() } else { key.comment() };
        Found {
            file: name.clone(),
            line: Some(key.place().line()),
            fingerprint: key.fingerprint(),
            key_type: key.key_type().to_owned(),
            short_type: key.short_type(),
            bits: key.bits(),
            comment: printable(comment),
        }
    });
    Ok(found.collect())
}

/// The comment in the public key file beside a private one, whose own may be encrypted.
fn comment_beside(path: &Path, key: &PublicKey) -> String {
    let beside = paths::read(&paths::public(path), MAX_FILE).ok();
    let keys = beside.and_then(|(name, bytes)| list_keys(&name, &bytes).ok());
    let line = keys.and_then(|(keys, _)| keys.into_iter().next());
    line.filter(|line| line.public_key() == Some(key))
        .map(|line| printable(line.comment()))
        .unwrap_or_default()
}

impl Found {
    /// As `ssh-keygen -l` prints it.
    fn line(&self) -> String {
        let comment = if self.comment.is_empty() { "no comment" } else { &self.comment };
        let bits = self.bits.map(|bits| format!("{bits} ")).unwrap_or_default();
        format!("{bits}{} {comment} ({})", self.fingerprint, self.short_type)
    }

    fn randomart(&self) -> String {
        let bits = self.bits.map(|bits| format!(" {bits}")).unwrap_or_default();
        let title = format!("{}{bits}", self.short_type);
        self.fingerprint.randomart(if title.len() < 15 { &title } else { &self.short_type })
    }

    fn to_json(&self, randomart: bool) -> Value {
        let mut value = json!({
            "file": self.file,
            "line": self.line,
            "fingerprint": self.fingerprint.to_string(),
            "type": self.key_type,
            "bits": self.bits,
            "comment": self.comment,
        });
        if randomart && let Some(object) = value.as_object_mut() {
            object.insert("randomart".to_owned(), self.randomart().into());
        }
        value
    }
}
