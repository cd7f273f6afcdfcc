//! Private keys.

use std::fmt;
use std::sync::Arc;

use rand::TryRng as _;
use rand::rngs::SysRng;
use zeroize::Zeroizing;

use super::private_file::{self, Content};
use super::{Fingerprint, KeyError, PublicKey};
use crate::crypto::SigningKey;
use crate::crypto::secret::Secret;

/// An Ed25519 private key with its comment: who a client or server is.
///
/// Cheap to clone: clones share the key, which is wiped when the last of them is dropped. `Debug`
/// shows the public key's fingerprint and nothing else.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    seed: Secret<32>,
    signing: SigningKey,
    public: PublicKey,
    comment: String,
}

impl Identity {
    /// Makes a new key from the operating system's randomness, without a comment.
    ///
    /// # Errors
    /// [`KeyError::Randomness`] if the system has none to give.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Secret::zero();
        random(seed.expose_mut())?;
        Ok(Self::of(seed, String::new()))
    }

    /// The key of a seed (the private key of RFC 8032, section 5.1.5) that is kept elsewhere,
    /// without a comment.
    ///
    /// The seed must be 32 bytes that nobody can guess: never a password or a hash of one. The
    /// caller wipes its copy.
    pub fn from_seed(bytes: &[u8; 32]) -> Self {
        Self::of(seed(bytes), String::new())
    }

    /// Reads the text of an OpenSSH private key file, which begins `-----BEGIN OPENSSH PRIVATE
    /// KEY-----`.
    ///
    /// `passphrase` is needed if the file is encrypted, and ignored if it is not. All ciphers of
    /// `ssh-keygen -Z` are read but `3des-cbc`; deriving the key takes time (a fifth of a
    /// second for a usual file, at most some fifteen), so call this where blocking is allowed.
    ///
    /// # Errors
    /// [`KeyError::PassphraseNeeded`], [`KeyError::WrongPassphrase`],
    /// [`KeyError::UnsupportedAlgorithm`] for keys other than Ed25519,
    /// [`KeyError::TooManyRounds`], [`KeyError::FileTooLarge`], [`KeyError::UnsupportedCipher`],
    /// [`KeyError::PublicHalfMismatch`]; and [`KeyError::InvalidPrivateKey`] for other files and
    /// damaged ones.
    pub fn from_openssh(
        text: impl AsRef<[u8]>,
        passphrase: Option<&[u8]>,
    ) -> Result<Self, KeyError> {
        let Content { seed, signing, comment } = private_file::read(text.as_ref(), passphrase)?;
        let public = PublicKey::derived(signing.public());
        let comment = String::from_utf8_lossy(&comment).into_owned();
        Ok(Self(Arc::new(Inner { seed, signing, public, comment })))
    }

    /// The text of an OpenSSH private key file, encrypted (aes256-ctr, 24 rounds of bcrypt) if
    /// there is a passphrase.
    ///
    /// # Errors
    /// [`KeyError::EmptyPassphrase`], [`KeyError::FileTooLarge`] for a comment beyond half of
    /// [`MAX_FILE`](super::MAX_FILE), [`KeyError::Randomness`].
    pub fn to_openssh(&self, passphrase: Option<&[u8]>) -> Result<Zeroizing<String>, KeyError> {
        private_file::write(&self.0.seed, self.0.comment.as_bytes(), passphrase)
    }

    /// The text of a private key file under another passphrase, with its comment to the byte.
    #[cfg(feature = "files")]
    pub(crate) fn reseal(
        text: &[u8],
        old: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<Zeroizing<String>, KeyError> {
        private_file::reseal(text, old, new)
    }

    /// The same key with another comment.
    #[must_use]
    pub fn with_comment(&self, comment: impl Into<String>) -> Self {
        Self::of(seed(self.0.seed.expose()), comment.into())
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public
    }

    /// The fingerprint of the public half.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.public.fingerprint()
    }

    /// The comment in the key's file, often `alice@laptop`. Whoever made the file chose it: it can
    /// hold any character, control characters included, and proves nothing. Bytes that are not
    /// UTF-8 show as U+FFFD.
    pub fn comment(&self) -> &str {
        &self.0.comment
    }

    /// The plain Ed25519 signature of `message` (RFC 8032), for callers that have put it in its
    /// domain.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.signing.sign(message)
    }

    fn of(seed: Secret<32>, comment: String) -> Self {
        let signing = SigningKey::from_seed(&seed);
        let public = PublicKey::derived(signing.public());
        Self(Arc::new(Inner { seed, signing, public, comment }))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.fingerprint())
    }
}

/// Copies a seed to where it is wiped, leaving nothing on the way.
pub(super) fn seed(bytes: &[u8; 32]) -> Secret<32> {
    let mut seed = Secret::zero();
    seed.expose_mut().copy_from_slice(bytes);
    seed
}

pub(super) fn random(out: &mut [u8]) -> Result<(), KeyError> {
    SysRng.try_fill_bytes(out).map_err(|error| KeyError::Randomness { reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_fingerprint_only() {
        let alice = Identity::from_seed(&[1; 32]).with_comment("alice");
        let shown = format!("{alice:?}");
        assert_eq!(shown, format!("Identity({})", alice.public_key().fingerprint()));
    }

    #[test]
    fn an_identity_goes_between_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Identity>();
    }

    #[test]
    fn every_generated_key_is_new() {
        let (a, b) = (Identity::generate().unwrap(), Identity::generate().unwrap());
        assert_ne!(a.public_key(), b.public_key());
        assert_eq!(a.comment(), "");
    }

    #[test]
    fn a_seed_gives_the_key_of_rfc_8032() {
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
            .unwrap();
        let public =
            hex::decode("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
                .unwrap();
        let identity = Identity::from_seed(seed.as_slice().try_into().unwrap());
        assert_eq!(identity.public_key().as_bytes().as_slice(), public);
        let signature = identity.sign(b"");
        assert_eq!(identity.public_key().verify(b"", &signature), Ok(()));
        assert_eq!(
            identity.public_key().verify(b"x", &signature),
            Err(crate::key::SignatureError::BadSignature)
        );
    }

    #[test]
    fn a_comment_changes_nothing_else() {
        let alice = Identity::from_seed(&[1; 32]);
        let named = alice.with_comment("alice@example.org");
        assert_eq!(named.public_key(), alice.public_key());
        assert_eq!(named.comment(), "alice@example.org");
    }
}
