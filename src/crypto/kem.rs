//! ML-KEM-768 (FIPS 203).

use core::fmt;

use libcrux_ml_kem::mlkem768;
use zeroize::Zeroize as _;

use super::secret::Secret;

pub(crate) const ENCAPSULATION_KEY_LEN: usize = 1184;
pub(crate) const CIPHERTEXT_LEN: usize = 1088;

/// What a library must do. Making a key from a seed is not in it: AWS-LC takes none, so libcrux
/// expands the seed for every backend.
pub(crate) trait Kem: Sized {
    /// Takes over a decapsulation key in the form of FIPS 203 that was made just before.
    fn new(decapsulation_key: mlkem768::MlKem768PrivateKey) -> Self;

    /// A new key and its public half, by a library that draws for itself and is faster at it than
    /// libcrux with a seed.
    fn draw() -> Option<(Self, [u8; ENCAPSULATION_KEY_LEN])> {
        None
    }

    /// Implicit rejection: a wrong ciphertext gives a secret nobody knows. None is a failure of
    /// the library.
    fn decapsulate(&self, ciphertext: &[u8; CIPHERTEXT_LEN]) -> Option<Secret<32>>;

    /// None if a coefficient of `ek` is not below q (FIPS 203, 7.2).
    fn encapsulate(
        ek: &[u8; ENCAPSULATION_KEY_LEN],
        m: &Secret<32>,
    ) -> Option<([u8; CIPHERTEXT_LEN], Secret<32>)>;
}

/// A decapsulation key and its public half, wiped when it is dropped.
pub(crate) struct DecapsulationKey<K> {
    inner: K,
    encapsulation_key: mlkem768::MlKem768PublicKey,
}

impl<K: Kem> DecapsulationKey<K> {
    /// A key for one exchange: from the seed, or by a library that draws for itself. In tests and
    /// under fuzzing always from the seed, so that whatever they find can be had again.
    pub(crate) fn generate(seed: &Secret<64>) -> Self {
        let drawn = if cfg!(any(test, feature = "fuzzing")) { None } else { K::draw() };
        match drawn {
            Some((inner, public)) => Self { inner, encapsulation_key: public.into() },
            None => Self::from_seed(seed),
        }
    }

    /// From d and z, 32 random bytes each (FIPS 203, algorithm 16).
    pub(crate) fn from_seed(seed: &Secret<64>) -> Self {
        let (secret, encapsulation_key) = mlkem768::generate_key_pair(*seed.expose()).into_parts();
        Self { inner: K::new(secret), encapsulation_key }
    }

    pub(crate) fn encapsulation_key(&self) -> &[u8; ENCAPSULATION_KEY_LEN] {
        self.encapsulation_key.as_slice()
    }

    /// The secret in `ciphertext`; for a ciphertext that was not made with this key, a secret that
    /// the sender cannot know (FIPS 203, algorithm 21).
    ///
    /// # Errors
    /// If the library fails, which no ciphertext brings about.
    pub(crate) fn decapsulate(
        &self,
        ciphertext: &[u8; CIPHERTEXT_LEN],
    ) -> Result<Secret<32>, DecapsulationFailed> {
        self.inner.decapsulate(ciphertext).ok_or(DecapsulationFailed)
    }
}

impl<K> fmt::Debug for DecapsulationKey<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KemKey")
    }
}

pub(super) fn encapsulate<K: Kem>(
    ek: &[u8; ENCAPSULATION_KEY_LEN],
    m: &Secret<32>,
) -> Result<([u8; CIPHERTEXT_LEN], Secret<32>), BadEncapsulationKey> {
    K::encapsulate(ek, m).ok_or(BadEncapsulationKey)
}

/// libcrux does not wipe its keys, and gives no slice of one that could be written to.
pub(super) fn wipe(key: &mut mlkem768::MlKem768PrivateKey) {
    for i in 0..mlkem768::MlKem768PrivateKey::len() {
        key[i].zeroize();
    }
}

/// An encapsulation key with a coefficient that is not below q.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed ML-KEM-768 encapsulation key")]
pub(crate) struct BadEncapsulationKey;

/// The library could not decapsulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ML-KEM-768 decapsulation failed")]
pub(crate) struct DecapsulationFailed;
