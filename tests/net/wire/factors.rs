//! Passwords, and eager clients, at a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use handfast::auth::{Attempt, Authenticator, Password, password, public_key};
use handfast::trust::AuthorizedKeys;
use handfast::{AcceptError, Error, ErrorCode, Farewell, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use crate::wire::support::client::{Hello, say_hello};
use crate::wire::support::link::Channel;
use crate::wire::support::messages::{
    AUTH, CLOSE, DATA, ERROR, PING, Proof, REKEY_INIT, error, inner, padded,
};
use crate::wire::support::rig::{
    ALICE, Accepted, Calls, HOST, identity, public, serve, serve_over, soon,
};

fn keys() -> AuthorizedKeys {
    AuthorizedKeys::parse("keys", public(&ALICE).to_string().as_bytes()).unwrap()
}

/// Takes `swordfish` of anybody, and counts how often it was asked.
fn swordfish(calls: &Calls) -> impl Authenticator<Credentials = String> + use<> {
    let calls = calls.clone();
    password(move |login: String, password: Password| {
        calls.count();
        async move { password.matches("swordfish").then_some(login) }
    })
}

fn base() -> Server {
    Server::new(identity(&HOST))
}

fn alice() -> Proof {
    Proof::of_client(&ALICE).login("alice")
}

/// [AUTH-18] [AUTH-19] [AUTH-1] [WIRE-11]
#[tokio::test]
async fn a_password_is_asked_for_with_a_prompt_and_admits() {
    let calls = Calls::default();
    for proof in [alice(), Proof::of_nobody().login("alice")] {
        let (io, task) = serve(&base().authenticator(swordfish(&calls)));
        let mut channel = soon(Channel::prove(io, &proof)).await;
        assert_eq!(soon(channel.asked()).await, b"Password: ");
        channel.answer(1, b"swordfish").await;
        soon(channel.welcome()).await;
        let (_, peer) = task.await.unwrap().unwrap();
        assert_eq!(peer.credentials, "alice");
    }
    assert_eq!(calls.get(), 2);
}

/// [AUTH-15] [AUTH-16]
#[tokio::test]
async fn a_wrong_password_is_error_2_like_every_refusal() {
    let calls = Calls::default();
    for login in ["alice", "nobody-of-that-name"] {
        let (io, task) = serve(&base().authenticator(swordfish(&calls)));
        let mut channel = soon(Channel::prove(io, &alice().login(login))).await;
        soon(channel.asked()).await;
        channel.answer(1, b"sword").await;
        soon(channel.expect_early_error(2)).await;
        drop(channel);
        assert!(matches!(task.await.unwrap(), Err(AcceptError::Denied { .. })));
    }
}

/// [AUTH-22] [ERR-3]
#[tokio::test]
async fn a_client_that_declines_hears_nothing_more_and_the_authenticator_is_dropped() {
    let calls = Calls::default();
    let (io, task) = serve(&base().authenticator(swordfish(&calls)));
    let mut channel = soon(Channel::prove(io, &alice())).await;
    soon(channel.asked()).await;
    channel.send_padded(ERROR, &error(2, "")).await;
    soon(channel.expect_silence()).await;
    let Err(AcceptError::Handshake(Error::Ended(Farewell { code, .. }))) = task.await.unwrap()
    else {
        panic!("the client's own word is reported");
    };
    assert_eq!((code, calls.get()), (ErrorCode::PermissionDenied, 0));
}

/// [AUTH-19] [WIRE-1] [WIRE-2] [WIRE-5] [WIRE-10] [REC-3]
#[tokio::test]
async fn anything_but_a_good_answer_is_error_1() {
    let bodies: [(u8, Vec<u8>); 5] = [
        (1, vec![]),
        (1, vec![b'a'; 1025]),
        (1, b"\xff\xfe".to_vec()),
        (2, b"swordfish".to_vec()),
        (0, b"swordfish".to_vec()),
    ];
    for (method, body) in bodies {
        expect_error_1(async |c: &mut Channel| c.answer(method, &body).await).await;
    }
    for (kind, content) in [
        (DATA, b"x".to_vec()),
        (CLOSE, vec![]),
        (PING, vec![0; 8]),
        (REKEY_INIT, vec![0; 34]),
        (11, vec![]),
        (128, vec![]),
        (AUTH, vec![]),
        (AUTH, vec![4, 1, 0, 9, b'a']),
        (AUTH, vec![4, 1, 0, 1, b'a', b'b']),
        (AUTH, vec![5, 0, 0, 0]),
        (ERROR, vec![0]),
    ] {
        expect_error_1(async |c: &mut Channel| c.send_padded(kind, &content).await).await;
    }
    expect_error_1(async |c: &mut Channel| {
        let record = c.tx.seal(&[0; 512]);
        c.link.send(&record).await;
    })
    .await;
    expect_error_1(async |c: &mut Channel| {
        let mut record = c.tx.seal(&padded(AUTH, &[4, 1, 0, 1, b'a']));
        record[40] ^= 4;
        c.link.send(&record).await;
    })
    .await;
    expect_error_1(async |c: &mut Channel| c.link.send(&[0, 16, 0, 0]).await).await;
}

async fn expect_error_1(send: impl AsyncFnOnce(&mut Channel)) {
    let calls = Calls::default();
    let (io, _task) = serve(&base().authenticator(swordfish(&calls)));
    let mut channel = soon(Channel::prove(io, &alice())).await;
    soon(channel.asked()).await;
    send(&mut channel).await;
    soon(channel.expect_early_error(1)).await;
    assert_eq!(calls.get(), 0);
}

/// [AUTH-19] [REC-2]
#[tokio::test]
async fn a_password_of_1024_bytes_is_taken() {
    let known = "p".repeat(1024);
    let expected = known.clone();
    let check = password(move |_: String, password: Password| {
        let matches = password.matches(&expected);
        async move { matches.then_some(()) }
    });
    let (io, task) = serve(&base().authenticator(check));
    let mut channel = soon(Channel::prove(io, &alice())).await;
    soon(channel.asked()).await;
    channel.answer(1, known.as_bytes()).await;
    soon(channel.welcome()).await;
    task.await.unwrap().unwrap();
}

/// [AUTH-21]
#[tokio::test]
async fn a_server_asks_8_times_at_most() {
    let many = |mut attempt: Attempt| async move {
        for n in 0..9 {
            let prompt = format!("{n}");
            let _ = attempt.password(&prompt).await;
        }
        attempt.admit(())
    };
    let (io, task) = serve(&base().authenticator(many));
    let mut channel = soon(Channel::prove(io, &alice())).await;
    for n in 0..8 {
        assert_eq!(soon(channel.asked()).await, format!("{n}").as_bytes());
        channel.answer(1, b"x").await;
    }
    soon(channel.expect_early_error(8)).await;
    drop(channel);
    assert!(task.await.unwrap().is_err());
}

/// [AUTH-18]
#[tokio::test]
async fn a_prompt_that_is_no_text_is_the_servers_own_failure() {
    for prompt in ["a\nb".to_owned(), "x".repeat(256)] {
        let ask = move |mut attempt: Attempt| {
            let prompt = prompt.clone();
            async move {
                let _ = attempt.password(&prompt).await;
                attempt.admit(())
            }
        };
        let (io, _task) = serve(&base().authenticator(ask));
        let mut channel = soon(Channel::prove(io, &alice())).await;
        soon(channel.expect_early_error(8)).await;
    }
}

/// [AUTH-11] [AUTH-12] [WIRE-12] [CLOSE-4]
#[tokio::test]
async fn an_eager_clients_data_and_close_are_delivered_behind_welcome() {
    let (io, task) = serve(&base().authenticator(public_key(keys())));
    let mut channel = soon(say_hello(io, &Hello::new())).await;
    channel.server_auth().await;
    let mut bytes = channel.client_auth_record(&alice().eager().protocols(&["a"]));
    bytes.extend(channel.tx.seal(&inner(DATA, b"hello ")));
    bytes.extend(channel.tx.seal(&inner(DATA, b"world")));
    bytes.extend(channel.tx.seal(&inner(CLOSE, b"")));
    channel.link.send(&bytes).await;
    soon(channel.welcome()).await;
    let (mut stream, peer) = task.await.unwrap().unwrap();
    assert_eq!(peer.login, "alice");
    let mut data = String::new();
    soon(stream.read_to_string(&mut data)).await.unwrap();
    assert_eq!(data, "hello world");
    stream.write_all(b"bye").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(soon(channel.expect(DATA)).await, b"bye");
    assert_eq!(soon(channel.expect(CLOSE)).await, b"");
    soon(channel.expect_silence()).await;
}

/// [AUTH-17] [AUTH-11]
#[tokio::test]
async fn an_eager_client_hears_error_7_only_if_its_key_was_accepted() {
    let calls = Calls::default();
    let both = || base().authenticator(public_key(keys()).and(swordfish(&calls)));
    let bob = || Proof::of_client(&[0x33; 32]);
    let (io, _task) = serve(&both());
    soon(soon(Channel::prove(io, &alice().eager())).await.expect_early_error(7)).await;
    let (io, _task) = serve(&both());
    soon(soon(Channel::prove(io, &bob().eager())).await.expect_early_error(2)).await;
    let (io, _task) = serve(&base().authenticator(swordfish(&calls)));
    soon(soon(Channel::prove(io, &alice().eager())).await.expect_early_error(2)).await;
    // a branch that denied the key does not count as acceptance
    let stack = || base().authenticator(public_key(keys()).or(swordfish(&calls)));
    let (io, _task) = serve(&stack());
    soon(soon(Channel::prove(io, &bob().eager())).await.expect_early_error(2)).await;
    let (io, _task) = serve(&stack());
    soon(soon(Channel::prove(io, &Proof::of_nobody().eager())).await.expect_early_error(2)).await;
    assert_eq!(calls.get(), 0);
}

/// [AUTH-12] [LIM-2]
#[tokio::test(start_paused = true)]
async fn no_more_than_65535_bytes_are_held_for_an_eager_client() {
    const ROOM: usize = 1024;
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    let wait = move |mut attempt: Attempt| {
        let gate = Arc::clone(&gate);
        async move {
            attempt.public_key().await;
            gate.notified().await;
            attempt.admit(())
        }
    };
    let (io, task) = serve_over(&base().authenticator(wait), ROOM);
    let (mut theirs, ours) = tokio::io::duplex(1 << 20);
    let (mut read, mut write) = tokio::io::split(io);
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    // counts what the server takes off the pipe
    let (mut from, mut to) = tokio::io::split(ours);
    tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok(n @ 1..) = from.read(&mut buffer).await {
            for byte in &buffer[..n] {
                if write.write_all(&[*byte]).await.is_err() {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    tokio::spawn(async move { tokio::io::copy(&mut read, &mut to).await });
    theirs.flush().await.unwrap();
    let mut channel = Channel::prove(theirs, &alice().eager()).await;
    let data: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    for chunk in data.chunks(1000) {
        channel.send(DATA, chunk).await;
    }
    channel.send(CLOSE, b"").await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let held = taken.load(Ordering::SeqCst);
    assert!(held < 65_535 + ROOM + 4096, "{held} bytes were read");
    go.notify_one();
    soon(channel.welcome()).await;
    let (mut stream, _) = task.await.unwrap().unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).await.unwrap();
    assert!(back == data, "all of it is delivered");
}

/// [CLOSE-5] [AUTH-11] [WIRE-12]
#[tokio::test]
async fn data_behind_an_eager_clients_close_is_error_1() {
    let (io, task) = serve_over(&base().authenticator(public_key(keys())), 1 << 20);
    let mut channel = soon(Channel::prove(io, &alice().eager())).await;
    channel.send(CLOSE, b"").await;
    channel.send(DATA, b"late").await;
    soon(channel.welcome()).await;
    let accepted: Accepted<_> = task.await.unwrap();
    let (mut stream, _) = accepted.unwrap();
    let mut data = Vec::new();
    // whoever looks behind the Close first finds it: the reader, or what looks after the stream
    if let Err(error) = stream.read_to_end(&mut data).await {
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
    }
    assert_eq!(data, b"");
    assert!(soon(stream.write_all(&[4; 600_000])).await.is_err(), "a writer looks, too");
    let closing = tokio::spawn(stream.close());
    let last = loop {
        match soon(channel.next()).await.unwrap() {
            record if record.kind == DATA => {}
            other => break other,
        }
    };
    assert_eq!(last.code(), 1);
    drop(channel);
    assert!(closing.await.unwrap().is_err());
}

/// [AUTH-11] [WIRE-10] [ERR-1]
#[tokio::test]
async fn an_eager_client_that_is_denied_gets_its_error_although_it_is_still_sending() {
    let (io, task) = serve_over(&base().authenticator(public_key(keys())), 256);
    let bob = Proof::of_client(&[0x33; 32]).eager();
    let mut channel = soon(Channel::prove(io, &bob)).await;
    for _ in 0..60 {
        if !channel.offer(DATA, &[7; 1000]).await {
            break;
        }
    }
    soon(channel.expect_early_error(2)).await;
    drop(channel);
    assert!(matches!(task.await.unwrap(), Err(AcceptError::Denied { .. })));
}
