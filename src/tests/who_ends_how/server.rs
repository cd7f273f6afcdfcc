//! How a server ends in ClientAuth's place and behind it.

use super::super::pair::{CLIENT, HOST, Setup, identity, welcomed};
use super::super::script::{
    Auth, Keys, Said, bytes8, bytes16, client_front, extension, padded, said, target,
};
use super::{OTHER_RECORDS, Twist, WRONG_PROOFS, bad_framing, malformed, unexpected};
use crate::error::{Error, ErrorCode, Farewell, Incompatible, Malformed, Misbehaved, Unproved};
use crate::handshake::{Failure, Identities};

/// What a server finds in ClientAuth's place: the error and what it says.
#[track_caller]
fn server_meets(setup: &Setup, apply: fn(&mut Auth)) -> (Error, Option<Said>) {
    let (server, mut keys) = setup.server_awaits_auth();
    let mut auth = Auth::of_client(identity(CLIENT));
    apply(&mut auth);
    let message = keys.message(&auth);
    let failure = server.read(&mut keys.seal(1, &message)).unwrap_err();
    if failure.farewell.is_empty() {
        return (failure.error, None);
    }
    let mut peer = keys.traffic(&[&message]);
    (failure.error, Some(said(&mut peer.opener, &failure.farewell)))
}

/// [AUTH-6] [ERR-5] [WIRE-1] [WIRE-2] [WIRE-3] [WIRE-4] [WIRE-6] [LIM-1]
#[test]
fn a_server_is_silent_about_a_client_auth_of_wrong_form() {
    let with = |cause| malformed("ClientAuth", cause);
    let mut twists = bad_framing("ClientAuth");
    twists.extend::<[Twist; 21]>([
        ("flag 2", |a| a.front[0] = 2, with(Malformed::Value("the flags"))),
        ("flag 128", |a| a.front[0] = 0x81, with(Malformed::Value("the flags"))),
        (
            "a login that is no UTF-8",
            |a| a.front = client_front(0, b"\xff", &[]),
            with(Malformed::Text("the login")),
        ),
        (
            "a login with a line feed",
            |a| a.front = client_front(0, b"a\nb", &[]),
            with(Malformed::Text("the login")),
        ),
        (
            "a login with U+202E",
            |a| a.front = client_front(0, "a\u{202e}".as_bytes(), &[]),
            with(Malformed::Text("the login")),
        ),
        (
            "a login with U+2028",
            |a| a.front = client_front(0, "\u{2028}".as_bytes(), &[]),
            with(Malformed::Text("the login")),
        ),
        (
            "a login with U+2029",
            |a| a.front = client_front(0, "\u{2029}".as_bytes(), &[]),
            with(Malformed::Text("the login")),
        ),
        (
            "an empty protocol",
            |a| a.front = client_front(0, b"", &[b"x", b""]),
            with(Malformed::Empty("a protocol")),
        ),
        (
            "a protocol twice",
            |a| a.front = client_front(0, b"", &[b"x", b"y", b"x"]),
            with(Malformed::Order("the list of protocols")),
        ),
        (
            "17 protocols",
            |a| {
                let names: Vec<[u8; 1]> = (0..17).map(|n| [n]).collect();
                let names: Vec<&[u8]> = names.iter().map(|name| &name[..]).collect();
                a.front = client_front(0, b"", &names);
            },
            with(Malformed::Long("the list of protocols")),
        ),
        (
            "a protocol past its list",
            |a| a.front = [&[0, 0][..], &bytes16(&[2, b'x'])].concat(),
            with(Malformed::Short("a protocol")),
        ),
        (
            "two protocols and eager",
            |a| a.front = client_front(1, b"", &[b"x", b"y"]),
            with(Malformed::Value("the list of protocols of an eager client")),
        ),
        ("no target", |a| a.extensions.clear(), with(Malformed::Missing("the target"))),
        (
            "an empty target",
            |a| a.extensions = extension(1, b""),
            with(Malformed::Short("the target")),
        ),
        (
            "half a port",
            |a| a.extensions = extension(1, &[0, 27]),
            with(Malformed::Short("the target")),
        ),
        (
            "a byte behind the port",
            |a| a.extensions = extension(1, &[0, 0, 22, 0]),
            with(Malformed::Leftover("the target")),
        ),
        (
            "a target with NUL",
            |a| a.extensions = extension(1, &[bytes8(b"a\0"), vec![0, 22]].concat()),
            with(Malformed::Text("the target")),
        ),
        (
            "a key without a signature",
            |a| a.signature = Some(Vec::new()),
            with(Malformed::Missing("the key or its signature")),
        ),
        (
            "a signature without a key",
            |a| a.key.clear(),
            with(Malformed::Missing("the key or its signature")),
        ),
        ("a wrong mac", |a| a.wrong_mac = true, Error::Misbehaved(Misbehaved::Mac)),
        (
            "a wrong mac and a wrong signature",
            |a| (a.wrong_mac, a.signer) = (true, identity(9)),
            Error::Misbehaved(Misbehaved::Mac),
        ),
    ]);
    for (what, apply, error) in twists {
        assert_eq!(server_meets(&Setup::classical(), apply), (error, None), "{what}");
    }
}

