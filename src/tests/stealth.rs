//! Servers that answer only those who know one of their keys. That they read on and drop until the
//! hello's deadline is for who owns the stream; here is what they say: nothing.

use std::sync::Arc;

use super::pair::{CLIENT, HOST, Setup, identity, welcomed};
use super::script::{Client, bytes8, frame};
use crate::crypto::{Cipher, hmac_sha256, sha256};
use crate::error::{Error, Foreign, Incompatible, Malformed, Misbehaved, Refusal};
use crate::handshake::server::{self, Refused};
use crate::handshake::{self, Exchange, Identities, ServerConfig, Stealth};

fn stealthy() -> ServerConfig {
    let mut config = Setup::new(Cipher::ChaCha20Poly1305, Exchange::Hybrid).server;
    config.identities = Identities::new(identity(HOST)).and(identity(4)).named("x", identity(5));
    config.stealth = Some(Stealth::new());
    config
}

/// A hello whose hint at this place names the key.
fn hinting(seed: u8, place: usize) -> Client {
    let mut script = Client::new();
    hint(&mut script, seed, place);
    script
}

fn hint(script: &mut Client, seed: u8, place: usize) {
    let key = sha256(&[b"hf1 hint", &identity(seed).public_key().blob()]);
    let hint = hmac_sha256(&key, &[&script.hello.random, &script.hello.x25519]);
    let mut hints: Vec<u8> = (0..128).collect();
    hints[16 * place..][..16].copy_from_slice(&hint[..16]);
    script.hello.set(2, &hints);
}

/// What a server answers to whatever stands at the beginning of a stream.
fn meet(config: &Arc<ServerConfig>, bytes: &[u8]) -> Result<(), (Error, Vec<u8>)> {
    let told = |refused: Refused| {
        let frame = refused.frame();
        (refused.error, frame)
    };
    let len = handshake::hello_len(bytes)
        .map_err(|error| told(Refused::unframed(config, error)))?
        .expect("a whole header");
    let read = server::hello(config, &bytes[..len]).map_err(told)?;
    read.accept(Setup::default().server_fresh()).map_err(told).map(|_| ())
}

fn denied() -> (Error, Vec<u8>) {
    (Error::Denied("the hello names no key of this stealth server".to_owned()), Vec::new())
}

/// [STEALTH-2] [STEALTH-3] [HINT-4]
#[test]
fn a_hint_at_any_place_for_any_of_its_keys_is_answered_and_no_other_hello() {
    for seed in [HOST, 4, 5] {
        for place in 0..8 {
            let config = Arc::new(stealthy());
            assert_eq!(meet(&config, &hinting(seed, place).frame()), Ok(()));
        }
    }
    let config = Arc::new(stealthy());
    assert_eq!(meet(&config, &hinting(9, 0).frame()), Err(denied()), "another key's");
    assert_eq!(meet(&config, &Client::new().frame()), Err(denied()), "random hints");
    let mut script = hinting(HOST, 3);
    script.hello.drop(2);
    assert_eq!(meet(&config, &script.frame()), Err(denied()), "no hints");
    let mut script = hinting(HOST, 3);
    script.hello.random[0] ^= 1;
    assert_eq!(meet(&config, &script.frame()), Err(denied()), "the hint of another hello");
    let mut script = hinting(HOST, 3);
    script.hello.x25519[0] ^= 1;
    assert_eq!(meet(&config, &script.frame()), Err(denied()), "with another share");
    let mut script = hinting(HOST, 3);
    script.hello.set(3, b"x");
    assert_eq!(meet(&config, &script.frame()), Err(denied()), "a key of another set");
}

/// [STEALTH-3]
#[test]
fn hints_come_before_any_key_operation() {
    let config = Arc::new(stealthy());
    let mut script = Client::new();
    script.hello.x25519 = [0; 32];
    script.hello.set(1, &[0xff; 1184]);
    script.hello.aead = bytes8(&[9]);
    assert_eq!(meet(&config, &script.frame()), Err(denied()));
}

