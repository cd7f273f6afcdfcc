//! Hosts whose key the application brings along.

use super::super::{Host, KnownHosts};
use super::{HostKeyError, HostVerifier, Trusted};
use crate::key::{Fingerprint, PublicKey};

/// Trusts these keys and no others, whatever the host is called.
///
/// ```
/// use handfast::Client;
/// use handfast::trust::PinnedKeys;
///
/// # #[cfg(feature = "tokio")]
/// # fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let pin = "SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDa/Vb3Z1gKMH9P3JM".parse()?;
/// let client = Client::new().host_verifier(PinnedKeys::by_fingerprint([pin]));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct PinnedKeys {
    keys: Vec<PublicKey>,
    fingerprints: Vec<Fingerprint>,
    known: Option<KnownHosts>,
}

impl PinnedKeys {
    /// Pins keys.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        Self { keys: keys.into_iter().collect(), ..Self::default() }
    }

    /// Pins the keys that have these fingerprints. A server with several keys cannot be told by
    /// them which one to show, and shows its default.
    #[must_use]
    pub fn by_fingerprint(fingerprints: impl IntoIterator<Item = Fingerprint>) -> Self {
        Self { fingerprints: fingerprints.into_iter().collect(), ..Self::default() }
    }

    /// Also refuses keys that these files revoke, and keys other than those that they list for the
    /// host. Default: no file is looked at.
    #[must_use]
    pub fn unless_contradicted_by(mut self, known: KnownHosts) -> Self {
        self.known = Some(known);
        self
    }

    fn is_pinned(&self, key: &PublicKey) -> bool {
        self.keys.contains(key) || self.fingerprints.contains(&key.fingerprint())
    }

    /// The fingerprints of all pins, the first few of them.
    fn listed(&self) -> String {
        const SHOWN: usize = 3;
        let all = self.keys.iter().map(PublicKey::fingerprint);
        let mut all = all.chain(self.fingerprints.iter().copied());
        let first: Vec<_> = all.by_ref().take(SHOWN).map(|print| print.to_string()).collect();
        match (first.as_slice(), all.count()) {
            ([], _) => "no key is pinned".to_owned(),
            ([only], _) => format!("the pinned key is {only}"),
            (_, 0) => format!("the pinned keys are {}", first.join(", ")),
            (_, more) => format!("the pinned keys are {} and {more} more", first.join(", ")),
        }
    }
}

impl HostVerifier for PinnedKeys {
    fn verify(&self, host: &Host, key: &PublicKey) -> Result<Trusted, HostKeyError> {
        match self.known.as_ref().map(|known| known.verify(host, key)) {
            None | Some(Ok(_) | Err(HostKeyError::Unknown { .. })) => {}
            Some(Err(refused)) => return Err(refused),
        }
        if self.is_pinned(key) {
            return Ok(Trusted::Known);
        }
        let (host, offered) = (host.clone(), key.clone());
        Err(HostKeyError::NotPinned { host, offered, reason: self.listed() })
    }

    fn expected(&self, _: &Host) -> Vec<PublicKey> {
        if self.fingerprints.is_empty() { self.keys.clone() } else { Vec::new() }
    }

    fn revokes(&self, host: &Host, key: &PublicKey) -> bool {
        self.known.as_ref().is_some_and(|known| known.is_revoked(host, key))
    }

    fn may_wait(&self) -> bool {
        false
    }
}
