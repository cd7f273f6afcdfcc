//! Deadlines, on a clock that stands still, and servers that do not show themselves.

use std::time::Duration;

use handfast::auth::{Attempt, Authenticator, Password, ip_allowlist, password};
use handfast::handshake::Exchange;
use handfast::{AcceptError, Client, ConnectError, Deadlines, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::wire::support::client::{Hello, say_hello};
use crate::wire::support::crypto::key_blob;
use crate::wire::support::link::{Channel, Link, SILENCE};
use crate::wire::support::messages::{AUTH, MLKEM, Proof, frame};
use crate::wire::support::rig::{
    ALICE, Calls, HOST, Watch, client, connect, identity, serve, server,
};
use crate::wire::support::server::{Answer, hear_hello};

fn deadlines() -> Deadlines {
    let mut deadlines = Deadlines::default();
    deadlines.hello = Duration::from_secs(7);
    deadlines.server_auth = Duration::from_secs(11);
    deadlines.client_auth = Duration::from_secs(13);
    deadlines.response = Duration::from_secs(17);
    deadlines.handshake = Duration::from_secs(50);
    deadlines
}

/// Waits for the end: what came, and after how many seconds.
async fn ended(link: &mut Link, since: Instant) -> (crate::wire::support::link::End, u64) {
    let end = link.end().await;
    (end, since.elapsed().as_secs())
}

/// [LIM-3] [ERR-5]
#[tokio::test(start_paused = true)]
async fn a_hello_that_is_late_is_met_with_silence() {
    for n in [0, 1, 3, 7, 100] {
        let (server, called) = server();
        let (io, task) = serve(&server.deadlines(deadlines()));
        let start = Instant::now();
        let mut link = Link::new(io);
        link.send(&Hello::new().frame()[..n]).await;
        assert_eq!(ended(&mut link, start).await, (SILENCE, 7), "{n}");
        assert!(matches!(task.await.unwrap(), Err(AcceptError::TimedOut { .. })));
        assert_eq!(called.get(), 0);
    }
}

/// [LIM-3]
#[tokio::test(start_paused = true)]
async fn a_hello_that_trickles_does_not_move_its_deadline() {
    let (server, _) = server();
    let (io, _task) = serve(&server.deadlines(deadlines()));
    let start = Instant::now();
    let mut link = Link::new(io);
    for byte in Hello::new().frame() {
        if !link.offer(&[byte]).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(ended(&mut link, start).await, (SILENCE, 7));
}

/// [LIM-3] [ERR-5]
#[tokio::test(start_paused = true)]
async fn a_client_auth_that_is_late_is_met_with_silence() {
    for n in [0, 1, 400] {
        let (server, called) = server();
        let (io, task) = serve(&server.deadlines(deadlines()));
        let mut channel = say_hello(io, &Hello::new()).await;
        channel.server_auth().await;
        let start = Instant::now();
        let record = channel.client_auth_record(&Proof::of_client(&ALICE));
        channel.link.send(&record[..n]).await;
        assert_eq!(ended(&mut channel.link, start).await, (SILENCE, 13), "{n}");
        assert!(matches!(task.await.unwrap(), Err(AcceptError::TimedOut { .. })));
        assert_eq!(called.get(), 0);
    }
}

/// [LIM-3]
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_late_is_error_3_and_the_authenticator_is_dropped() {
    let calls = Calls::default();
    let count = calls.clone();
    let ask = password(move |_: String, _: Password| {
        count.count();
        async { Some(()) }
    });
    let server = Server::new(identity(&HOST)).authenticator(ask).deadlines(deadlines());
    let (io, task) = serve(&server);
    let mut channel = Channel::prove(io, &Proof::of_client(&ALICE)).await;
    channel.asked().await;
    let start = Instant::now();
    channel.expect_early_error(3).await;
    assert_eq!(start.elapsed().as_secs(), 17);
    drop(channel);
    assert!(matches!(task.await.unwrap(), Err(AcceptError::TimedOut { .. })));
    assert_eq!(calls.get(), 0);
}

/// [LIM-3]
#[tokio::test(start_paused = true)]
async fn a_handshake_that_takes_too_long_is_error_3() {
    struct Dropped(Calls);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.count();
        }
    }
    let dropped = Calls::default();
    let watch = dropped.clone();
    let slow = move |mut attempt: Attempt| {
        let guard = Dropped(watch.clone());
        async move {
            attempt.public_key().await;
            std::future::pending::<()>().await;
            drop(guard);
            attempt.admit(())
        }
    };
    let server = Server::new(identity(&HOST)).authenticator(slow).deadlines(deadlines());
    let start = Instant::now();
    let (io, _task) = serve(&server);
    let mut channel = Channel::prove(io, &Proof::of_client(&ALICE)).await;
    channel.expect_early_error(3).await;
    assert_eq!(start.elapsed().as_secs(), 50);
    assert_eq!(dropped.get(), 1);
    // answers in time, one after the other, do not move it
    let many = |mut attempt: Attempt| async move {
        loop {
            let _ = attempt.password("again: ").await;
            if attempt.login().await == "never" {
                return attempt.admit(());
            }
        }
    };
    let server = Server::new(identity(&HOST)).authenticator(many).deadlines(deadlines());
    let start = Instant::now();
    let (io, _task) = serve(&server);
    let mut channel = Channel::prove(io, &Proof::of_client(&ALICE)).await;
    for _ in 0..3 {
        channel.asked().await;
        tokio::time::sleep(Duration::from_secs(16)).await;
        channel.answer(1, b"p").await;
    }
    channel.asked().await;
    channel.expect_early_error(3).await;
    assert_eq!(start.elapsed().as_secs(), 50);
}