/// [STEALTH-4] [STEALTH-2]
#[test]
fn nothing_is_ever_sent_whatever_is_wrong() {
    let config = Arc::new(stealthy());
    let silent = |bytes: &[u8]| {
        let (error, sent) = meet(&config, bytes).unwrap_err();
        assert_eq!(sent, Vec::<u8>::new(), "{error}");
        error
    };
    let malformed = |cause| Error::Malformed { message: "ClientHello", cause };
    assert_eq!(silent(b"SSH-2.0-x"), Error::Foreign(Foreign::Ssh));
    assert_eq!(silent(&frame(2, 1, b"")), Error::Misbehaved(Misbehaved::Version(2)));
    assert_eq!(silent(&frame(1, 1, &[0; 4097])), malformed(Malformed::Long("the body")));
    assert_eq!(silent(&frame(1, 1, b"")), malformed(Malformed::Short("random")));
    let state = "awaiting ClientHello";
    let other = Misbehaved::Unexpected { got: "ServerHello", state };
    assert_eq!(silent(&frame(1, 2, b"")), Error::Misbehaved(other));

    let mut script = hinting(HOST, 0);
    script.hello.tail = vec![0];
    assert_eq!(silent(&script.frame()), malformed(Malformed::Leftover("the hello")));
    let mut script = hinting(HOST, 1);
    script.hello.random = [1; 32];
    hint(&mut script, HOST, 1);
    script.hello.aead = bytes8(&[2]);
    assert_eq!(silent(&script.frame()), Error::Incompatible(Incompatible::Aead));
    script.hello.random = [2; 32];
    hint(&mut script, HOST, 1);
    script.hello.aead = bytes8(&[1]);
    script.hello.drop(1);
    assert_eq!(silent(&script.frame()), Error::Incompatible(Incompatible::PostQuantum));
    let mut script = hinting(HOST, 1);
    script.hello.x25519 = [0; 32];
    hint(&mut script, HOST, 1);
    assert_eq!(silent(&script.frame()), Error::Misbehaved(Misbehaved::KeyShare));
    for code in [Refusal::Busy, Refusal::NotAllowed] {
        let mut script = hinting(HOST, 1);
        script.hello.random = [code.code(); 32];
        hint(&mut script, HOST, 1);
        let read = server::hello(&config, &script.frame()).unwrap();
        assert_eq!(read.refuse(code), Vec::<u8>::new());
    }
}

/// [STEALTH-5]
#[test]
fn a_hello_is_taken_once_even_where_its_first_use_failed_later() {
    let config = Arc::new(stealthy());
    let script = hinting(HOST, 2);
    assert_eq!(meet(&config, &script.frame()), Ok(()));
    assert_eq!(meet(&config, &script.frame()), Err(denied()));
    // the same random with all else new counts as the same hello
    let mut again = hinting(4, 2);
    assert_eq!(again.hello.random, script.hello.random);
    again.hello.x25519[1] ^= 1;
    hint(&mut again, 4, 5);
    assert_eq!(meet(&config, &again.frame()), Err(denied()));

    let mut failing = hinting(HOST, 2);
    failing.hello.random = [3; 32];
    failing.hello.aead = bytes8(&[2]);
    hint(&mut failing, HOST, 2);
    let error = Error::Incompatible(Incompatible::Aead);
    assert_eq!(meet(&config, &failing.frame()), Err((error, Vec::new())));
    failing.hello.aead = bytes8(&[1]);
    assert_eq!(meet(&config, &failing.frame()), Err(denied()));

    // clones of the settings share the memory; a hello that matched nothing is not in it
    let clone = Arc::new(ServerConfig::clone(&config));
    assert_eq!(meet(&clone, &script.frame()), Err(denied()));
    let mut fresh = Client::new();
    fresh.hello.random = [4; 32];
    assert_eq!(meet(&config, &fresh.frame()), Err(denied()));
    hint(&mut fresh, HOST, 0);
    assert_eq!(meet(&config, &fresh.frame()), Ok(()));
}

/// [AUTH-23] [STEALTH-2]
#[test]
fn a_client_that_knows_the_key_gets_through_and_learns_of_no_other_key() {
    let mut setup = Setup { server: stealthy(), ..Setup::default() };
    setup.client.expected = vec![identity(4).public_key().clone()];
    let (client, server) = setup.authenticating();
    assert_eq!(server.claims().key.as_ref(), Some(identity(CLIENT).public_key()));
    let (_, mut out) = server.welcome().unwrap();
    let welcome = welcomed(client.read(&mut out).unwrap());
    assert_eq!(welcome.other_host_keys, []);
}
