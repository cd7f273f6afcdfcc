//! After Welcome, at either end: what each record does.

use std::io::ErrorKind;

use handfast::{Error, ErrorCode, Farewell, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::wire::support::link::{Channel, SILENCE};
use crate::wire::support::messages::{
    AUTH, CLOSE, DATA, ERROR, PING, PONG, Proof, REKEY_ASK, REKEY_DONE, REKEY_INIT, REKEY_REPLY,
    bytes16, error, inner,
};
use crate::wire::support::rig::{ALICE, HOST, client, connect_over, serve_over, server, soon};

/// Which end is this crate's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ours {
    Client,
    Server,
}

pub(crate) const BOTH: [Ours; 2] = [Ours::Client, Ours::Server];

/// A connection between this crate's stream and the scripted peer.
pub(crate) async fn pair(ours: Ours) -> (Channel, Stream<DuplexStream>) {
    pair_over(ours, 1 << 16).await
}

pub(crate) async fn pair_over(ours: Ours, room: usize) -> (Channel, Stream<DuplexStream>) {
    match ours {
        Ours::Client => {
            let (io, task) = connect_over(&client().0, room);
            let channel = soon(Channel::accept(io, &HOST)).await;
            (channel, task.await.unwrap().unwrap())
        }
        Ours::Server => {
            let (io, task) = serve_over(&server().0, room);
            let channel = soon(Channel::connect(io, &Proof::of_client(&ALICE))).await;
            (channel, task.await.unwrap().unwrap().0)
        }
    }
}

/// Reads to the end: what came, and how it ended.
pub(crate) async fn drain(stream: &mut Stream<DuplexStream>) -> (Vec<u8>, std::io::Result<()>) {
    let mut data = Vec::new();
    let end = soon(stream.read_to_end(&mut data)).await;
    (data, end.map(drop))
}

/// The error of this crate inside an I/O error.
pub(crate) fn cause(error: &std::io::Error) -> &Error {
    error.get_ref().unwrap().downcast_ref().unwrap()
}

/// The peer does this to a stream; the application sees the Data that came before and then an
/// error, the peer Error 1 and the end.
async fn is_error_1(ours: Ours, what: &str, act: impl AsyncFnOnce(&mut Channel)) {
    let (mut channel, mut stream) = pair(ours).await;
    channel.send(DATA, b"before").await;
    act(&mut channel).await;
    let peer = async {
        let record = channel.next().await.expect(what);
        assert_eq!(record.code(), 1, "{what}");
        assert_eq!(channel.link.end().await, SILENCE);
        drop(channel);
    };
    let ((), (data, end)) = tokio::join!(soon(peer), drain(&mut stream));
    assert_eq!(data, b"before", "{ours:?} {what}");
    assert_eq!(end.unwrap_err().kind(), ErrorKind::InvalidData, "{ours:?} {what}");
    let again = stream.read(&mut [0; 9]).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::InvalidData, "it stays ended");
    assert!(stream.write(b"x").await.is_err(), "nothing is sent any more");
    assert!(stream.shutdown().await.is_err());
}

/// [WIRE-10] [REC-2] [REC-7] [REC-8] [PING-4] [REKEY-9] [ERR-1] [ERR-3]
#[tokio::test]
async fn records_out_of_place_or_malformed_are_error_1() {
    let mut wrong: Vec<(u8, Vec<u8>)> = vec![
        (AUTH, vec![5, 0, 0, 0]),
        (AUTH, vec![]),
        (DATA, vec![]),
        (CLOSE, vec![1]),
        (ERROR, vec![]),
        (ERROR, vec![0, 1]),
        (ERROR, [error(1, ""), vec![0]].concat()),
        (ERROR, error(1, "a\nb")),
        (ERROR, error(1, &"x".repeat(256))),
        (PING, vec![0; 7]),
        (PING, vec![0; 9]),
        (PONG, vec![0; 8]),
        (PONG, vec![]),
        (REKEY_ASK, vec![1]),
        (REKEY_DONE, vec![]),
        (REKEY_DONE, vec![1]),
        (REKEY_REPLY, [vec![9; 32], bytes16(&[1; 1088])].concat()),
        (REKEY_INIT, vec![1]),
    ];
    wrong.extend([11, 12, 64, 127].map(|kind| (kind, vec![1, 2])));
    for ours in BOTH {
        for (kind, content) in &wrong {
            let what = format!("type {kind}, {} bytes", content.len());
            is_error_1(ours, &what, async |c| c.send(*kind, content).await).await;
        }
        is_error_1(ours, "no type", async |c| {
            let record = c.tx.seal(&[0; 100]);
            c.link.send(&record).await;
        })
        .await;
        is_error_1(ours, "no inner", async |c| {
            let record = c.tx.seal(&[]);
            c.link.send(&record).await;
        })
        .await;
    }
    is_error_1(Ours::Server, "RekeyAsk", async |c| c.send(REKEY_ASK, b"").await).await;
    let init = [vec![9; 32], bytes16(&[1; 1184])].concat();
    is_error_1(Ours::Client, "RekeyInit", async |c| c.send(REKEY_INIT, &init).await).await;
}

