use proptest::prelude::*;

use super::{array, hex};
use crate::crypto::hash::TooLong;
use crate::crypto::secret::Secret;
use crate::crypto::{HkdfExpand, Sha256, hkdf_extract, hmac_sha256, sha256, sha512};

/// FIPS 180-4, the examples "abc" and the empty string.
#[test]
fn sha2() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(sha256(&[]), array(empty));
    assert_eq!(sha256(&[b"a", b"", b"bc"]), array(abc));
    let abc = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    assert_eq!(sha512(&[b"ab", b"c"]), array(abc));
}

/// RFC 4231, test cases 1, 2 and 6 (a key longer than a block).
#[test]
fn hmac() {
    let mac = hmac_sha256(&[0x0b; 20], &[b"Hi ", b"There"]);
    assert_eq!(mac, array("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
    let mac = hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
    assert_eq!(mac, array("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"));
    let text = b"Test Using Larger Than Block-Size Key - Hash Key First";
    let mac = hmac_sha256(&[0xaa; 131], &[text]);
    assert_eq!(mac, array("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
}

struct Rfc5869 {
    extract: fn(&[u8]) -> Secret<32>,
    salt: Vec<u8>,
    info: Vec<u8>,
    prk: &'static str,
    okm: &'static str,
}

/// RFC 5869, A.1 to A.3.
#[test]
fn hkdf() {
    let cases = [
        Rfc5869 {
            extract: |salt| hkdf_extract(salt, &Secret::new([0x0b; 22])),
            salt: (0..=0x0c).collect(),
            info: (0xf0..=0xf9).collect(),
            prk: "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
            okm: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf
                  34007208d5b887185865",
        },
        Rfc5869 {
            extract: |salt| {
                hkdf_extract(
                    salt,
                    &Secret::new(core::array::from_fn::<u8, 80, _>(|at| u8::try_from(at).unwrap())),
                )
            },
            salt: (0x60..=0xaf).collect(),
            info: (0xb0..=0xff).collect(),
            prk: "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
            okm: "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
                  59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
                  cc30c58179ec3e87c14c01d5c1f3434f1d87",
        },
        Rfc5869 {
            extract: |salt| hkdf_extract(salt, &Secret::new([0x0b; 22])),
            salt: Vec::new(),
            info: Vec::new(),
            prk: "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
            okm: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d
                  9d201395faa4b61a96c8",
        },
    ];
    for case in cases {
        let prk = (case.extract)(&case.salt);
        assert_eq!(prk.expose(), &array(case.prk));
        let expected = hex(case.okm);
        let mut okm = vec![0; expected.len()];
        let (first, second) = case.info.split_at(case.info.len() / 3);
        HkdfExpand::new(&prk).unwrap().expand(&[first, second], &mut okm).unwrap();
        assert_eq!(hex::encode(okm), hex::encode(expected));
    }
}

#[test]
fn hkdf_gives_255_hashes_and_no_byte_more() {
    let prk = Secret::new([1; 32]);
    let hkdf = HkdfExpand::new(&prk).unwrap();
    assert_eq!(hkdf.expand(&[], &mut [0; 8160]), Ok(()));
    assert_eq!(hkdf.expand(&[], &mut [0; 8161]), Err(TooLong));
    assert_eq!(hkdf.expand(&[], &mut []), Ok(()));
}

proptest! {
    #[test]
    fn parts_are_joined_and_forks_go_their_own_way(
        a in prop::collection::vec(any::<u8>(), 0..200),
        b in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let joined = [&a[..], &b].concat();
        let mut hash = Sha256::new();
        hash.update(&a);
        let fork = hash.clone();
        prop_assert_eq!(hash.finish(), sha256(&[&a]));
        hash.update(&b);
        prop_assert_eq!(hash.finish(), sha256(&[&joined]));
        prop_assert_eq!(hash.finish(), sha256(&[&a, &b]));
        prop_assert_eq!(fork.finish(), sha256(&[&a]));
        prop_assert_eq!(sha512(&[&a, &b]), sha512(&[&joined]));
        prop_assert_eq!(hmac_sha256(b"key", &[&a, &b]), hmac_sha256(b"key", &[&joined]));
    }
}
