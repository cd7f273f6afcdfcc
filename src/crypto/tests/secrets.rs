//! Keys say nothing of themselves and are wiped.

use core::borrow::Borrow;
use core::hash::Hash;
use core::ops::Deref;

use zeroize::ZeroizeOnDrop;

use crate::crypto::secret::Secret;
use crate::crypto::{AeadKey, Cipher, KemKey, Mac, SigningKey, X25519Secret, hmac_sha256};

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

/// [SIG-2] `Mac::is` is the only way to compare a MAC, since it can neither be compared with `==`
/// nor taken for bytes that can.
#[test]
fn macs_are_compared_in_constant_time_alone() {
    assert_has_none_of!(
        Mac: Clone, Copy, PartialEq, PartialEq<[u8; 32]>, PartialEq<[u8]>, PartialOrd, Hash, Deref,
        AsRef<[u8]>, AsRef<[u8; 32]>, Borrow<[u8]>, Borrow<[u8; 32]>, Into<[u8; 32]>, Into<Vec<u8>>
    );
    let key = Secret::new([3; 32]);
    let (mac, mut sent) = (Mac::of(&key, b"message"), Vec::new());
    mac.append_to(&mut sent);
    let sent: [u8; 32] = sent.try_into().unwrap();
    assert_eq!(sent, hmac_sha256(key.expose(), &[b"message"]));
    assert!(mac.is(&sent));
    for place in 0..256 {
        let mut wrong = sent;
        wrong[place / 8] ^= 1 << (place % 8);
        assert!(!mac.is(&wrong), "bit {place}");
    }
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

/// Its `Drop` is our own: the memory is looked at when it is gone.
#[cfg(target_os = "linux")]
#[test]
fn a_libcrux_key_is_wiped_when_it_is_dropped() {
    use crate::crypto::backend::libcrux::LibcruxKem;
    use crate::crypto::kem::Kem as _;
    use crate::tests::wiped::memory::read;

    let (secret, _) = libcrux_ml_kem::mlkem768::generate_key_pair([9; 64]).into_parts();
    let part: [u8; 64] = secret.as_slice()[1000..1064].try_into().unwrap();
    let key = LibcruxKem::new(secret);
    let (address, len) = (key.0.as_slice().as_ptr().addr(), key.0.as_slice().len());
    // made before the key is freed, so that it does not take the key's place
    let mut seen = vec![0; len];
    let mut holds = || {
        read(address, &mut seen).unwrap();
        seen.windows(64).any(|bytes| bytes == part)
    };
    assert!(holds(), "a key to begin with");
    drop(key);
    assert!(!holds(), "what is left of it can be read");
}
