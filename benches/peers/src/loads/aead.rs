//! The bare AEAD of the backend: what no library can do without.

use std::time::Duration;

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::aead;
#[cfg(not(feature = "aws-lc-rs"))]
use ring::aead;

use crate::measure::cpu_of_one;
use crate::peers::Result;
use crate::variant::Cipher;
use crate::worker::{Figures, figures};

fn key(cipher: Cipher) -> Result<aead::LessSafeKey> {
    let algorithm = match cipher {
        Cipher::ChaCha => &aead::CHACHA20_POLY1305,
        Cipher::Aes => &aead::AES_256_GCM,
    };
    let key = aead::UnboundKey::new(algorithm, &[7; 32]).map_err(|_| "the key was refused")?;
    Ok(aead::LessSafeKey::new(key))
}

/// CPU nanoseconds of one seal and one open of `len` bytes, in place.
pub fn run(cipher: Cipher, len: usize, time: Duration) -> Result<Figures> {
    let key = key(cipher)?;
    let mut record = vec![7; len];
    let mut count = 0_u64;
    let both = cpu_of_one(time, || {
        count += 1;
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&count.to_be_bytes());
        let nonce = || aead::Nonce::assume_unique_for_key(nonce);
        record.truncate(len);
        key.seal_in_place_append_tag(nonce(), aead::Aad::empty(), &mut record)
            .map_err(|_| "not sealed")?;
        key.open_in_place(nonce(), aead::Aad::empty(), &mut record).map_err(|_| "not opened")?;
        Ok(())
    })?;
    Ok(figures([("cpu", both), ("wall", both)]))
}
