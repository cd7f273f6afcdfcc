//! `keytool hosts rotate`.

use std::time::Duration;

use handfast::key::PublicKey;
use handfast::trust::{KnownHosts, KnownHostsFile, ProvedKeys, WhyLeftOut};
use handfast::{Client, ConnectError, Deadlines};

use super::scan::address_of;
use crate::cli::RotateHost;
use crate::error::{Answer, Failure};
use crate::output::talk;
use crate::{passphrase, paths};

pub(crate) fn run(args: RotateHost) -> Result<Answer, Failure> {
    let host = args.host.clone();
    let path = paths::or_default(args.file.file.clone(), "known_hosts");
    let (presented, others) = proved(args, KnownHosts::open(&path)?)?;
    let learned = KnownHostsFile::new(path).rotate(&ProvedKeys::new(&host, &presented, &others))?;
    for line in &learned.removed {
        talk(format_args!("{}: removed {host}, {}", line.place(), line.fingerprint()));
    }
    for line in &learned.added {
        talk(format_args!("{}: added {} for {host}", line.place(), line.fingerprint()));
    }
    for key in &learned.left_out {
        let why = match key.why {
            WhyLeftOut::Revoked => "a line revokes it",
            _ => "there are as many learned keys of the host as may be",
        };
        talk(format_args!("{host}: {} was not added: {why}", key.fingerprint));
    }
    if learned.removed.is_empty() && learned.added.is_empty() {
        talk(format_args!("{host}: nothing was changed"));
    }
    Ok(Answer::Done)
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
