//! What a client makes of servers of every kind.

use handfast::handshake::Exchange;
use handfast::trust::KnownHosts;
use handfast::{
    Cipher, Client, ConnectError, Error, Foreign, Incompatible, Misbehaved, Refusal, Unproved,
};
use tokio::io::AsyncWriteExt;

use crate::wire::support::crypto::{AES, CHACHA, blob};
use crate::wire::support::link::{Channel, Link, SILENCE};
use crate::wire::support::messages::{
    CLOSE, DATA, ERROR, HINTS, MLKEM, PING, Proof, REFUSAL, SERVER_NAME, bytes16, error, frame,
};
use crate::wire::support::rig::{ALICE, Connected, HOST, client, connect, identity, public, soon};
use crate::wire::support::server::{Answer, Heard, answer_hello, hear_hello};

pub(crate) type Task = tokio::task::JoinHandle<Connected>;

pub(crate) async fn failed(task: Task) -> ConnectError {
    match soon(task).await.unwrap() {
        Ok(_) => panic!("connected"),
        Err(error) => error,
    }
}

/// The server sends `bytes` in the place of its hello: the client says nothing and decides nothing.
async fn answered_with(bytes: &[u8]) -> ConnectError {
    let (client, called) = client();
    let (io, task) = connect(&client);
    let mut link = Link::new(io);
    soon(hear_hello(&mut link)).await;
    link.send(bytes).await;
    link.io.shutdown().await.unwrap();
    assert_eq!(soon(link.end()).await, SILENCE);
    assert_eq!(called.get(), 0);
    failed(task).await
}

/// [HELLO-2] [ERR-6]
#[tokio::test]
async fn servers_of_other_protocols_are_named() {
    for (bytes, expected) in [
        (b"SSH-2.0-OpenSSH_10.0\r\n".as_slice(), Foreign::Ssh),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Foreign::Http),
        (b"\x15\x03\x01\x00\x02\x02\x46", Foreign::Tls),
        (b"220 mail ESMTP\r\n", Foreign::Other),
        (b"\x00\x00\x00", Foreign::Other),
    ] {
        let error = answered_with(bytes).await;
        let ConnectError::Handshake(Error::Foreign(named)) = &error else { panic!("{error}") };
        assert_eq!(*named, expected);
        assert!(expected == Foreign::Other || error.to_string().contains("seems to speak"));
    }
}

/// [HELLO-13] [ERR-6]
#[tokio::test]
async fn refusals_are_reported_and_what_stands_behind_them_is_ignored() {
    for (code, expected) in [
        (1, Refusal::Version),
        (2, Refusal::Aead),
        (3, Refusal::PostQuantum),
        (4, Refusal::Malformed),
        (5, Refusal::Busy),
        (6, Refusal::NotAllowed),
        (7, Refusal::Other(7)),
        (0, Refusal::Other(0)),
    ] {
        let bytes = [frame(1, REFUSAL, &[code]), b"and more".to_vec()].concat();
        let error = answered_with(&bytes).await;
        let ConnectError::Handshake(Error::Refused(refusal)) = error else { panic!("{error}") };
        assert_eq!(refusal, expected);
    }
}

/// [HELLO-1] [HELLO-3] [HELLO-4] [WIRE-1] [WIRE-2]
#[tokio::test]
async fn other_frames_and_malformed_ones_end_it_in_silence() {
    let body = [vec![1; 64], vec![CHACHA], bytes16(b"")].concat();
    for (what, bytes) in [
        ("form 2", frame(2, 2, &body)),
        ("form 0", frame(0, 2, &body)),
        ("its own kind", frame(1, 1, &body)),
        ("type 9", frame(1, 9, &body)),
        ("body of 4,097", [&frame(1, 2, &[])[..5], &4097_u16.to_be_bytes()].concat()),
        ("empty", frame(1, 2, &[])),
        ("cut", frame(1, 2, &body[..60])),
        ("a byte left over", frame(1, 2, &[body.clone(), vec![0]].concat())),
        ("extensions cut", frame(1, 2, &[&body[..65], &[0, 5, 0]].concat())),
        ("an empty Refusal", frame(1, 3, &[])),
        ("a long Refusal", frame(1, 3, &[1, 2])),
        ("nothing", vec![]),
        ("half a header", b"\x89HF\x01".to_vec()),
    ] {
        let error = answered_with(&bytes).await;
        let known = matches!(error, ConnectError::Handshake(_) | ConnectError::Closed { .. });
        assert!(known, "{what}: {error}");
    }
}

/// Hellos with a well-formed answer that the client may not take: silence.
async fn refuses(client: Client, answer: impl FnOnce(&Heard) -> Answer) -> ConnectError {
    let (io, task) = connect(&client);
    let mut link = Link::new(io);
    let heard = soon(hear_hello(&mut link)).await;
    let mut channel = answer_hello(link, &heard, &answer(&heard)).await;
    soon(channel.expect_silence()).await;
    drop(channel);
    failed(task).await
}

