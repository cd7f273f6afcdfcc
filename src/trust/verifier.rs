//! What decides whether a host key is trusted.
//!
//! All policies have one rule set, that of [`KnownHosts::check`], and differ only in what they do
//! about a host that is not known.

mod accept_new;
mod ask;
mod pinned;

pub use accept_new::AcceptNew;
pub use ask::{Ask, HostAnswer, HostQuestion, NoHostAnswer};
pub use pinned::PinnedKeys;

use super::{Host, KnownHosts, KnownKey, Place, Verdict};
use crate::key::PublicKey;

/// Decides about the key that a server proved to hold.
///
/// | policy | a host that is not known |
/// |---|---|
/// | [`KnownHosts`] (strict) | is refused |
/// | [`Ask`] | is refused, then a person is asked, and a new connection is made |
/// | [`AcceptNew`] | is trusted, and its key written down |
/// | [`PinnedKeys`] | is trusted if its key is one of the pinned ones |
///
/// A key that has changed or is revoked is refused under each of them.
pub trait HostVerifier: Send + Sync {
    /// Whether this key is trusted for this host, and since when.
    ///
    /// May wait for a lock or the disk, if [`may_wait`](Self::may_wait) says so.
    ///
    /// # Errors
    ///
    /// It is not, and why.
    fn verify(&self, host: &Host, key: &PublicKey) -> Result<Trusted, HostKeyError>;

    /// The keys that could be trusted for this host, when no other key can end up being trusted:
    /// a client's hello then hints at them, so that a server with several keys shows one that the
    /// client knows. Empty otherwise.
    fn expected(&self, host: &Host) -> Vec<PublicKey>;

    /// Whether it is known that this key is revoked for this host: it is not learned then
    /// ([`learn_host_keys`](crate::Client::learn_host_keys)). Changes nothing. Unless it is
    /// overridden, no.
    fn revokes(&self, host: &Host, key: &PublicKey) -> bool {
        let _ = (host, key);
        false
    }

    /// Whether [`verify`](Self::verify) may wait for anything, such as a lock or the disk. On tokio
    /// it is called where blocking is allowed then, and by the handshake's deadline. Unless it is
    /// overridden, yes; a policy that decides from memory alone says no, and is asked at once.
    fn may_wait(&self) -> bool {
        true
    }

    /// Called after a connection was closed because [`verify`](Self::verify) had said
    /// [`HostKeyError::Unknown`], which is `refused`: whether to make a new one, which trusts this
    /// key as a [new](Trusted::New) one and no other. May wait for a person; on tokio it runs where
    /// blocking is allowed.
    ///
    /// Only functions that open the connection themselves call it; a stream that was handed in
    /// cannot be opened again.
    ///
    /// # Errors
    ///
    /// What the caller is told in place of a connection. Unless it is overridden, `refused`.
    fn confirm(&self, refused: HostKeyError) -> Result<PublicKey, HostKeyError> {
        Err(refused)
    }
}

/// Since when a host key is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Trusted {
    /// It was known before this connection, and before every other connection of this process
    /// began that is still deciding about the host.
    Known,
    /// It was not known before those. A client never sends a password to such a host.
    New,
}

