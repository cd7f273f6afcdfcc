//! Streams whose peer is gone, that nobody uses, or whose listener is shut down.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use handfast::auth::{PeerAddr, anonymous};
use handfast::key::Identity;
use handfast::stream::Liveness;
use handfast::trust::{Host, PinnedKeys};
use handfast::{Client, Error, ErrorCode, Server, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep, timeout};

/// A client and a server, connected in memory.
async fn pair(client: Liveness, server: Liveness) -> (Stream<DuplexStream>, Stream<DuplexStream>) {
    let host = Identity::generate().unwrap();
    let pins = PinnedKeys::new([host.public_key().clone()]);
    let client = Client::new().host_verifier(pins).liveness(client);
    let server = Server::new(host).authenticator(anonymous()).liveness(server);
    let (near, far) = tokio::io::duplex(1 << 16);
    let target = Host::new("example.org", 0).unwrap();
    let (connected, accepted) = tokio::join!(
        client.connect_over(near, &target),
        server.accept_over(far, PeerAddr::Unknown)
    );
    (connected.unwrap(), accepted.unwrap().0)
}

fn inner(error: &std::io::Error) -> &Error {
    error.get_ref().and_then(|error| error.downcast_ref()).unwrap()
}

fn never() -> Liveness {
    let mut liveness = Liveness::default();
    liveness.ping_after = None;
    liveness
}

/// What lies between the ends, and can stop carrying without either end being told.
struct Network {
    carrying: Option<tokio::task::JoinHandle<()>>,
    /// The ends stay open.
    _ends: Arc<tokio::sync::Mutex<(DuplexStream, DuplexStream)>>,
}

impl Network {
    fn cut(&mut self) {
        if let Some(carrying) = self.carrying.take() {
            carrying.abort();
        }
    }
}

async fn over_a_silent_network() -> (Stream<DuplexStream>, Stream<DuplexStream>, Network) {
    let host = Identity::generate().unwrap();
    let pins = PinnedKeys::new([host.public_key().clone()]);
    let client = Client::new().host_verifier(pins);
    let server = Server::new(host).authenticator(anonymous()).liveness(never());
    let (near, left) = tokio::io::duplex(1 << 16);
    let (far, right) = tokio::io::duplex(1 << 16);
    let ends = Arc::new(tokio::sync::Mutex::new((left, right)));
    let between = Arc::clone(&ends);
    let carrying = tokio::spawn(async move {
        let (left, right) = &mut *between.lock().await;
        let _ = tokio::io::copy_bidirectional(left, right).await;
    });
    let target = Host::new("example.org", 0).unwrap();
    let (connected, accepted) = tokio::join!(
        client.connect_over(near, &target),
        server.accept_over(far, PeerAddr::Unknown)
    );
    let network = Network { carrying: Some(carrying), _ends: ends };
    (connected.unwrap(), accepted.unwrap().0, network)
}

const DAYS: Duration = Duration::from_secs(3 * 24 * 3600);

/// [PING-2]
#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_no_ping_is_given_up_after_three() {
    crate::limit::bounded();
    let (mut client, _server, mut network) = over_a_silent_network().await;
    let start = Instant::now();
    network.cut();
    let error = client.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(*inner(&error), Error::Silent);
    let waited = start.elapsed().as_secs();
    assert!((120..=121).contains(&waited), "30 s of silence, then three Pings: {waited} s");
    let error = client.write_all(b"late").await.unwrap_err();
    assert_eq!(*inner(&error), Error::Silent, "writing fails for the same reason");
}

/// [PING-2]
#[tokio::test(start_paused = true)]
async fn a_dead_peer_is_noticed_by_a_stream_that_nobody_reads() {
    crate::limit::bounded();
    let (mut client, _server, mut network) = over_a_silent_network().await;
    network.cut();
    sleep(Duration::from_secs(130)).await;
    let error = client.write_all(b"late").await.unwrap_err();
    assert_eq!(*inner(&error), Error::Silent);
}

/// [PING-1]
#[tokio::test(start_paused = true)]
async fn peers_that_wait_answer_pings_for_days() {
    crate::limit::bounded();
    let (mut client, mut server) = pair(Liveness::default(), Liveness::default()).await;
    let serve = tokio::spawn(async move {
        let mut byte = [0];
        server.read_exact(&mut byte).await.unwrap();
        server.write_all(&byte).await.unwrap();
        server
    });
    assert!(timeout(DAYS, client.read_u8()).await.is_err(), "nothing came, nothing ended");
    client.write_all(b"x").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'x');
    serve.await.unwrap();
}