/// [HELLO-7] [HELLO-10] [KEX-2] [KEX-5] [KEX-7] [WIRE-3]
#[tokio::test]
async fn a_server_hello_that_takes_liberties_ends_it_in_silence() {
    let only_chacha = || client().0.ciphers([Cipher::ChaCha20Poly1305]);
    let not_listed = refuses(only_chacha(), |_| Answer { aead: AES, ..Answer::new() }).await;
    assert!(matches!(
        not_listed,
        ConnectError::Handshake(Error::Misbehaved(Misbehaved::NotOffered(_)))
    ));
    for aead in [0, 3, 255] {
        refuses(client().0, |_| Answer { aead, ..Answer::new() }).await;
    }
    // the very grease that was listed
    refuses(client().0, |heard| {
        let grease = |id: &&u8| [0x1a, 0x3a, 0x5a, 0x7a].contains(*id);
        Answer { aead: *heard.aeads.iter().find(grease).unwrap(), ..Answer::new() }
    })
    .await;
    for more in [(HINTS, vec![0; 128]), (SERVER_NAME, b"a".to_vec()), (9, vec![]), (0x4a4a, vec![])]
    {
        refuses(client().0, |_| Answer { more: vec![more], ..Answer::new() }).await;
    }
    refuses(client().0, |heard| {
        let grease = heard.extensions.iter().find(|(kind, _)| *kind > 3).unwrap().clone();
        Answer { more: vec![grease], ..Answer::new() }
    })
    .await;
    refuses(client().0, |_| Answer { more: vec![(MLKEM, vec![0; 1088])], ..Answer::new() }).await;
    let without = refuses(client().0, |_| Answer { hybrid: false, ..Answer::new() }).await;
    assert!(matches!(
        without,
        ConnectError::Handshake(Error::Incompatible(Incompatible::PostQuantum))
    ));
    let classical = || client().0.exchange(Exchange::Classical);
    refuses(classical(), |_| {
        let more = vec![(MLKEM, vec![0; 1088])];
        Answer { hybrid: false, more, ..Answer::new() }
    })
    .await;
    for len in [0, 1087, 1089] {
        let short = |_: &Heard| Answer { ciphertext: Some(vec![0; len]), ..Answer::new() };
        refuses(client().0, short).await;
    }
    for point in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        refuses(client().0, |_| Answer { x25519: Some(point), ..Answer::new() }).await;
    }
    refuses(client().0, |_| Answer { tail: vec![0], ..Answer::new() }).await;
}

/// What a client says in ClientAuth's place when it ends there: an Error of this code, alone.
async fn ends_with(code: u16, decided: usize, act: impl AsyncFnOnce(&mut Channel)) -> ConnectError {
    let (client, called) = client();
    let (io, task) = connect(&client);
    let mut channel = soon(Channel::hellos(io, &Answer::new())).await;
    act(&mut channel).await;
    // all that the client sends is this, under its handshake key: no key, login or target
    soon(channel.expect_early_error(code)).await;
    assert_eq!(called.get(), decided);
    drop(channel);
    failed(task).await
}

async fn ends_with_proof(code: u16, decided: usize, proof: Proof) -> ConnectError {
    ends_with(code, decided, async |c| c.send_server_auth(&proof).await).await
}

pub(crate) fn host() -> Proof {
    Proof::of_server(&HOST)
}

/// [AUTH-2] [AUTH-3] [ERR-6] [REC-3] [WIRE-10]
#[tokio::test]
async fn a_server_auth_of_bad_form_or_mac_is_error_1_and_nothing_is_decided() {
    let with = |change: fn(&mut Proof)| {
        let mut proof = host();
        change(&mut proof);
        proof
    };
    for proof in [
        with(|p| p.mac_flip[0] = 1),
        with(|p| p.mac_flip[31] = 0x80),
        with(|p| p.tail = vec![0]),
        with(|p| p.kind = 2),
        with(|p| p.kind = 5),
        with(|p| p.raw_extensions = Some(vec![0, 1])),
        with(|p| p.extensions = vec![(2, vec![]), (1, vec![])]),
        with(|p| p.key = vec![0; 8193]),
    ] {
        ends_with_proof(1, 0, proof).await;
    }
    // a wrong mac is found before a wrong signature
    let mut proof = host();
    proof.signer = Some(([9; 32], "handfast-v1-server".into()));
    proof.mac_flip[3] = 1;
    ends_with_proof(1, 0, proof).await;
    for (kind, content) in
        [(DATA, b"x".to_vec()), (CLOSE, vec![]), (PING, vec![0; 8]), (11, vec![]), (200, vec![])]
    {
        ends_with(1, 0, async |c| c.send(kind, &content).await).await;
    }
    ends_with(1, 0, async |c| c.send_welcome(b"", &Vec::new()).await).await;
    ends_with(1, 0, async |c| c.link.send(&[&[0, 17], &[0; 17][..]].concat()).await).await;
    let mismatch = ends_with(1, 0, async |c| {
        let record = c.tx.seal(&[0; 64]);
        c.link.send(&record).await;
    })
    .await;
    assert!(matches!(mismatch, ConnectError::Handshake(Error::Misbehaved(Misbehaved::NoType))));
}

