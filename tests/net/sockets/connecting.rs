//! Names, addresses, Unix sockets, and listeners that go away.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use handfast::auth::{Attempt, PeerAddr};
use handfast::{Client, ConnectError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::sockets::{Ends, host, soon};

/// [AUTH-8]
#[tokio::test]
async fn every_address_of_a_name_is_tried() {
    let ends = Ends::new();
    let mut families = 0;
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = ends.server.listen(address).await else { continue };
        families += 1;
        let bound = listener.local_addr().unwrap();
        let name = format!("LocalHost:{}", bound.port());
        let looked_up: Vec<_> = tokio::net::lookup_host(&name).await.unwrap().collect();
        if !looked_up.contains(&bound) {
            continue;
        }
        let serve = tokio::spawn(async move { listener.accept().await.unwrap() });
        let mut client = soon(ends.client.connect(&name)).await.unwrap();
        let (mut stream, peer) = soon(serve).await.unwrap();
        assert_eq!((peer.target.name.as_str(), peer.target.port), ("localhost", bound.port()));
        client.write_all(b"x").await.unwrap();
        soon(stream.read_exact(&mut [0])).await.unwrap();
    }
    assert!(families > 0);
}

/// [HELLO-2]
#[tokio::test]
async fn a_host_that_cannot_be_reached_is_reported_with_its_addresses() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let error = soon(Client::new().connect(&address.to_string())).await.unwrap_err();
    let ConnectError::Unreachable { failures, .. } = &error else { panic!("{error}") };
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].0, address);
    assert_eq!(failures[0].1.kind(), ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    let name = format!("localhost:{}", address.port());
    let looked_up = tokio::net::lookup_host(&name).await.unwrap().count();
    let error = soon(Client::new().connect(&name)).await.unwrap_err();
    let ConnectError::Unreachable { failures, .. } = &error else { panic!("{error}") };
    assert_eq!(failures.len(), looked_up);
    for bad in ["localhost", "localhost:0x", "", ":80", "a b:1"] {
        let error = soon(Client::new().connect(bad)).await.unwrap_err();
        assert!(matches!(error, ConnectError::Address(_)), "{bad}: {error}");
    }
}

/// [CLOSE-4]
#[tokio::test]
async fn a_listener_that_is_dropped_closes_its_port_and_its_streams_live_on() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = soon(ends.client.connect(&address.to_string())).await.unwrap();
    let (mut stream, _) = soon(listener.accept()).await.unwrap();
    // one handshake is under way
    let mut waiting = TcpStream::connect(address).await.unwrap();
    waiting.write_all(b"\x89HF\x01").await.unwrap();
    drop(listener);
    soon(async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut rest = Vec::new();
    let end = soon(waiting.read_to_end(&mut rest)).await;
    assert!(rest.is_empty(), "{end:?}");
    for _ in 0..3 {
        client.write_all(b"still here").await.unwrap();
        let mut got = [0; 10];
        soon(stream.read_exact(&mut got)).await.unwrap();
        stream.write_all(&got).await.unwrap();
        soon(client.read_exact(&mut got)).await.unwrap();
    }
    let (a, b) = soon(async { tokio::join!(client.close(), stream.close()) }).await;
    a.unwrap();
    b.unwrap();
}

/// [AUTH-8] [LIM-4]
#[cfg(unix)]
#[tokio::test]
async fn unix_sockets_connect_and_are_told_apart() {
    let ends = Ends::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("socket");
    let listener = ends.server.listen_unix(&path).unwrap();
    assert!(listener.local_addr().is_none());
    assert_eq!(ends.server.listen_unix(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
    let client = ends.client.clone();
    let there = path.clone();
    let connecting = tokio::spawn(async move { client.connect_unix(&there, &host()).await });
    let (mut stream, peer) = soon(listener.accept()).await.unwrap();
    assert_eq!(peer.address, PeerAddr::Unix);
    assert_eq!(peer.target.name, "localhost");
    let mut client = soon(connecting).await.unwrap().unwrap();
    client.write_all(b"hello").await.unwrap();
    let mut got = [0; 5];
    soon(stream.read_exact(&mut got)).await.unwrap();
    let (a, b) = soon(async { tokio::join!(client.close(), stream.close()) }).await;
    a.unwrap();
    b.unwrap();
    let missing = dir.path().join("none");
    let error = soon(ends.client.connect_unix(&missing, &host())).await.unwrap_err();
    assert!(matches!(error, ConnectError::Io { .. }), "{error}");
}

/// [AUTH-8]
#[tokio::test]
async fn any_two_way_stream_will_do() {
    use handfast::stream::Any;
    let ends = Ends::new();
    let (a, b) = tokio::io::duplex(100);
    let (mut client, mut server) = ends.over(Any(a), Any(tokio::io::BufStream::new(b))).await;
    client.write_all(b"question").await.unwrap();
    client.flush().await.unwrap();
    let mut got = [0; 8];
    soon(server.read_exact(&mut got)).await.unwrap();
    server.write_all(b"answer").await.unwrap();
    server.flush().await.unwrap();
    let mut got = [0; 6];
    soon(client.read_exact(&mut got)).await.unwrap();
    assert_eq!(&got, b"answer");
    let (a, b) = tokio::io::duplex(100);
    let (c, d) = tokio::io::duplex(100);
    let (mut client, mut server) = ends.over((a, c), (d, b)).await;
    client.write_all(b"x").await.unwrap();
    soon(server.read_exact(&mut [0])).await.unwrap();
    let (a, b) = soon(async { tokio::join!(client.close(), server.close()) }).await;
    a.unwrap();
    b.unwrap();
}

/// [ERR-5]
#[tokio::test]
async fn an_authenticator_that_panics_takes_its_own_connection_alone() {
    let ends = Ends::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let server = ends.server.clone().authenticator(move |mut attempt: Attempt| {
        let first = count.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        async move {
            attempt.public_key().await;
            assert!(!first, "this one is meant to panic");
            attempt.admit(())
        }
    });
    let listener = server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = ends.client.clone().identity(handfast::key::Identity::generate().unwrap());
    for _ in 0..5 {
        let error = soon(client.connect(&address)).await.unwrap_err();
        assert!(matches!(error, ConnectError::Closed { .. } | ConnectError::Io { .. }), "{error}");
        let mut good = soon(client.connect(&address)).await.unwrap();
        let (mut stream, _) = soon(listener.accept()).await.unwrap();
        good.write_all(b"x").await.unwrap();
        soon(stream.read_exact(&mut [0])).await.unwrap();
    }
}