/// [LIM-3] [ERR-6]
#[tokio::test(start_paused = true)]
async fn a_server_hello_or_server_auth_that_is_late_is_met_with_silence() {
    for hello in [false, true] {
        let (client, called) = client();
        let start = Instant::now();
        let (io, task) = connect(&client.deadlines(deadlines()));
        let mut link = if hello {
            Channel::hellos(io, &Answer::new()).await.link
        } else {
            let mut link = Link::new(io);
            hear_hello(&mut link).await;
            link
        };
        assert_eq!(ended(&mut link, start).await, (SILENCE, 11));
        let Err(ConnectError::TimedOut { .. }) = task.await.unwrap() else { panic!() };
        assert_eq!(called.get(), 0);
    }
}

/// [LIM-3]
#[tokio::test(start_paused = true)]
async fn a_welcome_that_is_late_is_error_3() {
    let start = Instant::now();
    let (io, task) = connect(&client().0.deadlines(deadlines()));
    let (mut channel, _) = Channel::receive(io, &HOST).await;
    channel.expect_early_error(3).await;
    assert_eq!(start.elapsed().as_secs(), 50);
    drop(channel);
    assert!(matches!(task.await.unwrap(), Err(ConnectError::TimedOut { .. })));
}

/// A stealth server that counts, and how it takes these bytes: nothing comes back, and the end
/// comes at the hello's deadline and not before.
fn stealth() -> (Server<Watch>, Calls) {
    let (server, called) = server();
    (server.stealth().deadlines(deadlines()), called)
}

async fn is_hidden<A: Authenticator + 'static>(server: &Server<A>, what: &str, bytes: &[u8]) {
    for half_close in [false, true] {
        let start = Instant::now();
        let (io, task) = serve(server);
        let mut link = Link::new(io);
        for chunk in bytes.chunks(1 << 12) {
            assert!(link.offer(chunk).await, "{what}: it reads on");
        }
        if half_close {
            link.io.shutdown().await.unwrap();
        }
        assert_eq!(ended(&mut link, start).await, (SILENCE, 7), "{what}, {half_close}");
        assert!(task.await.unwrap().is_err());
    }
}

