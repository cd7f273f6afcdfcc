//! Keys say nothing of themselves and are wiped.

use zeroize::ZeroizeOnDrop;

use crate::crypto::secret::Secret;
use crate::crypto::{AeadKey, Cipher, KemKey, SigningKey, X25519Secret};

#[test]
fn debug_shows_no_bytes() {
    let secret = || Secret::new([0xab; 32]);
    assert_eq!(format!("{:?} {:#?}", secret(), Secret::new([0xab; 64])), "Secret Secret");
    assert_eq!(format!("{:?}", X25519Secret::from_bytes(secret())), "X25519Secret");
    assert_eq!(format!("{:?}", SigningKey::from_seed(&secret())), "SigningKey");
    assert_eq!(format!("{:?}", KemKey::from_seed(&Secret::new([0xab; 64]))), "KemKey");
    let key = AeadKey::new(Cipher::ChaCha20Poly1305, &secret()).unwrap();
    assert_eq!(format!("{key:?}"), "AeadKey");
}

/// Fails to compile if `$type` has one of the traits: the marker then has two answers for it.
macro_rules! assert_has_none_of {
    ($type:ty: $($bound:path),+) => {$({
        trait Marker<Answer> {
            fn ask() {}
        }
        struct Yes;
        impl<T: ?Sized> Marker<()> for T {}
        impl<T: ?Sized + $bound> Marker<Yes> for T {}
        <$type as Marker<_>>::ask();
    })+};
}

#[test]
fn secrets_are_neither_copied_nor_shown() {
    assert_has_none_of!(
        Secret<32>: Clone, Copy, PartialEq, AsRef<[u8]>, core::fmt::Display, core::fmt::LowerHex
    );
    assert_has_none_of!(X25519Secret: Clone);
    assert_has_none_of!(SigningKey: Clone);
    assert_has_none_of!(KemKey: Clone);
    assert_has_none_of!(AeadKey: Clone);
}

/// The features of the crates that make them wipe are on. Not in the list: ring, which wipes no
/// AEAD key; libcrux, whose key our own `Drop` wipes; AWS-LC, which wipes whatever it frees.
#[test]
fn keys_are_wiped() {
    fn wiped<T: ZeroizeOnDrop>() {}
    wiped::<Secret<32>>();
    wiped::<x25519_dalek::StaticSecret>();
    wiped::<ed25519_dalek::SigningKey>();
    wiped::<chacha20poly1305::ChaCha20Poly1305>();
    wiped::<sha2::Sha256>();
}

#[test]
fn wiping_reaches_every_byte_of_a_libcrux_key() {
    let (mut key, _) = libcrux_ml_kem::mlkem768::generate_key_pair([7; 64]).into_parts();
    assert!(key.as_slice().iter().any(|byte| *byte != 0), "a key to begin with");
    crate::crypto::kem::wipe(&mut key);
    assert_eq!(key.as_slice(), &[0; 2400]);
}
