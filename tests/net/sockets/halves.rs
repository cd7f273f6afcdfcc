//! Much data, halves in tasks of their own, and one-way streams.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::sockets::{Ends, pattern, soon};

const MUCH: usize = 6 << 20;

/// [REKEY-5] [REKEY-1] [REKEY-7]
#[tokio::test]
async fn both_directions_flow_past_many_rekeys_with_slow_readers() {
    for room in [300, 1 << 16] {
        let (client, server) = Ends::new().rekeying(200_000).piped(room).await;
        let data = pattern(MUCH / 4);
        let mut tasks = Vec::new();
        for stream in [client, server] {
            let (mut read, mut write) = stream.into_split();
            let (sent, expected) = (data.clone(), data.clone());
            tasks.push(tokio::spawn(async move {
                for chunk in sent.chunks(50_001) {
                    write.write_all(chunk).await.unwrap();
                }
                write.shutdown().await.unwrap();
            }));
            tasks.push(tokio::spawn(async move {
                let mut got = Vec::new();
                let mut buffer = vec![0; 10_007];
                loop {
                    let n = read.read(&mut buffer).await.unwrap();
                    if n == 0 {
                        break;
                    }
                    got.extend_from_slice(&buffer[..n]);
                    if got.len() % 5 == 0 {
                        tokio::time::sleep(Duration::from_micros(200)).await;
                    }
                }
                assert!(got == expected);
            }));
        }
        for task in tasks {
            soon(task).await.unwrap();
        }
    }
}

/// [REKEY-1] [REKEY-5] [REKEY-8]
#[tokio::test]
async fn one_way_transfers_rekey_although_the_other_halves_are_never_polled() {
    for from_client in [true, false] {
        for split in [true, false] {
            let (client, server) = Ends::new().rekeying(500_000).piped(1 << 16).await;
            let (from, to) = if from_client { (client, server) } else { (server, client) };
            let data = pattern(MUCH);
            let sent = data.clone();
            let writing = tokio::spawn(async move {
                if split {
                    let (read, mut write) = from.into_split();
                    write.write_all(&sent).await.unwrap();
                    write.shutdown().await.unwrap();
                    std::future::pending::<()>().await;
                    drop((read, write));
                } else {
                    let mut from = from;
                    for chunk in sent.chunks(3000) {
                        from.write_all(chunk).await.unwrap();
                    }
                    from.shutdown().await.unwrap();
                    std::future::pending::<()>().await;
                }
            });
            let (mut read, write) = to.into_split();
            let mut got = Vec::new();
            soon(read.read_to_end(&mut got)).await.unwrap();
            assert!(got == data, "{from_client} {split}");
            drop(write);
            writing.abort();
        }
    }
}

/// [REKEY-5] [CLOSE-4]
#[tokio::test]
async fn a_writer_whose_reading_half_is_gone_writes_on_past_rekeys() {
    for from_client in [true, false] {
        let (client, server) = Ends::new().rekeying(300_000).piped(1 << 16).await;
        let (from, to) = if from_client { (client, server) } else { (server, client) };
        let data = pattern(MUCH);
        let sent = data.clone();
        let writing = tokio::spawn(async move {
            let (read, mut write) = from.into_split();
            drop(read);
            write.write_all(&sent).await.unwrap();
            write.shutdown().await.unwrap();
            std::future::pending::<()>().await;
        });
        let (mut read, mut write) = to.into_split();
        // Data that nobody will read stands in the way of the answers
        let chatting = tokio::spawn(async move {
            while write.write_all(&[9; 5000]).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        let mut got = Vec::new();
        soon(read.read_to_end(&mut got)).await.unwrap();
        assert!(got == data, "{from_client}");
        writing.abort();
        chatting.abort();
    }
}

/// [REKEY-5]
#[tokio::test]
async fn unread_data_does_not_stop_a_writer_before_its_key_is_worn_out() {
    for from_client in [true, false] {
        let (client, server) = Ends::new().rekeying(300_000).piped(1 << 16).await;
        let (mut from, mut to) = if from_client { (client, server) } else { (server, client) };
        to.write_all(b"unread").await.unwrap();
        to.flush().await.unwrap();
        let data = pattern(MUCH);
        let sent = data.clone();
        let writing = tokio::spawn(async move {
            // holds some of what it read, and never reads on
            assert_eq!(from.fill_buf().await.unwrap(), b"unread");
            from.consume(2);
            from.write_all(&sent).await.unwrap();
            from.shutdown().await.unwrap();
            let mut rest = [0; 4];
            from.read_exact(&mut rest).await.unwrap();
            assert_eq!(&rest, b"read");
            from
        });
        let mut got = vec![0; MUCH];
        soon(to.read_exact(&mut got)).await.unwrap();
        assert!(got == data, "{from_client}");
        soon(writing).await.unwrap();
    }
}

/// [REC-8] [WIRE-9]
#[tokio::test]
async fn small_writes_and_large_ones_arrive_whole() {
    let (mut client, mut server) = Ends::new().piped(1 << 16).await;
    let data = pattern(4 << 20);
    let sent = data.clone();
    let writing = tokio::spawn(async move {
        let (small, large) = sent.split_at(100_000);
        let mut rest = small;
        let mut n = 0;
        while !rest.is_empty() {
            n = (n + 1) % 8;
            let (chunk, more) = rest.split_at(n.min(rest.len()));
            client.write_all(chunk).await.unwrap();
            rest = more;
        }
        assert_eq!(client.write(b"").await.unwrap(), 0);
        for chunk in large.chunks(1 << 20) {
            client.write_all(chunk).await.unwrap();
        }
        client.shutdown().await.unwrap();
        client
    });
    let mut got = Vec::new();
    soon(server.read_to_end(&mut got)).await.unwrap();
    assert!(got == data);
    soon(writing).await.unwrap();
}

/// [CLOSE-4]
#[tokio::test]
async fn what_is_written_is_seen_without_a_flush_and_lines_can_be_read() {
    let (mut client, server) = Ends::new().piped(1 << 16).await;
    let mut lines = server.lines();
    for n in 0..100 {
        client.write_all(format!("line {n}\n").as_bytes()).await.unwrap();
        assert_eq!(soon(lines.next_line()).await.unwrap(), Some(format!("line {n}")));
    }
    client.write_all(b"no end of line").await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(soon(lines.next_line()).await.unwrap().as_deref(), Some("no end of line"));
    assert_eq!(soon(lines.next_line()).await.unwrap(), None);
}

/// [CLOSE-2] [CLOSE-4]
#[tokio::test]
async fn streams_can_be_copied_both_ways() {
    let ends = Ends::new();
    let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let behind = echo.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = echo.accept().await.unwrap();
        let (mut read, mut write) = stream.split();
        tokio::io::copy(&mut read, &mut write).await.unwrap();
    });
    let listener = ends.server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let proxy = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut plain = TcpStream::connect(behind).await.unwrap();
        tokio::io::copy_bidirectional(&mut stream, &mut plain).await.unwrap()
    });
    let stream = soon(ends.client.connect(&address)).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let data = pattern(3 << 20);
    let sent = data.clone();
    let writing = tokio::spawn(async move {
        write.write_all(&sent).await.unwrap();
        write.shutdown().await.unwrap();
        write
    });
    let mut back = Vec::new();
    soon(read.read_to_end(&mut back)).await.unwrap();
    assert!(back == data);
    soon(writing).await.unwrap();
    assert_eq!(soon(proxy).await.unwrap(), (3 << 20, 3 << 20));
}
