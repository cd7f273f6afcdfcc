//! Close, truncation, abort.

use std::io::ErrorKind;
use std::time::Duration;

use handfast::auth::PeerAddr;
use handfast::{ErrorCode, Stream};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::wire::established::{BOTH, Ours, cause, drain, pair, pair_over};
use crate::wire::support::link::{Channel, SILENCE};
use crate::wire::support::messages::{CLOSE, DATA, ERROR, PING, PONG, Proof, error, inner};
use crate::wire::support::rig::{ALICE, serve, server, soon};

/// [CLOSE-2] [CLOSE-3] [CLOSE-4]
#[tokio::test]
async fn the_peers_close_ends_reading_and_writing_goes_on() {
    for ours in BOTH {
        let (mut channel, mut stream) = pair(ours).await;
        channel.send(DATA, b"request").await;
        channel.send(CLOSE, b"").await;
        let (data, end) = drain(&mut stream).await;
        end.unwrap();
        assert_eq!(data, b"request");
        assert_eq!(stream.read(&mut [0; 4]).await.unwrap(), 0, "the end stays");
        stream.write_all(b"answer").await.unwrap();
        stream.write_all(b"more").await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(soon(channel.expect(DATA)).await, b"answer");
        assert_eq!(soon(channel.expect(DATA)).await, b"more");
        assert_eq!(soon(channel.expect(CLOSE)).await, b"");
        soon(channel.expect_silence()).await;
        assert!(stream.write(b"x").await.is_err(), "CLOSE-1");
    }
}

/// [CLOSE-1] [CLOSE-2]
#[tokio::test]
async fn after_its_own_close_a_side_reads_on_and_still_answers_pings() {
    for ours in BOTH {
        let (mut channel, mut stream) = pair(ours).await;
        stream.write_all(b"all").await.unwrap();
        stream.shutdown().await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(soon(channel.expect(DATA)).await, b"all");
        assert_eq!(soon(channel.expect(CLOSE)).await, b"");
        let late = stream.write(b"x").await.unwrap_err();
        assert_eq!(late.kind(), ErrorKind::BrokenPipe);
        channel.send(PING, &[7; 8]).await;
        channel.send(DATA, b"answer").await;
        let mut data = [0; 6];
        soon(stream.read_exact(&mut data)).await.unwrap();
        assert_eq!(&data, b"answer");
        let reading = tokio::spawn(async move { drain(&mut stream).await });
        assert_eq!(soon(channel.expect(PONG)).await, [7; 8]);
        channel.send(CLOSE, b"").await;
        soon(channel.expect_silence()).await;
        let (rest, end) = reading.await.unwrap();
        assert!(rest.is_empty());
        end.unwrap();
    }
}

/// [CLOSE-3]
#[tokio::test]
async fn bytes_behind_both_closes_are_ignored() {
    for ours in BOTH {
        let (mut channel, mut stream) = pair(ours).await;
        stream.shutdown().await.unwrap();
        channel.send(CLOSE, b"").await;
        channel.send(DATA, b"late").await;
        channel.send(ERROR, &error(200, "")).await;
        channel.link.offer(b"garbage, not a record").await;
        let (data, end) = drain(&mut stream).await;
        assert_eq!(data, b"");
        end.unwrap();
        assert_eq!(soon(channel.expect(CLOSE)).await, b"");
        soon(channel.expect_silence()).await;
        soon(stream.close()).await.unwrap();
    }
}

/// So much that a writer looks for what the peer has sent.
static MUCH: [u8; 600_000] = [4; 600_000];

/// Data, then an Error with this code.
async fn skip_data(channel: &mut Channel, code: u16) {
    loop {
        let record = channel.next().await.expect("a record");
        if record.kind != DATA {
            assert_eq!(record.code(), code);
            return;
        }
    }
}

/// [CLOSE-5]
#[tokio::test]
async fn data_or_a_second_close_behind_close_is_error_1() {
    for ours in BOTH {
        for (kind, content) in [(DATA, b"late".as_slice()), (CLOSE, b"")] {
            let (mut channel, mut stream) = pair_over(ours, 1 << 20).await;
            channel.send(CLOSE, b"").await;
            channel.send(kind, content).await;
            let (data, end) = drain(&mut stream).await;
            assert_eq!(data, b"");
            end.unwrap();
            let wrote = soon(stream.write_all(&MUCH)).await.unwrap_err();
            assert_eq!(wrote.kind(), ErrorKind::InvalidData, "{ours:?} {kind}");
            let reading = tokio::spawn(async move { drain(&mut stream).await });
            soon(skip_data(&mut channel, 1)).await;
            drop(channel);
            let (_, end) = reading.await.unwrap();
            assert_eq!(end.unwrap_err().kind(), ErrorKind::InvalidData);
        }
    }
}