/// [STEALTH-2] [STEALTH-3] [STEALTH-4] [HELLO-2]
#[tokio::test(start_paused = true)]
async fn a_stealth_server_takes_all_wrong_input_alike() {
    let (server, called) = stealth();
    let host = key_blob(&HOST);
    let hinting = || Hello::new().hinting(&host, 5);
    let mut other_form = hinting();
    other_form.form = 2;
    let mut other_kind = hinting();
    other_kind.kind = 3;
    let mut zero_share = Hello::new();
    zero_share.x25519 = Some([0; 32]);
    let zero_share = zero_share.hinting(&host, 0);
    let mut bad_kem = hinting().extensions[0].1.clone();
    bad_kem[..3].fill(0xff);
    let cut = hinting().frame();
    let good = hinting();
    let mut moved = good.clone();
    moved.random[0] ^= 1;
    for (what, bytes) in [
        ("nothing", vec![]),
        ("one byte", vec![0x89]),
        ("TLS", b"\x16\x03\x01\x02\x00\x01".to_vec()),
        ("SSH", b"SSH-2.0-x\r\n".to_vec()),
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("garbage", vec![0xa5; 5000]),
        ("much", vec![7; 200_000]),
        ("no hint", Hello::new().frame()),
        ("another's hint", Hello::new().hinting(&key_blob(&ALICE), 0).frame()),
        ("a hint of another hello", moved.frame()),
        ("no hints at all", Hello::new().without(2).frame()),
        ("another form", other_form.frame()),
        ("another type", other_kind.frame()),
        ("malformed", Hello { tail: vec![0], ..hinting() }.frame()),
        ("too long", frame(1, 1, &[0; 5000])),
        ("cut", cut[..cut.len() - 1].to_vec()),
        ("no AEAD in common", hinting().aeads(&[0x1a, 9]).frame()),
        ("no ML-KEM", hinting().without(MLKEM).frame()),
        ("a share that gives zeros", zero_share.frame()),
        ("a bad ML-KEM key", hinting().with(MLKEM, bad_kem).frame()),
    ] {
        is_hidden(&server, what, &bytes).await;
    }
    let list = ip_allowlist(["203.0.113.7"]).unwrap();
    let elsewhere = Server::new(identity(&HOST)).authenticator(list).stealth();
    is_hidden(&elsewhere.deadlines(deadlines()), "an address", &hinting().frame()).await;
    assert_eq!(called.get(), 0);
}

/// The times of silence do not tell apart who said what, whichever limit is the shorter one.
///
/// [STEALTH-2]
#[tokio::test(start_paused = true)]
async fn a_stealth_server_ends_all_alike_where_the_handshakes_limit_is_the_shorter_one() {
    let mut short = deadlines();
    short.handshake = Duration::from_secs(3);
    let list = ip_allowlist(["203.0.113.7"]).unwrap();
    let elsewhere = Server::new(identity(&HOST)).authenticator(list).stealth().deadlines(short);
    let knows = Hello::new().hinting(&key_blob(&HOST), 2).frame();
    let cut = &knows[..knows.len() - 1];
    for words in [b"".as_slice(), b"GET / HTTP/1.1\r\n\r\n", &Hello::new().frame(), cut, &knows] {
        let start = Instant::now();
        let (io, task) = serve(&elsewhere);
        let mut link = Link::new(io);
        link.send(words).await;
        assert_eq!(ended(&mut link, start).await, (SILENCE, 3));
        assert!(task.await.unwrap().is_err());
    }
}

