//! Peers that say nothing, too little, or too late, by the virtual clock.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![expect(clippy::panic, reason = "a test that finds something else fails")]

use std::sync::Arc;
use std::time::Duration;

use handfast::auth::{Attempt, Authenticator, Password, PeerAddr, anonymous, password};
use handfast::handshake::client::{self, Answer, AwaitWelcome};
use handfast::handshake::{ClientConfig, ClientFresh, hello_len, record_len};
use handfast::key::Identity;
use handfast::server::Limits;
use handfast::trust::{Host, PinnedKeys};
use handfast::{AcceptError, Client, ConnectError, Deadlines, Error, ErrorCode, Server};
use rand::rngs::SysRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep};

fn key() -> Identity {
    crate::limit::bounded();
    Identity::generate().unwrap()
}

/// Fails rather than waits for ever. Where the clock is paused, it comes to that at once.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future).await.expect("it comes to an end")
}

/// The same where the clock runs.
async fn within_a_minute<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it comes to an end")
}

/// Longer than every limit of a handshake together.
const LONG: Duration = Duration::from_secs(3600);

/// Reads one frame or record.
async fn read(io: &mut DuplexStream, len: fn(&[u8]) -> Result<Option<usize>, Error>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while len(&bytes).unwrap() != Some(bytes.len()) {
        bytes.push(soon(io.read_u8()).await.unwrap());
    }
    bytes
}

fn hello() -> (client::AwaitServerHello, Vec<u8>) {
    let fresh = ClientFresh::draw(&mut SysRng).unwrap();
    client::start(Arc::new(ClientConfig::default()), fresh).unwrap()
}

/// A client, driven by hand as far as ClientAuth.
async fn client_auth(io: &mut DuplexStream, identity: &Identity) -> AwaitWelcome {
    let (state, out) = hello();
    io.write_all(&out).await.unwrap();
    let state = state.read(&read(io, hello_len).await).unwrap();
    let state = state.read(&mut read(io, record_len).await).unwrap();
    let (state, out) = state.trust(Some(identity)).unwrap();
    io.write_all(&out).await.unwrap();
    state
}

async fn told(state: AwaitWelcome, io: &mut DuplexStream) -> ErrorCode {
    match state.read(&mut read(io, record_len).await).unwrap_err().error {
        Error::Ended(farewell) => farewell.code,
        other => panic!("{other}"),
    }
}

#[track_caller]
fn assert_late<T>(result: Result<T, AcceptError>, what: &str, start: Instant, seconds: u64) {
    match result {
        Err(AcceptError::TimedOut { waiting_for }) => assert_eq!(waiting_for, what),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("nobody was admitted"),
    }
    let took = start.elapsed().as_secs();
    assert!((seconds..seconds + 2).contains(&took), "{took} s, not {seconds}");
}

/// [LIM-3]
#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_left_in_silence_after_10_s() {
    let (mut near, far) = tokio::io::duplex(1 << 16);
    let start = Instant::now();
    let server = Server::new(key()).authenticator(anonymous());
    assert_late(
        soon(server.accept_over(far, PeerAddr::Unknown)).await.map(drop),
        "ClientHello",
        start,
        10,
    );
    assert_eq!(soon(near.read(&mut [0; 1])).await.unwrap(), 0, "closed without a byte");
}

