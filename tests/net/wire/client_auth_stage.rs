//! What a server makes of what stands in ClientAuth's place.

use handfast::auth::Authenticator;
use handfast::{AcceptError, Error, Incompatible, Server, Unproved};

use crate::wire::support::client::{Hello, say_hello};
use crate::wire::support::crypto::{blob, key_blob};
use crate::wire::support::link::{Channel, SILENCE};
use crate::wire::support::messages::{
    AUTH, CLOSE, DATA, ERROR, PING, Proof, REKEY_INIT, TARGET, bytes8, error, inner, target,
};
use crate::wire::support::rig::{ALICE, HOST, serve, server, soon};

/// Brings a channel to where ClientAuth stands.
pub(crate) async fn before(server: &Server<impl Authenticator + 'static>) -> (Channel, Outcome) {
    let (io, task) = serve(server);
    let mut channel = soon(say_hello(io, &Hello::new())).await;
    soon(channel.server_auth()).await;
    let outcome = tokio::spawn(async move {
        match task.await.unwrap() {
            Ok(_) => panic!("admitted"),
            Err(error) => error,
        }
    });
    (channel, outcome)
}

pub(crate) type Outcome = tokio::task::JoinHandle<AcceptError>;

/// The server closes without a word and calls nobody.
async fn silent(what: &str, send: impl AsyncFnOnce(&mut Channel)) {
    let (server, called) = server();
    let (mut channel, _) = before(&server).await;
    send(&mut channel).await;
    assert_eq!(soon(channel.link.end()).await, SILENCE, "{what}");
    assert_eq!(called.get(), 0, "{what}");
}

async fn silent_proof(what: &str, proof: Proof) {
    silent(what, async |channel| channel.client_auth(&proof).await).await;
}

/// The server says Error 2 and calls nobody; why, in its log.
async fn denied(what: &str, proof: Proof) -> AcceptError {
    let (server, called) = server();
    let server = server.names(["localhost", "a.example"]);
    let (mut channel, outcome) = before(&server).await;
    channel.client_auth(&proof).await;
    soon(channel.expect_early_error(2)).await;
    assert_eq!(called.get(), 0, "{what}");
    drop(channel);
    outcome.await.unwrap()
}

pub(crate) fn alice() -> Proof {
    Proof::of_client(&ALICE)
}

/// [AUTH-6] [WIRE-1] [WIRE-2] [WIRE-3] [ERR-5]
#[tokio::test]
async fn a_badly_framed_client_auth_is_met_with_silence() {
    let with = |change: fn(&mut Proof)| {
        let mut proof = alice();
        change(&mut proof);
        proof
    };
    for (what, proof) in [
        ("a byte left over", with(|p| p.tail = vec![0])),
        ("another message", with(|p| p.kind = 1)),
        ("message 0", with(|p| p.kind = 0)),
        ("message 6", with(|p| p.kind = 6)),
        ("no target", with(|p| p.extensions.clear())),
        ("only an unknown extension", with(|p| p.extensions = vec![(9, vec![1])])),
        ("target cut", with(|p| p.extensions[0].1.truncate(5))),
        ("target with a byte left over", with(|p| p.extensions[0].1.push(0))),
        ("empty target", with(|p| p.extensions[0].1.clear())),
        ("types descend", with(|p| p.extensions.insert(0, (7, vec![])))),
        ("a type twice", with(|p| p.extensions.push((TARGET, target("localhost", 0))))),
        ("17 extensions", with(|p| p.extensions.extend((2..18).map(|n| (n, vec![]))))),
        ("extensions cut", with(|p| p.raw_extensions = Some(vec![0, 1, 0]))),
        ("extension past its list", with(|p| p.raw_extensions = Some(vec![0, 1, 0, 9, 1]))),
        ("a protocol without a name", with(|p| p.words().protocols = bytes8(b""))),
        ("a protocol cut", with(|p| p.words().protocols = vec![9, b'a'])),
        ("17 protocols", {
            let names: Vec<String> = (0..17).map(|n| format!("p{n}")).collect();
            alice().protocols(&names.iter().map(String::as_str).collect::<Vec<_>>())
        }),
        ("a protocol twice", alice().protocols(&["a", "b", "a"])),
        ("a key of 8,193 bytes", with(|p| p.key = vec![0; 8193])),
        ("a signature of 8,193 bytes", with(|p| p.signature = Some(vec![0; 8193]))),
    ] {
        silent_proof(what, proof).await;
    }
    // cut behind every byte, each with a mac that belongs to what is there
    let (server, _) = server();
    let (mut channel, _) = before(&server).await;
    let len = alice().encode(&mut channel.secrets, &[0; 32]).len();
    for n in (0..len).step_by(7).chain([len - 1]) {
        silent(&format!("cut at {n}"), async |channel| {
            let secret = channel.secrets.c_hs;
            let content = alice().encode(&mut channel.secrets, &secret);
            channel.send_padded(AUTH, &content[..n]).await;
        })
        .await;
    }
}

