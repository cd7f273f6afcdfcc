//! Key files and fingerprints.

use handfast::key::{KeyError, PublicKey};
use handfast::trust::list_keys;

use crate::cases::{Case, hold};

#[test]
#[ignore = "needs OPENSSH_CASES"]
fn fingerprints() {
    hold(&["pub.fingerprint"], &[], |case| {
        let content = case.file("file");
        let (keys, _) = list_keys("key.pub", &content).unwrap();
        let seen = keys.first().map(|key| key.fingerprint().to_string());
        let read = PublicKey::from_openssh(str::from_utf8(&content).unwrap());
        let refused = matches!(read, Err(KeyError::UnsupportedAlgorithm { .. }));
        let same = case.expected().as_str() == seen.as_deref() && refused != is_ours(case);
        (!same).then(|| format!("{seen:?} {read:?}"))
    });
}

/// Whether all keys of a case are of the type that is supported.
fn is_ours(case: &Case) -> bool {
    case.field("algs").as_array().unwrap().iter().all(|algorithm| algorithm == "ssh-ed25519")
}
