//! What handshakes are made of, each primitive by itself, from the backend's own library.

use std::hint::black_box;
use std::time::Duration;

use hmac::{KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::measure::cpu_of_one;
use crate::peers::Result;
use crate::worker::Figures;

/// CPU nanoseconds of each, by name.
pub fn run(time: Duration) -> Result<Figures> {
    let mut figures = Figures::new();
    let mut time_of = |name: &str, call: &mut dyn FnMut() -> Result<()>| -> Result<()> {
        figures.insert(name.to_owned(), cpu_of_one(time, call)?);
        Ok(())
    };
    time_of("hmac", &mut || {
        let mut mac = hmac::Hmac::<Sha256>::new_from_slice(&[7; 32])?;
        mac.update(&black_box([7; 48]));
        black_box(mac.finalize());
        Ok(())
    })?;
    time_of("sha256 of 1 KiB", &mut || {
        black_box(Sha256::digest(black_box([7; 1024])));
        Ok(())
    })?;
    backend::run(&mut time_of)?;
    Ok(figures)
}

type TimeOf<'a> = dyn FnMut(&str, &mut dyn FnMut() -> Result<()>) -> Result<()> + 'a;

/// dalek and libcrux: the default backend.
#[cfg(not(feature = "aws-lc-rs"))]
mod backend {
    use std::hint::black_box;

    use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
    use libcrux_ml_kem::mlkem768;
    use rand::TryRng as _;
    use rand::rngs::SysRng;
    use x25519_dalek::{PublicKey, StaticSecret};

    use super::{Result, TimeOf};

    fn draw<const N: usize>() -> Result<[u8; N]> {
        let mut bytes = [0; N];
        SysRng.try_fill_bytes(&mut bytes)?;
        Ok(bytes)
    }

    pub fn run(time_of: &mut TimeOf<'_>) -> Result<()> {
        time_of("x25519 keygen", &mut || {
            let secret = StaticSecret::from(draw()?);
            black_box(PublicKey::from(&secret));
            Ok(())
        })?;
        let (ours, theirs) = (StaticSecret::from([1; 32]), StaticSecret::from([2; 32]));
        let theirs = PublicKey::from(&theirs);
        time_of("x25519 agree", &mut || {
            black_box(ours.diffie_hellman(black_box(&theirs)));
            Ok(())
        })?;

        time_of("ml-kem keygen", &mut || {
            black_box(mlkem768::generate_key_pair(draw()?));
            Ok(())
        })?;
        let pair = mlkem768::generate_key_pair([7; 64]);
        time_of("ml-kem encaps", &mut || {
            let key = black_box(pair.public_key());
            if !mlkem768::validate_public_key(key) {
                return Err("the key is malformed".into());
            }
            black_box(mlkem768::encapsulate(key, draw()?));
            Ok(())
        })?;
        let (ciphertext, _) = mlkem768::encapsulate(pair.public_key(), [7; 32]);
        time_of("ml-kem decaps", &mut || {
            black_box(mlkem768::decapsulate(pair.private_key(), black_box(&ciphertext)));
            Ok(())
        })?;

        let key = SigningKey::from_bytes(&[7; 32]);
        let message = [7; 96];
        time_of("ed25519 sign", &mut || {
            black_box(key.sign(black_box(&message)));
            Ok(())
        })?;
        let (public, signature) = (key.verifying_key().to_bytes(), key.sign(&message));
        time_of("ed25519 verify", &mut || {
            // keys come over the wire, so taking them in is a part of it
            VerifyingKey::from_bytes(black_box(&public))?.verify_strict(&message, &signature)?;
            Ok(())
        })
    }
}

#[cfg(feature = "aws-lc-rs")]
mod backend {
    use std::hint::black_box;

    use aws_lc_rs::agreement::{self, PrivateKey, UnparsedPublicKey};
    use aws_lc_rs::kem::{DecapsulationKey, EncapsulationKey, ML_KEM_768};
    use aws_lc_rs::signature::{self, Ed25519KeyPair, KeyPair as _};

    use super::{Result, TimeOf};

    pub fn run(time_of: &mut TimeOf<'_>) -> Result<()> {
        time_of("x25519 keygen", &mut || {
            let secret = PrivateKey::generate(&agreement::X25519)?;
            black_box(secret.compute_public_key()?);
            Ok(())
        })?;
        let ours = PrivateKey::generate(&agreement::X25519)?;
        let theirs = PrivateKey::generate(&agreement::X25519)?.compute_public_key()?;
        time_of("x25519 agree", &mut || {
            let theirs = UnparsedPublicKey::new(&agreement::X25519, theirs.as_ref());
            agreement::agree(&ours, theirs, "weak share", |secret| {
                black_box(secret);
                Ok(())
            })?;
            Ok(())
        })?;

        time_of("ml-kem keygen", &mut || {
            let key = DecapsulationKey::generate(&ML_KEM_768)?;
            black_box(key.encapsulation_key()?.key_bytes()?);
            Ok(())
        })?;
        let key = DecapsulationKey::generate(&ML_KEM_768)?;
        let public = key.encapsulation_key()?.key_bytes()?;
        let public = public.as_ref().to_vec();
        time_of("ml-kem encaps", &mut || {
            black_box(EncapsulationKey::new(&ML_KEM_768, black_box(&public))?.encapsulate()?);
            Ok(())
        })?;
        let (ciphertext, _) = EncapsulationKey::new(&ML_KEM_768, &public)?.encapsulate()?;
        let ciphertext = ciphertext.as_ref().to_vec();
        time_of("ml-kem decaps", &mut || {
            black_box(key.decapsulate(black_box(ciphertext.as_slice()).into())?);
            Ok(())
        })?;

        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32])?;
        let message = [7; 96];
        time_of("ed25519 sign", &mut || {
            black_box(key.try_sign(black_box(&message))?);
            Ok(())
        })?;
        let (public, signature) = (key.public_key().as_ref().to_vec(), key.try_sign(&message)?);
        time_of("ed25519 verify", &mut || {
            let key = signature::UnparsedPublicKey::new(&signature::ED25519, black_box(&public));
            key.verify(&message, signature.as_ref())?;
            Ok(())
        })
    }
}
