//! ChaCha20-Poly1305 in pure Rust, for targets without ring and as one more voice in tests.

use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};

use crate::crypto::Cipher;
use crate::crypto::aead::{Aead, TAG_LEN};

pub(crate) struct ChaChaAead(ChaCha20Poly1305);

impl Aead for ChaChaAead {
    fn supports(cipher: Cipher) -> bool {
        cipher == Cipher::ChaCha20Poly1305
    }

    fn new(cipher: Cipher, key: &[u8; 32]) -> Option<Self> {
        Self::supports(cipher).then(|| Self(ChaCha20Poly1305::new(key.into())))
    }

    fn seal(&self, nonce: &[u8; 12], aad: &[u8], in_out: &mut [u8]) -> Option<[u8; TAG_LEN]> {
        self.0.encrypt_inout_detached(nonce.into(), aad, in_out.into()).ok().map(Into::into)
    }

    fn open(&self, nonce: &[u8; 12], aad: &[u8], in_out: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
        self.0.decrypt_inout_detached(nonce.into(), aad, in_out.into(), tag.into()).is_ok()
    }
}
