//! SHA-2 (FIPS 180-4), HMAC (RFC 2104) and HKDF (RFC 5869), the latter two with SHA-256.
//!
//! All on the stack. Hash states are wiped when they are dropped (feature `zeroize` of the crates);
//! the padded copy of a key that HMAC makes on the stack is not.

use core::fmt;

use hkdf::{Hkdf, HmacImpl as _};
use hmac::Hmac;
use sha2::Digest as _;
use zeroize::Zeroize as _;

use super::secret::Secret;

/// A running SHA-256; a clone is a fork.
#[derive(Clone)]
pub(crate) struct Sha256(sha2::Sha256);

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(sha2::Sha256::new())
    }

    pub(crate) fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The hash of everything so far; more may follow.
    pub(crate) fn finish(&self) -> [u8; 32] {
        self.0.clone().finalize().into()
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256")
    }
}

/// SHA-256 of the parts, joined.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    digest::<sha2::Sha256>(parts).into()
}

/// SHA-512 of the parts, joined.
pub(crate) fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    digest::<sha2::Sha512>(parts).into()
}

fn digest<D: sha2::Digest>(parts: &[&[u8]]) -> sha2::digest::Output<D> {
    parts.iter().fold(D::new(), |hash, part| hash.chain_update(part)).finalize()
}

/// HMAC-SHA-256 of the parts, joined.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<sha2::Sha256> as hkdf::HmacImpl>::new_from_slice(key);
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into()
}

/// HMAC-SHA-1 of `message`, only for the hashed names of `known_hosts`: they hide names, they prove nothing.
#[cfg(feature = "files")]
pub(crate) fn hmac_sha1(key: &[u8], message: &[u8]) -> [u8; 20] {
    let mut mac = <Hmac<sha1::Sha1> as hkdf::HmacImpl>::new_from_slice(key);
    mac.update(message);
    mac.finalize().into()
}

/// HKDF-Extract. The input keying material is of a type that wipes it.
///
/// It is the HMAC (RFC 5869, 2.2). The crate's own function takes the result in for expanding besides,
/// which [`HkdfExpand::new`] does where it is wanted.
pub(crate) fn hkdf_extract<const N: usize>(salt: &[u8], ikm: &Secret<N>) -> Secret<32> {
    let mut prk = hmac_sha256(salt, &[ikm.expose()]);
    let mut secret = Secret::zero();
    secret.expose_mut().copy_from_slice(&prk);
    prk.zeroize();
    secret
}

/// HKDF-Expand from one secret. Taking it in is half the work of a short output, so whoever
/// derives several values keeps this meanwhile.
pub(crate) struct HkdfExpand(Hkdf<sha2::Sha256>);

impl HkdfExpand {
    pub(crate) fn new(prk: &Secret<32>) -> Result<Self, TooLong> {
        Hkdf::from_prk(prk.expose()).map(Self).map_err(|_| TooLong)
    }

    /// `info` is the parts, joined.
    ///
    /// # Errors
    /// If `out` is longer than 8,160 bytes, which is 255 hashes.
    pub(crate) fn expand(&self, info: &[&[u8]], out: &mut [u8]) -> Result<(), TooLong> {
        self.0.expand_multi_info(info, out).map_err(|_| TooLong)
    }
}

/// More bytes wanted than HKDF gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("HKDF-SHA-256 gives at most 8,160 bytes")]
pub(crate) struct TooLong;
