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

impl Aead for RingAead {
    fn supports(_: Cipher) -> bool {
        true
    }

    fn new(cipher: Cipher, key: &[u8; 32]) -> Option<Self> {
        Some(match cipher {
            Cipher::ChaCha20Poly1305 => Self::ChaCha20Poly1305(Secret::new(*key)),
            Cipher::Aes256Gcm => {
                let key = aead::UnboundKey::new(&aead::AES_256_GCM, key).ok()?;
                Self::Aes256Gcm(Box::new(aead::LessSafeKey::new(key)))
            }
        })
    }

    fn seal(&self, nonce: &[u8; 12], aad: &[u8], in_out: &mut [u8]) -> Option<[u8; TAG_LEN]> {
        let (nonce, aad) = (aead::Nonce::assume_unique_for_key(*nonce), aead::Aad::from(aad));
        let made;
        let key = match self {
            Self::Aes256Gcm(key) => key.as_ref(),
            Self::ChaCha20Poly1305(key) => {
                let key = aead::UnboundKey::new(&aead::CHACHA20_POLY1305, key.expose()).ok()?;
                made = aead::LessSafeKey::new(key);
                &made
            }
        };
        let tag = key.seal_in_place_separate_tag(nonce, aad, in_out).ok()?;
        tag.as_ref().try_into().ok()
    }

    fn open(&self, nonce: &[u8; 12], aad: &[u8], in_out: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
        let (nonce, aad) = (aead::Nonce::assume_unique_for_key(*nonce), aead::Aad::from(aad));
        let made;
        let key = match self {
            Self::Aes256Gcm(key) => key.as_ref(),
            Self::ChaCha20Poly1305(key) => {
                match aead::UnboundKey::new(&aead::CHACHA20_POLY1305, key.expose()) {
                    Ok(key) => {
                        made = aead::LessSafeKey::new(key);
                        &made
                    }
                    Err(_) => return false,
                }
            }
        };
        key.open_in_place_separate_tag(nonce, aad, (*tag).into(), in_out, 0..).is_ok()
    }
}
