//! x25519-dalek and ed25519-dalek: both curves in pure Rust.

use ed25519_dalek::{Signer as _, Verifier as _};

use crate::crypto::agreement::X25519;
use crate::crypto::ed25519::{Signing, Verifying};
use crate::crypto::secret::Secret;

#[cfg_attr(
    all(feature = "aws-lc-rs", not(test)),
    expect(dead_code, reason = "always compiled, so that tests can hold both backends together")
)]
pub(crate) struct DalekX25519(x25519_dalek::StaticSecret);

impl X25519 for DalekX25519 {
    fn new(secret: Secret<32>) -> Self {
        Self(x25519_dalek::StaticSecret::from(*secret.expose()))
    }

    fn public(&self) -> [u8; 32] {
        x25519_dalek::PublicKey::from(&self.0).to_bytes()
    }

    fn agree(&self, peer: &[u8; 32]) -> Option<Secret<32>> {
        let shared = self.0.diffie_hellman(&x25519_dalek::PublicKey::from(*peer));
        Some(Secret::new(*shared.as_bytes()))
    }
}

#[cfg_attr(
    all(feature = "aws-lc-rs", not(test)),
    expect(dead_code, reason = "always compiled, so that tests can hold both backends together")
)]
pub(crate) struct DalekSigning(ed25519_dalek::SigningKey);

impl Signing for DalekSigning {
    fn new(seed: &Secret<32>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed.expose()))
    }

    fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

#[derive(Clone)]
pub(crate) struct DalekVerifying(ed25519_dalek::VerifyingKey);

impl Verifying for DalekVerifying {
    fn new(point: &[u8; 32]) -> Option<Self> {
        ed25519_dalek::VerifyingKey::from_bytes(point).ok().map(Self)
    }

    fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        // `verify_strict` compares the same bytes. Before, it finds R's point and looks whether it or
        // the key is of small order, which was looked at before this is asked: a sixth of the time.
        self.0.verify(message, &signature).is_ok()
    }
}
