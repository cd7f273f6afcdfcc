//! Small writes are gathered, and whoever is there sends what is left: at once, not when the task
//! that looks after a connection looks in by itself.
//!
//! The clock stands still while anything can go on, so time that passes is time that was waited.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

use crate::sockets::{Ends, pattern};

/// Far less than the 5 s after which everything is looked at.
const AT_ONCE: Duration = Duration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn a_burst_arrives_whatever_its_size_and_whatever_the_transport_holds() {
    for room in [100, 1000, 16 << 10, 1 << 16, 1 << 20] {
        for (chunk, times) in [(1, 3), (777, 39), (4096, 4), (4096, 65), (4096, 66), (10_000, 2)] {
            let (client, mut server) = Ends::new().piped(room).await;
            let (mut reads, mut writes) = client.into_split();
            // a half that waits in its own task
            let waiting = tokio::spawn(async move { reads.read_u8().await });
            let start = Instant::now();
            let data = pattern(chunk * times);
            let sent = data.clone();
            let writing = tokio::spawn(async move {
                for piece in sent.chunks(chunk) {
                    writes.write_all(piece).await.unwrap();
                }
                sleep(Duration::from_secs(3600)).await;
                writes
            });
            let mut got = vec![0; data.len()];
            server.read_exact(&mut got).await.unwrap();
            assert!(got == data);
            assert!(start.elapsed() < AT_ONCE, "{room} {chunk} {times}: {:?}", start.elapsed());
            writing.abort();
            waiting.abort();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_arrives_although_its_writer_was_reading_and_stopped() {
    let (mut client, mut server) = Ends::new().piped(16 << 10).await;
    server.write_all(b"hello").await.unwrap();
    server.flush().await.unwrap();
    let start = Instant::now();
    let writing = tokio::spawn(async move {
        client.write_all(&[1; 10_000]).await.unwrap();
        client.write_all(&[2; 10_000]).await.unwrap();
        client.write_all(&[3; 10_000]).await.unwrap();
        client.read_exact(&mut [0; 5]).await.unwrap();
        sleep(Duration::from_secs(3600)).await;
    });
    server.read_exact(&mut vec![0; 30_000]).await.unwrap();
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    writing.abort();
}

/// [CLOSE-4]
#[tokio::test(start_paused = true)]
async fn what_was_written_arrives_before_the_end_of_a_stream_that_is_dropped() {
    let (mut client, mut server) = Ends::new().piped(1 << 16).await;
    for word in [b"one", b"two", b"six"] {
        client.write_all(word).await.unwrap();
    }
    drop(client);
    let mut got = Vec::new();
    let error = server.read_to_end(&mut got).await.unwrap_err();
    assert_eq!(got, b"onetwosix");
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
}
