//! `keytool hosts find`, `hosts list`, `hosts hash` and `hosts remove`.

use handfast::key::printable;
use handfast::trust::{
    FoundHost, Host, HostLine, HostLineState, KeptHost, KnownHosts, KnownHostsFile, ListedKey,
    MatchedBy, WhyKept,
};
use serde_json::{Value, json};

use crate::cli::{FindHost, HashHosts, ListHosts, RemoveHost};
use crate::error::{Answer, Failure};
use crate::output::{JsonList, data, json, table, talk};
use crate::paths;

pub(crate) fn find(args: FindHost) -> Result<Answer, Failure> {
    let path = paths::or_default(args.file.file, "known_hosts");
    let file = KnownHostsFile::new(&path);
    let found = file.find(&args.host)?;
    // a line that cannot be read is never found, and may be about the host
    match KnownHosts::open(&path) {
        Ok(known) if known.skipped().total() > 0 => {
            talk(format_args!("warning: {}", known.skipped()));
        }
        Ok(_) => {}
        Err(error) => talk(format_args!("warning: nobody is trusted by this file: {error}")),
    }
    if args.json {
        let list: Vec<_> = found.iter().map(found_json).collect();
        json(&list.into())?;
    } else {
        for found in &found {
            data(format_args!("{}: {}", found.line.place(), printable(&found.text)))?;
        }
    }
    let (mut others, mut hidden, mut any) = (false, false, false);
    file.each_line(|line| {
        any = true;
        hidden |= line.is_hashed();
        for host in line.hosts().filter(|host| is_other_port(host, &args.host)) {
            others = true;
            let word = paths::host_word(&host);
            talk(format_args!(
                "{}: lists {host}, another port; `keytool hosts find {word}` finds it",
                line.place
            ));
        }
    })?;
    if found.is_empty() {
        let why = match (any, hidden && !others) {
            (false, _) => "; there is no host in the file",
            (true, true) => "; a hashed name is found only with its port",
            (true, false) => "",
        };
        talk(format_args!("{}: no line is about it{why}", args.host));
        return Ok(Answer::No);
    }
    Ok(Answer::Done)
}

fn is_other_port(host: &Host, asked: &Host) -> bool {
    host.name() == asked.name() && host.lookup() != asked.lookup() && host.port() != 22
}

fn found_json(found: &FoundHost) -> Value {
    json!({
        "file": found.line.place().file(),
        "line": found.line.place().line(),
        "by": match found.by {
            MatchedBy::Name => "name",
            MatchedBy::Hash => "hash",
            _ => "pattern",
        },
        "marker": found.marker,
        "without_port": found.bare,
        "type": found.line.key_type(),
        "fingerprint": found.line.fingerprint().to_string(),
        "comment": printable(found.line.comment()),
    })
}

pub(crate) fn list(args: ListHosts) -> Result<Answer, Failure> {
    let path = paths::or_default(args.given.or(args.file.file), "known_hosts");
    let file = KnownHostsFile::new(&path);
    // A file that cannot be read leaves no half of a list.
    each(&file, |_| Ok(()))?;
    if let Err(error) = KnownHosts::open(&path) {
        talk(format_args!("warning: nobody is trusted by this file: {error}"));
    }
    if args.json {
        let mut list = JsonList::new();
        each(&file, |line| list.push(&listed_json(line)))?;
        list.end()?;
        return Ok(Answer::Done);
    }
    let head = ["LINE", "HOSTS", "TYPE", "FINGERPRINT", "STATE"];
    if !table(head, |work| each(&file, work), row)? {
        let empty = paths::empty(&path).unwrap_or("there is no host in it");
        talk(format_args!("{}: {empty}", paths::shown(&path)));
    }
    Ok(Answer::Done)
}

/// Does something with each line, up to the first failure.
fn each(
    file: &KnownHostsFile,
    mut work: impl FnMut(&HostLine) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut outcome = Ok(());
    file.each_line(|line| {
        if outcome.is_ok() {
            outcome = work(&line);
        }
    })?;
    outcome
}

