//! The primitives, behind one small interface; nothing outside this folder names a crypto crate.
//!
//! Each primitive has a file with what callers see, the checks that make it strict, and the trait
//! that a library must fulfil. `backend` holds the libraries and selects one for each primitive.

use core::fmt;
use core::str::FromStr;

mod aead;
mod agreement;
mod backend;
mod ed25519;
mod hash;
mod kem;
mod mac;
pub(crate) mod secret;
#[cfg(test)]
mod tests;

pub(crate) use aead::TAG_LEN;
#[cfg(feature = "files")]
pub(crate) use hash::hmac_sha1;
pub(crate) use hash::{HkdfExpand, Sha256, hkdf_extract, hmac_sha256, sha256, sha512};
pub(crate) use kem::BadEncapsulationKey;
use kem::{CIPHERTEXT_LEN, ENCAPSULATION_KEY_LEN};
pub(crate) use mac::Mac;

use aead::Aead as _;
use backend::{SelectedAead, SelectedKem, SelectedSigning, SelectedVerifying, SelectedX25519};
use secret::Secret;

/// A key for sealing and opening records.
pub(crate) type AeadKey = aead::Key<SelectedAead>;
/// An X25519 private key.
pub(crate) type X25519Secret = agreement::PrivateKey<SelectedX25519>;
/// An ML-KEM-768 decapsulation key.
///
/// The aws-lc-rs backend makes a new one with AWS-LC's own generator.
pub(crate) type KemKey = kem::DecapsulationKey<SelectedKem>;
/// An Ed25519 private key.
pub(crate) type SigningKey = ed25519::SigningKey<SelectedSigning>;
/// An Ed25519 public key that has been checked.
pub(crate) type VerifyingKey = ed25519::VerifyingKey<SelectedVerifying>;

/// ML-KEM-768 encapsulation to `ek` with the 32 random bytes `m` (FIPS 203, 7.2 and algorithm 17).
///
/// The aws-lc-rs backend ignores `m` and draws from AWS-LC's own generator, since AWS-LC lets
/// nobody choose these bytes.
pub(crate) fn encapsulate(
    ek: &[u8; ENCAPSULATION_KEY_LEN],
    m: &Secret<32>,
) -> Result<([u8; CIPHERTEXT_LEN], Secret<32>), BadEncapsulationKey> {
    kem::encapsulate::<SelectedKem>(ek, m)
}

/// The AEAD that protects records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cipher {
    /// ChaCha20-Poly1305 (RFC 8439); everybody implements it.
    ChaCha20Poly1305,
    /// AES-256-GCM (NIST SP 800-38D); optional.
    Aes256Gcm,
}

impl Cipher {
    const ALL: [Self; 2] = [Self::ChaCha20Poly1305, Self::Aes256Gcm];

    /// The name, as [`Display`](fmt::Display) shows it and [`FromStr`] reads it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
            Self::Aes256Gcm => "aes-256-gcm",
        }
    }

    /// Whether this build can use the cipher: AES-256-GCM is missing on WebAssembly, where the
    /// AEAD is in pure Rust.
    pub fn available(self) -> bool {
        SelectedAead::supports(self)
    }

    /// The id on the wire (docs/PROTOCOL.md, "Hellos").
    pub(crate) fn id(self) -> u8 {
        match self {
            Self::ChaCha20Poly1305 => 1,
            Self::Aes256Gcm => 2,
        }
    }

    pub(crate) fn from_id(id: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|cipher| cipher.id() == id)
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Cipher {
    type Err = UnknownCipher;

    fn from_str(text: &str) -> Result<Self, UnknownCipher> {
        Self::ALL.into_iter().find(|cipher| cipher.name() == text).ok_or_else(|| UnknownCipher {
            seen: text.chars().take(32).flat_map(char::escape_debug).collect(),
        })
    }
}

/// Text that names no [`Cipher`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown cipher '{seen}': the names are chacha20-poly1305 and aes-256-gcm")]
pub struct UnknownCipher {
    seen: String,
}
