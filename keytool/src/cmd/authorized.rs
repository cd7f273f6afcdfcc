//! `keytool authorized list` and `keytool authorized remove`.

use std::path::Path;
use std::time::SystemTime;

use handfast::key::{Fingerprint, printable};
use handfast::trust::{AuthorizedKeysFile, AuthorizedLine, LineState, Place};
use serde_json::{Value, json};

use super::public_key_file;
use crate::cli::{ListAuthorized, RemoveAuthorized};
use crate::error::{Answer, Failure};
use crate::output::{JsonList, json, table, talk};
use crate::paths;

pub(crate) fn list(args: ListAuthorized) -> Result<Answer, Failure> {
    let path = paths::or_default(args.given.or(args.file.file), "authorized_keys");
    let file = AuthorizedKeysFile::new(&path);
    if args.json {
        // A file that is refused leaves no half of a list.
        each(&file, |_| Ok(()))?;
        let mut list = JsonList::new();
        each(&file, |line| list.push(&to_json(line)))?;
        list.end()?;
        return Ok(Answer::Done);
    }
    let head = ["LINE", "FINGERPRINT", "COMMENT", "STATE"];
    if !table(head, |work| each(&file, work), row)? {
        let empty = paths::empty(&path).unwrap_or("there is no key in it");
        talk(format_args!("{}: {empty}; it admits no client", paths::shown(&path)));
    }
    Ok(Answer::Done)
}

/// Does something with each line, up to the first failure.
fn each(
    file: &AuthorizedKeysFile,
    mut work: impl FnMut(&AuthorizedLine) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut outcome = Ok(());
    file.each_line(|line| {
        if outcome.is_ok() {
            outcome = work(&line);
        }
    })?;
    outcome
}

fn row(line: &AuthorizedLine) -> [String; 4] {
    let (state, reason) = state(line);
    let key = line.key.as_ref();
    let or_dash = |text: Option<String>| text.filter(|it| !it.is_empty()).unwrap_or("-".to_owned());
    let colon = if reason.is_empty() { "" } else { ": " };
    [
        line.place.line().to_string(),
        or_dash(key.map(|key| key.fingerprint().to_string())),
        or_dash(key.map(|key| printable(key.comment()))),
        format!("{state}{colon}{reason}"),
    ]
}

fn to_json(line: &AuthorizedLine) -> Value {
    let (state, reason) = state(line);
    let key = line.key.as_ref();
    json!({
        "file": line.place.file(),
        "line": line.place.line(),
        "type": key.map(|key| key.key_type()),
        "fingerprint": key.map(|key| key.fingerprint().to_string()),
        "comment": key.map(|key| printable(key.comment())),
        "options": key.map(|key| printable(key.before())).filter(|options| !options.is_empty()),
        "state": state,
        "reason": (!reason.is_empty()).then_some(reason),
    })
}

/// What the line does, and more about it.
fn state(line: &AuthorizedLine) -> (&'static str, String) {
    match &line.state {
        LineState::Admits(permissions) if permissions.has_expired(SystemTime::now()) => {
            ("admits nobody", format!("expired; {permissions}"))
        }
        LineState::Admits(permissions) => {
            let options = line.key.as_ref().is_some_and(|key| !key.before().is_empty());
            let effect = permissions.to_string();
            let none = effect.is_empty() && options;
            ("admits", if none { "its options have no effect here".to_owned() } else { effect })
        }
        LineState::Refused(why) => ("admits nobody", why.to_string()),
        LineState::Skipped(fault) => ("passed over", fault.to_string()),
        _ => ("unknown", String::new()),
    }
}

pub(crate) fn remove(args: RemoveAuthorized) -> Result<Answer, Failure> {
    let path = paths::or_default(args.file.file, "authorized_keys");
    let file = AuthorizedKeysFile::new(path);
    // All of them are understood before the first of them goes.
    let mut keys: Vec<Fingerprint> = Vec::new();
    let mut answer = Answer::Done;
    for text in &args.keys {
        let (found, others) = named(&file, text, args.all)?;
        for other in &others {
            talk(format_args!("not removed: {other}"));
            answer = Answer::No;
        }
        if found.is_empty() {
            talk(format_args!(
                "{}: no line has this comment, and there is no such file; nothing was changed",
                printable(text)
            ));
            answer = Answer::No;
        }
        let known = keys.clone();
        keys.extend(found.into_iter().filter(|key| !known.contains(key)));
    }
    let mut list = Vec::new();
    for fingerprint in keys {
        let removed = file.remove(&fingerprint)?;
        for line in &removed {
            let comment = printable(line.comment());
            talk(format_args!("{}: removed {fingerprint} {comment}", line.place()));
            list.push(json!({
                "file": line.place().file(),
                "line": line.place().line(),
                "type": line.key_type(),
                "fingerprint": fingerprint.to_string(),
                "comment": comment,
            }));
        }
        if removed.is_empty() {
            talk(format_args!("{fingerprint}: no line lists it; nothing was changed"));
            answer = Answer::No;
        }
    }
    if args.json {
        json(&list.into())?;
    }
    Ok(answer)
}

/// The keys that an argument of `remove` stands for, and why others in a file are none of them.
fn named(
    file: &AuthorizedKeysFile,
    text: &str,
    all: bool,
) -> Result<(Vec<Fingerprint>, Vec<String>), Failure> {
    let of_file = |path| {
        let (keys, others) = public_key_file::read_all(path)?;
        Ok((keys.iter().map(|(key, _)| key.fingerprint()).collect(), others))
    };
    if text.starts_with("SHA256:") {
        let error = |error: handfast::key::KeyError| Failure::Usage(error.to_string());
        return Ok((vec![text.parse().map_err(error)?], Vec::new()));
    }
    let path = Path::new(text);
    if text == "-" || paths::home(path)?.exists() {
        return of_file(path);
    }
    let mut with_comment: Vec<(Place, Fingerprint)> = Vec::new();
    file.each_line(|line| {
        if let Some(key) = line.key
            && key.comment() == text.trim()
            && with_comment.iter().all(|(_, known)| *known != key.fingerprint())
        {
            with_comment.push((line.place, key.fingerprint()));
        }
    })?;
    if with_comment.is_empty() {
        // It is the text of a key, or was meant as the name of a file.
        return match of_file(path) {
            Err(_) if !text.contains('/') && !text.ends_with(".pub") => {
                Ok((Vec::new(), Vec::new()))
            }
            named => named,
        };
    }
    if with_comment.len() > 1 && !all {
        let lines: Vec<_> =
            with_comment.iter().map(|(place, key)| format!("{place}: {key}")).collect();
        return Err(Failure::No(format!(
            "{}: {} keys have this comment ({}); name one by its fingerprint, or say --all to remove all of them; nothing was changed",
            printable(text),
            lines.len(),
            lines.join(", ")
        )));
    }
    Ok((with_comment.into_iter().map(|(_, key)| key).collect(), Vec::new()))
}
