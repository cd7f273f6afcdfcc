//! How long bytes take.

use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::ways::Measure;

/// What is written at once in bulk.
pub(crate) const CHUNK: usize = 64 << 10;
/// What goes to and fro.
pub(crate) const MESSAGE: usize = 64;

/// Chunks that go ahead, until the kernel has widened its buffers.
const CHUNKS_AHEAD: u64 = 64;
const ROUND_TRIPS_AHEAD: u64 = 64;

/// So many chunks one way; the time until the last of them was read.
pub(crate) struct Bulk(pub(crate) u64);

impl Measure for Bulk {
    type Output = Duration;

    async fn over<S>(self, client: S, server: S) -> Duration
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut client, mut server) = (client, server);
        let chunks = self.0;
        let writer = tokio::spawn(async move {
            let chunk = vec![7; CHUNK];
            let mut start = Instant::now();
            for count in [CHUNKS_AHEAD, chunks] {
                start = Instant::now();
                for _ in 0..count {
                    client.write_all(&chunk).await.unwrap();
                }
                client.flush().await.unwrap();
                // the reader has them all
                client.read_u8().await.unwrap();
            }
            start.elapsed()
        });
        let reader = tokio::spawn(async move {
            let mut room = vec![0; CHUNK];
            for count in [CHUNKS_AHEAD, chunks] {
                let mut left = count * u64::try_from(CHUNK).unwrap();
                while left > 0 {
                    let len = server.read(&mut room).await.unwrap();
                    assert_ne!(len, 0, "the writer is still there");
                    left -= u64::try_from(len).unwrap();
                }
                server.write_u8(1).await.unwrap();
                server.flush().await.unwrap();
            }
            server
        });
        let taken = writer.await.unwrap();
        reader.await.unwrap();
        taken
    }
}

/// So many messages to and fro, one after the other; the time of all.
pub(crate) struct PingPong(pub(crate) u64);

impl Measure for PingPong {
    type Output = Duration;

    async fn over<S>(self, client: S, server: S) -> Duration
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut client, mut server) = (client, server);
        let echo = tokio::spawn(async move {
            let mut message = [0; MESSAGE];
            while server.read_exact(&mut message).await.is_ok() {
                server.write_all(&message).await.unwrap();
                server.flush().await.unwrap();
            }
        });
        let caller = tokio::spawn(async move {
            let mut message = [7; MESSAGE];
            let mut start = Instant::now();
            for count in [ROUND_TRIPS_AHEAD, self.0] {
                start = Instant::now();
                for _ in 0..count {
                    client.write_all(&message).await.unwrap();
                    client.flush().await.unwrap();
                    client.read_exact(&mut message).await.unwrap();
                }
            }
            start.elapsed()
        });
        let taken = caller.await.unwrap();
        echo.await.unwrap();
        taken
    }
}