/// [AUTH-6] [ERR-5] [REC-2] [REC-3] [WIRE-10]
#[test]
fn a_server_that_awaits_client_auth_is_silent_at_any_other_record() {
    let meet = |change: &dyn Fn(&mut Keys) -> Vec<u8>| {
        let (server, mut keys) = Setup::classical().server_awaits_auth();
        let Failure { error, farewell, .. } = server.read(&mut change(&mut keys)).unwrap_err();
        assert_eq!(farewell, Vec::<u8>::new());
        error
    };
    for (kind, name) in OTHER_RECORDS {
        let error = unexpected(name, "awaiting ClientAuth");
        assert_eq!(meet(&|keys| keys.seal(kind, b"")), error, "type {kind}");
    }
    assert_eq!(meet(&|keys| keys.seal(0, b"")), Error::Misbehaved(Misbehaved::NoType));
    assert_eq!(
        meet(&|keys| keys.seal(4, &[0, 2, 0])),
        malformed("Error", Malformed::Short("the text"))
    );
    let garbled = |keys: &mut Keys| {
        let message = keys.message(&Auth::of_client(identity(CLIENT)));
        let mut record = keys.seal(1, &message);
        record[99] ^= 1;
        record
    };
    assert_eq!(meet(&garbled), Error::Decrypt);
}

/// [AUTH-7] [AUTH-1] [ERR-5] [SIG-1] [SIG-3]
#[test]
fn a_client_auth_with_a_wrong_key_or_signature_gets_error_2() {
    for (what, apply, error) in WRONG_PROOFS {
        assert_eq!(server_meets(&Setup::classical(), apply), (error, Some(padded(2))), "{what}");
    }
    let swapped: fn(&mut Auth) = |a| a.namespace = "handfast-v1-server";
    let wrong = (Error::Unproved(Unproved::Signature), Some(padded(2)));
    assert_eq!(server_meets(&Setup::classical(), swapped), wrong);
}

/// [AUTH-7]
#[test]
fn a_client_with_any_of_the_servers_own_keys_gets_error_2() {
    let mut setup = Setup::classical();
    setup.server.identities =
        Identities::new(identity(HOST)).and(identity(4)).named("x", identity(5));
    let own = (Error::Unproved(Unproved::OwnKey), Some(padded(2)));
    let of = |seed: u8| -> fn(&mut Auth) {
        match seed {
            HOST => |a| (a.key, a.signer) = (key(HOST), identity(HOST)),
            4 => |a| (a.key, a.signer) = (key(4), identity(4)),
            _ => |a| (a.key, a.signer) = (key(5), identity(5)),
        }
    };
    for seed in [HOST, 4, 5] {
        assert_eq!(server_meets(&setup, of(seed)), own, "key {seed}");
    }
    // without its signature it is a wrong signature first
    let stolen: fn(&mut Auth) = |a| a.key = key(HOST);
    let wrong = (Error::Unproved(Unproved::Signature), Some(padded(2)));
    assert_eq!(server_meets(&setup, stolen), wrong);
}

