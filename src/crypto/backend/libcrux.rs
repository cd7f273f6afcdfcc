//! libcrux: ML-KEM from verified code.

use libcrux_ml_kem::mlkem768::{self, MlKem768PrivateKey};

use crate::crypto::kem::{CIPHERTEXT_LEN, ENCAPSULATION_KEY_LEN, Kem, wipe};
use crate::crypto::secret::Secret;

/// Boxed, so that moving the key leaves no copies of it behind.
#[cfg_attr(
    all(feature = "aws-lc-rs", not(test)),
    expect(dead_code, reason = "always compiled, so that tests can hold both backends together")
)]
pub(crate) struct LibcruxKem(pub(in crate::crypto) Box<MlKem768PrivateKey>);

impl Kem for LibcruxKem {
    fn new(decapsulation_key: MlKem768PrivateKey) -> Self {
        Self(Box::new(decapsulation_key))
    }

    fn decapsulate(&self, ciphertext: &[u8; CIPHERTEXT_LEN]) -> Option<Secret<32>> {
        Some(Secret::new(mlkem768::decapsulate(&self.0, &ciphertext.into())))
    }

    fn encapsulate(
        ek: &[u8; ENCAPSULATION_KEY_LEN],
        m: &Secret<32>,
    ) -> Option<([u8; CIPHERTEXT_LEN], Secret<32>)> {
        let ek = ek.into();
        mlkem768::validate_public_key(&ek).then(|| {
            let (ciphertext, shared) = mlkem768::encapsulate(&ek, *m.expose());
            (ciphertext.into(), Secret::new(shared))
        })
    }
}

impl Drop for LibcruxKem {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}
