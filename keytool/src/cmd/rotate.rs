//! `keytool hosts rotate`.

use std::time::Duration;

use handfast::key::{Fingerprint, PublicKey, shell_word};
use handfast::trust::{
    EditError, Host, KnownHosts, KnownHostsFile, Learned, OtherName, Place, ProvedKeys, WhyLeftOut,
    WhyNotLearned,
};
use handfast::{Client, ConnectError, Deadlines};
use serde_json::{Value, json};

use super::scan::address_of;
use crate::cli::RotateHost;
use crate::error::{Answer, Failure};
use crate::output::{self, talk};
use crate::{passphrase, paths};

pub(crate) fn run(args: RotateHost) -> Result<Answer, Failure> {
    let given = args.file.file.clone();
    let path = paths::or_default(given.clone(), "known_hosts");
    let known = KnownHosts::open(&path)?;
    let file = KnownHostsFile::new(path);
    let (host, as_json) = (args.host.clone(), args.json);
    let mut also = Vec::new();
    for text in &args.also {
        also.push(other_name(&file, &host, text)?);
    }
    let (presented, others) = proved(args, known)?;
    let rotate =
        |host, also: &[Host]| file.rotate(&ProvedKeys::new(host, &presented, &others).also(also));
    let (host, learned) = match rotate(&host, &also) {
        // The line for all ports is changed by its own name only, which --also can give.
        Err(EditError::NotLearned { host: seen, why: WhyNotLearned::BareName { at } })
            if seen == host =>
        {
            let bare = Host::new(host.name(), 22).ok();
            let rest: Vec<_> =
                also.iter().filter(|name| Some(*name) != bare.as_ref()).cloned().collect();
            match bare {
                Some(bare) if rest.len() < also.len() => {
                    let learned = rotate(&bare, &rest)?;
                    (bare, learned)
                }
                _ => {
                    return Err(Failure::No(format!(
                        "no key of {host} was learned: {}; to change that line say `--also {}`",
                        WhyNotLearned::BareName { at },
                        with_port(&Host::new(host.name(), 22).unwrap_or_else(|_| host.clone()))
                    )));
                }
            }
        }
        outcome => (host, outcome.map_err(|error| not_rotated(error, &also))?),
    };
    let mut list = Vec::new();
    say(&host, &learned, &mut list);
    for (name, learned) in &learned.also {
        say(name, learned, &mut list);
    }
    let in_file = given.map(|path| format!(" --file {}", paths::word(&path))).unwrap_or_default();
    say_elsewhere(&host, &learned.elsewhere, &presented, &in_file, &mut list);
    if as_json {
        output::json(&list.into())?;
    }
    Ok(Answer::Done)
}

/// A name behind `--also`: without a port it has that of the host, or else none.
fn other_name(file: &KnownHostsFile, host: &Host, text: &str) -> Result<Host, Failure> {
    let parse = |port| {
        Host::parse(text, Some(port)).map_err(|error| {
            Failure::Usage(format!("invalid value for '--also <NAME[:PORT]>': {error}"))
        })
    };
    let names = [parse(host.port())?, parse(22)?];
    for name in &names {
        let lists = file.find(name)?.iter().any(|line| !line.bare && line.marker.is_none());
        if name != host && lists {
            return Ok(name.clone());
        }
    }
    let [first, second] = names;
    Ok(if first == *host { second } else { first })
}

/// Which of the names it is about tells whose argument it was.
fn not_rotated(error: EditError, also: &[Host]) -> Failure {
    match &error {
        EditError::NotLearned { host, .. } if also.contains(host) => Failure::No(format!(
            "{error}; {host} must be known by the same key to be another name of the same server; nothing was changed"
        )),
        _ => error.into(),
    }
}