fn key(seed: u8) -> Vec<u8> {
    identity(seed).public_key().blob().to_vec()
}

/// [AUTH-7] [AUTH-8]
#[test]
fn a_target_that_is_not_the_servers_gets_error_2_and_its_own_is_handed_on() {
    let mut setup = Setup::classical();
    setup.server.names = vec!["other.example".to_owned(), "host.example.".to_owned()];
    let foreign = (Error::Unproved(Unproved::Target), Some(padded(2)));
    assert_eq!(server_meets(&setup, |_| {}), foreign);
    let nameless: fn(&mut Auth) = |a| a.extensions = target("");
    assert_eq!(server_meets(&setup, nameless), foreign);
    setup.server.names.push("host.example".to_owned());
    for port in [0, 7000, 65_535] {
        let mut auth = Auth::of_client(identity(CLIENT));
        auth.extensions =
            extension(1, &[bytes8(b"host.example"), u16::to_be_bytes(port).to_vec()].concat());
        let (server, _) = setup.server_authenticates(&auth);
        assert_eq!(server.claims().target.name, "host.example");
        assert_eq!(server.claims().target.port, port, "ports are not compared");
    }
}

/// [AUTH-9]
#[test]
fn a_client_that_proves_nothing_is_left_to_the_authenticators() {
    let mut auth = Auth::of_client(identity(CLIENT));
    (auth.key, auth.signature) = (Vec::new(), Some(Vec::new()));
    let (server, _) = Setup::classical().server_authenticates(&auth);
    assert_eq!(server.claims().key, None);
    let (_, established) = Setup { identity: None, ..Setup::classical() }.established();
    assert_eq!(established.protocol, b"");
}

/// [AUTH-15] [AUTH-1] [ERR-1] [ERR-5]
#[test]
fn a_server_refuses_with_a_bare_code() {
    use ErrorCode::{FactorNeeded, Internal, PermissionDenied, Revoked, ShuttingDown, TimedOut};
    for code in [PermissionDenied, TimedOut, ShuttingDown, Revoked, FactorNeeded, Internal] {
        let (client, server) = Setup::classical().authenticating();
        let failure = client.read(&mut server.refuse(code)).unwrap_err();
        let farewell = Farewell { code, text: String::new() };
        assert_eq!(failure.error, Error::Ended(farewell));
        assert_eq!(failure.farewell, Vec::<u8>::new(), "an Error is not answered");
        let auth = Auth::of_client(identity(CLIENT));
        let (server, mut peer) = Setup::classical().server_authenticates(&auth);
        assert_eq!(said(&mut peer.opener, &server.refuse(code)), padded(code.number()));
    }
}

/// [AUTH-13]
#[test]
fn protocols_are_chosen_by_the_servers_order_and_error_4_says_that_none_is_shared() {
    let names = |names: &[&str]| names.iter().map(|n| n.as_bytes().to_vec()).collect::<Vec<_>>();
    let choose = |ours: &[&str], theirs: &[&str]| {
        let mut setup = Setup::classical();
        (setup.server.protocols, setup.client.protocols) = (names(ours), names(theirs));
        let (client, server) = setup.authenticating();
        match server.welcome() {
            Ok((server, mut out)) => {
                let client = welcomed(client.read(&mut out).unwrap()).established;
                assert_eq!(client.protocol, server.protocol);
                Ok(String::from_utf8(client.protocol).unwrap())
            }
            Err(mut failure) => {
                let answer = client.read(&mut failure.farewell).unwrap_err();
                Err((failure.error, answer.error))
            }
        }
    };
    assert_eq!(choose(&["a", "b"], &["b", "a"]), Ok("a".to_owned()));
    assert_eq!(choose(&["c", "b"], &["b", "a"]), Ok("b".to_owned()));
    assert_eq!(choose(&[], &["b", "a"]), Ok(String::new()));
    assert_eq!(choose(&["a"], &[]), Ok(String::new()));
    let told = Farewell { code: ErrorCode::NoProtocol, text: String::new() };
    let none = (Error::Incompatible(Incompatible::Protocol), Error::Ended(told));
    assert_eq!(choose(&["a"], &["A", "b"]), Err(none));
}
