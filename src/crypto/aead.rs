//! Authenticated encryption with a 256-bit key, a 96-bit nonce and a 128-bit tag.

use core::fmt;

use super::Cipher;
use super::secret::Secret;

/// How much longer than the plaintext a sealed text is.
pub(crate) const TAG_LEN: usize = 16;

/// What a library must do; no call but `new` may allocate.
pub(crate) trait Aead: Sized {
    fn supports(cipher: Cipher) -> bool;

    /// None where `supports` says no.
    fn new(cipher: Cipher, key: &[u8; 32]) -> Option<Self>;

    /// Encrypts in place. None only for a text that is too long.
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], in_out: &mut [u8]) -> Option<[u8; TAG_LEN]>;

    /// Decrypts in place. False where the tag is wrong; `in_out` is then of no use to anybody.
    fn open(&self, nonce: &[u8; 12], aad: &[u8], in_out: &mut [u8], tag: &[u8; TAG_LEN]) -> bool;
}

/// A key for one cipher. Nonces are the caller's business: never the same twice for one key.
pub(crate) struct Key<A>(A);

impl<A: Aead> Key<A> {
    /// # Errors
    /// If this build does not have the cipher.
    pub(crate) fn new(cipher: Cipher, key: &Secret<32>) -> Result<Self, Unavailable> {
        A::new(cipher, key.expose()).map(Self).ok_or(Unavailable(cipher))
    }

    /// Encrypts `in_out` in place and returns the tag that goes behind it.
    ///
    /// # Errors
    /// If the text is longer than the cipher allows (64 GiB at the least).
    pub(crate) fn seal(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; TAG_LEN], AeadError> {
        self.0.seal(nonce, aad, in_out).ok_or(AeadError)
    }

    /// Decrypts `in_out`, which is ciphertext and tag, in place and returns the plaintext.
    ///
    /// # Errors
    /// If it is not what was sealed with this key, nonce and additional data. What `in_out` holds
    /// then is unspecified.
    pub(crate) fn open<'a>(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &'a mut [u8],
    ) -> Result<&'a mut [u8], AeadError> {
        let (text, tag) = in_out.split_last_chunk_mut().ok_or(AeadError)?;
        if self.0.open(nonce, aad, text, tag) { Ok(text) } else { Err(AeadError) }
    }
}

impl<A> fmt::Debug for Key<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey")
    }
}

/// The cipher is not in this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not available in this build")]
pub(crate) struct Unavailable(pub(crate) Cipher);

/// A text that does not open, or is too long to seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("authenticated encryption failed")]
pub(crate) struct AeadError;
