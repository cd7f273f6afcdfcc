//! How streams end: cleanly, cut off, with an error; and what a dropped future leaves behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use handfast::auth::{PeerAddr, anonymous};
use handfast::key::Identity;
use handfast::stream::{Any, Transport};
use handfast::trust::{Host, PinnedKeys};
use handfast::{Client, Error, ErrorCode, Server, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

async fn pair_over<A: Transport, B: Transport>(near: A, far: B) -> (Stream<A>, Stream<B>) {
    crate::limit::bounded();
    let host = Identity::generate().unwrap();
    let pins = PinnedKeys::new([host.public_key().clone()]);
    let (client, target) =
        (Client::new().host_verifier(pins), Host::new("example.org", 0).unwrap());
    let server = Server::new(host).authenticator(anonymous());
    let (connected, accepted) = tokio::join!(
        client.connect_over(near, &target),
        server.accept_over(far, PeerAddr::Unknown)
    );
    (connected.unwrap(), accepted.unwrap().0)
}

async fn pair(room: usize) -> (Stream<DuplexStream>, Stream<DuplexStream>) {
    let (near, far) = tokio::io::duplex(room);
    pair_over(near, far).await
}

async fn tcp_pair() -> (Stream<TcpStream>, Stream<TcpStream>) {
    crate::limit::bounded();
    let host = Identity::generate().unwrap();
    let pins = PinnedKeys::new([host.public_key().clone()]);
    let server = Server::new(host).authenticator(anonymous());
    let listener = server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = Client::new().host_verifier(pins).connect(&address).await.unwrap();
    (client, listener.accept().await.unwrap().0)
}

fn inner(error: &std::io::Error) -> &Error {
    error.get_ref().and_then(|error| error.downcast_ref()).unwrap()
}

/// [CLOSE-2]
#[tokio::test]
async fn a_side_that_has_closed_is_read_from_and_answers_until_the_other_closes() {
    let (mut client, mut server) = pair(1 << 16).await;
    client.shutdown().await.unwrap();
    assert_eq!(server.read(&mut [0; 1]).await.unwrap(), 0, "the end, and a clean one");
    // the transport is open still, both ways: a rekey needs an answer of the side that has closed
    server.rekey().unwrap();
    let data = vec![3; 1 << 20];
    let receive = tokio::spawn(async move {
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        all
    });
    server.write_all(&data).await.unwrap();
    server.shutdown().await.unwrap();
    assert!(receive.await.unwrap() == data);
    let error = server.write_all(b"more").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
}

/// [CLOSE-4]
#[tokio::test]
async fn a_stream_that_is_dropped_is_truncated_to_its_peer() {
    for sent in [0, 5] {
        let (mut client, mut server) = tcp_pair().await;
        client.write_all(&vec![1; sent]).await.unwrap();
        client.flush().await.unwrap();
        drop(client);
        let mut all = Vec::new();
        let error = server.read_to_end(&mut all).await.unwrap_err();
        assert_eq!((error.kind(), inner(&error)), (ErrorKind::UnexpectedEof, &Error::Truncated));
        assert_eq!(all.len(), sent, "what came before it is delivered");
    }
}

/// A pipe that ends after so many bytes more, once it was told how many.
struct Cut(DuplexStream, Arc<AtomicUsize>);

impl AsyncRead for Cut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let left = self.1.load(Ordering::SeqCst);
        if left == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut some = vec![0; buf.remaining().min(left)];
        let mut some = ReadBuf::new(&mut some);
        let poll = Pin::new(&mut self.0).poll_read(cx, &mut some);
        buf.put_slice(some.filled());
        self.1.fetch_sub(some.filled().len(), Ordering::SeqCst);
        poll
    }
}

