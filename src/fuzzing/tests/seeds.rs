//! The seeds: inputs that lead each target to where something can be found. Messages come from the
//! recordings in `tests/vectors` where these have them.

use std::sync::Arc;

use serde_json::Value;

use super::super::fixed;
use super::Reached;
use crate::handshake::client::Answer;
use crate::handshake::{ClientConfig, Identities, ServerConfig, Target, client, server};
use crate::key::{Identity, sshsig};
use crate::wire::writer;

pub(super) struct Seed {
    pub(super) target: &'static str,
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) reached: Reached,
}

fn seed(target: &'static str, name: &str, reached: Reached, parts: &[&[u8]]) -> Seed {
    Seed { target, name: name.to_owned(), bytes: parts.concat(), reached }
}

/// A chunk of a script.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    writer::bytes16(&mut out, bytes).unwrap();
    out
}

pub(super) fn all() -> Vec<Seed> {
    let mut all = session();
    all.extend(handshake_server());
    all.extend(handshake_client());
    all.extend(wire());
    all.extend(keys());
    #[cfg(feature = "files")]
    all.extend(trust_files());
    all
}

/// A message of a recording.
fn recorded(vector: &str, message: &str) -> Vec<u8> {
    let path = format!("{}/tests/vectors/{vector}.json", env!("CARGO_MANIFEST_DIR"));
    let vector: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    hex::decode(vector["messages_and_secrets"][message].as_str().unwrap()).unwrap()
}

