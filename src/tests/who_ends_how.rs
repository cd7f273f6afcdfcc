//! Which side ends a handshake how: in silence, or with which Error (docs/PROTOCOL.md, section 8).

mod client;
mod server;

use super::pair::{CLIENT, HOST, Setup, identity};
use super::script::{Auth, extension, target};
use crate::error::{Error, ErrorCode, Incompatible, KeyType, Malformed, Misbehaved, Unproved};
use crate::handshake::Failure;

pub(super) type Twist = (&'static str, fn(&mut Auth), Error);

pub(super) fn malformed(message: &'static str, cause: Malformed) -> Error {
    Error::Malformed { message, cause }
}

fn unexpected(got: &'static str, state: &'static str) -> Error {
    Error::Misbehaved(Misbehaved::Unexpected { got, state })
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// A blob of some key type, with 32 bytes behind it.
fn blob(kind: &str, key: [u8; 32]) -> Vec<u8> {
    [string(kind.as_bytes()), string(&key)].concat()
}

fn point(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut point = [middle; 32];
    (point[0], point[31]) = (first, last);
    point
}

/// Seventeen extensions that nobody knows, in order.
pub(super) fn seventeen() -> Vec<u8> {
    (100..117).flat_map(|kind| extension(kind, b"")).collect()
}

/// What is wrong with the proof of either side, in messages that are framed rightly.
const WRONG_PROOFS: [Twist; 14] = [
    ("signed by another", |a| a.signer = identity(9), Error::Unproved(Unproved::Signature)),
    ("another namespace", |a| a.namespace = "file", Error::Unproved(Unproved::Signature)),
    ("no form", |a| a.signature = Some(vec![0; 9]), Error::Unproved(Unproved::Signature)),
    (
        "another algorithm",
        |a| a.signature = Some([string(b"ssh-rsa"), string(&[0; 64])].concat()),
        Error::Unproved(Unproved::Signature),
    ),
    (
        "63 bytes of signature",
        |a| a.signature = Some([string(b"ssh-ed25519"), string(&[0; 63])].concat()),
        Error::Unproved(Unproved::Signature),
    ),
    (
        "a certificate",
        |a| a.key = blob("ssh-ed25519-cert-v01@openssh.com", [0; 32]),
        Error::Incompatible(Incompatible::KeyType(KeyType::Certificate)),
    ),
    (
        "a security key",
        |a| a.key = blob("sk-ssh-ed25519@openssh.com", [0; 32]),
        Error::Incompatible(Incompatible::KeyType(KeyType::SecurityKey)),
    ),
    (
        "a security key's certificate",
        |a| a.key = blob("sk-ssh-ed25519-cert-v01@openssh.com", [0; 32]),
        Error::Incompatible(Incompatible::KeyType(KeyType::SecurityKeyCertificate)),
    ),
    (
        "a type that nobody knows",
        |a| a.key = blob("ssh-ed448", [0; 32]),
        Error::Incompatible(Incompatible::KeyType(KeyType::Other)),
    ),
    ("bytes behind the key", |a| a.key.push(0), Error::Unproved(Unproved::Key)),
    (
        "the neutral point",
        |a| a.key = blob("ssh-ed25519", point(1, 0, 0)),
        Error::Unproved(Unproved::Key),
    ),
    (
        "a point of order 4",
        |a| a.key = blob("ssh-ed25519", [0; 32]),
        Error::Unproved(Unproved::Key),
    ),
    (
        "y of p, not 0",
        |a| a.key = blob("ssh-ed25519", point(0xed, 0xff, 0x7f)),
        Error::Unproved(Unproved::Key),
    ),
    (
        "no point of the curve",
        |a| a.key = blob("ssh-ed25519", point(2, 0, 0)),
        Error::Unproved(Unproved::Key),
    ),
];

/// Framing that both sides' messages share.
fn bad_framing(message: &'static str) -> Vec<Twist> {
    let with = |cause| malformed(message, cause);
    vec![
        ("another message", |a| a.kind = 5, with(Malformed::Value("the type"))),
        ("a byte behind", |a| a.tail = vec![0], with(Malformed::Leftover("the MAC"))),
        ("a long key", |a| a.key = vec![0; 8193], with(Malformed::Long("the key"))),
        (
            "a long signature",
            |a| a.signature = Some(vec![0; 8193]),
            with(Malformed::Long("the signature")),
        ),
        (
            "extensions in disorder",
            |a| a.extensions = [extension(7, b""), target("host.example")].concat(),
            with(Malformed::Order("the extensions")),
        ),
        (
            "an extension twice",
            |a| a.extensions = [extension(9, b""), extension(9, b"")].concat(),
            with(Malformed::Order("the extensions")),
        ),
        ("17 extensions", |a| a.extensions = seventeen(), with(Malformed::Long("the extensions"))),
        (
            "an extension past its container",
            |a| a.extensions = vec![0, 9, 0, 1],
            with(Malformed::Short("an extension")),
        ),
    ]
}

/// Every type but Auth and Error, with the names that errors give them.
pub(super) const OTHER_RECORDS: [(u8, &str); 12] = [
    (2, "Data"),
    (3, "Close"),
    (5, "Ping"),
    (6, "Pong"),
    (7, "RekeyAsk"),
    (8, "RekeyInit"),
    (9, "RekeyReply"),
    (10, "RekeyDone"),
    (11, "a record of an unknown type"),
    (127, "a record of an unknown type"),
    (128, "a record of a type from 128"),
    (255, "a record of a type from 128"),
];

/// [HELLO-11]
#[test]
fn unknown_extensions_of_server_auth_and_client_auth_are_ignored() {
    let more = [extension(2, b"new"), extension(0xffff, b"")].concat();
    let (client, mut keys) = Setup::classical().client_awaits_auth();
    let mut auth = Auth::of_server(identity(HOST));
    auth.extensions = more.clone();
    let message = keys.message(&auth);
    let client = client.read(&mut keys.seal(1, &message)).unwrap();
    assert_eq!(client.host_key(), identity(HOST).public_key());
    let mut auth = Auth::of_client(identity(CLIENT));
    auth.extensions.extend(more);
    let (server, _) = Setup::classical().server_authenticates(&auth);
    assert_eq!(server.claims().target.name, "host.example");
}

/// [ERR-3]
#[test]
fn an_error_is_not_answered_before_welcome() {
    let said = crate::error::Farewell { code: ErrorCode::ShuttingDown, text: "bye".to_owned() };
    let content = [0, 5, 0, 3, b'b', b'y', b'e'];
    let silent = |failure: Failure| {
        assert_eq!(failure.error, Error::Ended(said.clone()));
        assert_eq!(failure.farewell, Vec::<u8>::new());
    };
    let (client, mut keys) = Setup::classical().client_awaits_auth();
    silent(client.read(&mut keys.seal(4, &content)).unwrap_err());
    let (client, mut peer) = Setup::classical().client_awaits_welcome();
    silent(client.read(&mut peer.say(4, &content)).unwrap_err());
    let (server, mut keys) = Setup::classical().server_awaits_auth();
    silent(server.read(&mut keys.seal(4, &content)).unwrap_err());
    let auth = Auth::of_client(identity(CLIENT));
    let (server, mut peer) = Setup::classical().server_authenticates(&auth);
    let (server, out) = server.ask_password("").unwrap();
    assert_eq!(peer.hear(&out), (1, vec![3, 1, 0, 0]));
    silent(server.read(&mut peer.say(4, &content)).unwrap_err());
}
