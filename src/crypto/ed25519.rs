//! Ed25519 (RFC 8032), verified strictly: one message, key and signature get one answer everywhere.
//!
//! Libraries differ about odd encodings and points of small order ("Taming the many EdDSAs",
//! <https://eprint.iacr.org/2020/1244>). We refuse both, in the public key A and in the
//! signature's R, before a library is asked; it checks S < L and `[S]B = R + [k]A` without cofactor.

use core::fmt;

use super::secret::Secret;

/// What a library must do to sign.
pub(crate) trait Signing: Sized {
    fn new(seed: &Secret<32>) -> Self;

    fn public(&self) -> [u8; 32];

    fn sign(&self, message: &[u8]) -> [u8; 64];
}

/// What a library must do to verify.
pub(crate) trait Verifying: Clone {
    /// None if the bytes are no point of the curve.
    fn new(point: &[u8; 32]) -> Option<Self>;

    /// S < L and the cofactorless equation, over the encodings as they are.
    fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool;

    /// Both at once, for libraries that find the point anew for each signature: None if `new` or
    /// `verify` says no.
    fn proved(point: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Option<Self> {
        Self::new(point).filter(|key| key.verify(message, signature))
    }
}

/// A private key. The public key is always derived from the seed: signing under a public key that
/// comes from elsewhere gives the private key away.
pub(crate) struct SigningKey<S>(S);

impl<S: Signing> SigningKey<S> {
    pub(crate) fn from_seed(seed: &Secret<32>) -> Self {
        Self(S::new(seed))
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.0.public()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message)
    }
}

impl<S> fmt::Debug for SigningKey<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

/// A public key: the canonical encoding of a point of the curve that is not of small order.
#[derive(Clone)]
pub(crate) struct VerifyingKey<V> {
    inner: V,
    bytes: [u8; 32],
}

impl<V: Verifying> VerifyingKey<V> {
    /// # Errors
    /// If the bytes are not such an encoding.
    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadPoint> {
        if !canonical_and_not_small(bytes) {
            return Err(BadPoint);
        }
        let inner = V::new(bytes).ok_or(BadPoint)?;
        Ok(Self { inner, bytes: *bytes })
    }

    /// The key that `bytes` encode, if `signature` is one of `message` by it; costs less than
    /// [`Self::from_bytes`] and [`Self::verify`].
    pub(crate) fn proved(bytes: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Option<Self> {
        let r = signature.first_chunk()?;
        if !canonical_and_not_small(bytes) || !canonical_and_not_small(r) {
            return None;
        }
        let inner = V::proved(bytes, message, signature)?;
        Some(Self { inner, bytes: *bytes })
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// # Errors
    /// If it is not a signature of `message` by this key under the rule above.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
        let r = signature.first_chunk().ok_or(BadSignature)?;
        if canonical_and_not_small(r) && self.inner.verify(message, signature) {
            Ok(())
        } else {
            Err(BadSignature)
        }
    }
}

impl<V> PartialEq for VerifyingKey<V> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<V> Eq for VerifyingKey<V> {}

impl<V> fmt::Debug for VerifyingKey<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyingKey(")?;
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// The y coordinates below p = 2^255 - 19, as little-endian bytes, of the eight points of small
/// order: 0, 1, p - 1, and the two of order 8. Sorted by order: 4, 1, 2, 8, 8.
const SMALL_ORDER_Y: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut y = [0; 32];
        y[0] = 1;
        y
    },
    {
        let mut y = [0xff; 32];
        y[0] = 0xec;
        y[31] = 0x7f;
        y
    },
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// Whether y < p and the point is none of the eight. The one other odd encoding, a sign bit on
/// x = 0, needs y = 1 or y = p - 1, which are in the table with either sign. What is no point at
/// all passes.
fn canonical_and_not_small(encoding: &[u8; 32]) -> bool {
    let mut y = *encoding;
    let [low, middle @ .., high] = &mut y;
    *high &= 0x7f;
    let below_p = *low < 0xed || *high != 0x7f || middle.iter().any(|byte| *byte != 0xff);
    below_p && !SMALL_ORDER_Y.contains(&y)
}

/// Not an acceptable Ed25519 public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the canonical encoding of an Ed25519 point of large order")]
pub(crate) struct BadPoint;

/// A signature that does not verify.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the Ed25519 signature does not verify")]
pub(crate) struct BadSignature;