/// [CLOSE-4]
#[tokio::test]
async fn a_connection_cut_at_any_byte_is_truncated_and_never_clean() {
    for ours in BOTH {
        let (mut channel, _stream) = pair(ours).await;
        let mut sizes = Vec::new();
        let messages: [(u8, &[u8]); 6] = [
            (DATA, b"a"),
            (PING, &[1; 8]),
            (DATA, b"bcd"),
            (150, b""),
            (DATA, b"ef"),
            (CLOSE, b""),
        ];
        for (kind, content) in messages {
            sizes.push(channel.tx.seal(&inner(kind, content)).len());
        }
        let total: usize = sizes.iter().sum();
        for cut in 0..=total {
            let (mut channel, mut stream) = pair(ours).await;
            let mut bytes = Vec::new();
            for (kind, content) in messages {
                bytes.extend(channel.tx.seal(&inner(kind, content)));
            }
            channel.link.send(&bytes[..cut]).await;
            channel.link.io.shutdown().await.unwrap();
            let (data, end) = drain(&mut stream).await;
            let mut expected = Vec::new();
            let mut upto = 0;
            for ((kind, content), size) in messages.iter().zip(&sizes) {
                upto += size;
                if upto <= cut && *kind == DATA {
                    expected.extend_from_slice(content);
                }
            }
            assert_eq!(data, expected, "{ours:?} cut at {cut}");
            match end {
                Ok(()) => assert_eq!(cut, total, "{ours:?}"),
                Err(error) => {
                    assert!(cut < total);
                    assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{ours:?} cut at {cut}");
                    let again = stream.read(&mut [0; 9]).await.unwrap_err();
                    assert_eq!(again.kind(), ErrorKind::UnexpectedEof);
                }
            }
        }
    }
}

/// [CLOSE-4] [AUTH-6]
#[tokio::test]
async fn a_client_auth_cut_at_any_byte_admits_nobody() {
    let (server, called) = server();
    let mut n = 0;
    loop {
        let (io, task) = serve(&server);
        let mut channel = soon(crate::wire::support::client::say_hello(
            io,
            &crate::wire::support::client::Hello::new(),
        ))
        .await;
        channel.server_auth().await;
        let record = channel.client_auth_record(&Proof::of_client(&ALICE));
        if n >= record.len() {
            break;
        }
        channel.link.send(&record[..n]).await;
        channel.link.io.shutdown().await.unwrap();
        assert_eq!(soon(channel.link.end()).await, SILENCE, "{n}");
        drop(channel);
        assert!(task.await.unwrap().is_err(), "{n}");
        n += 13;
    }
    assert_eq!(called.get(), 0);
}

/// [CLOSE-4]
#[tokio::test]
async fn a_stream_dropped_without_shutdown_is_cut_off_behind_its_data() {
    for ours in BOTH {
        let (mut channel, mut stream) = pair(ours).await;
        stream.write_all(b"half").await.unwrap();
        drop(stream);
        assert_eq!(soon(channel.expect(DATA)).await, b"half");
        soon(channel.expect_silence()).await;
    }
}

/// [CLOSE-4]
#[tokio::test]
async fn a_writing_half_dropped_without_shutdown_is_cut_off_while_the_other_half_lives() {
    for ours in BOTH {
        let (mut channel, stream) = pair(ours).await;
        let (mut read, mut write) = stream.into_split();
        write.write_all(b"half").await.unwrap();
        write.flush().await.unwrap();
        drop(write);
        let reading = tokio::spawn(async move {
            let mut data = Vec::new();
            read.read_to_end(&mut data).await.map(|_| data)
        });
        assert_eq!(soon(channel.expect(DATA)).await, b"half");
        soon(channel.expect_silence()).await;
        channel.send(DATA, b"still").await;
        channel.send(CLOSE, b"").await;
        assert_eq!(soon(reading).await.unwrap().unwrap(), b"still");
    }
}

/// A server's stream over TCP, and the scripted peer at the other end.
async fn tcp() -> (Channel, Stream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accept = tokio::spawn(async move {
        let (io, from) = listener.accept().await.unwrap();
        server().0.accept_over(io, PeerAddr::Ip(from)).await.unwrap().0
    });
    let io = TcpStream::connect(address).await.unwrap();
    let channel = soon(Channel::connect(io, &Proof::of_client(&ALICE))).await;
    (channel, accept.await.unwrap())
}