fn row(line: &HostLine) -> [String; 5] {
    let (state, reason) = state(line);
    let colon = if reason.is_empty() { "" } else { ": " };
    let or_dash = |text: Option<String>| text.filter(|it| !it.is_empty()).unwrap_or("-".to_owned());
    let hosts = if line.is_hashed() { "(hashed)".to_owned() } else { printable(&line.names) };
    [
        line.place.line().to_string(),
        or_dash(Some(hosts)),
        or_dash(line.key.as_ref().map(ListedKey::short_type)),
        or_dash(line.key.as_ref().map(|key| key.fingerprint().to_string())),
        format!("{state}{colon}{reason}"),
    ]
}

fn listed_json(line: &HostLine) -> Value {
    let (state, reason) = state(line);
    let key = line.key.as_ref();
    let names: Vec<_> = line.names.split(',').filter(|name| !name.is_empty()).collect();
    let names: Vec<_> = names.into_iter().map(printable).collect();
    json!({
        "file": line.place.file(),
        "line": line.place.line(),
        "hosts": (!line.is_hashed()).then_some(names),
        "hashed": line.is_hashed(),
        "marker": line.marker(),
        "type": key.map(|key| key.key_type()),
        "fingerprint": key.map(|key| key.fingerprint().to_string()),
        "comment": key.map(|key| printable(key.comment())),
        "state": state,
        "reason": (!reason.is_empty()).then_some(reason),
    })
}

/// What the line does, and more about it.
fn state(line: &HostLine) -> (&'static str, String) {
    match &line.state {
        HostLineState::Trusts => match &line.key {
            Some(key) if key.public_key().is_none() => {
                ("trusts nobody", format!("keys of type {} are not supported", key.key_type()))
            }
            _ => ("trusts", String::new()),
        },
        HostLineState::Revokes => ("revokes", String::new()),
        HostLineState::CertAuthority => {
            ("trusts nobody", "this version does not honour certificates".to_owned())
        }
        HostLineState::Skipped(fault) => ("passed over", printable(&fault.to_string())),
        _ => ("unknown", String::new()),
    }
}

pub(crate) fn remove(args: RemoveHost) -> Result<Answer, Failure> {
    let path = paths::or_default(args.file.file, "known_hosts");
    let file = KnownHostsFile::new(path);
    let (mut list, mut answer) = (Vec::new(), Answer::Done);
    for host in &args.hosts {
        let result = file.remove(host)?;
        for line in &result.removed {
            talk(format_args!("{}: removed {host}, {}", line.place(), line.fingerprint()));
            list.push(changed_json(line, "removed", None));
        }
        stays(&result.kept, &mut list);
        if result.removed.is_empty() {
            talk(format_args!("{host}: no line lists it by its name; nothing was changed"));
            answer = Answer::No;
        }
    }
    if args.json {
        json(&list.into())?;
    }
    Ok(answer)
}

pub(crate) fn hash(args: HashHosts) -> Result<Answer, Failure> {
    let path = paths::or_default(args.given.or(args.file.file), "known_hosts");
    let result = KnownHostsFile::new(path).hash()?;
    let mut list = Vec::new();
    for line in &result.hashed {
        talk(format_args!("{}: hashed {}", line.place(), printable(line.before())));
        list.push(changed_json(line, "hashed", None));
    }
    stays(&result.kept, &mut list);
    if result.hashed.is_empty() {
        talk("no name was left to hash; nothing was changed");
    }
    if args.json {
        json(&list.into())?;
    }
    Ok(Answer::Done)
}

/// Says which lines are as they were, and why.
fn stays(kept: &[KeptHost], list: &mut Vec<Value>) {
    for kept in kept {
        let why = match kept.why {
            WhyKept::Marker => "has a marker",
            WhyKept::BareName => "lists the name without the port, and counts for every port",
            _ => "has a pattern that stands for others, too",
        };
        talk(format_args!("{}: stays, for it {why}; edit it by hand", kept.line.place()));
        list.push(changed_json(&kept.line, "stays", Some(why)));
    }
}

/// A line as it stood before, and what became of it.
pub(super) fn changed_json(line: &ListedKey, state: &str, reason: Option<&str>) -> Value {
    json!({
        "file": line.place().file(),
        "line": line.place().line(),
        "type": line.key_type(),
        "fingerprint": line.fingerprint().to_string(),
        "comment": printable(line.comment()),
        "state": state,
        "reason": reason,
    })
}