/// [STEALTH-2] [STEALTH-3]
#[tokio::test(start_paused = true)]
async fn a_stealth_servers_authenticator_that_takes_long_does_not_show() {
    let calls = Calls::default();
    let count = calls.clone();
    let slow = move |attempt: Attempt| {
        count.count();
        async move {
            tokio::time::sleep(Duration::from_secs(5)).await;
            attempt.deny("after some thought")
        }
    };
    let never = |attempt: Attempt| async move {
        std::future::pending::<()>().await;
        attempt.admit(())
    };
    let server = |authenticator| {
        let server = Server::new(identity(&HOST)).stealth().deadlines(deadlines());
        server.authenticator::<handfast::auth::BoxAuthenticator<()>>(authenticator)
    };
    let knows = Hello::new().hinting(&key_blob(&HOST), 2).frame();
    is_hidden(&server(slow.clone().boxed()), "nothing", b"").await;
    is_hidden(&server(never.boxed()), "nothing", b"").await;
    // whoever does not know a key is not worth a question
    assert_eq!(calls.get(), 0);
    for authenticator in [slow.boxed(), never.boxed()] {
        let start = Instant::now();
        let (io, task) = serve(&server(authenticator));
        let mut link = Link::new(io);
        link.send(&knows).await;
        assert_eq!(ended(&mut link, start).await, (SILENCE, 7));
        assert!(task.await.unwrap().is_err());
    }
    assert_eq!(calls.get(), 1);
}

/// [STEALTH-5] [STEALTH-2] [HINT-4] [AUTH-23]
#[tokio::test(start_paused = true)]
async fn a_right_hint_is_admitted_and_the_same_hello_never_again() {
    use handfast::handshake::Identities;
    let (server, called) = stealth();
    let other = [0x44; 32];
    let server = server.identities(Identities::new(identity(&HOST)).and(identity(&other)));
    for (at, key) in [(0, HOST), (7, other)] {
        let hello = Hello::new().hinting(&key_blob(&key), at);
        let (io, task) = serve(&server);
        let mut channel = say_hello(io, &hello).await;
        assert_eq!(channel.server_auth().await, key_blob(&key));
        channel.client_auth(&Proof::of_client(&ALICE)).await;
        assert_eq!(channel.welcome().await, (Vec::new(), Vec::new()), "no host_keys");
        task.await.unwrap().unwrap();
        is_hidden(&server, "replayed", &hello.frame()).await;
        // the same random counts, whatever else is new
        let mut again = hello.clone();
        again.secret = [3; 32];
        let again = again.hinting(&key_blob(&key), at);
        is_hidden(&server, "the same random", &again.frame()).await;
    }
    assert_eq!(called.get(), 2);
}

/// [STEALTH-2] [HINT-2]
#[tokio::test(start_paused = true)]
async fn this_crates_clients_find_a_stealth_server_whose_key_they_know() {
    use handfast::trust::Host;
    let (server, _) = stealth();
    for exchange in [Exchange::Hybrid, Exchange::PreferHybrid] {
        let (io, task) = serve(&server);
        let host = Host::new("hidden.example", 7000).unwrap();
        let (client, _) = client();
        let mut stream = client.exchange(exchange).connect_over(io, &host).await.unwrap();
        let (mut served, _) = task.await.unwrap().unwrap();
        stream.write_all(b"found").await.unwrap();
        let mut data = [0; 5];
        served.read_exact(&mut data).await.unwrap();
        assert_eq!(&data, b"found");
        let (io, task) = serve(&server);
        let stranger = Client::new().deadlines(deadlines());
        let start = Instant::now();
        let error = stranger.connect_over(io, &host).await.unwrap_err();
        assert!(matches!(error, ConnectError::Closed { .. } | ConnectError::TimedOut { .. }));
        assert_eq!(start.elapsed().as_secs(), 7);
        assert!(task.await.unwrap().is_err());
    }
}

/// [ERR-5] [STEALTH-4]
#[tokio::test(start_paused = true)]
async fn behind_its_hello_a_stealth_server_is_like_any_other() {
    let (server, called) = stealth();
    let hello = || Hello::new().hinting(&key_blob(&HOST), 1);
    let (io, _task) = serve(&server);
    let mut channel = say_hello(io, &hello()).await;
    channel.server_auth().await;
    let start = Instant::now();
    channel.send(AUTH, b"nonsense").await;
    assert_eq!(ended(&mut channel.link, start).await, (SILENCE, 0));
    assert_eq!(called.get(), 0);
    let (io, _task) = serve(&server);
    let mut channel = say_hello(io, &hello()).await;
    channel.server_auth().await;
    channel.client_auth(&Proof::of_client(&[9; 32])).await;
    channel.expect_early_error(2).await;
}
