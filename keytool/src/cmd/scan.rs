//! `keytool hosts scan`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use handfast::key::PublicKey;
use handfast::trust::{Host, HostKeyError, HostVerifier, NewHost};
use handfast::{Client, ConnectError, Deadlines};

use crate::cli::Scan;
use crate::error::{Answer, Failure};
use crate::output::{data, talk};

pub(crate) fn run(args: &Scan) -> Result<Answer, Failure> {
    let key = proved_key(&args.host, args.timeout)?;
    let line = NewHost::new(&args.host, &key).hashed(args.hash).line()?;
    data(line)?;
    describe(&args.host, &key);
    Ok(Answer::Done)
}

/// Shows a key to the person who is to compare it.
pub(crate) fn describe(host: &Host, key: &PublicKey) {
    talk(format_args!("{host} proved that it holds the key {}", key.fingerprint()));
    talk(key.randomart());
}

/// Notes the key and trusts nobody, so that nothing of the client is told.
struct Recorder(Arc<Mutex<Option<PublicKey>>>);

impl HostVerifier for Recorder {
    fn verify(&self, host: &Host, key: &PublicKey) -> Result<(), HostKeyError> {
        if let Ok(mut seen) = self.0.lock() {
            *seen = Some(key.clone());
        }
        Err(HostKeyError::Unknown {
            host: host.clone(),
            offered: key.fingerprint(),
            reason: "it was only asked for its key".to_owned(),
        })
    }

    fn expected(&self, _: &Host) -> Vec<PublicKey> {
        Vec::new()
    }
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
    let seen = Arc::new(Mutex::new(None));
    let limit = Duration::from_secs(seconds);
    let mut deadlines = Deadlines::default();
    deadlines.server_auth = limit;
    deadlines.handshake = limit;
    let client = Client::new()
        .host_verifier(Recorder(Arc::clone(&seen)))
        .deadlines(deadlines)
        .connect_timeout(limit);
    let address = address_of(host);
    let outcome = runtime.block_on(async { client.connect(&address).await.map(drop) });
    runtime.shutdown_background();
    let key = seen.lock().ok().and_then(|mut seen| seen.take());
    match (outcome, key) {
        (Err(ConnectError::HostKey(_)), Some(key)) => Ok(key),
        (Err(error), _) => Err(failed(&error)),
        (Ok(()), _) => Err(failed(&"the connection came about, which cannot be")),
    }
}

/// The host as an address to connect to: always with its port.
fn address_of(host: &Host) -> String {
    format!("[{}]:{}", host.name(), host.port())
}
