//! ring: assembly for both ciphers, picked for the processor it runs on.

use ::ring::aead;

use crate::crypto::Cipher;
use crate::crypto::aead::{Aead, TAG_LEN};
use crate::crypto::secret::Secret;

/// ring's own form of a key has room for the largest of its ciphers, 544 bytes. ChaCha20-Poly1305
/// needs 32 of them, and nothing is computed for that form: so the key is kept as it is, and wiped.
/// ring does not wipe those of AES-256-GCM.
#[cfg_attr(
    all(feature = "aws-lc-rs", not(test)),
    expect(dead_code, reason = "always compiled, so that tests can hold both backends together")
)]
pub(crate) enum RingAead {
    ChaCha20Poly1305(Secret<32>),
    Aes256Gcm(Box<aead::LessSafeKey>),
}

fn key(algorithm: &'static aead::Algorithm, key: &[u8; 32]) -> Option<aead::LessSafeKey> {
    aead::UnboundKey::new(algorithm, key).ok().map(aead::LessSafeKey::new)
}

impl RingAead {
    fn with<T>(&self, what: impl FnOnce(&aead::LessSafeKey) -> Option<T>) -> Option<T> {
        match self {
            Self::ChaCha20Poly1305(bytes) => what(&key(&aead::CHACHA20_POLY1305, bytes.expose())?),
            Self::Aes256Gcm(key) => what(key),
        }
    }
}

impl Aead for RingAead {
    fn supports(_: Cipher) -> bool {
        true
    }

    fn new(cipher: Cipher, bytes: &[u8; 32]) -> Option<Self> {
        Some(match cipher {
            Cipher::ChaCha20Poly1305 => Self::ChaCha20Poly1305(Secret::new(*bytes)),
            Cipher::Aes256Gcm => Self::Aes256Gcm(Box::new(key(&aead::AES_256_GCM, bytes)?)),
        })
    }

    fn seal(&self, nonce: &[u8; 12], aad: &[u8], in_out: &mut [u8]) -> Option<[u8; TAG_LEN]> {
        let (nonce, aad) = (aead::Nonce::assume_unique_for_key(*nonce), aead::Aad::from(aad));
        let tag = self.with(|key| key.seal_in_place_separate_tag(nonce, aad, in_out).ok())?;
        tag.as_ref().try_into().ok()
    }

    fn open(&self, nonce: &[u8; 12], aad: &[u8], in_out: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
        let (nonce, aad) = (aead::Nonce::assume_unique_for_key(*nonce), aead::Aad::from(aad));
        let opened = self.with(|key| {
            key.open_in_place_separate_tag(nonce, aad, (*tag).into(), in_out, 0..).ok().map(|_| ())
        });
        opened.is_some()
    }
}
