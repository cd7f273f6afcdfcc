//! Futures that are dropped wherever they wait.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use handfast::AcceptError;
use handfast::auth::PeerAddr;
use handfast::stream::Any;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::sockets::fake_io::FakeIo;
use crate::sockets::{Ends, host, pattern, soon};

/// Polls a future so many times; drops it then, if it still waits.
async fn polled<T>(times: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..times {
        let poll = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(value) = poll {
            return Some(value);
        }
        tokio::task::yield_now().await;
    }
    None
}

/// [CLOSE-4]
#[tokio::test]
async fn reads_that_are_dropped_at_any_wait_lose_no_byte() {
    let ends = Ends::new().rekeying(5000);
    for times in 1..4 {
        let (a, b) = tokio::io::duplex(100);
        let (mut client, server) = ends.over(a, Any(FakeIo::new(b).slow(13))).await;
        let data = pattern(30_000);
        let sent = data.clone();
        let writing = tokio::spawn(async move {
            for chunk in sent.chunks(777) {
                client.write_all(chunk).await.unwrap();
            }
            client.shutdown().await.unwrap();
            client
        });
        let (mut read, _write) = server.into_split();
        let mut got = Vec::new();
        let mut buffer = [0; 50];
        loop {
            match polled(times, read.read(&mut buffer)).await {
                Some(Ok(0)) => break,
                Some(Ok(n)) => got.extend_from_slice(&buffer[..n]),
                Some(Err(error)) => panic!("{error}"),
                None => {}
            }
        }
        assert!(got == data, "{times}");
        soon(writing).await.unwrap();
    }
}

/// [CLOSE-4] [CLOSE-1]
#[tokio::test]
async fn writes_flushes_and_shutdowns_that_are_dropped_send_each_byte_once() {
    let ends = Ends::new().rekeying(5000);
    for times in 1..4 {
        let (a, b) = tokio::io::duplex(100);
        let (mut client, mut server) = ends.over(Any(FakeIo::new(a).slow(29)), b).await;
        let data = pattern(30_000);
        let reading = tokio::spawn(async move {
            let mut got = Vec::new();
            server.read_to_end(&mut got).await.unwrap();
            server.shutdown().await.unwrap();
            (got, server)
        });
        let mut rest = data.as_slice();
        while !rest.is_empty() {
            let chunk = &rest[..rest.len().min(701)];
            if let Some(wrote) = polled(times, client.write(chunk)).await {
                rest = &rest[wrote.unwrap()..];
            }
            if rest.len().is_multiple_of(3) {
                let _ = polled(times, client.flush()).await;
            }
        }
        loop {
            if let Some(done) = polled(times, client.shutdown()).await {
                done.unwrap();
                break;
            }
        }
        let (got, _server) = soon(reading).await.unwrap();
        assert!(got == data, "{times}");
        soon(client.close()).await.unwrap();
    }
}

/// [CLOSE-1]
#[tokio::test]
async fn a_shutdown_that_is_dropped_goes_on_while_the_stream_is_read() {
    let (mut client, mut server) = Ends::new().piped(64).await;
    client.write_all(&[7; 1000]).await.unwrap();
    assert!(polled(1, client.shutdown()).await.is_none());
    let reading = tokio::spawn(async move {
        let mut got = Vec::new();
        server.read_to_end(&mut got).await.unwrap();
        server.shutdown().await.unwrap();
        got.len()
    });
    let mut rest = Vec::new();
    soon(client.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(soon(reading).await.unwrap(), 1000);
}

/// [CLOSE-4]
#[tokio::test]
async fn a_connect_or_accept_that_is_dropped_closes_its_stream() {
    let ends = Ends::new();
    // wherever it waits
    for times in 1..8 {
        let (a, b) = tokio::io::duplex(1 << 16);
        let server = ends.server.clone();
        let accepting = tokio::spawn(async move { server.accept_over(b, PeerAddr::Unknown).await });
        let connected = polled(times, ends.client.connect_over(a, &host())).await;
        match connected {
            Some(stream) => {
                stream.unwrap();
                soon(accepting).await.unwrap().unwrap();
                break;
            }
            None => {
                let error = soon(accepting).await.unwrap().err();
                assert!(matches!(error, None | Some(AcceptError::Closed { .. })), "{error:?}");
            }
        }
    }
    let (a, b) = tokio::io::duplex(1 << 16);
    let (client, host) = (ends.client.clone(), host());
    let connecting = tokio::spawn(async move { client.connect_over(a, &host).await });
    assert!(polled(2, ends.server.accept_over(b, PeerAddr::Unknown)).await.is_none());
    assert!(soon(connecting).await.unwrap().is_err());
}

/// [LIM-3]
#[tokio::test]
async fn an_accept_that_is_dropped_has_taken_no_client() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    assert!(polled(3, listener.accept()).await.is_none());
    for n in 0..20_u8 {
        let mut client = soon(ends.client.connect(&address)).await.unwrap();
        client.write_all(&[n]).await.unwrap();
        client.flush().await.unwrap();
        let (mut stream, _) = loop {
            if let Some(accepted) = polled(1 + usize::from(n % 3), listener.accept()).await {
                break accepted.unwrap();
            }
        };
        let mut one = [0];
        soon(stream.read_exact(&mut one)).await.unwrap();
        assert_eq!(one, [n]);
    }
}