/// Why a host key is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostKeyError {
    /// Nothing is known of the host.
    #[error(
        "the host {host} is not known: it showed the key {}, and {reason}; compare the \
         fingerprint with the one that its operator gives you, then add the key to known_hosts",
        offered.fingerprint()
    )]
    Unknown {
        /// The host.
        host: Host,
        /// The key that it showed.
        offered: PublicKey,
        /// What was looked at.
        reason: String,
    },
    /// Keys are pinned, and this is none of them.
    #[error(
        "{host} showed the key {}, and {reason}; ask its operator which key it has, and only if \
         it is this one pin it",
        offered.fingerprint()
    )]
    NotPinned {
        /// The host.
        host: Host,
        /// The key that it showed.
        offered: PublicKey,
        /// The pinned ones.
        reason: String,
    },
    /// The host is known by another key: somebody may be in its place.
    #[error(
        "THE KEY OF {host} HAS CHANGED, or somebody stands between: it showed {}, and \
         {verdict}; ask its operator, and only if the change is real remove the old line",
        offered.fingerprint()
    )]
    Changed {
        /// The host.
        host: Host,
        /// The key that it showed.
        offered: PublicKey,
        /// The lines about it.
        known: Vec<KnownKey>,
        /// The same as a sentence.
        verdict: String,
    },
    /// The key is revoked.
    #[error(
        "the key {} of {host} is revoked by {at}: whoever holds it is not the host",
        offered.fingerprint()
    )]
    Revoked {
        /// The host.
        host: Host,
        /// The key that it showed.
        offered: PublicKey,
        /// The line that revokes it.
        at: Place,
    },
    /// Nothing is known of the host, and its key was to be written down and could not be.
    #[error(
        "the host {host} is not known, and its key {} was not written down, so it is not trusted: \
         {reason}",
        offered.fingerprint()
    )]
    NotWritten {
        /// The host.
        host: Host,
        /// The key that it showed.
        offered: PublicKey,
        /// Why not.
        reason: String,
    },
    /// A person was asked about the host, and did not say yes.
    #[error("the key {} of {host} was not confirmed: {reason}", offered.fingerprint())]
    NotConfirmed {
        /// The host.
        host: Host,
        /// The key that it showed.
        offered: PublicKey,
        /// What the person said.
        reason: String,
    },
}

impl HostKeyError {
    /// The host.
    pub fn host(&self) -> &Host {
        match self {
            Self::Unknown { host, .. }
            | Self::NotPinned { host, .. }
            | Self::Changed { host, .. }
            | Self::Revoked { host, .. }
            | Self::NotWritten { host, .. }
            | Self::NotConfirmed { host, .. } => host,
        }
    }

    /// The key that it showed.
    pub fn offered(&self) -> &PublicKey {
        match self {
            Self::Unknown { offered, .. }
            | Self::NotPinned { offered, .. }
            | Self::Changed { offered, .. }
            | Self::Revoked { offered, .. }
            | Self::NotWritten { offered, .. }
            | Self::NotConfirmed { offered, .. } => offered,
        }
    }
}

/// Strict: only keys that are listed for the host.
impl HostVerifier for KnownHosts {
    fn verify(&self, host: &Host, key: &PublicKey) -> Result<Trusted, HostKeyError> {
        let (host, offered) = (host.clone(), key.clone());
        let verdict = self.check(&host, key);
        let sentence = verdict.to_string();
        Err(match verdict {
            Verdict::Match { .. } if self.is_fresh(&host, key) => return Ok(Trusted::New),
            Verdict::Match { .. } => return Ok(Trusted::Known),
            Verdict::Revoked { at } => HostKeyError::Revoked { host, offered, at },
            Verdict::Changed { known, .. } => {
                HostKeyError::Changed { host, offered, known, verdict: sentence }
            }
            Verdict::Unknown { .. } | Verdict::CertificateRefused { .. } => {
                HostKeyError::Unknown { host, offered, reason: sentence }
            }
        })
    }

    fn expected(&self, host: &Host) -> Vec<PublicKey> {
        self.keys_for(host)
    }

    fn revokes(&self, host: &Host, key: &PublicKey) -> bool {
        self.is_revoked(host, key)
    }

    fn may_wait(&self) -> bool {
        false
    }
}

/// What a verifier hints at that may come to trust a host which is not known: the keys of hosts
/// that are, because another key of theirs has changed; for others nothing, so that nobody can tell
/// a first contact.
fn known_keys(known: &KnownHosts, host: &Host) -> Vec<PublicKey> {
    if known.knows(host) { known.keys_for(host) } else { Vec::new() }
}

#[cfg(test)]
mod tests;