/// [LIM-3]
#[tokio::test(start_paused = true)]
async fn a_client_that_sends_a_byte_a_second_is_dropped_at_the_same_deadline() {
    let (mut near, far) = tokio::io::duplex(1 << 16);
    let drip = tokio::spawn(async move {
        for byte in hello().1 {
            if near.write_u8(byte).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
        let mut rest = Vec::new();
        near.read_to_end(&mut rest).await.unwrap();
        rest
    });
    let start = Instant::now();
    let server = Server::new(key()).authenticator(anonymous());
    assert_late(
        soon(server.accept_over(far, PeerAddr::Unknown)).await.map(drop),
        "ClientHello",
        start,
        10,
    );
    assert_eq!(soon(drip).await.unwrap(), b"", "and gets nothing");
}

/// [LIM-3]
#[tokio::test(start_paused = true)]
async fn a_client_that_proves_nothing_in_120_s_is_left_in_silence() {
    let (mut near, far) = tokio::io::duplex(1 << 16);
    let server = Server::new(key()).authenticator(anonymous());
    let start = Instant::now();
    let serve = tokio::spawn(async move { server.accept_over(far, PeerAddr::Unknown).await });
    near.write_all(&hello().1).await.unwrap();
    let mut all = Vec::new();
    soon(near.read_to_end(&mut all)).await.unwrap();
    let hello = hello_len(&all).unwrap().unwrap();
    let auth = record_len(&all[hello..]).unwrap().unwrap();
    assert_eq!(all.len(), hello + auth, "ServerHello, ServerAuth, and not a byte more");
    assert_late(soon(serve).await.unwrap().map(drop), "ClientAuth", start, 120);
}

/// [LIM-3]
#[tokio::test(start_paused = true)]
async fn a_password_that_does_not_come_in_120_s_gets_error_3() {
    let (mut near, far) = tokio::io::duplex(1 << 16);
    let check = |_: String, _: Password| async move { Some(()) };
    let server = Server::new(key()).authenticator(password(check));
    let start = Instant::now();
    let serve = tokio::spawn(async move { server.accept_over(far, PeerAddr::Unknown).await });
    let state = client_auth(&mut near, &key()).await;
    let asked = state.read(&mut read(&mut near, record_len).await).unwrap();
    let Answer::Password(question) = asked else { panic!("a password is asked for") };
    // the answer is made, and never sent
    let (state, _) = question.answer("secret").unwrap();
    assert_eq!(told(state, &mut near).await, ErrorCode::TimedOut);
    let waiting_for = "the answer to a request for a password";
    drop(near);
    assert_late(soon(serve).await.unwrap().map(drop), waiting_for, start, 120);
}

/// [LIM-3]
#[tokio::test(start_paused = true)]
async fn authenticators_that_take_too_long_end_in_error_3_or_silence() {
    async fn for_ever(mut attempt: Attempt, prove: bool) -> std::convert::Infallible {
        if prove {
            let _ = attempt.public_key().await;
        }
        std::future::pending().await
    }
    for prove in [true, false] {
        let (mut near, far) = tokio::io::duplex(1 << 16);
        let stack = move |attempt: Attempt| async move { match for_ever(attempt, prove).await {} };
        fn is_authenticator<A: Authenticator<Credentials = ()>>(stack: A) -> A {
            stack
        }
        let server = Server::new(key()).authenticator(is_authenticator(stack));
        let start = Instant::now();
        let serve = tokio::spawn(async move { server.accept_over(far, PeerAddr::Unknown).await });
        if prove {
            let state = client_auth(&mut near, &key()).await;
            assert_eq!(told(state, &mut near).await, ErrorCode::TimedOut);
        } else {
            near.write_all(&hello().1).await.unwrap();
            assert_eq!(soon(near.read(&mut [0; 1])).await.unwrap(), 0, "silence");
        }
        drop(near);
        assert_late(soon(serve).await.unwrap().map(drop), "the authenticators", start, 300);
    }
}

/// [LIM-3]
#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_given_up_after_10_s() {
    let (near, mut far) = tokio::io::duplex(1 << 16);
    let client = Client::new();
    let start = Instant::now();
    let target = Host::new("example.org", 0).unwrap();
    let error = soon(client.connect_over(near, &target)).await.unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut { waiting_for: "ServerHello" }), "{error}");
    assert_eq!(start.elapsed().as_secs(), 10);
    let mut all = Vec::new();
    soon(far.read_to_end(&mut all)).await.unwrap();
    assert_eq!(hello_len(&all).unwrap(), Some(all.len()), "a hello, and not a byte more");
}