/// What was done for one name.
fn say(host: &Host, learned: &Learned, list: &mut Vec<Value>) {
    for line in &learned.removed {
        talk(format_args!("{}: removed {host}, {}", line.place(), line.fingerprint()));
        list.push(to_json(Some(host), Some(line.place()), line.fingerprint(), "removed", None));
    }
    for line in &learned.added {
        talk(format_args!("{}: added {} for {host}", line.place(), line.fingerprint()));
        list.push(to_json(Some(host), Some(line.place()), line.fingerprint(), "added", None));
    }
    for key in &learned.left_out {
        let why = match key.why {
            WhyLeftOut::Revoked => "a line revokes it",
            _ => "there are as many learned keys of the host as may be",
        };
        talk(format_args!("{host}: {} was not added: {why}", key.fingerprint));
        list.push(to_json(Some(host), None, key.fingerprint, "left out", Some(why)));
    }
    if learned.removed.is_empty() && learned.added.is_empty() {
        talk(format_args!("{host}: nothing was changed"));
    }
}

/// What is left for other names that seem to be the same server's.
fn say_elsewhere(
    host: &Host,
    elsewhere: &[OtherName],
    presented: &PublicKey,
    in_file: &str,
    list: &mut Vec<Value>,
) {
    let (mut also, mut hidden) = (String::new(), false);
    for other in elsewhere {
        let is_same = other.key == presented.fingerprint();
        let which = if is_same { "the key that it presented" } else { "a key that was removed" };
        let name = match &other.host {
            Some(name) => {
                if is_same {
                    also.push_str(&format!(" --also {}", shell_word(with_port(name))));
                }
                name.to_string()
            }
            None => {
                hidden |= is_same;
                "a hashed name".to_owned()
            }
        };
        talk(format_args!("{}: lists {which}, for {name}; not changed", other.at));
        let name = other.host.as_ref();
        list.push(to_json(name, Some(&other.at), other.key, "not changed", Some(which)));
    }
    let hidden = if hidden { " --also NAME" } else { "" };
    if !also.is_empty() || !hidden.is_empty() {
        talk(format_args!(
            "if these are names of the same server: `keytool hosts rotate {}{also}{hidden}{in_file}`",
            shell_word(with_port(host))
        ));
    }
}

fn to_json(
    host: Option<&Host>,
    at: Option<&Place>,
    key: Fingerprint,
    state: &str,
    reason: Option<&str>,
) -> Value {
    json!({
        "host": host.map(ToString::to_string),
        "file": at.map(Place::file),
        "line": at.map(Place::line),
        "fingerprint": key.to_string(),
        "state": state,
        "reason": reason,
    })
}

/// As it is written behind `--also`, where a name without a port would get that of the host.
fn with_port(host: &Host) -> String {
    let port = if host.port() == 0 { 22 } else { host.port() };
    if host.name().contains(':') || host.name().starts_with('-') {
        return format!("[{}]:{port}", host.name());
    }
    format!("{}:{port}", host.name())
}

/// The key that the host presents, which is known, and the others that it proves to hold.
fn proved(args: RotateHost, known: KnownHosts) -> Result<(PublicKey, Vec<PublicKey>), Failure> {
    let limit = Duration::from_secs(args.timeout);
    let mut deadlines = Deadlines::default();
    deadlines.server_auth = limit;
    deadlines.handshake = limit;
    let mut client = Client::new().known_hosts(known).deadlines(deadlines).connect_timeout(limit);
    let path = paths::or_default(args.identity.clone(), "id_ed25519");
    // Without a key of its own a client can still be let in, where the server lets anybody.
    if args.identity.is_some() || paths::home(&path)?.exists() {
        client = client.identity(passphrase::identity(&path, args.passphrase.passphrase_file)?);
    }
    if let Some(login) = args.login {
        client = client.login(login);
    }
    let host = &args.host;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Io(format!("{host}: no connection: {error}")))?;
    let outcome = runtime.block_on(async {
        let stream = client.connect(&address_of(host)).await?;
        Ok((stream.host_key().clone(), stream.other_host_keys().to_vec()))
    });
    runtime.shutdown_background();
    outcome.map_err(|error| match error {
        ConnectError::HostKey(refused) => Failure::No(refused.to_string()),
        error => Failure::Io(error.to_string()),
    })
}