/// [KEX-7]
#[tokio::test]
async fn a_ciphertext_for_another_key_is_a_server_auth_that_does_not_decrypt() {
    let (client, called) = client();
    let (io, task) = connect(&client);
    let answer = Answer { ciphertext: Some(vec![7; 1088]), ..Answer::new() };
    let mut channel = soon(Channel::hellos(io, &answer)).await;
    channel.send_server_auth(&host()).await;
    // the client's keys are others, so all that can be seen is the length of an Error
    let record = soon(channel.link.record()).await.unwrap();
    assert_eq!(record.len(), 512 + 16);
    soon(channel.expect_silence()).await;
    drop(channel);
    assert!(matches!(failed(task).await, ConnectError::Handshake(Error::Decrypt)));
    assert_eq!(called.get(), 0);
}

/// [AUTH-2] [AUTH-3] [AUTH-4] [SIG-1] [SIG-3] [CERT-1]
#[tokio::test]
async fn a_host_key_that_is_not_proved_or_not_taken_is_error_2_and_nothing_is_decided() {
    let signed = |seed: [u8; 32], namespace: &str| {
        let mut proof = host();
        proof.signer = Some((seed, namespace.into()));
        proof
    };
    for proof in [
        signed([9; 32], "handfast-v1-server"),
        signed(HOST, "handfast-v1-client"),
        signed(HOST, "handfast-v1-rotate"),
        Proof { signature: Some(blob("ssh-ed25519", &[0; 64])), ..host() },
    ] {
        let error = ends_with_proof(2, 0, proof).await;
        let fault = ConnectError::Handshake(Error::Unproved(Unproved::Signature));
        assert_eq!(error.to_string(), fault.to_string());
    }
    for key in [
        blob("ssh-ed25519-cert-v01@openssh.com", &[1; 99]),
        blob("sk-ssh-ed25519@openssh.com", &[1; 32]),
        blob("ssh-rsa", &[1; 99]),
        blob("ssh-ed25519", &[0; 32]),
        blob("ssh-ed25519", &[0xff; 32]),
    ] {
        ends_with_proof(2, 0, Proof { key, ..host() }).await;
    }
    let own = ends_with_proof(2, 0, Proof::of_server(&ALICE)).await;
    assert!(matches!(own, ConnectError::Handshake(Error::Unproved(Unproved::OwnKey))));
}

/// [AUTH-2] [AUTH-3] [AUTH-5] [ERR-6]
#[tokio::test]
async fn an_untrusted_server_gets_error_2_and_learns_nothing_of_the_client() {
    let error = ends_with_proof(2, 1, Proof::of_server(&[0x77; 32])).await;
    assert!(matches!(error, ConnectError::HostKey(_)));
    let line = format!("[localhost]:7000 {}\n@revoked * {}", public(&[5; 32]), public(&[6; 32]));
    for seed in [[6; 32], [7; 32]] {
        let known = KnownHosts::parse("known_hosts", line.as_bytes()).unwrap();
        let client = Client::new().identity(identity(&ALICE)).login("alice").known_hosts(known);
        let (io, task) = connect(&client);
        let mut channel = soon(Channel::hellos(io, &Answer::new())).await;
        channel.send_server_auth(&Proof::of_server(&seed)).await;
        soon(channel.expect_early_error(2)).await;
        drop(channel);
        let ConnectError::HostKey(error) = failed(task).await else { panic!("not the key") };
        assert_eq!(error.to_string().contains("revoked"), seed == [6; 32]);
    }
}

/// [REC-4] [ERR-6]
#[tokio::test]
async fn a_length_that_no_stranger_may_use_ends_it_in_silence() {
    for n in [0_u16, 16, 16_385, 65_535, 0x8948] {
        let (client, called) = client();
        let (io, task) = connect(&client);
        let mut channel = soon(Channel::hellos(io, &Answer::new())).await;
        channel.link.send(&n.to_be_bytes()).await;
        soon(channel.expect_silence()).await;
        drop(channel);
        assert_eq!(called.get(), 0);
        let error = failed(task).await;
        let expected = ConnectError::Handshake(Error::Misbehaved(Misbehaved::RecordLength(n)));
        assert_eq!(error.to_string(), expected.to_string());
    }
}

/// [ERR-3]
#[tokio::test]
async fn an_error_in_server_auths_place_is_reported_and_nothing_is_said() {
    let (client, called) = client();
    let (io, task) = connect(&client);
    let mut channel = soon(Channel::hellos(io, &Answer::new())).await;
    channel.send_padded(ERROR, &error(5, "")).await;
    soon(channel.expect_silence()).await;
    assert_eq!(called.get(), 0);
    assert!(matches!(failed(task).await, ConnectError::Handshake(Error::Ended(_))));
}