/// [ERR-2] [ERR-1]
#[tokio::test]
async fn an_abort_reaches_a_peer_that_is_still_sending() {
    let (mut channel, mut stream) = tcp().await;
    let sending = async {
        // as much as the other side drops, at most
        for _ in 0..60 {
            channel.send(DATA, &[6; 16_000]).await;
        }
        let record = channel.next().await.unwrap();
        assert_eq!((record.kind, record.content), (ERROR, error(200, "enough")));
        assert_eq!(channel.link.end().await, SILENCE);
        drop(channel);
    };
    let aborting = async {
        stream.read_exact(&mut [0; 10]).await.unwrap();
        stream.abort(ErrorCode::Application(200), "enough").await.unwrap();
    };
    soon(async { tokio::join!(sending, aborting) }).await;
}

/// [ERR-1] [ERR-2]
#[tokio::test]
async fn an_abort_with_unread_data_comes_behind_what_was_written() {
    for ours in BOTH {
        for read in 0..3 {
            let (mut channel, mut stream) = pair(ours).await;
            channel.send(DATA, b"0123456789").await;
            let mut first = vec![0; read];
            soon(stream.read_exact(&mut first)).await.unwrap();
            if read == 2 {
                // looked at and not taken
                assert_eq!(stream.fill_buf().await.unwrap(), b"23456789");
            }
            stream.write_all(b"last words").await.unwrap();
            let abort = tokio::spawn(stream.abort(ErrorCode::Application(300), "why"));
            assert_eq!(soon(channel.expect(DATA)).await, b"last words");
            assert_eq!(soon(channel.expect(ERROR)).await, error(300, "why"), "{ours:?} {read}");
            soon(channel.expect_silence()).await;
            drop(channel);
            abort.await.unwrap().unwrap();
        }
    }
}

/// [ERR-2]
#[tokio::test(start_paused = true)]
async fn lingering_ends_after_a_second_or_a_mebibyte() {
    for ours in BOTH {
        // the peer neither reads nor closes
        let (channel, stream) = pair_over(ours, 1024).await;
        let start = tokio::time::Instant::now();
        stream.abort(ErrorCode::Application(200), &"x".repeat(255)).await.unwrap();
        assert_eq!(start.elapsed().as_millis(), 1000);
        drop(channel);
        // the peer reads, and keeps the stream open
        let (mut channel, stream) = pair(ours).await;
        let start = tokio::time::Instant::now();
        stream.abort(ErrorCode::Application(200), "").await.unwrap();
        assert_eq!(start.elapsed().as_millis(), 1000);
        assert_eq!(channel.expect(ERROR).await, error(200, ""));
        // the peer sends and sends
        let (mut channel, stream) = pair(ours).await;
        let start = tokio::time::Instant::now();
        let abort = tokio::spawn(stream.abort(ErrorCode::Application(200), ""));
        let mut sent = 0;
        while channel.link.offer(&[0; 1 << 10]).await {
            sent += 1 << 10;
            assert!(sent < 2 << 20, "a mebibyte is enough");
        }
        abort.await.unwrap().unwrap();
        assert!(sent >= 1 << 20, "{sent}");
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}

/// [ERR-1] [WIRE-6]
#[tokio::test]
async fn an_abort_with_a_text_that_is_none_is_refused() {
    for text in ["a\nb", &"x".repeat(256)] {
        let (_channel, stream) = pair(Ours::Server).await;
        assert!(stream.abort(ErrorCode::Application(200), text).await.is_err());
    }
}

/// [CLOSE-4] [ERR-3]
#[tokio::test]
async fn a_writer_learns_of_the_peers_end() {
    for ours in BOTH {
        let (mut channel, mut stream) = pair_over(ours, 1 << 20).await;
        channel.send(ERROR, &error(5, "")).await;
        let wrote = soon(stream.write_all(&MUCH)).await.unwrap_err();
        assert!(
            matches!(cause(&wrote), handfast::Error::Ended(f) if f.code == ErrorCode::ShuttingDown)
        );
        let (mut channel, mut stream) = pair_over(ours, 1 << 20).await;
        channel.link.io.shutdown().await.unwrap();
        let wrote = soon(stream.write_all(&MUCH)).await.unwrap_err();
        assert_eq!(wrote.kind(), ErrorKind::UnexpectedEof);
    }
}

/// [ERR-2] [ERR-1] [REC-3]
#[tokio::test(start_paused = true)]
async fn a_side_that_only_writes_lingers_too_when_it_finds_a_fault() {
    for ours in BOTH {
        let (mut channel, mut stream) = pair(ours).await;
        let writing = tokio::spawn(async move {
            loop {
                if let Err(error) = stream.write_all(&[5; 10_000]).await {
                    return error;
                }
            }
        });
        channel.link.send(&[0, 16]).await;
        skip_data(&mut channel, 1).await;
        for _ in 0..500 {
            assert!(channel.link.offer(&[0; 1000]).await, "{ours:?}: it reads on and drops");
        }
        drop(channel);
        assert_eq!(writing.await.unwrap().kind(), ErrorKind::InvalidData);
    }
}
