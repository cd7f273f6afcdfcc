//! Hosts that are trusted when they are first met.

use super::super::contacts::{Moment, is_fresh};
use super::super::known_hosts::known_by;
use super::super::{Added, EditError, Host, KnownHosts, KnownHostsFile, NewHost};
use super::{HostKeyError, HostVerifier, Trusted, known_keys};
use crate::key::PublicKey;

/// Trusts hosts that are not known, and writes their keys down, as OpenSSH does it with
/// `StrictHostKeyChecking accept-new`. The first contact is only as good as the network at that
/// moment.
///
/// A line that one connection writes does not make the host known to another that overlaps with it,
/// in whichever client of this process: both are first contacts, and tell no password. When all
/// that overlapped have ended, the line counts like any other.
///
/// A key that cannot be written down is not trusted: it would be new each time. Writing waits for
/// other editors of the file, as all of [`KnownHostsFile`], while the handshake waits; on tokio on
/// a thread where blocking is allowed, and no longer than the handshake may take.
///
/// ```no_run
/// use handfast::Client;
/// use handfast::trust::{AcceptNew, KnownHosts, KnownHostsFile};
///
/// # #[cfg(feature = "tokio")]
/// # fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let path = "~/.ssh/known_hosts";
/// let known = KnownHosts::open_existing([path])?;
/// let policy = AcceptNew::new(known, KnownHostsFile::new(path)).hashed(true);
/// let client = Client::new().host_verifier(policy);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AcceptNew {
    known: KnownHosts,
    file: KnownHostsFile,
    hashed: bool,
}

impl AcceptNew {
    /// Writes the keys of hosts that `known` does not know into `file`, often the first of the
    /// files that `known` was read from. What others have added to `file` since counts as well.
    #[must_use]
    pub fn new(known: KnownHosts, file: KnownHostsFile) -> Self {
        Self { known, file, hashed: false }
    }

    /// Whether names are written hashed, as [`NewHost::hashed`]. Default: no.
    #[must_use]
    pub const fn hashed(mut self, hashed: bool) -> Self {
        self.hashed = hashed;
        self
    }
}

impl HostVerifier for AcceptNew {
    fn verify(&self, host: &Host, key: &PublicKey) -> Result<Trusted, HostKeyError> {
        match self.known.verify(host, key) {
            Err(HostKeyError::Unknown { .. }) => {}
            decided => return decided,
        }
        let written = write_down(&self.file, host, key, self.hashed)?;
        if written == Trusted::New {
            tracing::info!(%host, key = %key.fingerprint(), "new host: its key is trusted from now on");
        }
        Ok(written)
    }

    fn expected(&self, host: &Host) -> Vec<PublicKey> {
        known_keys(&self.known, host)
    }

    fn revokes(&self, host: &Host, key: &PublicKey) -> bool {
        self.known.is_revoked(host, key)
    }
}

/// Writes a key down, unless the file says something about the host by now.
pub(super) fn write_down(
    file: &KnownHostsFile,
    host: &Host,
    key: &PublicKey,
    hashed: bool,
) -> Result<Trusted, HostKeyError> {
    let error = match file.add(&NewHost::new(host, key).hashed(hashed)) {
        Ok(Added::Appended { .. }) => return Ok(Trusted::New),
        // another connection that is still deciding may have written the line
        Ok(Added::AlreadyThere { .. }) if is_fresh(host, key, Moment::now()) => {
            return Ok(Trusted::New);
        }
        Ok(Added::AlreadyThere { .. }) => return Ok(Trusted::Known),
        Err(error) => error,
    };
    let (host, offered) = (host.clone(), key.clone());
    Err(match error {
        EditError::Revoked { at, .. } => HostKeyError::Revoked { host, offered, at },
        EditError::OtherKey { known, .. } => {
            let verdict = known_by(&known);
            HostKeyError::Changed { host, offered, known, verdict }
        }
        error => HostKeyError::NotWritten { host, offered, reason: error.to_string() },
    })
}
