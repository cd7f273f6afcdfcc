//! Key files and fingerprints.

use handfast::key::{Identity, KeyError, PublicKey};
use handfast::trust::list_keys;

use crate::openssh_cases::cases::{Case, hold, hold_some};

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

/// A folder without private keys has no such cases; `hold` would miss them.
#[test]
#[ignore = "needs OPENSSH_CASES"]
fn private_keys() {
    hold_some(&["priv.load"], |case| {
        let passphrase = case.field("passphrase").as_str().map(str::as_bytes);
        let read = Identity::from_openssh(case.file("file"), passphrase);
        let seen = match &read {
            Ok(_) => "ok",
            Err(KeyError::WrongPassphrase) => "wrong-passphrase",
            Err(KeyError::PassphraseNeeded) => "passphrase-missing",
            // keys of other types are refused
            Err(KeyError::UnsupportedAlgorithm { .. }) if !is_ours(case) => return None,
            Err(_) => "error",
        };
        (case.expected() != seen).then(|| format!("{seen} {read:?}"))
    });
}
