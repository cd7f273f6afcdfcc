//! What a server chooses of what a hello offers.

use handfast::Cipher;
use handfast::handshake::{Exchange, Identities};

use crate::wire::support::client::{Hello, prologue, say_hello};
use crate::wire::support::crypto::{AES, CHACHA, key_blob, random};
use crate::wire::support::link::Channel;
use crate::wire::support::messages::{HINTS, MLKEM, Proof, SERVER_NAME, hint};
use crate::wire::support::rig::{ALICE, HOST, identity, serve, server, soon};

/// [HELLO-5] [HELLO-6]
#[tokio::test]
async fn the_server_picks_by_its_own_order_and_passes_over_unknown_ids() {
    let unknown: Vec<u8> = (100..114).collect();
    let all = [unknown.as_slice(), &[AES, CHACHA]].concat();
    for (ciphers, expected) in [
        ([Cipher::ChaCha20Poly1305, Cipher::Aes256Gcm], CHACHA),
        ([Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305], AES),
    ] {
        let (server, _) = server();
        let (io, task) = serve(&server.ciphers(ciphers));
        let mut channel = soon(say_hello(io, &Hello::new().aeads(&all))).await;
        assert_eq!(channel.aead, expected);
        channel.server_auth().await;
        channel.client_auth(&Proof::of_client(&ALICE)).await;
        soon(channel.welcome()).await;
        let (stream, _) = task.await.unwrap().unwrap();
        assert_eq!(stream.cipher(), ciphers[0]);
    }
}

/// [KEX-3]
#[tokio::test]
async fn a_server_told_to_allow_it_takes_x25519_alone() {
    for (exchange, hello, hybrid) in [
        (Exchange::PreferHybrid, Hello::new().without(MLKEM), false),
        (Exchange::PreferHybrid, Hello::new(), true),
        (Exchange::Classical, Hello::new(), false),
        (Exchange::Classical, Hello::new().without(MLKEM), false),
    ] {
        let (server, _) = server();
        let (io, task) = serve(&server.exchange(exchange));
        let mut channel = soon(say_hello(io, &hello)).await;
        assert_eq!(channel.hybrid, hybrid);
        channel.server_auth().await;
        channel.client_auth(&Proof::of_client(&ALICE)).await;
        soon(channel.welcome()).await;
        let (stream, _) = task.await.unwrap().unwrap();
        assert_eq!(stream.exchange() == Exchange::Hybrid, hybrid);
    }
}

/// [HINT-4]
#[tokio::test]
async fn the_first_key_in_the_servers_order_that_a_hint_names_is_shown() {
    let (second, third, named, other) = ([2; 32], [3; 32], [4; 32], [5; 32]);
    let identities = Identities::new(identity(&HOST))
        .and(identity(&second))
        .and(identity(&third))
        .named("a.example", identity(&named))
        .named("a.example", identity(&other));
    let (server, _) = server();
    let server = server.identities(identities);
    let show = async |hello: Hello| {
        let (io, _task) = serve(&server);
        soon(async { say_hello(io, &hello).await.server_auth().await }).await
    };
    assert_eq!(show(Hello::new()).await, key_blob(&HOST), "the default");
    assert_eq!(show(Hello::new().hinting(&key_blob(&third), 7)).await, key_blob(&third));
    let both = Hello::new().hinting(&key_blob(&third), 0);
    let mut hints = both.extensions.iter().find(|(k, _)| *k == HINTS).unwrap().1.clone();
    let hint = hint(&key_blob(&second), &both.random, &both.public());
    hints[112..].copy_from_slice(&hint);
    assert_eq!(show(both.with(HINTS, hints)).await, key_blob(&second), "the server's order");
    let hello = Hello::new().with(SERVER_NAME, b"a.example".to_vec());
    assert_eq!(show(hello.clone()).await, key_blob(&named), "the default of the set");
    assert_eq!(show(hello.clone().hinting(&key_blob(&other), 3)).await, key_blob(&other));
    assert_eq!(show(hello.hinting(&key_blob(&HOST), 3)).await, key_blob(&named), "not in the set");
    let unknown = Hello::new().with(SERVER_NAME, b"b.example".to_vec());
    assert_eq!(show(unknown).await, key_blob(&HOST), "a name that it does not know");
    let stray = Hello::new().hinting(&key_blob(&random()), 3);
    assert_eq!(show(stray).await, key_blob(&HOST));
}

/// [OPP-1] [SCHED-1]
#[tokio::test]
async fn another_prologue_shows_as_a_server_auth_that_does_not_verify() {
    let words = prologue(b"STARTTLS\r\n", b"220 go\r\n");
    let (server, _) = server();
    let server = server.prologue(words.clone());
    let (io, task) = serve(&server);
    let hello = Hello { prologue: words, ..Hello::new() };
    let mut channel: Channel = soon(say_hello(io, &hello)).await;
    channel.server_auth().await;
    channel.client_auth(&Proof::of_client(&ALICE)).await;
    soon(channel.welcome()).await;
    task.await.unwrap().unwrap();
    let (io, _task) = serve(&server);
    let mut channel = soon(say_hello(io, &Hello::new())).await;
    let record = channel.link.record().await.unwrap();
    assert!(channel.rx.open(&record).is_none(), "other keys");
}

/// [HELLO-9] [WIRE-3]
#[tokio::test]
async fn unknown_extensions_of_any_type_are_passed_over() {
    let mut list = Hello::new().extensions;
    list.push((0, vec![1; 300]));
    list.push((4, vec![]));
    list.push((0xfffe, vec![2]));
    list.sort();
    let hello = Hello { extensions: list.clone(), ..Hello::new() };
    let kem = Hello::new();
    let hello = Hello { kem: kem.kem, ..hello }.with(MLKEM, kem.extensions[0].1.clone());
    let (server, _) = server();
    let (io, _task) = serve(&server);
    soon(async { say_hello(io, &hello).await.server_auth().await }).await;
}