/// [PING-1]
#[tokio::test(start_paused = true)]
async fn pings_are_answered_for_an_application_that_does_something_else() {
    crate::limit::bounded();
    let (mut client, mut server) = pair(Liveness::default(), Liveness::default()).await;
    client.write_all(b"compute").await.unwrap();
    let mut question = [0; 7];
    server.read_exact(&mut question).await.unwrap();
    let answer = tokio::spawn(async move {
        // neither half is polled all the while
        sleep(DAYS).await;
        server.write_all(b"done").await.unwrap();
        server
    });
    let mut done = [0; 4];
    client.read_exact(&mut done).await.unwrap();
    answer.await.unwrap();
}

/// [PING-1]
#[tokio::test(start_paused = true)]
async fn pings_are_answered_behind_the_end_of_either_direction() {
    crate::limit::bounded();
    let (mut client, mut server) = pair(Liveness::default(), Liveness::default()).await;
    client.shutdown().await.unwrap();
    let mut none = Vec::new();
    server.read_to_end(&mut none).await.unwrap();
    let (mut client_reads, _client) = client.into_split();
    let read = tokio::spawn(async move {
        let mut all = Vec::new();
        client_reads.read_to_end(&mut all).await.map(|_| all)
    });
    sleep(DAYS).await;
    server.write_all(b"at last").await.unwrap();
    server.shutdown().await.unwrap();
    assert_eq!(read.await.unwrap().unwrap(), b"at last");
}

/// A stream whose peer reads slowly is not taken for dead.
#[tokio::test(start_paused = true)]
async fn a_full_transport_is_no_sign_of_death() {
    crate::limit::bounded();
    let (mut client, mut server) = pair(Liveness::default(), Liveness::default()).await;
    let send = tokio::spawn(async move {
        client.write_all(&[7; 1 << 20]).await.unwrap();
        client.close().await
    });
    sleep(Duration::from_secs(3600)).await;
    let mut all = Vec::new();
    server.read_to_end(&mut all).await.unwrap();
    assert_eq!(all.len(), 1 << 20);
    server.close().await.unwrap();
    send.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_nobody_uses_ends_where_that_is_set() {
    crate::limit::bounded();
    let mut limited = Liveness::default();
    limited.idle_timeout = Some(Duration::from_secs(100));
    let (mut client, mut server) = pair(never(), limited).await;
    let start = Instant::now();
    let serve = tokio::spawn(async move {
        let mut all = Vec::new();
        let error = server.read_to_end(&mut all).await.unwrap_err();
        (all, error)
    });
    // used for longer than the limit, with no pause as long as it
    for _ in 0..3 {
        sleep(Duration::from_secs(60)).await;
        client.write_all(b"x").await.unwrap();
    }
    let error = client.read_u8().await.unwrap_err();
    assert!(
        matches!(inner(&error), Error::Ended(f) if f.code == ErrorCode::TimedOut),
        "the peer is told: {error}"
    );
    assert_eq!(start.elapsed().as_secs(), 280, "100 s after the last Data");
    let (all, error) = serve.await.unwrap();
    assert_eq!((all.as_slice(), inner(&error)), (&b"xxx"[..], &Error::Idle));
}

#[tokio::test]
async fn a_listener_that_is_shut_down_lets_streams_end_by_themselves() {
    crate::limit::bounded();
    let host = Identity::generate().unwrap();
    let listener =
        Server::new(host.clone()).authenticator(anonymous()).listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = Client::new().host_verifier(PinnedKeys::new([host.public_key().clone()]));
    let mut stream = client.connect(&address).await.unwrap();
    let (mut served, _) = listener.accept().await.unwrap();
    assert_eq!(listener.connections(), 1);
    let serve = tokio::spawn(async move {
        let byte = served.read_u8().await.unwrap();
        served.write_u8(byte).await.unwrap();
        served.close().await.unwrap();
    });
    let (left, ()) = tokio::join!(listener.shutdown(Duration::from_secs(60)), async {
        sleep(Duration::from_millis(50)).await;
        assert!(client.connect(&address).await.is_err(), "nobody is let in any more");
        stream.write_u8(7).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), 7, "but who is there is served");
        stream.close().await.unwrap();
    });
    assert_eq!(left, 0);
    serve.await.unwrap();
}

/// [ERR-1]
#[tokio::test]
async fn streams_that_outlive_the_grace_of_a_shutdown_are_ended_with_error_5() {
    crate::limit::bounded();
    let host = Identity::generate().unwrap();
    let listener =
        Server::new(host.clone()).authenticator(anonymous()).listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = Client::new().host_verifier(PinnedKeys::new([host.public_key().clone()]));
    let mut stream = client.connect(&address).await.unwrap();
    let (mut served, _) = listener.accept().await.unwrap();
    let serve = tokio::spawn(async move { served.read_u8().await.unwrap_err() });
    assert_eq!(listener.shutdown(Duration::from_millis(20)).await, 1);
    let error = stream.read_u8().await.unwrap_err();
    assert!(
        matches!(inner(&error), Error::Ended(f) if f.code == ErrorCode::ShuttingDown),
        "{error}"
    );
    assert_eq!(*inner(&serve.await.unwrap()), Error::Stopped);
}
