//! Transports that are slow, and transports that break.

use std::io::ErrorKind;

use handfast::auth::PeerAddr;
use handfast::stream::Any;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::sockets::fake_io::{Cut, FakeIo};
use crate::sockets::{Ends, host, pattern, soon};

/// [WIRE-9] [REKEY-5] [CLOSE-4]
#[tokio::test]
async fn a_connection_lives_on_a_byte_at_a_time_with_waiting_before_each() {
    let ends = Ends::new().rekeying(3000);
    for step in [1, 2, 3, 17] {
        let (a, b) = tokio::io::duplex(64);
        let (client, server) =
            ends.over(Any(FakeIo::new(a).slow(step)), Any(FakeIo::new(b).slow(step))).await;
        let (mut read, mut write) = client.into_split();
        let data = pattern(20_000);
        let sent = data.clone();
        let writing = tokio::spawn(async move {
            for chunk in sent.chunks(333) {
                write.write_all(chunk).await.unwrap();
            }
            write.shutdown().await.unwrap();
            write
        });
        let echo = tokio::spawn(async move {
            let (mut read, mut write) = server.into_split();
            tokio::io::copy(&mut read, &mut write).await.unwrap();
            write.shutdown().await.unwrap();
            (read, write)
        });
        let mut back = Vec::new();
        soon(read.read_to_end(&mut back)).await.unwrap();
        assert!(back == data, "{step}");
        soon(writing).await.unwrap();
        soon(echo).await.unwrap();
    }
}

/// One conversation with the fault at one end: what the other end read, and how it ended.
async fn talk(ends: &Ends, a: FakeIo, b: FakeIo) -> [Option<std::io::Result<Vec<u8>>>; 2] {
    let ends = ends.clone();
    let client = async {
        let mut stream = ends.client.connect_over(Any(a), &host()).await.ok()?;
        Some(
            async {
                stream.write_all(b"one question").await?;
                stream.flush().await?;
                stream.shutdown().await?;
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).await?;
                Ok(answer)
            }
            .await,
        )
    };
    let server = async {
        let (mut stream, _) = ends.server.accept_over(Any(b), PeerAddr::Unknown).await.ok()?;
        Some(
            async {
                let mut question = Vec::new();
                stream.read_to_end(&mut question).await?;
                stream.write_all(&[question.as_slice(), b", one answer"].concat()).await?;
                stream.shutdown().await?;
                stream.close().await?;
                Ok(question)
            }
            .await,
        )
    };
    let (client, server) = soon(async { tokio::join!(client, server) }).await;
    [client, server]
}

fn pipes() -> (DuplexStream, DuplexStream) {
    tokio::io::duplex(1 << 16)
}

/// [CLOSE-4]
#[tokio::test(start_paused = true)]
async fn a_transport_that_breaks_at_any_byte_is_an_error_and_never_a_clean_end() {
    let ends = Ends::new();
    for broken in [0, 1] {
        for cut in [Cut::Eof, Cut::ReadError, Cut::WriteError] {
            let (mut at, mut whole) = (0, false);
            while !whole {
                let (a, b) = pipes();
                let (mut a, mut b) = (FakeIo::new(a), FakeIo::new(b));
                if broken == 0 {
                    a = a.cut(cut, at);
                } else {
                    b = b.cut(cut, at);
                }
                let [client, server] = talk(&ends, a, b).await;
                let good = |end: &Option<std::io::Result<Vec<u8>>>, data: &[u8]| matches!(end, Some(Ok(read)) if read == data);
                if let Some(Ok(read)) = &client {
                    assert_eq!(read, b"one question, one answer", "{broken} {cut:?} {at}");
                }
                if let Some(Ok(read)) = &server {
                    assert_eq!(read, b"one question", "{broken} {cut:?} {at}");
                }
                whole =
                    good(&client, b"one question, one answer") && good(&server, b"one question");
                at += if at > 2900 { 1 } else { 97 };
                assert!(at < 10_000, "a conversation is no longer than that");
            }
        }
    }
}

/// [CLOSE-4]
#[tokio::test]
async fn a_transports_own_error_is_passed_on() {
    let ends = Ends::new();
    let (a, b) = pipes();
    let (mut client, mut server) = ends.over(Any(FakeIo::new(a)), Any(FakeIo::new(b))).await;
    client.write_all(b"x").await.unwrap();
    server.read_exact(&mut [0]).await.unwrap();
    drop(client);
    let end = server.read(&mut [0]).await.unwrap_err();
    assert_eq!(end.kind(), ErrorKind::UnexpectedEof);
    for cut in [Cut::ReadError, Cut::WriteError] {
        let (a, b) = pipes();
        // more than a handshake, less than what follows
        let fake = FakeIo::new(b).cut(cut, 8000);
        let (mut client, mut server) = ends.over(Any(FakeIo::new(a)), Any(fake)).await;
        let data = pattern(20_000);
        let error = if cut == Cut::ReadError {
            client.write_all(&data).await.unwrap();
            server.read_exact(&mut vec![0; 20_000]).await.unwrap_err()
        } else {
            let wrote = server.write_all(&data).await;
            match wrote {
                Err(error) => error,
                Ok(()) => server.flush().await.unwrap_err(),
            }
        };
        assert_eq!(error.kind(), ErrorKind::HostUnreachable, "{cut:?}");
    }
}