/// What follows a handshake: Data both ways, Ping, a rekey of the peer's, Close both ways.
const TALK: [&[u8]; 9] = [
    &[1, 0, 4, b'p', b'i', b'n', b'g'],
    &[5, 0, 9],
    &[6, 1],
    &[3],
    &[0, 5, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
    &[9],
    &[8],
    &[0, 3, 0, 0, 0],
    &[1, 0, 1, b'x'],
];

fn session() -> Vec<Seed> {
    use Reached::{Established, Over, Rekeyed};
    let of = |name: &str, reached, parts: &[&[u8]]| seed("session", name, reached, parts);
    let talk = TALK.concat();
    vec![
        of("client-talk", Over, &[&[0], &talk]),
        of("server-talk", Over, &[&[1], &talk]),
        of("client-talk-aes", Over, &[&[2], &talk]),
        of("server-talk-classical", Over, &[&[5], &talk]),
        of("client-rekey", Rekeyed, &[&[0], &[7], &[2], &[9], &[5, 0, 1], &[1, 0, 1, b'x']]),
        of("client-rekey-asked", Rekeyed, &[&[4], &[2], &[9], &[2], &[9], &[1, 0, 1, b'x']]),
        of(
            "server-rekey",
            Rekeyed,
            &[&[1], &[7], &[2], &[9], &[5, 0, 1], &[2], &[5, 0, 1], &[1, 0, 1, b'x']],
        ),
        of("server-rekey-classical-aes", Rekeyed, &[&[7], &[2], &[9], &[2], &[5, 0, 1]]),
        of(
            "recorded-rekey-init",
            Rekeyed,
            &[&[1], &[0, 8, 0], &chunk(&recorded("rekey", "rekey_init")), &[9], &[2], &[5, 0, 1]],
        ),
        of(
            "client-rekey-of-the-vector",
            Rekeyed,
            &[&[0], &[7], &[0, 9, 0], &chunk(&recorded("rekey", "rekey_reply")), &[9]],
        ),
        of("server-rekey-before-close", Over, &[&[5], &[2], &[8], &[0, 3, 0, 0, 0], &[9], &[2]]),
        of("server-rekey-out-of-turn", Established, &[&[5], &[0, 10, 0, 0, 0]]),
        of("client-rekey-reply-out-of-turn", Established, &[&[4], &[0, 9, 0, 0, 0]]),
        of(
            "server-rekeys-65",
            Rekeyed,
            &[&[5], &[[2, 9, 2]; 64].concat(), &[10, 59, 2], &[10, 1, 2]],
        ),
        of("pings-9-in", Established, &[&[0], &ping().repeat(9)]),
        of("pings-9-out", Established, &[&[0], &[[6, 7]; 9].concat(), &[3].repeat(8)]),
        of("pong-unasked", Established, &[&[0], &[0, 6, 0, 0, 8], &[0; 8]]),
        of("later-type-ignored", Established, &[&[0], &[0, 200, 9, 0, 1, b'x'], &[1, 0, 1, b'x']]),
        of("unknown-type", Established, &[&[0], &[0, 11, 0, 0, 0]]),
        of("no-type", Established, &[&[0], &[0, 0, 40, 0, 2, 0, 0]]),
        of("auth-again", Established, &[&[1], &[0, 1, 0], &chunk(&recorded("default", "welcome"))]),
        of("data-empty", Established, &[&[0], &[0, 2, 0, 0, 0]]),
        of("data-behind-close", Established, &[&[0], &[0, 3, 0, 0, 0], &[1, 0, 1, b'x']]),
        of("close-twice", Established, &[&[1], &[0, 3, 0, 0, 0], &[0, 3, 0, 0, 0]]),
        of("close-not-empty", Established, &[&[1], &[0, 3, 0, 0, 1, 1]]),
        of("data-after-own-close", Established, &[&[1], &[8], &[5, 0, 1], &[1, 0, 1, b'x'], &[8]]),
        of("error-in", Established, &[&[0], &[0, 4, 0, 0, 7, 0, 5, 0, 3, b'b', b'y', b'e']]),
        of("error-malformed", Established, &[&[0], &[0, 4, 0, 0, 5, 0, 5, 0, 1, 7]]),
        of("error-out", Established, &[&[0], &[11, 0, 200]]),
        of("not-sealed", Established, &[&[0], &[4, 0, 21, 0, 19], &[7; 19]]),
    ]
}

fn ping() -> Vec<u8> {
    [&[0, 5, 0, 0, 8][..], b"01234567"].concat()
}

/// The bytes of both sides of a handshake between honest peers with fixed randomness, the settings
/// being those of the value zero: the client's, then the server's.
fn handshake(for_client: bool) -> [Vec<u8>; 2] {
    let expected = if for_client { vec![] } else { vec![fixed::other_host().public_key().clone()] };
    let config = ClientConfig {
        expected,
        login: fixed::LOGIN.to_owned(),
        target: Target::new(fixed::NAME, fixed::PORT),
        ..ClientConfig::default()
    };
    let (client, mut to_server) =
        client::start(Arc::new(config), fixed::CLIENT.client_fresh()).unwrap();
    let mut identities = Identities::new(fixed::host());
    if !for_client {
        identities =
            identities.and(fixed::other_host()).named("named.example.org", fixed::named_host());
    }
    let mut config = ServerConfig::new(identities);
    config.protocols = vec![b"echo/1".to_vec()];
    let read = server::hello(&Arc::new(config), &to_server).unwrap();
    let (server, mut to_client) = read.accept(fixed::SERVER.server_fresh()).unwrap();
    let len = crate::handshake::hello_len(&to_client).unwrap().unwrap();
    let client = client.read(&to_client[..len]).unwrap();
    let client = client.read(&mut to_client[len..].to_vec()).unwrap();
    let (client, out) = client.trust(Some(&fixed::alice())).unwrap();
    to_server.extend_from_slice(&out);
    let (server, out) = server.read(&mut out.clone()).unwrap().welcome().unwrap();
    to_client.extend_from_slice(&out);
    let Answer::Welcome(client) = client.read(&mut out.clone()).unwrap() else { panic!() };
    let (mut client, mut server) = (client.established.session, server.session);
    client.send(b"ping", &mut to_server).unwrap();
    client.close(&mut to_server).unwrap();
    server.send(b"pong", &mut to_client).unwrap();
    server.close(&mut to_client).unwrap();
    [to_server, to_client]
}

/// All of an Auth message before its signature, with another key in the place of its own.
fn signed_part(message: &[u8], key: &Identity) -> Vec<u8> {
    let start = b"\0\0\0\x0bssh-ed25519\0\0\0\x20";
    let mut signed = message[..message.len() - 32].to_vec();
    if let Some(signature) = signed.windows(15).rposition(|w| w == b"\0\0\0\x0bssh-ed25519") {
        signed.truncate(signature - 2);
    } else {
        signed.truncate(signed.len() - 2);
    }
    if let Some(at) = signed.windows(start.len()).position(|window| window == start) {
        signed[at..at + 51].copy_from_slice(&key.public_key().blob());
    }
    signed
}

fn handshake_server() -> Vec<Seed> {
    use Reached::{Established, Factor, Hello, Nothing, Over, Proved};
    let of = |name: &str, reached, parts: &[&[u8]]| seed("handshake_server", name, reached, parts);
    let alice = fixed::alice();
    let talk = TALK.concat();
    let body = |vector: &str| recorded(vector, "client_hello")[7..].to_vec();
    let auth = |vector: &str| chunk(&signed_part(&recorded(vector, "client_auth"), &alice));
    let password = recorded("password", "auth_response");
    let prefers = [1, 1, 0];
    vec![
        of("recorded-raw", Established, &[&[0, 0, 0], &handshake(false)[0]]),
        of(
            "raw-of-the-vector",
            Hello,
            &[&prefers[..0], &[0, 0, 0], &recorded("default", "client_hello")],
        ),
        of("raw-tls", Nothing, &[&[0, 0, 0], b"\x16\x03\x01\0\xa5\x01\0\0\xa1\x03\x03"]),
        of("raw-ssh", Nothing, &[&[0, 0, 0], b"SSH-2.0-OpenSSH_9.9\r\n"]),
        of("raw-http", Nothing, &[&[0, 0, 0], b"GET / HTTP/1.1\r\n\r\n"]),
        of("raw-other-form", Nothing, &[&[0, 0, 0], b"\x89HF\x02\x01\0\0"]),
        of("raw-too-long", Nothing, &[&[0, 0, 0], b"\x89HF\x01\x01\x10\x01"]),
        of("honest", Over, &[&[1, 0, 0], &[0, 0], &talk]),
        of("honest-aes", Over, &[&[1, 4, 0], &[0, 0], &talk]),
        of("honest-classical", Over, &[&[1, 1, 1], &[0, 0], &talk]),
        of("honest-classical-refused", Nothing, &[&[1, 0, 1]]),
        of("server-classical", Established, &[&[1, 2, 0]]),
        of("stealth", Over, &[&[1, 8, 0], &[0, 0], &talk]),
        of("stealth-no-hint", Nothing, &[&[1, 8, 0], &[2], &chunk(&body("default"))]),
        of("anonymous", Established, &[&[1, 0, 2]]),
        of("eager", Over, &[&[1, 0, 4 | 64], &[0, 0], &talk]),
        of("eager-asked", Proved, &[&[1, 32, 4]]),
        of("server-name", Established, &[&[1, 0, 8]]),
        of("own-key", Hello, &[&[1, 0, 16]]),
        of("names-checked", Established, &[&[1, 16, 64]]),
        of("password-thrice", Over, &[&[1, 96, 0], &[0, 0, 0, 0, 0], &talk]),
        of(
            "password-recorded",
            Established,
            &[&[1, 32, 0], &[0, 0], &[2, 1, 0], &chunk(&password)],
        ),
        of("password-patched", Factor, &[&[1, 32, 0], &[0, 0], &[1, 0, 1, 0, 1, 9]]),
        of("password-error", Factor, &[&[1, 32, 0], &[0, 0], &[2, 4, 0, 0, 4, 0, 2, 0, 0]]),
        of("refused", Proved, &[&[1, 128, 0]]),
        of("hello-patched-aeads", Nothing, &[&[1, 0, 0], &[1, 0, 71, 0, 4, 4, 1, 1, 2]]),
        of("hello-patched-share", Established, &[&[1, 0, 0], &[1, 0, 39, 0, 2, 1, 2]]),
        of("hello-weak-share", Nothing, &[&[1, 0, 0], &[1, 0, 39, 0, 32], &[0; 32]]),
        of("recorded-hello-named", Established, &[&prefers, &[2], &chunk(&body("named"))]),
        of("hello-classical", Established, &[&prefers, &[2], &chunk(&body("classical"))]),
        of("auth-default", Established, &[&[1, 0, 0], &[0], &[2], &auth("default"), &talk[..7]]),
        of("auth-eager", Established, &[&[1, 0, 0], &[0], &[2], &auth("eager"), &talk[..7]]),
        of("auth-anonymous", Established, &[&[1, 0, 2], &[0], &[2], &auth("anonymous")]),
        of(
            "auth-login-patched",
            Established,
            &[&[1, 0, 0], &[0], &[1, 0, 3, 0, 3, b'b', b'o', b'b']],
        ),
        of("auth-login-no-text", Hello, &[&[1, 0, 0], &[0], &[1, 0, 3, 0, 1, 7]]),
        of("auth-other-flag", Hello, &[&[1, 0, 0], &[0], &[1, 0, 1, 0, 1, 2]]),
        of(
            "auth-other-target",
            Hello,
            &[
                &[1, 16, 0],
                &[0],
                &[2],
                &chunk(&{
                    let auth = signed_part(&recorded("default", "client_auth"), &alice);
                    auth.iter()
                        .map(|&byte| if byte == b'.' { b'-' } else { byte })
                        .collect::<Vec<_>>()
                }),
            ],
        ),
        of(
            "auth-unsigned",
            Hello,
            &[
                &[1, 0, 0],
                &[0],
                &[3],
                &chunk(&{
                    let message = recorded("default", "client_auth");
                    message[..message.len() - 32].to_vec()
                }),
            ],
        ),
        of(
            "auth-of-another-connection",
            Hello,
            &[&[1, 0, 0], &[0], &[4, 1, 0], &chunk(&recorded("default", "client_auth"))],
        ),
        of("auth-error", Hello, &[&[1, 0, 0], &[0], &[4, 4, 0, 0, 4, 0, 2, 0, 0]]),
        of("auth-data", Hello, &[&[1, 0, 0], &[0], &[4, 2, 0, 0, 1, b'x']]),
        of("auth-no-type", Hello, &[&[1, 0, 0], &[0], &[4, 0, 32, 0, 0]]),
        of("auth-not-sealed", Hello, &[&[1, 0, 0], &[0], &[5, 0, 21, 0, 19], &[7; 19]]),
    ]
}

fn handshake_client() -> Vec<Seed> {
    use Reached::{Established, Factor, Hello, Nothing, Over, Proved};
    let of = |name: &str, reached, parts: &[&[u8]]| seed("handshake_client", name, reached, parts);
    let host = fixed::host();
    let talk = TALK.concat();
    let hello = |vector: &str| recorded(vector, "server_hello");
    let signed = signed_part(&recorded("default", "server_auth"), &host);
    let prompt = chunk(b"Password for alice: ");
    vec![
        of("raw", Established, &[&[0, 0], &handshake(true)[1]]),
        of("raw-of-the-vector", Hello, &[&[0, 0], &hello("default")]),
        of("raw-refusal", Nothing, &[&[0, 0], b"\x89HF\x01\x03\0\x01\x05"]),
        of("raw-refusal-malformed", Nothing, &[&[0, 0], b"\x89HF\x01\x03\0\x02\x05\x05"]),
        of("raw-client-hello", Nothing, &[&[0, 0], &recorded("default", "client_hello")]),
        of("raw-ssh", Nothing, &[&[0, 0], b"SSH-2.0-OpenSSH_9.9\r\n"]),
        of("honest", Over, &[&[1, 0], &[0, 0, 0, 0], &talk]),
        of("honest-aes", Over, &[&[1, 8], &[0, 0, 0, 0], &talk]),
        of("honest-classical", Over, &[&[1, 2], &[0, 0, 0, 0], &talk]),
        of("server-classical-refused", Nothing, &[&[1, 3]]),
        of("eager", Over, &[&[1, 4 | 64], &[0, 0, 0, 0], &talk]),
        of("eager-closed", Over, &[&[1, 4 | 64 | 128], &[0, 0, 0, 0], &talk]),
        of("protocols", Established, &[&[1, 64]]),
        of("rejected", Proved, &[&[1, 0x10]]),
        of("own-key", Proved, &[&[1, 0x20]]),
        of("anonymous", Established, &[&[1, 0x30]]),
        of("hello-of-the-vector", Established, &[&[1, 1], &[2], &chunk(&hello("default")[7..])]),
        of("hello-classical", Established, &[&[1, 1], &[2], &chunk(&hello("classical")[7..])]),
        of("hello-downgraded", Nothing, &[&[1, 0], &[2], &chunk(&hello("classical")[7..])]),
        of("hello-patched-aead", Established, &[&[1, 0], &[1, 0, 71, 0, 1, 2]]),
        of("hello-patched-grease", Nothing, &[&[1, 0], &[1, 0, 71, 0, 1, 0x1a]]),
        of("hello-weak-share", Nothing, &[&[1, 0], &[1, 0, 39, 0, 32], &[0; 32]]),
        of("hello-patched-ciphertext", Established, &[&[1, 0], &[1, 0, 99, 0, 2, 1, 2]]),
        of("auth-of-the-vector", Established, &[&[1, 0], &[0], &[2], &chunk(&signed)]),
        of(
            "auth-extension",
            Established,
            &[&[1, 0], &[0], &[1, 0, 54, 0, 8, 0, 6, 9, 9, 0, 2, 1, 1]],
        ),
        of("auth-other-key", Hello, &[&[1, 0], &[0], &[1, 0, 30, 0, 1, 7]]),
        of("auth-key-type", Hello, &[&[1, 0], &[0], &[1, 0, 7, 0, 2, b'x', b'x']]),
        of(
            "auth-unsigned",
            Hello,
            &[
                &[1, 0],
                &[0],
                &[3],
                &chunk(&{
                    let message = recorded("default", "server_auth");
                    message[..message.len() - 32].to_vec()
                }),
            ],
        ),
        of(
            "auth-of-another-connection",
            Hello,
            &[&[1, 0], &[0], &[4, 1, 0], &chunk(&recorded("default", "server_auth"))],
        ),
        of("auth-error", Hello, &[&[1, 0], &[0], &[4, 4, 0, 0, 4, 0, 2, 0, 0]]),
        of("auth-not-sealed", Hello, &[&[1, 0], &[0], &[5, 0, 21, 0, 19], &[7; 19]]),
        of("password", Established, &[&[1, 0], &[0, 0], &[1], &prompt]),
        of("password-declined", Factor, &[&[1, 128], &[0, 0], &[1], &prompt]),
        of("password-eager", Proved, &[&[1, 4], &[0, 0], &[1], &prompt]),
        of(
            "password-nine-times",
            Factor,
            &[&[1, 0], &[0, 0], &[&[1][..], &prompt].concat().repeat(9)],
        ),
        of("password-prompt-no-text", Proved, &[&[1, 0], &[0, 0], &[1], &chunk(b"\x1b[2J")]),
        of("factor-unknown", Proved, &[&[1, 0], &[0, 0], &[0, 2, 1, 0, 0, 4, 3, 9, 0, 0]]),
        of("welcome-host-keys", Established, &[&[1, 0], &[0, 0], &[2, 1, 0, 0, 0, 0]]),
        of("welcome-nine-host-keys", Proved, &[&[1, 0], &[0, 0], &[2, 9, 0, 0, 0, 0]]),
        of("welcome-host-key-unproved", Established, &[&[1, 0], &[0, 0], &[2, 1, 0, 90, 0, 1, 7]]),
        of(
            "welcome-host-keys-of-the-vector",
            Established,
            &[&[1, 0], &[0, 0], &[0, 2, 1, 0], &chunk(&recorded("host-keys", "welcome"))],
        ),
        of(
            "welcome-other-protocol",
            Proved,
            &[&[1, 64], &[0, 0], &[0, 2, 1, 0], &chunk(b"\x05\x03x/1\0\0")],
        ),
        of("welcome-denied", Proved, &[&[1, 0], &[0, 0], &[0, 2, 4, 0, 0, 4, 0, 2, 0, 0]]),
        of("welcome-data", Proved, &[&[1, 0], &[0, 0], &[0, 2, 2, 0, 0, 1, b'x']]),
    ]
}

fn wire() -> Vec<Seed> {
    use Reached::{Nothing, Proved};
    let of = |name: &str, kind: u8, bytes: &[u8]| seed("wire", name, Proved, &[&[kind], bytes]);
    vec![
        of("client-hello", 0, &recorded("default", "client_hello")[7..]),
        of("client-hello-named", 0, &recorded("named", "client_hello")[7..]),
        of("client-hello-classical", 0, &recorded("classical", "client_hello")[7..]),
        of("server-hello", 1, &recorded("default", "server_hello")[7..]),
        of("server-hello-classical", 1, &recorded("classical", "server_hello")[7..]),
        of("refusal", 2, &[5]),
        of("server-auth", 3, &recorded("default", "server_auth")),
        of("client-auth", 4, &recorded("default", "client_auth")),
        of("client-auth-anonymous", 4, &recorded("anonymous", "client_auth")),
        of("client-auth-eager", 4, &recorded("eager", "client_auth")),
        of("auth-request", 5, &recorded("password", "auth_request")),
        of("auth-request-unknown", 5, &[3, 9, 0, 1, 7]),
        of("welcome", 5, &recorded("default", "welcome")),
        of("welcome-host-keys", 5, &recorded("host-keys", "welcome")),
        of("auth-response", 6, &recorded("password", "auth_response")),
        of("rekey-init", 7, &recorded("rekey", "rekey_init")),
        of("rekey-init-classical", 7, &recorded("rekey-classical-aes", "rekey_init")),
        of("rekey-reply", 8, &recorded("rekey", "rekey_reply")),
        of("error", 9, b"\0\x05\0\x03bye"),
        of("extensions", 10, &[0, 10, 0, 1, 0, 1, 7, 0x3a, 0x3a, 0, 1, 9]),
        seed("wire", "extensions-twice", Nothing, &[&[10], &[0, 8, 0, 1, 0, 0, 0, 1, 0, 0]]),
        of("frame", 11, &recorded("default", "client_hello")[..7]),
        of("text", 12, "grüße, 世界".as_bytes()),
        seed("wire", "text-direction", Nothing, &[&[12], "\u{202e}".as_bytes()]),
    ]
}

fn keys() -> Vec<Seed> {
    use Reached::{Nothing, Proved};
    let alice = fixed::alice().with_comment("alice@example.org");
    let line = format!("{} alice@example.org\n", alice.public_key());
    let text = alice.to_openssh(None).unwrap();
    let base64: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let blob = base64_decode(&base64);
    // magic, none, none, no options, one key, its blob, a length
    let private = &blob[15 + 8 + 8 + 4 + 4 + 55 + 4..];
    let signature = sshsig::sign(&alice, "example", b"meet me at noon").unwrap();
    let base64: String = signature.lines().filter(|line| !line.starts_with('-')).collect();
    let signature_bytes = base64_decode(&base64);
    let rsa = b"\0\0\0\x07ssh-rsa\0\0\0\x03\x01\0\x01\0\0\0\x02\0\x80";
    let private_16 = [private, &padding(private)].concat();
    vec![
        seed("public_key", "line", Proved, &[&[0], line.as_bytes()]),
        seed("public_key", "line-with-tabs", Proved, &[&[0], line.replace(' ', "\t").as_bytes()]),
        seed("public_key", "blob", Proved, &[&[1], &alice.public_key().blob()]),
        seed("public_key", "blob-rsa", Nothing, &[&[1], rsa]),
        seed("public_key", "bytes", Proved, &[&[2], alice.public_key().as_bytes()]),
        seed("public_key", "bytes-small-order", Nothing, &[&[2], &[0; 32]]),
        seed("private_key", "text", Proved, &[&[0], text.as_bytes()]),
        seed("private_key", "text-crlf", Proved, &[&[0], text.replace('\n', "\r\n").as_bytes()]),
        seed("private_key", "text-pem", Nothing, &[&[0], b"-----BEGIN RSA PRIVATE KEY-----\n"]),
        seed("private_key", "blob", Proved, &[&[1], &blob]),
        seed("private_key", "private-part", Proved, &[&[2], private]),
        seed("private_key", "encrypted-aes256-ctr", Proved, &[&[3, 0], &private_16]),
        seed("private_key", "encrypted-aes256-cbc", Proved, &[&[3, 1], &private_16]),
        seed("private_key", "encrypted-aes256-gcm", Proved, &[&[3, 2], &private_16]),
        seed("private_key", "encrypted-chacha20", Proved, &[&[3, 3], &private_16]),
        seed("sshsig", "text", Proved, &[&[0], signature.as_bytes()]),
        seed("sshsig", "blob", Proved, &[&[1], &signature_bytes]),
        seed(
            "sshsig",
            "innermost",
            Proved,
            &[&[2], &signature_bytes[signature_bytes.len() - 83..]],
        ),
        seed(
            "sshsig",
            "blob-version-0",
            Nothing,
            &[&[1], b"SSHSIG\0\0\0\0", &signature_bytes[10..]],
        ),
    ]
}

fn base64_decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

/// What brings a private part that is padded to 8 bytes up to 16.
fn padding(private: &[u8]) -> Vec<u8> {
    let last = private.last().copied().filter(|last| *last < 8).unwrap_or(0);
    let missing = if private.len().is_multiple_of(16) { 0 } else { 8 };
    (last + 1..=last + missing).collect()
}

/// A host certificate for a key, as text; by its own key, and with no signature that verifies.
#[cfg(feature = "files")]
fn certificate(key: &crate::key::PublicKey) -> String {
    use base64::Engine as _;

    let name = "ssh-ed25519-cert-v01@openssh.com";
    let string = |bytes: &[u8]| {
        let len = u32::try_from(bytes.len()).unwrap();
        [&len.to_be_bytes()[..], bytes].concat()
    };
    let parts = [
        string(name.as_bytes()),
        string(&[7; 32]),
        string(key.as_bytes()),
        [&[0; 8][..], &2u32.to_be_bytes()].concat(),
        string(b"id"),
        string(&string(b"a")),
        [[0; 8], [0xff; 8]].concat(),
        [string(b""), string(b""), string(b"")].concat(),
        string(&key.blob()),
        string(b"signature"),
    ];
    format!("{name} {}", base64::engine::general_purpose::STANDARD.encode(parts.concat()))
}

#[cfg(feature = "files")]
fn trust_files() -> Vec<Seed> {
    use Reached::{Hello, Nothing, Proved};
    let known = |name: &str, reached, host: &str, file: &str| {
        seed("known_hosts", name, reached, &[&chunk(host.as_bytes()), file.as_bytes()])
    };
    let keys = |name: &str, reached, file: &str| {
        seed("authorized_keys", name, reached, &[file.as_bytes()])
    };
    let edit = |name: &str, reached, what: u8, host: &str, file: &str| {
        let parts = [&[what][..], &chunk(host.as_bytes()), file.as_bytes()];
        seed("known_hosts_edit", name, reached, &parts)
    };
    let patterns = |name: &str, reached, list: &str, host: &str| {
        seed("patterns", name, reached, &[&chunk(list.as_bytes()), host.as_bytes()])
    };
    let options = |name: &str, reached, text: &str| {
        seed("authorized_options", name, reached, &[text.as_bytes()])
    };
    let from = |name: &str, reached, list: &str| {
        seed("from_list", name, reached, &[&chunk(&[192, 0, 2, 1]), list.as_bytes()])
    };
    let (host, other, alice) = (fixed::host(), fixed::other_host(), fixed::alice());
    let (host, other, alice) = (host.public_key(), other.public_key(), alice.public_key());
    // `192.0.2.1` as ssh-keygen -H writes it
    let hashed = "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|t7EsDf70rk3HGYYxRYH9Ms0vDmY=";
    let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAgCA";
    let certificate = certificate(host);
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let utf16 = wide(&format!("a {host}\r\n"));
    vec![
        known("revoked-certificate", Proved, "a", &format!("a {host}\n@revoked * {certificate}\n")),
        known("glued-revocation", Nothing, "a", &format!("a {host} x@revoked * {other}\n")),
        known("glued-comment", Nothing, "a", &format!("# x@revoked * {other}\n")),
        known("glued-entries", Proved, "a", &format!("a {host}b {other}\n")),
        known(
            "ipv6-long",
            Proved,
            "[2001:db8::1]:7000",
            &format!("[2001:db8:0:0:0:0:0:1]:7000 {host}\n@revoked 2001:DB8:0::1 {other}\n"),
        ),
        seed("known_hosts", "utf16", Nothing, &[&chunk(b"a"), &utf16]),
        seed("authorized_keys", "utf16-appended", Nothing, &[b"# x\n", &utf16]),
        keys("glued", Proved, &format!("{alice} a{host} b\n{alice}{host}\n")),
        edit("remove-glued", Nothing, 2, "a", &format!("a {host} xb {other}\n")),
        edit("remove-ipv6", Proved, 2, "2001:db8::1", &format!("b,2001:db8:0:0:0:0:0:1 {host}\n")),
        edit("add", Proved, 0, "a:7000", &format!("# x\r\n\tb {other}")),
        edit("add-hashed", Proved, 1, "a", &format!("\u{feff}a {other}\n\n")),
        edit("add-known", Hello, 0, "a", &format!("* {host}\n")),
        edit("add-revoked", Nothing, 0, "a:7000", &format!("@revoked a {host}\n")),
        edit("remove", Proved, 2, "a", &format!("a,b {host}\n{hashed} {other}\r\na {alice}")),
        edit("remove-marked", Proved, 2, "a", &format!("\u{feff}a {host}\n\n")),
        edit("remove-before-mark", Proved, 2, "a", &format!("a {host}\n\u{feff}b {host}\n")),
        edit("remove-unreadable", Nothing, 2, "a", &format!("a {host}\nb\n")),
        edit(
            "hash",
            Proved,
            3,
            "",
            &format!("*.a {host}\n[b]:7,C {other}\r\n@revoked d {alice}\n"),
        ),
        edit("learn", Proved, 4, "192.0.2.1", &format!("{hashed} {host} x\nb {alice}\n")),
        edit("learn-pattern", Nothing, 4, "a", &format!("a* {host}\n")),
        edit("rotate", Proved, 5, "a", &format!("a,x {alice}\na {host}\n")),
        patterns("list", Proved, "x,*.example.?rg,!y", "rpc.example.org"),
        patterns("excluded", Nothing, "*,!b?d,", "bad"),
        patterns("stars", Nothing, "a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        patterns("too-long", Nothing, &format!("a,{}", "b".repeat(1023)), "a"),
        known("match", Proved, "rpc.example.org:7000", &format!("[rpc.example.org]:7000 {host}\n")),
        known(
            "changed",
            Proved,
            "rpc.example.org",
            &format!("rpc.example.org {other}\n*.org {rsa}\n"),
        ),
        known("patterns", Proved, "[::1]:7000", &format!("[::?]:7*,!x* {host} comment\n\n# x\n")),
        known("revoked", Proved, "a", &format!("a {host}\n@revoked * {host}\n")),
        known("revoked-unreadable", Nothing, "a", "@revoked * ssh-ed25519 AAAA\n"),
        known("authority", Proved, "a", &format!("@cert-authority * {host}\na {other}\n")),
        known("hashed", Proved, "192.0.2.1", &format!("{hashed} {host}\r\n")),
        known("port-fallback", Proved, "a:7000", &format!("a {host}\nnonsense\n\0\n")),
        known("byte-order-mark", Proved, "a", &format!("\u{feff}a {host}")),
        keys("plain", Proved, &format!("# who\n\n{alice} alice@example.org\n{rsa} old\n")),
        keys(
            "options",
            Proved,
            &format!("restrict,from=\"10.0.0.0/8,\\\"x\" {alice} a\n{alice}\n"),
        ),
        keys("certificate-authority", Proved, &format!("cert-authority,principals=\"a\" {host}\n")),
        keys("options-unreadable", Proved, &format!("command=\"x {host}\n no-pty,, {host}\n")),
        options("none", Proved, "restrict,no-pty,"),
        options(
            "all",
            Proved,
            "from=\"127.0.0.1,192.0.2.0/24\",expiry-time=\"20380119Z\",command=\"a \\\"b\\\"\",environment=\"A=b\"",
        ),
        options("elsewhere", Nothing, "from=\"10.0.0.0/8\""),
        options("malformed", Nothing, "expiry-time=\"20380230\""),
        options("authority", Nothing, "cert-authority,principals=\"alice\""),
        options("forwarding", Nothing, "permitopen=\"localhost:1\""),
        from("network", Proved, "192.0.2.0/24,!192.0.2.9,2001:db8::/32"),
        from("pattern", Proved, "192.0.?.*"),
        from("excluded", Nothing, "*,!192.0.2.1,!c000:2*"),
        from("mapped", Proved, "::ffff:192.0.2.0/120"),
        from("malformed", Nothing, "*,192.0.2.1/24"),
        from("short", Nothing, "*,192.2"),
        keys("several", Proved, &format!("\t{host}\r\n{other} o\r\n{alice}")),
    ]
}
