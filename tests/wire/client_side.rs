//! What a client makes of servers of every kind.

use handfast::handshake::Exchange;
use handfast::trust::{Host, KnownHosts, PinnedKeys};
use handfast::{
    Cipher, Client, ConnectError, Error, Foreign, Incompatible, Misbehaved, Refusal, Unproved,
};
use tokio::io::AsyncWriteExt;
use zeroize::Zeroizing;

use crate::support::client::prologue;
use crate::support::crypto::{AES, CHACHA, blob, key_blob};
use crate::support::link::{Channel, Link, SILENCE};
use crate::support::messages::{
    AUTH, CLOSE, DATA, ERROR, Extensions, HINTS, MLKEM, PING, Proof, REFUSAL, REKEY_ASK,
    SERVER_NAME, TARGET, bytes8, bytes16, error, frame, inner, target,
};
use crate::support::rig::{ALICE, Connected, HOST, client, connect, identity, public, soon};
use crate::support::server::{Answer, Heard, answer_hello, hear_hello};

type Task = tokio::task::JoinHandle<Connected>;

async fn failed(task: Task) -> ConnectError {
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

fn host() -> Proof {
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

/// After ClientAuth: the client ends with this Error.
async fn then(code: u16, client: Client, act: impl AsyncFnOnce(&mut Channel)) -> ConnectError {
    let (io, task) = connect(&client);
    let (mut channel, _) = soon(Channel::receive(io, &HOST)).await;
    act(&mut channel).await;
    soon(channel.expect_early_error(code)).await;
    drop(channel);
    failed(task).await
}

/// [WIRE-10] [REC-3] [REC-4] [AUTH-14] [WIRE-12] [CLOSE-5]
#[tokio::test]
async fn records_out_of_place_before_welcome_are_error_1() {
    for (kind, content) in [
        (DATA, b"x".to_vec()),
        (CLOSE, vec![]),
        (PING, vec![0; 8]),
        (REKEY_ASK, vec![]),
        (11, vec![]),
        (128, vec![]),
        (AUTH, vec![]),
        (AUTH, vec![4, 1, 0, 1, 1]),
        (AUTH, vec![5, 0, 0, 1]),
        (AUTH, vec![5, 0, 0, 0, 0]),
        (AUTH, vec![3, 1, 0, 1, b'\n']),
        (ERROR, vec![]),
    ] {
        then(1, client().0, async |c| c.send_padded(kind, &content).await).await;
    }
    then(1, client().0, async |c| c.link.send(&[0x89, b'H']).await).await;
    then(1, client().0, async |c| c.link.send(&[&[0, 99], &[1; 99][..]].concat()).await).await;
    let named = client().0.protocols(["a", "b"]);
    let error = then(1, named, async |c| c.send_welcome(b"c", &Vec::new()).await).await;
    assert!(matches!(error, ConnectError::Handshake(Error::Misbehaved(Misbehaved::NotOffered(_)))));
    then(1, client().0, async |c| c.send_welcome(b"a", &Vec::new()).await).await;
}

/// [SIG-5] [AUTH-24] [HELLO-11]
#[tokio::test]
async fn unknown_extensions_of_welcome_are_ignored_and_unproved_host_keys_are_not_taken() {
    let (io, task) = connect(&client().0);
    let (mut channel, _) = soon(Channel::receive(io, &HOST)).await;
    channel.send_welcome(b"", &vec![(2, vec![1]), (0xffff, vec![])]).await;
    soon(task).await.unwrap().unwrap();
    let unproved = [bytes16(&key_blob(&[8; 32])), bytes16(&blob("ssh-ed25519", &[1; 64]))].concat();
    let (io, task) = connect(&client().0);
    let (mut channel, _) = soon(Channel::receive(io, &HOST)).await;
    channel.send_welcome(b"", &vec![(1, unproved)]).await;
    soon(task).await.unwrap().unwrap();
    let list: Extensions = vec![(1, vec![])];
    then(1, client().0, async |c| c.send_welcome(b"", &list).await).await;
}

/// [AUTH-20] [AUTH-22] [AUTH-18] [AUTH-21] [OPAQUE-3]
#[tokio::test]
async fn a_client_answers_a_password_only_if_told_to_and_8_times_at_most() {
    let error = then(2, client().0, async |c| c.ask(1, b"Password: ").await).await;
    assert!(matches!(error, ConnectError::NoPassword { .. }));
    let declining = client().0.password(|_| None);
    then(2, declining, async |c| c.ask(1, b"Password: ").await).await;
    for method in [0, 2, 3, 255] {
        let willing = client().0.password(|_| Some(Zeroizing::new("p".into())));
        then(2, willing, async |c| c.ask(method, b"").await).await;
    }
    for bad in ["", "a\nb", &"x".repeat(1025)] {
        let bad = bad.to_owned();
        let client = client().0.password(move |_| Some(Zeroizing::new(bad.clone())));
        then(2, client, async |c| c.ask(1, b"Password: ").await).await;
    }
    let willing = client().0.password(|request| {
        assert_eq!((request.login, request.prompt), ("alice", "Code: "));
        // prepared as an OpaqueString: a wide space becomes a space, and NFC is taken
        Some(Zeroizing::new("a\u{3000}e\u{301}".into()))
    });
    then(1, willing, async |c| {
        for _ in 0..8 {
            c.ask(1, b"Code: ").await;
            assert_eq!(soon(c.answered()).await, "a \u{e9}".as_bytes());
        }
        c.ask(1, b"Code: ").await;
    })
    .await;
}

/// [ERR-3] [AUTH-15]
#[tokio::test]
async fn the_servers_error_is_told_with_its_code() {
    for code in [1, 2, 3, 4, 5, 6, 7, 8, 99, 128] {
        let (io, task) = connect(&client().0);
        let (mut channel, _) = soon(Channel::receive(io, &HOST)).await;
        channel.send_padded(ERROR, &error(code, "")).await;
        soon(channel.expect_silence()).await;
        let ConnectError::Handshake(Error::Ended(told)) = failed(task).await else { panic!() };
        assert_eq!(told.code.number(), code);
    }
}

/// [HELLO-8] [HINT-1] [HINT-2] [HELLO-12] [KEX-1] [KEX-3] [HELLO-5]
#[tokio::test]
async fn every_hello_is_fresh_greased_and_full_of_hints() {
    let hear = async |client: &Client| {
        let (io, _task) = connect(client);
        soon(hear_hello(&mut Link::new(io))).await
    };
    let mut seen = std::collections::HashSet::new();
    let mut places = std::collections::HashSet::new();
    let mut sizes = std::collections::HashSet::new();
    for _ in 0..40 {
        let heard = hear(&client().0).await;
        let grease: Vec<_> =
            heard.aeads.iter().filter(|id| [0x1a, 0x3a, 0x5a, 0x7a].contains(*id)).collect();
        assert_eq!((grease.len(), heard.aeads.len()), (1, 3));
        places.insert(heard.aeads.iter().position(|id| id == grease[0]));
        let (kind, body) = heard.extensions.last().unwrap();
        let [high, low] = kind.to_be_bytes();
        assert!(high == low && low & 15 == 10 && body.len() <= 16);
        sizes.insert((*kind, body.len()));
        let kinds: Vec<_> = heard.extensions.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds[..kinds.len() - 1], [MLKEM, HINTS], "no server_name");
        assert_eq!(heard.extension(HINTS).unwrap().len(), 128);
        assert_eq!(heard.hints_at(&HOST), 1);
        assert!(seen.insert(heard.random.to_vec()) && seen.insert(heard.x25519.to_vec()));
        assert!(seen.insert(heard.extension(MLKEM).unwrap().to_vec()));
        for hint in heard.extension(HINTS).unwrap().chunks(16) {
            assert!(seen.insert(hint.to_vec()));
        }
    }
    assert_eq!(places.len(), 3, "at every place");
    assert!(sizes.len() > 20);
    let named = hear(&client().0.server_name("a.example")).await;
    assert_eq!(named.extension(SERVER_NAME), Some(b"a.example".as_slice()));
    let classical = hear(&client().0.exchange(Exchange::Classical)).await;
    assert_eq!(classical.extension(MLKEM), None);
}

/// [HINT-2] [HINT-3]
#[tokio::test]
async fn hints_are_for_the_first_8_keys_that_would_be_accepted_or_random() {
    let seeds: Vec<[u8; 32]> = (50..60).map(|n| [n; 32]).collect();
    let pinned = Client::new().host_verifier(PinnedKeys::new(seeds.iter().map(public)));
    let (io, _task) = connect(&pinned);
    let heard = soon(hear_hello(&mut Link::new(io))).await;
    let hinted: Vec<_> = seeds.iter().map(|seed| heard.hints_at(seed)).collect();
    assert_eq!(hinted, [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    let (io, _task) = connect(&Client::new());
    let heard = soon(hear_hello(&mut Link::new(io))).await;
    assert_eq!(heard.hints_at(&HOST), 0);
}

/// [AUTH-8] [AUTH-9] [AUTH-11] [AUTH-1]
#[tokio::test]
async fn client_auth_says_who_and_whom() {
    let named = client().0.login("bo\u{e9}").protocols(["x", "y"]);
    let (io, task) = connect(&named);
    let (mut channel, claims) = soon(Channel::receive(io, &HOST)).await;
    assert_eq!(claims.key, key_blob(&ALICE));
    assert_eq!(claims.words.login, "bo\u{e9}".as_bytes());
    assert_eq!(claims.words.protocols, [bytes8(b"x"), bytes8(b"y")].concat());
    assert_eq!(claims.words.flags, 0);
    assert_eq!(claims.extensions, [(TARGET, target("localhost", 7000))]);
    channel.send_welcome(b"y", &Vec::new()).await;
    let stream = soon(task).await.unwrap().unwrap();
    assert_eq!(stream.protocol(), Some(b"y".as_slice()));
    assert_eq!(*stream.host_key(), public(&HOST));

    let nobody = Client::new().host_verifier(PinnedKeys::new([public(&HOST)]));
    let (io, there) = tokio::io::duplex(1 << 16);
    let shown = Host::new("2001:DB8::1", 0);
    let task = tokio::spawn(async move { nobody.connect_over(there, &shown?).await });
    let (_, claims) = soon(Channel::receive(io, &HOST)).await;
    assert!(claims.key.is_empty() && claims.words.login.is_empty());
    assert_eq!(claims.extensions, [(TARGET, target("2001:db8::1", 0))]);
    task.abort();
}

/// [OPP-1] [SCHED-1]
#[tokio::test]
async fn both_sides_must_have_heard_the_same_prologue() {
    let words = prologue(b"STARTTLS\r\n", b"220 go\r\n");
    let (io, task) = connect(&client().0.prologue(words.clone()));
    let answer = Answer { prologue: words.clone(), ..Answer::new() };
    let mut channel = soon(Channel::hellos(io, &answer)).await;
    channel.send_server_auth(&host()).await;
    soon(channel.read_client_auth()).await;
    channel.send_welcome(b"", &Vec::new()).await;
    soon(task).await.unwrap().unwrap();
    let (io, task) = connect(&client().0);
    let mut channel = soon(Channel::hellos(io, &answer)).await;
    channel.send_server_auth(&host()).await;
    assert!(soon(channel.link.record()).await.is_some(), "an Error 1, under other keys");
    soon(channel.expect_silence()).await;
    drop(channel);
    assert!(matches!(failed(task).await, ConnectError::Handshake(Error::Decrypt)));
}

/// An eager client over TCP, and the scripted server at the other end, before ServerAuth.
async fn eager(
    data: Vec<u8>,
    client: Client,
) -> (Channel, tokio::task::JoinHandle<Result<handfast::Stream, ConnectError>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move { client.connect_eager(&address, &data).await });
    let (io, _) = listener.accept().await.unwrap();
    (soon(Channel::hellos(io, &Answer::new())).await, task)
}

/// [AUTH-11] [AUTH-12]
#[tokio::test]
async fn an_eager_client_sends_its_data_behind_its_proof_and_nothing_before_trust() {
    let data: Vec<u8> = (0..65_535_u32).map(|n| n as u8).collect();
    let (mut channel, task) = eager(data.clone(), client().0.protocols(["x"])).await;
    channel.send_server_auth(&host()).await;
    let claims = soon(channel.read_client_auth()).await;
    assert_eq!(claims.words.flags, 1);
    let mut got = Vec::new();
    while got.len() < data.len() {
        got.extend(soon(channel.expect(DATA)).await);
    }
    assert!(got == data);
    channel.send_welcome(b"x", &Vec::new()).await;
    soon(task).await.unwrap().unwrap();

    let (mut channel, task) = eager(data.clone(), client().0).await;
    channel.send_server_auth(&Proof::of_server(&[9; 32])).await;
    soon(channel.expect_early_error(2)).await;
    drop(channel);
    assert!(soon(task).await.unwrap().is_err());

    // AuthRequest to an eager client
    let willing = client().0.password(|_| Some(Zeroizing::new("p".into())));
    let (mut channel, task) = eager(b"early".to_vec(), willing).await;
    channel.send_server_auth(&host()).await;
    soon(channel.read_client_auth()).await;
    soon(channel.expect(DATA)).await;
    channel.ask(1, b"Password: ").await;
    soon(channel.expect_early_error(1)).await;
    drop(channel);
    assert!(soon(task).await.unwrap().is_err());
}

/// [AUTH-11] [AUTH-12]
#[tokio::test]
async fn an_eager_client_with_two_protocols_or_too_much_data_says_nothing() {
    for (data, client) in
        [(vec![0; 65_536], client().0), (vec![0; 10], client().0.protocols(["a", "b"]))]
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let error = soon(client.connect_eager(&address, &data)).await.unwrap_err();
        assert!(matches!(error, ConnectError::Handshake(Error::Misuse(_))), "{error}");
        let (io, _) = listener.accept().await.unwrap();
        assert_eq!(soon(Link::new(io).end()).await, SILENCE);
    }
    assert_eq!(inner(DATA, b"").len(), 1);
}
