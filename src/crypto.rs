//! The primitives, behind one small interface; nothing outside this folder names a crypto crate.

pub(crate) mod secret;

/// The AEAD that protects records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cipher {
    /// ChaCha20-Poly1305 (RFC 8439); everybody implements it.
    ChaCha20Poly1305,
    /// AES-256-GCM (NIST SP 800-38D); optional.
    Aes256Gcm,
}
