//! `keytool hosts scan`.

use std::time::Duration;

use handfast::key::PublicKey;
use handfast::trust::{Host, NewHost};
use handfast::{Client, ConnectError, Deadlines};
use serde_json::json;

use crate::cli::Scan;
use crate::error::{Answer, Failure};
use crate::output::{self, data, talk};

pub(crate) fn run(args: &Scan) -> Result<Answer, Failure> {
    let (mut list, mut unreached) = (Vec::new(), false);
    for host in &args.hosts {
        let key = match proved_key(host, args.timeout) {
            Ok(key) => key,
            Err(failure) if args.hosts.len() == 1 => return Err(failure),
            // The other hosts are asked all the same.
            Err(failure) => {
                talk(format_args!("{}: {failure}", output::bad("error")));
                unreached = true;
                continue;
            }
        };
        let line = NewHost::new(host, &key).hashed(args.hash).line()?;
        if args.json {
            list.push(json!({
                "host": host.to_string(),
                "name": host.name(),
                "port": host.port(),
                "type": "ssh-ed25519",
                "key": key.to_string(),
                "fingerprint": key.fingerprint().to_string(),
                "known_hosts": line,
            }));
        } else {
            data(line)?;
            describe(host, &key);
        }
    }
    if args.json {
        output::json(&list.into())?;
    }
    if unreached {
        return Err(Failure::Io("not all of the hosts could be asked".to_owned()));
    }
    Ok(Answer::Done)
}

/// Shows a key to the person who is to compare it.
pub(crate) fn describe(host: &Host, key: &PublicKey) {
    talk(format_args!("{host} proved that it holds the key {}", key.fingerprint()));
    talk(key.randomart());
}

/// The key that a server proves to hold when a client asks that has no key and no name.
pub(crate) fn proved_key(host: &Host, seconds: u64) -> Result<PublicKey, Failure> {
    let failed = |reason: &dyn std::fmt::Display| {
        Failure::Io(format!("{host}: no key was learnt: {reason}"))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    let limit = Duration::from_secs(seconds);
    let mut deadlines = Deadlines::default();
    deadlines.server_auth = limit;
    deadlines.handshake = limit;
    // it knows no host, so it tells nothing of itself, and the refusal holds the key
    let client = Client::new().deadlines(deadlines).connect_timeout(limit);
    let address = address_of(host);
    let outcome = runtime.block_on(async { client.connect(&address).await.map(drop) });
    runtime.shutdown_background();
    match outcome {
        Err(ConnectError::HostKey(refused)) => Ok(refused.offered().clone()),
        Err(error) => Err(failed(&error)),
        Ok(()) => Err(failed(&"the connection came about, which cannot be")),
    }
}

/// The host as an address to connect to: always with its port.
pub(crate) fn address_of(host: &Host) -> String {
    format!("[{}]:{}", host.name(), host.port())
}