/// [REC-3] [REC-1] [ERR-1]
#[tokio::test]
async fn a_record_that_does_not_decrypt_is_error_1_and_there_is_no_second_try() {
    for ours in BOTH {
        for at in [0, 1, 2, 10, 18, 22] {
            is_error_1(ours, &format!("altered at {at}"), async |c| {
                let good = c.tx.seal(&inner(DATA, b"text"));
                let mut bad = good.clone();
                // a longer record takes the next one's first bytes
                bad[at] ^= if at == 0 { 0 } else { 1 };
                if at == 0 {
                    bad[2] ^= 0x80;
                }
                c.link.send(&[bad, good, vec![0; 2]].concat()).await;
            })
            .await;
        }
        is_error_1(ours, "one left out", async |c| {
            c.tx.sequence += 1;
            c.send(DATA, b"x").await;
        })
        .await;
        for n in 0..17_u8 {
            is_error_1(ours, &format!("n of {n}"), async |c| c.link.send(&[0, n]).await).await;
        }
    }
}

/// [REC-6]
#[tokio::test]
async fn types_from_128_are_ignored_up_to_1024_in_a_row() {
    for ours in BOTH {
        let (mut channel, mut stream) = pair(ours).await;
        for round in 0..2 {
            for n in 0..1024_u32 {
                channel.send(128 + (n % 128) as u8, &n.to_be_bytes()).await;
            }
            channel.send(DATA, &[round]).await;
            let mut one = [9];
            soon(stream.read_exact(&mut one)).await.unwrap();
            assert_eq!(one, [round]);
        }
        channel.send(CLOSE, b"").await;
        assert!(matches!(drain(&mut stream).await, (data, Ok(())) if data.is_empty()));
        is_error_1(ours, "1,025", async |c| {
            for _ in 0..1025 {
                c.send(200, b"").await;
            }
        })
        .await;
    }
}

/// [REC-2] [REC-4]
#[tokio::test]
async fn padding_and_records_up_to_65535_are_taken() {
    for ours in BOTH {
        let (mut channel, mut stream) = pair_over(ours, 1 << 18).await;
        let mut padded = inner(DATA, b"ab\0\0");
        padded.resize(65_535 - 16, 0);
        let record = channel.tx.seal(&padded);
        assert_eq!(&record[..2], [0xff, 0xff]);
        channel.link.send(&record).await;
        let large = vec![3; 65_535 - 17];
        channel.send(DATA, &large).await;
        channel.send(CLOSE, &[]).await;
        let (data, end) = drain(&mut stream).await;
        end.unwrap();
        assert!(data == [b"ab\0\0".as_slice(), &large].concat());
    }
}

/// [ERR-3] [ERR-1] [WIRE-8]
#[tokio::test]
async fn a_peers_error_comes_behind_its_data_and_nothing_is_answered() {
    for ours in BOTH {
        for (code, text, kind) in [
            (1, "", ErrorKind::ConnectionAborted),
            (2, "", ErrorKind::PermissionDenied),
            (3, "", ErrorKind::TimedOut),
            (5, "", ErrorKind::ConnectionAborted),
            (6, "", ErrorKind::PermissionDenied),
            (99, "later", ErrorKind::ConnectionAborted),
            (128, "out of \u{1F980}", ErrorKind::ConnectionAborted),
            (65535, "x", ErrorKind::ConnectionAborted),
        ] {
            let (mut channel, mut stream) = pair(ours).await;
            channel.send(DATA, b"before").await;
            channel.send(ERROR, &error(code, text)).await;
            channel.send(DATA, b"behind").await;
            let (data, end) = drain(&mut stream).await;
            assert_eq!(data, b"before");
            let end = end.unwrap_err();
            assert_eq!(end.kind(), kind, "{code}");
            let Error::Ended(Farewell { code: told, text: said, .. }) = cause(&end) else {
                panic!("{end}");
            };
            assert_eq!((told.number(), said.as_str()), (code, text));
            assert_eq!(*told, ErrorCode::from_number(code));
            assert!(stream.write_all(b"x").await.is_err());
            drop(stream);
            soon(channel.expect_silence()).await;
        }
    }
}

