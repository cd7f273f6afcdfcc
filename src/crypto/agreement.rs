//! X25519 (RFC 7748).

use core::fmt;

use subtle::ConstantTimeEq as _;

use super::secret::Secret;

/// What a library must do: the function X25519 with clamping, nothing refused.
pub(crate) trait X25519: Sized {
    fn new(secret: Secret<32>) -> Self;

    fn public(&self) -> [u8; 32];

    /// None is an all-zero result; a library may leave that to the caller's check.
    fn agree(&self, peer: &[u8; 32]) -> Option<Secret<32>>;
}

/// An X25519 private key, wiped when it is dropped.
pub(crate) struct PrivateKey<X> {
    inner: X,
    public: [u8; 32],
}

impl<X: X25519> PrivateKey<X> {
    /// Any 32 random bytes; clamping is part of X25519.
    pub(crate) fn from_bytes(secret: Secret<32>) -> Self {
        let inner = X::new(secret);
        let public = inner.public();
        Self { inner, public }
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.public
    }

    /// The secret shared with the owner of `peer`.
    ///
    /// # Errors
    /// If it is all zeros: `peer` is a point of small order (RFC 7748, 6.1). Nothing else about
    /// `peer` is checked: the top bit is ignored, values from 2^255 - 19 are reduced.
    pub(crate) fn agree(&self, peer: &[u8; 32]) -> Result<Secret<32>, WeakShare> {
        let shared = self.inner.agree(peer).ok_or(WeakShare)?;
        if bool::from(shared.ct_eq(&Secret::zero())) { Err(WeakShare) } else { Ok(shared) }
    }
}

impl<X> fmt::Debug for PrivateKey<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("X25519Secret")
    }
}

/// The peer's share forces a shared secret of zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("X25519 share of small order")]
pub(crate) struct WeakShare;
