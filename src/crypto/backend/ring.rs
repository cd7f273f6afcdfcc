//! ring: assembly for both ciphers, picked for the processor it runs on. It does not wipe its keys.

use ::ring::aead;

use crate::crypto::Cipher;
use crate::crypto::aead::{Aead, TAG_LEN};

#[cfg_attr(
    all(feature = "aws-lc-rs", not(test)),
    expect(dead_code, reason = "always compiled, so that tests can hold both backends together")
)]
pub(crate) struct RingAead(aead::LessSafeKey);

impl Aead for RingAead {
    fn supports(_: Cipher) -> bool {
        true
    }

    fn new(cipher: Cipher, key: &[u8; 32]) -> Option<Self> {
        let algorithm = match cipher {
            Cipher::ChaCha20Poly1305 => &aead::CHACHA20_POLY1305,
            Cipher::Aes256Gcm => &aead::AES_256_GCM,
        };
        aead::UnboundKey::new(algorithm, key).ok().map(aead::LessSafeKey::new).map(Self)
    }

    fn seal(&self, nonce: &[u8; 12], aad: &[u8], in_out: &mut [u8]) -> Option<[u8; TAG_LEN]> {
        let nonce = aead::Nonce::assume_unique_for_key(*nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, aead::Aad::from(aad), in_out).ok()?;
        tag.as_ref().try_into().ok()
    }

    fn open(&self, nonce: &[u8; 12], aad: &[u8], in_out: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
        let nonce = aead::Nonce::assume_unique_for_key(*nonce);
        let aad = aead::Aad::from(aad);
        self.0.open_in_place_separate_tag(nonce, aad, (*tag).into(), in_out, 0..).is_ok()
    }
}