/// [PING-1]
#[tokio::test]
async fn pings_are_answered_in_order_whatever_half_is_polled() {
    for ours in BOTH {
        for reading in [true, false] {
            let (mut channel, mut stream) = pair_over(ours, 1 << 20).await;
            for n in 0..8 {
                channel.send(PING, &[n; 8]).await;
            }
            if reading {
                channel.send(DATA, b"x").await;
                soon(stream.read_exact(&mut [0])).await.unwrap();
            } else {
                soon(stream.write_all(&[4; 600_000])).await.unwrap();
                soon(stream.flush()).await.unwrap();
            }
            for n in 0..8 {
                let pong = loop {
                    match soon(channel.next()).await.unwrap() {
                        record if record.kind == DATA => {}
                        other => break other,
                    }
                };
                assert_eq!((pong.kind, pong.content), (PONG, vec![n; 8]));
            }
        }
    }
}

/// [PING-3]
#[tokio::test]
async fn the_ninth_ping_with_8_pongs_unwritten_is_error_1() {
    for ours in BOTH {
        let (mut channel, mut stream) = pair(ours).await;
        let mut bytes = Vec::new();
        for n in 0..9 {
            bytes.extend(channel.tx.seal(&inner(PING, &[n; 8])));
        }
        channel.link.send(&bytes).await;
        let peer = async {
            loop {
                let record = channel.next().await.unwrap();
                if record.kind != PONG {
                    assert_eq!(record.code(), 1);
                    break;
                }
            }
            drop(channel);
        };
        let ((), (_, end)) = tokio::join!(soon(peer), drain(&mut stream));
        assert_eq!(end.unwrap_err().kind(), ErrorKind::InvalidData);
    }
}

/// [PING-3]
#[tokio::test(start_paused = true)]
async fn a_peer_that_pings_and_never_reads_is_cut_off_and_takes_no_memory() {
    for ours in BOTH {
        let (mut channel, stream) = pair_over(ours, 1024).await;
        let app = tokio::spawn(async move {
            let mut stream = stream;
            drain(&mut stream).await.1
        });
        // 27 bytes each way: the pipe holds 38 Pongs, and 8 may be owed besides
        let mut sent = 0;
        for n in 0..200_u8 {
            if !channel.offer(PING, &[n; 8]).await {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            if app.is_finished() {
                break;
            }
            sent += 1;
        }
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        assert!(app.is_finished(), "{ours:?}: {sent} Pings without a Pong that was read");
        assert_eq!(app.await.unwrap().unwrap_err().kind(), ErrorKind::InvalidData);
    }
}

/// [SCHED-3] [SCHED-4] [SCHED-6]
#[tokio::test]
async fn both_ends_export_the_same_and_reserved_labels_are_refused() {
    use crate::wire::support::crypto::export;
    for ours in BOTH {
        let (channel, stream) = pair(ours).await;
        let exporter = channel.secrets.exporter;
        for (label, context, n) in [
            ("app", b"".as_slice(), 32),
            ("", b"context", 1),
            ("app", b"context", 8160),
            ("channel binding", b"", 32),
        ] {
            let mut out = vec![0; n];
            stream.export(label, context, &mut out).unwrap();
            assert_eq!(out, export(&exporter, label, context, n), "{label}");
        }
        let binding = export(&exporter, "channel binding", b"", 32);
        assert_eq!(stream.channel_binding().unwrap().to_vec(), binding);
        let long = "l".repeat(252);
        for (label, n) in [("opaque", 32), ("host key", 32), ("app", 8161), (&long, 1)] {
            let result = stream.export(label, b"", &mut vec![0; n]);
            assert!(matches!(result, Err(Error::Misuse(_))), "{label} {n}");
        }
    }
}
