//! How a client ends while it awaits ServerAuth and judges the host key.

use super::super::pair::{HOST, Setup, identity};
use super::super::script::{Auth, Keys, padded, said};
use super::{OTHER_RECORDS, Twist, WRONG_PROOFS, bad_framing, malformed, unexpected};
use crate::error::{Error, Malformed, Misbehaved, Unproved};
use crate::handshake::Failure;
use crate::handshake::client::AwaitServerAuth;

#[track_caller]
fn client_ends(client: AwaitServerAuth, keys: &mut Keys, record: &mut [u8]) -> (Error, u16) {
    let Failure { error, farewell, .. } = client.read(record).unwrap_err();
    let said = said(&mut keys.opener, &farewell);
    assert_eq!(said, padded(said.code), "without text, padded");
    (error, said.code)
}

#[track_caller]
fn client_meets(twist: &Twist) -> u16 {
    let (what, apply, error) = twist;
    let (client, mut keys) = Setup::classical().client_awaits_auth();
    let mut auth = Auth::of_server(identity(HOST));
    apply(&mut auth);
    let mut record = {
        let message = keys.message(&auth);
        keys.seal(1, &message)
    };
    let (found, code) = client_ends(client, &mut keys, &mut record);
    assert_eq!(&found, error, "{what}");
    code
}

/// [AUTH-1] [AUTH-2] [AUTH-3] [WIRE-1] [WIRE-2] [WIRE-3] [WIRE-4] [LIM-1]
#[test]
fn a_server_auth_of_wrong_form_gets_error_1() {
    for twist in bad_framing("ServerAuth") {
        assert_eq!(client_meets(&twist), 1, "{}", twist.0);
    }
    let with = |cause| malformed("ServerAuth", cause);
    let no_key = with(Malformed::Empty("the key"));
    let no_signature = with(Malformed::Empty("the signature"));
    assert_eq!(client_meets(&("no key", |a| a.key.clear(), no_key)), 1);
    assert_eq!(client_meets(&("none", |a| a.signature = Some(Vec::new()), no_signature)), 1);
}

/// [AUTH-2] [AUTH-3] [SIG-2]
#[test]
fn a_server_auth_with_a_wrong_mac_gets_error_1_before_its_signature_is_looked_at() {
    let mac = || Error::Misbehaved(Misbehaved::Mac);
    assert_eq!(client_meets(&("wrong mac", |a| a.wrong_mac = true, mac())), 1);
    let both: fn(&mut Auth) = |a| (a.wrong_mac, a.signer) = (true, identity(9));
    assert_eq!(client_meets(&("both wrong", both, mac())), 1);
}

/// [AUTH-2] [AUTH-3] [SIG-1] [SIG-3]
#[test]
fn a_server_auth_with_a_wrong_key_or_signature_gets_error_2() {
    for twist in WRONG_PROOFS {
        assert_eq!(client_meets(&twist), 2, "{}", twist.0);
    }
    let swapped: fn(&mut Auth) = |a| a.namespace = "handfast-v1-client";
    let error = Error::Unproved(Unproved::Signature);
    assert_eq!(client_meets(&("the client's namespace", swapped, error)), 2);
}

/// [AUTH-3] [REC-2] [REC-3] [WIRE-9] [WIRE-10]
#[test]
fn a_client_that_awaits_server_auth_ends_with_error_1_at_any_other_record() {
    for (kind, name) in OTHER_RECORDS {
        let (client, mut keys) = Setup::classical().client_awaits_auth();
        let mut record = keys.seal(kind, b"");
        let error = unexpected(name, "awaiting ServerAuth");
        assert_eq!(client_ends(client, &mut keys, &mut record), (error, 1), "type {kind}");
    }
    let (client, mut keys) = Setup::classical().client_awaits_auth();
    let mut record = keys.seal(0, b"");
    let error = Error::Misbehaved(Misbehaved::NoType);
    assert_eq!(client_ends(client, &mut keys, &mut record), (error, 1), "no type");
    let (client, mut keys) = Setup::classical().client_awaits_auth();
    let message = keys.message(&Auth::of_server(identity(HOST)));
    let mut record = keys.seal(1, &message);
    record[40] ^= 1;
    assert_eq!(client_ends(client, &mut keys, &mut record), (Error::Decrypt, 1), "garbled");
    let (client, mut keys) = Setup::classical().client_awaits_auth();
    let mut record = keys.seal(4, &[0, 2, 0]);
    let error = malformed("Error", Malformed::Short("the text"));
    assert_eq!(client_ends(client, &mut keys, &mut record), (error, 1), "an Error cut short");
}

/// [AUTH-3] [AUTH-4] [ERR-6]
#[test]
fn a_client_ends_with_error_2_at_a_host_key_that_is_its_own_or_not_trusted() {
    let setup = Setup { identity: Some(identity(HOST)), ..Setup::classical() };
    let (client, mut keys, _) = setup.client_verifies();
    let failure = client.trust(setup.identity.as_ref()).unwrap_err();
    assert_eq!(failure.error, Error::Unproved(Unproved::OwnKey));
    assert_eq!(said(&mut keys.opener, &failure.farewell), padded(2));
    let (client, mut keys, _) = setup.client_verifies();
    assert_eq!(said(&mut keys.opener, &client.reject()), padded(2));
}
