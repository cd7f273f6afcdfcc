//! AWS-LC: assembly for everything.

use core::fmt;

use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::{aead, agreement, kem, signature};
use libcrux_ml_kem::mlkem768::MlKem768PrivateKey;

use super::dalek::DalekVerifying;
use crate::crypto::Cipher;
use crate::crypto::aead::{Aead, TAG_LEN};
use crate::crypto::agreement::X25519;
use crate::crypto::ed25519::{Signing, Verifying};
use crate::crypto::kem::{CIPHERTEXT_LEN, ENCAPSULATION_KEY_LEN, Kem, wipe};
use crate::crypto::secret::Secret;

/// For calls that fail only when AWS-LC cannot get memory.
#[expect(clippy::expect_used, reason = "Rust's own allocator would end the program as well")]
fn with_memory<T, E: fmt::Debug>(result: Result<T, E>) -> T {
    result.expect("AWS-LC is out of memory")
}

pub(crate) struct AwsLcAead(aead::LessSafeKey);

impl Aead for AwsLcAead {
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
        self.0.open_in_place_separate_tag(nonce, aead::Aad::from(aad), tag, in_out).is_ok()
    }
}

pub(crate) struct AwsLcX25519(agreement::PrivateKey);

impl X25519 for AwsLcX25519 {
    fn new(secret: Secret<32>) -> Self {
        let key = agreement::PrivateKey::from_private_key(&agreement::X25519, secret.expose());
        Self(with_memory(key))
    }

    fn public(&self) -> [u8; 32] {
        let public = with_memory(self.0.compute_public_key());
        with_memory(public.as_ref().try_into())
    }

    fn agree(&self, peer: &[u8; 32]) -> Option<Secret<32>> {
        let peer = agreement::UnparsedPublicKey::new(&agreement::X25519, peer);
        agreement::agree(&self.0, peer, (), |shared| {
            shared.try_into().map(Secret::new).map_err(|_| ())
        })
        .ok()
    }
}

pub(crate) struct AwsLcSigning(signature::Ed25519KeyPair);

impl Signing for AwsLcSigning {
    fn new(seed: &Secret<32>) -> Self {
        Self(with_memory(signature::Ed25519KeyPair::from_seed_unchecked(seed.expose())))
    }

    fn public(&self) -> [u8; 32] {
        with_memory(self.0.public_key().as_ref().try_into())
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature = with_memory(self.0.try_sign(message));
        with_memory(signature.as_ref().try_into())
    }
}

#[derive(Clone)]
pub(crate) struct AwsLcVerifying([u8; 32]);

impl Verifying for AwsLcVerifying {
    fn new(point: &[u8; 32]) -> Option<Self> {
        // AWS-LC takes any 32 bytes for a key until it verifies with them.
        DalekVerifying::new(point).map(|_| Self(*point))
    }

    fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let key = signature::UnparsedPublicKey::new(&signature::ED25519, &self.0);
        key.verify(message, signature).is_ok()
    }

    fn proved(point: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Option<Self> {
        // What verifies is a point, and finding that with dalek first costs a tenth of it.
        Some(Self(*point)).filter(|key| key.verify(message, signature))
    }
}

pub(crate) struct AwsLcKem(kem::DecapsulationKey);

impl Kem for AwsLcKem {
    fn new(mut decapsulation_key: MlKem768PrivateKey) -> Self {
        let key = kem::DecapsulationKey::new(&kem::ML_KEM_768, decapsulation_key.as_slice());
        wipe(&mut decapsulation_key);
        Self(with_memory(key))
    }

    /// In half of the time that libcrux and taking over what it made need.
    fn draw() -> Option<(Self, [u8; ENCAPSULATION_KEY_LEN])> {
        let key = kem::DecapsulationKey::generate(&kem::ML_KEM_768).ok()?;
        let public = key.encapsulation_key().ok()?.key_bytes().ok()?;
        public.as_ref().try_into().ok().map(|public| (Self(key), public))
    }

    fn decapsulate(&self, ciphertext: &[u8; CIPHERTEXT_LEN]) -> Option<Secret<32>> {
        let shared = self.0.decapsulate(ciphertext.as_slice().into()).ok()?;
        shared.as_ref().try_into().map(Secret::new).ok()
    }

    /// `_m` has no part in it: AWS-LC draws its own.
    fn encapsulate(
        ek: &[u8; ENCAPSULATION_KEY_LEN],
        _m: &Secret<32>,
    ) -> Option<([u8; CIPHERTEXT_LEN], Secret<32>)> {
        let ek = kem::EncapsulationKey::new(&kem::ML_KEM_768, ek).ok()?;
        let (ciphertext, shared) = ek.encapsulate().ok()?;
        let ciphertext = ciphertext.as_ref().try_into().ok()?;
        shared.as_ref().try_into().ok().map(|shared| (ciphertext, Secret::new(shared)))
    }
}