impl AsyncWrite for Cut {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// [CLOSE-4]
#[tokio::test]
async fn a_stream_that_is_cut_anywhere_is_never_taken_for_a_whole_one() {
    let data = 2 + 3 + 1 + 16;
    let whole = 2 * data + 2 + 1 + 16;
    for len in 0..=whole {
        let (near, far) = tokio::io::duplex(1 << 16);
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let (mut client, mut server) = pair_over(near, Any(Cut(far, Arc::clone(&left)))).await;
        left.store(len, Ordering::SeqCst);
        client.write_all(b"one").await.unwrap();
        client.flush().await.unwrap();
        client.write_all(b"two").await.unwrap();
        client.shutdown().await.unwrap();
        let mut all = Vec::new();
        let read = server.read_to_end(&mut all).await;
        let came = &b"onetwo"[..3 * (len / data).min(2)];
        assert_eq!(all, came, "{len}: what came is delivered");
        match read {
            Ok(_) => assert_eq!(len, whole, "the end was not said"),
            Err(error) => {
                let found = (error.kind(), inner(&error));
                assert_eq!(found, (ErrorKind::UnexpectedEof, &Error::Truncated), "{len}");
                assert!(len < whole, "all was there");
            }
        }
    }
}

/// [CLOSE-4]
#[tokio::test]
async fn the_writing_half_alone_dropped_is_truncated_too_and_shut_down_is_not() {
    for clean in [true, false] {
        let (client, mut server) = tcp_pair().await;
        let (mut read, mut write) = client.into_split();
        write.write_all(b"words").await.unwrap();
        if clean {
            write.shutdown().await.unwrap();
        }
        drop(write);
        let mut all = Vec::new();
        assert_eq!(server.read_to_end(&mut all).await.is_ok(), clean);
        assert_eq!(all, b"words");
        if clean {
            server.write_all(b"answer").await.unwrap();
            server.shutdown().await.unwrap();
            let mut all = Vec::new();
            read.read_to_end(&mut all).await.unwrap();
            assert_eq!(all, b"answer", "the reading half lives on");
        }
    }
}

/// [ERR-1] [ERR-2]
#[tokio::test]
async fn an_abort_reaches_a_peer_that_is_still_sending() {
    let (client, server) = tcp_pair().await;
    let (mut read, mut write) = server.into_split();
    let send = tokio::spawn(async move {
        let flood = vec![0; 1 << 16];
        loop {
            if let Err(error) = write.write_all(&flood).await {
                return error;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.abort(ErrorCode::Application(200), "enough of it").await.unwrap();
    let error = read.read_u8().await.unwrap_err();
    let Error::Ended(farewell) = inner(&error) else { panic_with(&error) };
    assert_eq!(
        (farewell.code, farewell.text.as_str()),
        (ErrorCode::Application(200), "enough of it")
    );
    send.await.unwrap();
}

#[expect(clippy::panic, reason = "a test that finds something else fails")]
fn panic_with(error: &std::io::Error) -> ! {
    panic!("{error}")
}

/// [ERR-2]
#[tokio::test(start_paused = true)]
async fn an_abort_waits_a_second_for_a_peer_that_does_not_read_and_no_longer() {
    let (client, server) = pair(1 << 12).await;
    let start = tokio::time::Instant::now();
    client.abort(ErrorCode::Internal, "").await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 1);
    drop(server);
}

#[tokio::test]
async fn a_text_that_no_error_takes_is_refused_and_the_stream_goes_on() {
    let (client, server) = pair(1 << 12).await;
    let error = client.abort(ErrorCode::Application(128), "a\nb").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    drop(server);
}

/// Polls a write once for each byte of room that the peer makes, and drops its future each time.
#[tokio::test]
async fn writes_that_are_dropped_at_any_await_lose_nothing_that_they_reported() {
    let (mut client, mut server) = pair(64).await;
    let mut cx = Context::from_waker(Waker::noop());
    let (mut reported, mut pending) = (Vec::new(), 0);
    let mut got = Vec::new();
    for round in 0..2000_u16 {
        let piece = [round.to_le_bytes()[0]; 37];
        match Pin::new(&mut client).poll_write(&mut cx, &piece) {
            Poll::Ready(len) => reported.extend_from_slice(&piece[..len.unwrap()]),
            Poll::Pending => pending += 1,
        }
        if round % 3 == 0 {
            let _ = Pin::new(&mut client).poll_flush(&mut cx).map(Result::unwrap);
        }
        let mut buffer = [0; 50];
        let read = std::pin::pin!(server.read(&mut buffer)).poll(&mut cx);
        if let Poll::Ready(len) = read {
            got.extend_from_slice(&buffer[..len.unwrap()]);
        }
    }
    assert!(pending > 100, "futures were dropped while they waited: {pending}");
    let finish = tokio::spawn(async move {
        client.shutdown().await.unwrap();
        client
    });
    server.read_to_end(&mut got).await.unwrap();
    finish.await.unwrap();
    assert!(got == reported, "{} bytes reported, {} received", reported.len(), got.len());
}

#[tokio::test]
async fn reads_and_shutdowns_that_are_dropped_lose_nothing() {
    let (mut client, mut server) = pair(16).await;
    let data: Vec<u8> = (0..3000_u16).map(|n| n.to_le_bytes()[0]).collect();
    let sent = data.clone();
    let write = tokio::spawn(async move {
        server.write_all(&sent).await.unwrap();
        // each time-out drops a future of shutdown, until one comes through
        while timeout(Duration::from_micros(50), server.shutdown()).await.is_err() {}
        server
    });
    let mut got = Vec::new();
    loop {
        let mut buffer = [0; 7];
        if let Ok(len) = timeout(Duration::from_micros(20), client.read(&mut buffer)).await {
            let len = len.unwrap();
            if len == 0 {
                break;
            }
            got.extend_from_slice(&buffer[..len]);
        }
    }
    assert!(got == data);
    write.await.unwrap();
}
