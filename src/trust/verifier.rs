//! What decides whether a host key is trusted.

use super::{Host, KnownHosts, KnownKey, Place, Verdict};
use crate::key::{Fingerprint, PublicKey};

/// Decides about the key that a server proved to hold.
///
/// A verifier that trusts keys which were not known before must not be combined with
/// [`Client::password`](crate::Client::password): a password is for hosts that are known.
pub trait HostVerifier: Send + Sync {
    /// Whether this key is trusted for this host.
    ///
    /// # Errors
    ///
    /// It is not, and why.
    fn verify(&self, host: &Host, key: &PublicKey) -> Result<(), HostKeyError>;

    /// The keys that could be trusted for this host, when no other key can end up being trusted:
    /// a client's hello then hints at them, so that a server with several keys shows one that the
    /// client knows. Empty otherwise.
    fn expected(&self, host: &Host) -> Vec<PublicKey>;
}

/// Why a host key is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostKeyError {
    /// Nothing is known of the host.
    #[error(
        "the host {host} is not known: it showed the key {offered}, and {reason}; compare the \
         fingerprint with the one that its operator gives you, then add the key to known_hosts"
    )]
    Unknown {
        /// The host.
        host: Host,
        /// The key that it showed.
        offered: Fingerprint,
        /// What was looked at.
        reason: String,
    },
    /// The host is known by another key: somebody may be in its place.
    #[error(
        "THE KEY OF {host} HAS CHANGED, or somebody stands between: it showed {offered}, and \
         {verdict}; ask its operator, and only if the change is real remove the old line"
    )]
    Changed {
        /// The host.
        host: Host,
        /// The key that it showed.
        offered: Fingerprint,
        /// The lines about it.
        known: Vec<KnownKey>,
        /// The same as a sentence.
        verdict: String,
    },
    /// The key is revoked.
    #[error("the key {offered} of {host} is revoked by {at}: whoever holds it is not the host")]
    Revoked {
        /// The host.
        host: Host,
        /// The key that it showed.
        offered: Fingerprint,
        /// The line that revokes it.
        at: Place,
    },
}

/// Strict: only keys that are listed for the host.
impl HostVerifier for KnownHosts {
    fn verify(&self, host: &Host, key: &PublicKey) -> Result<(), HostKeyError> {
        let (host, offered) = (host.clone(), key.fingerprint());
        let verdict = self.check(&host, key);
        let sentence = verdict.to_string();
        Err(match verdict {
            Verdict::Match { .. } => return Ok(()),
            Verdict::Revoked { at } => HostKeyError::Revoked { host, offered, at },
            Verdict::Unknown { .. } => HostKeyError::Unknown { host, offered, reason: sentence },
            Verdict::Changed { known, .. } => {
                HostKeyError::Changed { host, offered, known, verdict: sentence }
            }
        })
    }

    fn expected(&self, host: &Host) -> Vec<PublicKey> {
        self.keys_for(host)
    }
}

/// Trusts these keys and no others, whatever the host is called.
#[derive(Debug, Clone, Default)]
pub struct PinnedKeys(Vec<PublicKey>);

impl PinnedKeys {
    /// Pins keys.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self(keys.into_iter().collect())
    }
}

impl HostVerifier for PinnedKeys {
    fn verify(&self, host: &Host, key: &PublicKey) -> Result<(), HostKeyError> {
        if self.0.contains(key) {
            return Ok(());
        }
        Err(HostKeyError::Unknown {
            host: host.clone(),
            offered: key.fingerprint(),
            reason: "it is none of the pinned keys".into(),
        })
    }

    fn expected(&self, _: &Host) -> Vec<PublicKey> {
        self.0.clone()
    }
}
