//! Transports that keep what they are given until they are flushed: a stream flushes them whenever
//! its writer has nothing more to give at once.
//!
//! The clock stands still while anything can go on, so time that passes is time that was waited.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use handfast::stream::{Any, Transport};
use tokio::io::{
    AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufStream, BufWriter, DuplexStream,
};
use tokio::time::{Instant, sleep};

use crate::sockets::{Ends, pattern};

/// Far less than the 5 s after which everything is looked at.
const AT_ONCE: Duration = Duration::from_millis(100);

/// A writer that writes and then does something else for an hour.
async fn arrives<A: Transport, B: Transport>(ends: &Ends, a: A, b: B, chunk: usize, times: usize) {
    let (client, server) = ends.over(a, b).await;
    let data = pattern(chunk * times);
    let start = Instant::now();
    // each way, and the reader of the side that writes is not polled
    let (_reads, mut writes) = client.into_split();
    let sent = data.clone();
    let there = tokio::spawn(async move {
        for piece in sent.chunks(chunk) {
            writes.write_all(piece).await.unwrap();
        }
        sleep(Duration::from_secs(3600)).await;
        writes
    });
    let (mut reads, mut writes) = server.into_split();
    let mut got = vec![0; data.len()];
    reads.read_exact(&mut got).await.unwrap();
    assert!(got == data);
    assert!(start.elapsed() < AT_ONCE, "{chunk} {times}: {:?}", start.elapsed());
    let start = Instant::now();
    let mut reading = tokio::spawn(async move {
        let mut one = [0];
        _reads_exact(_reads, &mut one).await
    });
    writes.write_all(b"!").await.unwrap();
    let waited = tokio::select! {
        one = &mut reading => one.unwrap(),
        () = sleep(Duration::from_secs(60)) => panic!("it never comes"),
    };
    assert_eq!(waited, b'!');
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    there.abort();
}

async fn _reads_exact<IO: Transport>(
    mut reads: handfast::stream::ReadHalf<IO>,
    one: &mut [u8; 1],
) -> u8 {
    reads.read_exact(one).await.unwrap();
    one[0]
}

type Buffered = (BufReader<DuplexStream>, BufWriter<DuplexStream>);

fn pair() -> (Buffered, Buffered) {
    let ((a, b), (c, d)) = (tokio::io::duplex(1 << 16), tokio::io::duplex(1 << 16));
    ((BufReader::new(a), BufWriter::new(c)), (BufReader::new(d), BufWriter::new(b)))
}

const WRITES: [(usize, usize); 6] = [(1, 1), (1, 3), (777, 1), (777, 39), (4096, 65), (100_000, 1)];

#[tokio::test(start_paused = true)]
async fn what_is_written_arrives_through_a_transport_that_buffers() {
    let ends = Ends::new();
    for (chunk, times) in WRITES {
        let (a, b) = tokio::io::duplex(1 << 16);
        let (a, b) = (Any(BufStream::new(a)), Any(BufStream::new(b)));
        arrives(&ends, a, b, chunk, times).await;
        let (a, b) = pair();
        arrives(&ends, a, b, chunk, times).await;
        let (a, b) = tokio::io::duplex(500);
        let large = BufStream::with_capacity(1 << 20, 1 << 20, a);
        arrives(&ends, Any(large), Any(b), chunk, times).await;
    }
}

/// [REKEY-1] [CLOSE-1]
#[tokio::test(start_paused = true)]
async fn rekeys_and_ends_go_through_a_transport_that_buffers() {
    let (a, b) = pair();
    let (client, server) = Ends::new().rekeying(20_000).over(a, b).await;
    let start = Instant::now();
    let data = pattern(300_000);
    let sent = data.clone();
    let (reads, mut writes) = client.into_split();
    let there = tokio::spawn(async move {
        for piece in sent.chunks(5000) {
            writes.write_all(piece).await.unwrap();
        }
        writes.shutdown().await.unwrap();
        (reads, writes)
    });
    let (mut read, mut write) = server.into_split();
    let mut got = Vec::new();
    read.read_to_end(&mut got).await.unwrap();
    assert!(got == data);
    write.shutdown().await.unwrap();
    let (mut reads, _writes) = there.await.unwrap();
    assert_eq!(reads.read(&mut [0]).await.unwrap(), 0);
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
}

/// Counts how often it is flushed.
struct Counting<W> {
    inner: W,
    flushes: Arc<AtomicUsize>,
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Counting<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A transport that says whether it buffers.
struct Says<const BUFFERS: bool>(DuplexStream, Arc<AtomicUsize>);

impl<const BUFFERS: bool> Transport for Says<BUFFERS> {
    type Read = tokio::io::ReadHalf<DuplexStream>;
    type Write = Counting<tokio::io::WriteHalf<DuplexStream>>;

    const BUFFERS: bool = BUFFERS;

    fn into_halves(self) -> (Self::Read, Self::Write) {
        let (read, inner) = tokio::io::split(self.0);
        (read, Counting { inner, flushes: self.1 })
    }
}

async fn flushes<const BUFFERS: bool>(write: usize, times: usize) -> usize {
    let (a, b) = tokio::io::duplex(1 << 22);
    let count = Arc::<AtomicUsize>::default();
    let (mut client, server) = Ends::new().over(Says::<BUFFERS>(a, Arc::clone(&count)), b).await;
    sleep(Duration::from_millis(10)).await;
    let before = count.load(Ordering::SeqCst);
    for _ in 0..times {
        client.write_all(&vec![7; write]).await.unwrap();
    }
    sleep(Duration::from_millis(10)).await;
    let after = count.load(Ordering::SeqCst);
    drop((client, server));
    after - before
}

#[tokio::test(start_paused = true)]
async fn a_transport_is_flushed_once_behind_what_is_written_in_a_row_and_a_socket_never() {
    assert_eq!(flushes::<true>(100, 1).await, 1);
    assert_eq!(flushes::<true>(20_000, 10).await, 1);
    assert_eq!(flushes::<false>(100, 1).await, 0);
    assert_eq!(flushes::<false>(20_000, 10).await, 0);
    const { assert!(!<tokio::net::TcpStream as Transport>::BUFFERS) };
}