/// [AUTH-6] [WIRE-6]
#[tokio::test]
async fn bad_text_in_client_auth_is_met_with_silence() {
    for login in [
        b"a\0b".as_slice(),
        b"a\nb",
        b"\x7f",
        b"\xc2\x85",
        b"\xff",
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        "a\u{200e}b".as_bytes(),
        "a\u{2028}b".as_bytes(),
        "a\u{2029}b".as_bytes(),
        "\u{feff}a".as_bytes(),
    ] {
        let mut proof = alice();
        proof.words().login = login.to_vec();
        silent_proof(&format!("{login:?}"), proof).await;
        let mut proof = alice();
        proof.extensions[0].1 = [bytes8(login).as_slice(), &[0, 0]].concat();
        silent_proof(&format!("target {login:?}"), proof).await;
    }
}

/// [AUTH-6] [AUTH-11]
#[tokio::test]
async fn reserved_flags_and_an_eager_client_with_two_protocols_are_met_with_silence() {
    for bit in 1..8 {
        let mut proof = alice();
        proof.words().flags = 1 << bit;
        silent_proof(&format!("bit {bit}"), proof).await;
    }
    silent_proof("two protocols", alice().eager().protocols(&["a", "b"])).await;
}

/// [AUTH-6] [AUTH-9]
#[tokio::test]
async fn a_key_without_a_signature_or_the_other_way_round_is_met_with_silence() {
    let mut proof = alice();
    proof.signer = None;
    silent_proof("no signature", proof).await;
    let mut proof = alice();
    proof.key.clear();
    silent_proof("no key", proof).await;
}

/// [AUTH-6] [AUTH-7] [SIG-2]
#[tokio::test]
async fn a_wrong_mac_is_met_with_silence_whatever_the_signature_is() {
    for byte in 0..32 {
        let mut proof = alice();
        proof.mac_flip[byte] = 1 << (byte % 8);
        silent_proof(&format!("byte {byte}"), proof.clone()).await;
    }
    let mut proof = Proof::of_client(&[9; 32]);
    proof.mac_flip[31] = 0x80;
    proof.signer.as_mut().unwrap().0 = [8; 32];
    silent_proof("a wrong signature, too", proof).await;
    let mut proof = alice();
    proof.key = key_blob(&HOST);
    proof.mac_flip[0] = 1;
    silent_proof("the server's own key", proof).await;
}

/// [AUTH-6] [REC-3] [REC-4] [WIRE-10]
#[tokio::test]
async fn anything_but_client_auth_in_its_place_is_met_with_silence() {
    for (kind, content) in [
        (DATA, b"x".to_vec()),
        (CLOSE, vec![]),
        (ERROR, error(2, "")),
        (ERROR, error(9, "text")),
        (ERROR, vec![1]),
        (PING, vec![0; 8]),
        (REKEY_INIT, vec![0; 32]),
        (11, vec![]),
        (128, vec![]),
        (255, vec![3; 9]),
    ] {
        silent(&format!("type {kind}"), async |c| c.send(kind, &content).await).await;
    }
    silent("AuthResponse", async |c| c.answer(1, b"password").await).await;
    silent("Welcome", async |c| c.send_padded(AUTH, &[5, 0, 0, 0]).await).await;
    silent("no type", async |c| {
        let record = c.tx.seal(&[0; 512]);
        c.link.send(&record).await;
    })
    .await;
    silent("a hello", async |c| c.link.send(&Hello::new().frame()).await).await;
    silent("n of 16", async |c| c.link.send(&[&[0, 16], &[0; 16][..]].concat()).await).await;
    silent("n of 0", async |c| c.link.send(&[0, 0]).await).await;
    silent("garbled", async |c| {
        let mut record = c.client_auth_record(&alice());
        let last = record.len() - 1;
        record[last] ^= 1;
        c.link.send(&record).await;
    })
    .await;
    silent("the length altered", async |c| {
        let mut record = c.client_auth_record(&alice());
        record[1] ^= 1;
        record.push(0);
        c.link.send(&record).await;
    })
    .await;
}

