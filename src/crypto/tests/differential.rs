//! The two backends give the same answers, to good input and to bad.

use proptest::prelude::*;
use proptest::sample::Index;

use super::aead::same_answers;
use super::ed25519::odd_points;
use crate::crypto::Cipher;
use crate::crypto::agreement::PrivateKey;
use crate::crypto::backend::aws_lc::{
    AwsLcAead, AwsLcKem, AwsLcSigning, AwsLcVerifying, AwsLcX25519,
};
use crate::crypto::backend::chacha::ChaChaAead;
use crate::crypto::backend::dalek::{DalekSigning, DalekVerifying, DalekX25519};
use crate::crypto::backend::libcrux::LibcruxKem;
use crate::crypto::backend::ring::RingAead;
use crate::crypto::ed25519::{SigningKey, VerifyingKey};
use crate::crypto::kem::{DecapsulationKey, encapsulate};
use crate::crypto::secret::Secret;

/// A point as a peer may send it: any bytes, or one of the odd encodings.
fn point() -> impl Strategy<Value = [u8; 32]> {
    prop_oneof![any::<[u8; 32]>(), prop::sample::select(odd_points())]
}

fn flip<const N: usize>(bytes: &[u8; N], at: Index) -> [u8; N] {
    let mut bytes = *bytes;
    let bit = at.index(N * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// What both backends say of a signature; they must not differ.
fn verdict(key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Result<bool, TestCaseError> {
    let dalek = VerifyingKey::<DalekVerifying>::from_bytes(key);
    let aws_lc = VerifyingKey::<AwsLcVerifying>::from_bytes(key);
    prop_assert_eq!(dalek.is_ok(), aws_lc.is_ok());
    let (Ok(dalek), Ok(aws_lc)) = (dalek, aws_lc) else {
        prop_assert!(VerifyingKey::<AwsLcVerifying>::proved(key, message, signature).is_none());
        return Ok(false);
    };
    let verdict = dalek.verify(message, signature);
    prop_assert_eq!(verdict, aws_lc.verify(message, signature));
    for proved in [
        VerifyingKey::<DalekVerifying>::proved(key, message, signature).is_some(),
        VerifyingKey::<AwsLcVerifying>::proved(key, message, signature).is_some(),
    ] {
        prop_assert_eq!(proved, verdict.is_ok());
    }
    Ok(verdict.is_ok())
}

proptest! {
    #[test]
    fn x25519(secret: [u8; 32], peer in point(), other: [u8; 32]) {
        let dalek = PrivateKey::<DalekX25519>::from_bytes(Secret::new(secret));
        let aws_lc = PrivateKey::<AwsLcX25519>::from_bytes(Secret::new(secret));
        prop_assert_eq!(dalek.public(), aws_lc.public());
        let other = PrivateKey::<DalekX25519>::from_bytes(Secret::new(other)).public();
        for peer in [peer, other] {
            let dalek = dalek.agree(&peer).map(|shared| *shared.expose());
            prop_assert_eq!(dalek, aws_lc.agree(&peer).map(|shared| *shared.expose()));
        }
    }

    #[test]
    fn ed25519(
        seed: [u8; 32],
        message in prop::collection::vec(any::<u8>(), 0..300),
        odd in point(),
        at: Index,
    ) {
        let dalek = SigningKey::<DalekSigning>::from_seed(&Secret::new(seed));
        let aws_lc = SigningKey::<AwsLcSigning>::from_seed(&Secret::new(seed));
        let (key, signature) = (dalek.public(), dalek.sign(&message));
        prop_assert_eq!(key, aws_lc.public());
        prop_assert_eq!(signature, aws_lc.sign(&message));

        prop_assert!(verdict(&key, &message, &signature)?);
        prop_assert!(!verdict(&key, &message, &flip(&signature, at))?);
        prop_assert!(!verdict(&flip(&key, at), &message, &signature)?);
        prop_assert!(!verdict(&key, &[&message[..], &[0]].concat(), &signature)?);
        prop_assert!(!verdict(&odd, &message, &signature)?);
        let mut odd_r = signature;
        odd_r[..32].copy_from_slice(&odd);
        prop_assert!(!verdict(&key, &message, &odd_r)?);
        let mut odd_s = signature;
        odd_s[32..].copy_from_slice(&odd);
        prop_assert!(!verdict(&key, &message, &odd_s)?);
    }

    #[test]
    fn aead(
        key: [u8; 32],
        nonce: [u8; 12],
        aad in prop::collection::vec(any::<u8>(), 0..40),
        plain in prop::collection::vec(any::<u8>(), 0..2000),
        at: Index,
    ) {
        for cipher in [Cipher::ChaCha20Poly1305, Cipher::Aes256Gcm] {
            same_answers::<RingAead, AwsLcAead>(cipher, &key, &nonce, &aad, &plain, at)?;
        }
        let cipher = Cipher::ChaCha20Poly1305;
        same_answers::<ChaChaAead, AwsLcAead>(cipher, &key, &nonce, &aad, &plain, at)?;
    }

    #[test]
    fn ml_kem(seed: [u8; 64], m: [u8; 32], at: Index, value: u8) {
        let libcrux = DecapsulationKey::<LibcruxKem>::from_seed(&Secret::new(seed));
        let aws_lc = DecapsulationKey::<AwsLcKem>::from_seed(&Secret::new(seed));
        let ek = libcrux.encapsulation_key();
        prop_assert_eq!(ek, aws_lc.encapsulation_key());

        let m = Secret::new(m);
        let sent = [encapsulate::<LibcruxKem>(ek, &m), encapsulate::<AwsLcKem>(ek, &m)];
        for (ciphertext, secret) in sent.into_iter().map(Result::unwrap) {
            for (ciphertext, same) in [(ciphertext, true), (flip(&ciphertext, at), false)] {
                let got = *libcrux.decapsulate(&ciphertext).unwrap().expose();
                prop_assert_eq!(got, *aws_lc.decapsulate(&ciphertext).unwrap().expose());
                prop_assert_eq!(got == *secret.expose(), same);
            }
        }

        let mut bad = *ek;
        bad[at.index(1184)] = value;
        prop_assert_eq!(
            encapsulate::<LibcruxKem>(&bad, &m).map(|_| ()),
            encapsulate::<AwsLcKem>(&bad, &m).map(|_| ())
        );
    }
}