/// [LIM-3] What is sent must fit, or be read, within the time for the whole handshake.
#[tokio::test(start_paused = true)]
async fn peers_that_do_not_read_are_given_up_at_the_end_of_the_handshakes_time() {
    const LESS_THAN_A_HELLO: usize = 64;
    let (near, _far) = tokio::io::duplex(LESS_THAN_A_HELLO);
    let client = Client::new();
    let start = Instant::now();
    let target = Host::new("example.org", 0).unwrap();
    let error = soon(client.connect_over(near, &target)).await.unwrap_err();
    let waiting_for_it =
        matches!(error, ConnectError::TimedOut { waiting_for: "the server to read" });
    assert!(waiting_for_it, "{error}");
    assert!((300..=301).contains(&start.elapsed().as_secs()));

    let server = Server::new(key()).authenticator(anonymous());
    let (mut near, far) = tokio::io::duplex(LESS_THAN_A_HELLO);
    let start = Instant::now();
    let serve = tokio::spawn(async move { server.accept_over(far, PeerAddr::Unknown).await });
    near.write_all(&hello().1).await.unwrap();
    assert_late(soon(serve).await.unwrap().map(drop), "the client to read", start, 300);
}

/// [LIM-3]
#[tokio::test(start_paused = true)]
async fn a_client_waits_for_welcome_as_long_as_the_whole_handshake_may_take() {
    let host = key();
    let (near, far) = tokio::io::duplex(1 << 16);
    let mut patient = Deadlines::default();
    patient.handshake = Duration::from_secs(1000);
    let slow = |mut attempt: Attempt| async move {
        let _ = attempt.public_key().await;
        sleep(Duration::from_secs(900)).await;
        attempt.admit(())
    };
    let server = Server::new(host.clone()).authenticator(slow).deadlines(patient);
    let serve = tokio::spawn(async move { server.accept_over(far, PeerAddr::Unknown).await });
    let pins = PinnedKeys::new([host.public_key().clone()]);
    let client = Client::new().identity(key()).host_verifier(pins);
    let start = Instant::now();
    let target = Host::new("example.org", 0).unwrap();
    let error = soon(client.connect_over(near, &target)).await.unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut { waiting_for: "Welcome" }), "{error}");
    assert!((300..=301).contains(&start.elapsed().as_secs()));
    serve.abort();
}

/// [LIM-5]
#[tokio::test]
async fn one_connection_too_many_waits_and_then_hears_that_the_server_is_busy() {
    let host = key();
    let mut limits = Limits::default();
    limits.unauthenticated = 1;
    let mut deadlines = Deadlines::default();
    deadlines.hello = Duration::from_millis(300);
    let server =
        Server::new(host.clone()).authenticator(anonymous()).limits(limits).deadlines(deadlines);
    let listener = server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // takes the only place: a hello, and then nothing
    let mut first = tokio::net::TcpStream::connect(address).await.unwrap();
    first.write_all(&hello().1).await.unwrap();
    within_a_minute(first.read_u8()).await.unwrap();
    let client = Client::new().host_verifier(PinnedKeys::new([host.public_key().clone()]));
    let busy = within_a_minute(client.connect(&address.to_string())).await.unwrap_err();
    assert!(
        matches!(busy, ConnectError::Handshake(Error::Refused(handfast::Refusal::Busy))),
        "{busy}"
    );
    // a place that comes back in time is given on
    let waiting = tokio::spawn(async move { client.connect(&address.to_string()).await });
    sleep(Duration::from_millis(20)).await;
    drop(first);
    within_a_minute(waiting).await.unwrap().unwrap();
}

/// [LIM-4]
#[tokio::test]
async fn one_network_cannot_take_all_the_seats_of_those_who_wait() {
    let mut limits = Limits::default();
    limits.from_one_network = 1;
    limits.count_loopback = true;
    let server = Server::new(key()).authenticator(anonymous()).limits(limits);
    let listener = server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let _has_the_place = tokio::net::TcpStream::connect(address).await.unwrap();
    let _has_the_seat = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut third = tokio::net::TcpStream::connect(address).await.unwrap();
    // long before the 10 s for which the second one may wait
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(5), third.read_to_end(&mut answer));
    read.await.unwrap().unwrap();
    assert_eq!(answer, b"\x89HF\x01\x03\x00\x01\x05", "Refusal 5");
}