/// [REC-4] [LIM-1]
#[tokio::test]
async fn a_record_over_16384_from_a_stranger_ends_it_before_more_is_read() {
    silent("only the length is there", async |c| c.link.send(&16_385_u16.to_be_bytes()).await)
        .await;
    // exactly 16,384 is read: a ClientAuth with much padding is a good one
    let (server, called) = server();
    let (io, task) = serve(&server);
    let mut channel = soon(say_hello(io, &Hello::new())).await;
    channel.server_auth().await;
    let secret = channel.secrets.c_hs;
    let mut inner = inner(AUTH, &alice().encode(&mut channel.secrets, &secret));
    inner.resize(16_384 - 16, 0);
    let record = channel.tx.seal(&inner);
    channel.link.send(&record).await;
    channel.use_traffic_keys(true);
    soon(channel.welcome()).await;
    task.await.unwrap().unwrap();
    assert_eq!(called.get(), 1);
}

/// [AUTH-7] [SIG-1] [SIG-3]
#[tokio::test]
async fn a_wrong_signature_is_error_2_and_no_authenticator_sees_the_key() {
    let signed_by = |seed: [u8; 32], namespace: &str| {
        let mut proof = alice();
        proof.signer = Some((seed, namespace.into()));
        proof
    };
    let raw = |signature: Vec<u8>| {
        let mut proof = alice();
        proof.signature = Some(signature);
        proof
    };
    for (what, proof) in [
        ("another's", signed_by([9; 32], "handfast-v1-client")),
        ("the server's namespace", signed_by(ALICE, "handfast-v1-server")),
        ("another namespace", signed_by(ALICE, "file")),
        ("zeros", raw(blob("ssh-ed25519", &[0; 64]))),
        ("R the identity, S zero", {
            let mut signature = [0; 64];
            signature[0] = 1;
            raw(blob("ssh-ed25519", &signature))
        }),
    ] {
        let error = denied(what, proof).await;
        let AcceptError::Handshake(Error::Unproved(fault)) = error else { panic!("{error}") };
        assert_eq!(fault, Unproved::Signature, "{what}");
    }
    for (what, proof) in [
        ("another algorithm", raw(blob("ssh-rsa", &[1; 64]))),
        ("63 bytes", raw(blob("ssh-ed25519", &[1; 63]))),
        ("a byte left over", raw([blob("ssh-ed25519", &[1; 64]), vec![0]].concat())),
        ("no blob", raw(vec![1])),
    ] {
        denied(what, proof).await;
    }
}

/// [AUTH-7] [CERT-1] [FIDO-1] [SIG-3]
#[tokio::test]
async fn keys_of_other_types_and_bad_points_are_error_2() {
    let with_key = |key: Vec<u8>| {
        let mut proof = alice();
        proof.key = key;
        proof
    };
    for name in [
        "ssh-ed25519-cert-v01@openssh.com",
        "sk-ssh-ed25519@openssh.com",
        "sk-ssh-ed25519-cert-v01@openssh.com",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "nonsense",
        "",
    ] {
        let error = denied(name, with_key([blob(name, &[7; 32]), vec![0; 40]].concat())).await;
        assert!(
            matches!(error, AcceptError::Handshake(Error::Incompatible(Incompatible::KeyType(_)))),
            "{name}: {error}"
        );
    }
    let mut small_order = [0; 32];
    small_order[0] = 1;
    let mut not_canonical = [0xff; 32];
    not_canonical[31] = 0x7f;
    for (what, key) in [
        ("zeros", blob("ssh-ed25519", &[0; 32])),
        ("small order", blob("ssh-ed25519", &small_order)),
        ("y of p or more", blob("ssh-ed25519", &not_canonical)),
        ("y = 2 is on no point", {
            let mut y = [0; 32];
            y[0] = 2;
            blob("ssh-ed25519", &y)
        }),
        ("31 bytes", blob("ssh-ed25519", &[7; 31])),
        ("a byte left over", [key_blob(&ALICE), vec![0]].concat()),
        ("no blob", vec![0, 0]),
    ] {
        denied(what, with_key(key)).await;
    }
}

/// [AUTH-7] [AUTH-8]
#[tokio::test]
async fn the_servers_own_key_and_a_foreign_target_are_error_2() {
    let error = denied("own key", Proof::of_client(&HOST)).await;
    assert!(matches!(error, AcceptError::Handshake(Error::Unproved(Unproved::OwnKey))));
    for name in ["b.example", "", "localhost.", "LOCALHOST", "a.example.evil"] {
        let mut proof = alice();
        proof.extensions[0].1 = target(name, 7000);
        let error = denied(name, proof).await;
        assert!(
            matches!(error, AcceptError::Handshake(Error::Unproved(Unproved::Target))),
            "{name}: {error}"
        );
    }
}
