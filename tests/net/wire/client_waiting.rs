//! A client that awaits Welcome.

use handfast::{Client, ConnectError, Error, Misbehaved};
use zeroize::Zeroizing;

use crate::wire::client_side::failed;
use crate::wire::support::crypto::{blob, key_blob};
use crate::wire::support::link::Channel;
use crate::wire::support::messages::{
    AUTH, CLOSE, DATA, ERROR, Extensions, PING, REKEY_ASK, bytes16, error,
};
use crate::wire::support::rig::{HOST, client, connect, soon};

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
