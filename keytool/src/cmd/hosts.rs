//! `keytool hosts find`, `keytool hosts hash` and `keytool hosts remove`.

use handfast::key::printable;
use handfast::trust::{KeptHost, KnownHosts, KnownHostsFile, MatchedBy, WhyKept};
use serde_json::json;

use crate::cli::{FindHost, HostsFile, RemoveHost};
use crate::error::{Answer, Failure};
use crate::output::{data, json, talk};
use crate::paths;

pub(crate) fn find(args: FindHost) -> Result<Answer, Failure> {
    let path = paths::or_default(args.file.file, "known_hosts");
    let found = KnownHostsFile::new(&path).find(&args.host)?;
    // a line that cannot be read is never found, and may be about the host
    match KnownHosts::open(&path) {
        Ok(known) if known.skipped().total() > 0 => {
            talk(format_args!("warning: {}", known.skipped()));
        }
        Ok(_) => {}
        Err(error) => talk(format_args!("warning: nobody is trusted by this file: {error}")),
    }
    if args.json {
        let list: Vec<_> = found
            .iter()
            .map(|found| {
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
            })
            .collect();
        json(&list.into())?;
    } else {
        for found in &found {
            data(format_args!("{}: {}", found.line.place(), printable(&found.text)))?;
        }
    }
    if found.is_empty() {
        talk(format_args!("{}: no line is about it", args.host));
        return Ok(Answer::No);
    }
    Ok(Answer::Done)
}

pub(crate) fn remove(args: RemoveHost) -> Result<Answer, Failure> {
    let host = &args.host;
    let path = paths::or_default(args.file.file, "known_hosts");
    let result = KnownHostsFile::new(path).remove(host)?;
    for line in &result.removed {
        talk(format_args!("{}: removed {host}, {}", line.place(), line.fingerprint()));
    }
    stays(&result.kept);
    if result.removed.is_empty() {
        talk(format_args!("{host}: no line lists it by its name; nothing was changed"));
        return Ok(Answer::No);
    }
    Ok(Answer::Done)
}

pub(crate) fn hash(args: HostsFile) -> Result<Answer, Failure> {
    let path = paths::or_default(args.file, "known_hosts");
    let result = KnownHostsFile::new(path).hash()?;
    for line in &result.hashed {
        talk(format_args!("{}: hashed {}", line.place(), printable(line.before())));
    }
    stays(&result.kept);
    if result.hashed.is_empty() {
        talk("no name was left to hash; nothing was changed");
    }
    Ok(Answer::Done)
}

/// Says which lines are as they were, and why.
fn stays(kept: &[KeptHost]) {
    for kept in kept {
        let why = match kept.why {
            WhyKept::Marker => "has a marker",
            WhyKept::BareName => "lists the name without the port, and counts for every port",
            _ => "has a pattern that stands for others, too",
        };
        talk(format_args!("{}: stays, for it {why}; edit it by hand", kept.line.place()));
    }
}
