//! A second connection to a host that was not known, after somebody said that it is the right one.

use std::sync::Arc;

use super::Client;
use crate::key::PublicKey;
use crate::trust::{Host, HostKeyError, HostVerifier, Trusted};

impl<M> Client<M> {
    /// Asks about a host that was refused because it is not known; gives a client that trusts the
    /// confirmed key, too.
    pub(crate) fn confirm(&self, refused: HostKeyError) -> Result<Self, HostKeyError> {
        if !matches!(refused, HostKeyError::Unknown { .. }) {
            return Err(refused);
        }
        let host = refused.host().clone();
        let key = self.verifier.confirm(refused)?;
        let verifier = Arc::new(Confirmed { host, key, others: Arc::clone(&self.verifier) });
        Ok(Self { verifier, ..self.like() })
    }
}

/// Trusts one key of a host that is not known otherwise.
struct Confirmed {
    host: Host,
    key: PublicKey,
    others: Arc<dyn HostVerifier>,
}

impl HostVerifier for Confirmed {
    fn verify(&self, host: &Host, key: &PublicKey) -> Result<Trusted, HostKeyError> {
        match self.others.verify(host, key) {
            Err(HostKeyError::Unknown { .. }) if *host == self.host && *key == self.key => {
                Ok(Trusted::New)
            }
            Err(HostKeyError::Unknown { host, offered, .. }) => {
                let confirmed = self.key.fingerprint();
                let reason =
                    format!("{confirmed} was confirmed, on the connection before this one");
                Err(HostKeyError::Unknown { host, offered, reason })
            }
            decided => decided,
        }
    }

    fn expected(&self, _: &Host) -> Vec<PublicKey> {
        vec![self.key.clone()]
    }

    fn revokes(&self, host: &Host, key: &PublicKey) -> bool {
        self.others.revokes(host, key)
    }

    fn may_wait(&self) -> bool {
        self.others.may_wait()
    }
}
