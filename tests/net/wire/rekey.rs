//! Rekeys, with the scripted peer on either side.

use std::io::ErrorKind;

use handfast::session::RekeyPolicy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::wire::established::{BOTH, Ours, drain, pair};
use crate::wire::support::crypto::{Direction, export};
use crate::wire::support::link::Channel;
use crate::wire::support::messages::{
    CLOSE, DATA, Fields, PING, PONG, Proof, REKEY_ASK, REKEY_DONE, REKEY_INIT, REKEY_REPLY,
    bytes16, inner,
};
use crate::wire::support::rig::{ALICE, HOST, client, connect, serve, server, soon};

/// [REKEY-3] [REKEY-4] [REKEY-5] [SCHED-2] [SCHED-6]
#[tokio::test]
async fn data_flows_on_through_a_rekey_of_the_clients() {
    let (mut channel, mut stream) = pair(Ours::Server).await;
    let exporter = channel.secrets.exporter;
    channel.send(DATA, b"before").await;
    let init = channel.rekey_init();
    channel.send(REKEY_INIT, &init.content).await;
    channel.send(DATA, b"during").await;
    channel.send(PING, &[3; 8]).await;
    let mut data = [0; 12];
    soon(stream.read_exact(&mut data)).await.unwrap();
    assert_eq!(&data, b"beforeduring");
    stream.write_all(b"under the next key").await.unwrap();
    let reading = tokio::spawn(async move { drain(&mut stream).await });
    let reply = soon(channel.expect(REKEY_REPLY)).await;
    channel.take_reply(&init, &reply);
    // the Pong may stand on either side of the Data, but behind RekeyReply all is new
    let mut kinds = Vec::new();
    for _ in 0..2 {
        kinds.push(soon(channel.next()).await.unwrap().kind);
    }
    kinds.sort_unstable();
    assert_eq!(kinds, [DATA, PONG]);
    channel.send(DATA, b"still old").await;
    channel.send(REKEY_DONE, b"").await;
    channel.tx = Direction::new(channel.aead, &channel.secrets.c_ap());
    channel.send(DATA, b", new").await;
    channel.rekey().await;
    channel.send(DATA, b", newer").await;
    channel.send(CLOSE, b"").await;
    let (data, end) = reading.await.unwrap();
    end.unwrap();
    assert_eq!(data, b"still old, new, newer");
    assert_eq!(channel.secrets.exporter, exporter);
}

/// [REKEY-3] [REC-3]
#[tokio::test]
async fn the_old_key_is_good_for_nothing_behind_rekey_done() {
    let (mut channel, mut stream) = pair(Ours::Server).await;
    let reading = tokio::spawn(async move { drain(&mut stream).await });
    let init = channel.rekey_init();
    channel.send(REKEY_INIT, &init.content).await;
    let reply = soon(channel.expect(REKEY_REPLY)).await;
    let mut old = channel.tx.clone();
    channel.finish_rekey(&init, &reply).await;
    old.sequence += 1;
    channel.link.send(&old.seal(&inner(DATA, b"old"))).await;
    soon(channel.expect_error(1)).await;
    drop(channel);
    assert_eq!(reading.await.unwrap().1.unwrap_err().kind(), ErrorKind::InvalidData);
}

/// [REKEY-1] [REKEY-4] [REKEY-5] [SCHED-6]
#[tokio::test]
async fn a_client_that_begins_a_rekey_switches_behind_rekey_done() {
    let (mut channel, mut stream) = pair(Ours::Client).await;
    stream.rekey().unwrap();
    stream.rekey().unwrap();
    stream.write_all(b"one").await.unwrap();
    let init = soon(channel.expect(REKEY_INIT)).await;
    assert_eq!(soon(channel.expect(DATA)).await, b"one");
    let next = channel.reply_rekey(&init).await;
    channel.send(DATA, b"two").await;
    let mut two = [0; 3];
    soon(stream.read_exact(&mut two)).await.unwrap();
    assert_eq!(&two, b"two");
    stream.write_all(b"three").await.unwrap();
    assert_eq!(soon(channel.expect(REKEY_DONE)).await, b"", "the very next record");
    channel.rx = next;
    assert_eq!(soon(channel.expect(DATA)).await, b"three");
    let binding = export(&channel.secrets.exporter, "channel binding", b"", 32);
    assert_eq!(stream.channel_binding().unwrap().to_vec(), binding);
}

/// [REKEY-1] [REKEY-7] [REKEY-8]
#[tokio::test]
async fn a_server_asks_once_and_the_clients_rekey_answers_it() {
    let (mut channel, mut stream) = pair(Ours::Server).await;
    stream.rekey().unwrap();
    stream.rekey().unwrap();
    stream.write_all(b"x").await.unwrap();
    stream.rekey().unwrap();
    stream.write_all(b"y").await.unwrap();
    assert_eq!(soon(channel.expect(REKEY_ASK)).await, b"");
    assert_eq!(soon(channel.expect(DATA)).await, b"x");
    assert_eq!(soon(channel.expect(DATA)).await, b"y", "not asked twice");
    let reading = tokio::spawn(async move {
        let mut one = [0];
        stream.read_exact(&mut one).await.unwrap();
        stream
    });
    soon(channel.rekey()).await;
    channel.send(DATA, b"z").await;
    let mut stream = soon(reading).await.unwrap();
    stream.rekey().unwrap();
    stream.write_all(b"again").await.unwrap();
    assert_eq!(soon(channel.expect(REKEY_ASK)).await, b"");
}

/// [REKEY-8]
#[tokio::test]
async fn a_client_answers_rekey_ask_before_its_next_data_and_drops_one_during_a_rekey() {
    let (mut channel, mut stream) = pair(Ours::Client).await;
    channel.send(REKEY_ASK, b"").await;
    channel.send(REKEY_ASK, b"").await;
    channel.send(DATA, b"x").await;
    soon(stream.read_exact(&mut [0])).await.unwrap();
    stream.write_all(b"y").await.unwrap();
    let init = soon(channel.expect(REKEY_INIT)).await;
    assert_eq!(soon(channel.expect(DATA)).await, b"y");
    let next = channel.reply_rekey(&init).await;
    channel.send(DATA, b"z").await;
    soon(stream.read_exact(&mut [0])).await.unwrap();
    stream.write_all(b"end").await.unwrap();
    soon(channel.expect(REKEY_DONE)).await;
    channel.rx = next;
    assert_eq!(soon(channel.expect(DATA)).await, b"end", "the second one was dropped");
}

/// The server ends with Error 1 at this, behind `before`.
async fn server_refuses(what: &str, act: impl AsyncFnOnce(&mut Channel)) {
    let (mut channel, mut stream) = pair(Ours::Server).await;
    let reading = tokio::spawn(async move { drain(&mut stream).await });
    act(&mut channel).await;
    soon(channel.expect_error(1)).await;
    drop(channel);
    let (_, end) = soon(reading).await.unwrap();
    assert_eq!(end.unwrap_err().kind(), ErrorKind::InvalidData, "{what}");
}

/// [REKEY-2] [REKEY-6] [REKEY-9] [KEX-2] [KEX-6] [WIRE-2]
#[tokio::test]
async fn faults_of_the_clients_rekey_records_are_error_1() {
    for what in ["no key", "short", "modulus", "zeros", "left over", "cut", "empty"] {
        server_refuses(what, async |c| {
            let mut content = c.rekey_init().content;
            match what {
                "no key" => content = [&content[..32], &bytes16(b"")].concat(),
                "short" => content = [&content[..32], &bytes16(&[1; 1183])].concat(),
                "modulus" => content[40..43].fill(0xff),
                "zeros" => content[..32].fill(0),
                "left over" => content.push(0),
                "cut" => content.truncate(1000),
                _ => content.clear(),
            }
            c.send(REKEY_INIT, &content).await;
        })
        .await;
    }
    server_refuses("two at once", async |c| {
        let (one, two) = (c.rekey_init(), c.rekey_init());
        c.send(REKEY_INIT, &one.content).await;
        let reply = soon(c.expect(REKEY_REPLY)).await;
        c.take_reply(&one, &reply);
        c.send(REKEY_INIT, &two.content).await;
    })
    .await;
    server_refuses("RekeyDone with content", async |c| {
        let init = c.rekey_init();
        c.send(REKEY_INIT, &init.content).await;
        let reply = soon(c.expect(REKEY_REPLY)).await;
        c.take_reply(&init, &reply);
        c.send(REKEY_DONE, b"x").await;
    })
    .await;
    server_refuses("RekeyDone twice", async |c| {
        c.rekey().await;
        c.send(REKEY_DONE, b"").await;
    })
    .await;
}

/// [REKEY-2]
#[tokio::test]
async fn a_rekey_uses_mlkem_exactly_when_the_hellos_did() {
    use crate::wire::support::client::{Hello, say_hello};
    use crate::wire::support::messages::MLKEM;
    use handfast::handshake::Exchange;
    for with_key in [false, true] {
        let (io, task) = serve(&server().0.exchange(Exchange::PreferHybrid));
        let mut channel = soon(say_hello(io, &Hello::new().without(MLKEM))).await;
        channel.server_auth().await;
        channel.client_auth(&Proof::of_client(&ALICE)).await;
        soon(channel.welcome()).await;
        let (mut stream, _) = task.await.unwrap().unwrap();
        let reading = tokio::spawn(async move { drain(&mut stream).await });
        let mut content = channel.rekey_init().content;
        if with_key {
            let key = crate::wire::support::crypto::kem_key(&[5; 64]);
            content = [&content[..32], &bytes16(&key)].concat();
            channel.send(REKEY_INIT, &content).await;
            soon(channel.expect_error(1)).await;
        } else {
            soon(channel.rekey()).await;
            channel.send(CLOSE, b"").await;
        }
        drop(channel);
        assert_eq!(soon(reading).await.unwrap().1.is_err(), with_key);
    }
}

/// [REKEY-9] [REKEY-2] [KEX-2] [KEX-7]
#[tokio::test]
async fn faults_of_the_servers_rekey_reply_are_error_1() {
    for what in ["no ciphertext", "short", "zeros", "left over", "twice", "RekeyDone"] {
        let (mut channel, mut stream) = pair(Ours::Client).await;
        stream.rekey().unwrap();
        let reading = tokio::spawn(async move {
            let end = drain(&mut stream).await;
            drop(stream);
            end
        });
        let init = soon(channel.expect(REKEY_INIT)).await;
        let share = Fields(&init).take(32).to_vec();
        match what {
            "no ciphertext" => channel.send(REKEY_REPLY, &[share, bytes16(b"")].concat()).await,
            "short" => channel.send(REKEY_REPLY, &[share, bytes16(&[1; 1087])].concat()).await,
            "zeros" => {
                channel.send(REKEY_REPLY, &[vec![0; 32], bytes16(&[1; 1088])].concat()).await;
            }
            "left over" => {
                let reply = [share, bytes16(&[1; 1088]), vec![0]].concat();
                channel.send(REKEY_REPLY, &reply).await;
            }
            "twice" => {
                let next = channel.reply_rekey(&init).await;
                soon(channel.expect(REKEY_DONE)).await;
                channel.rx = next;
                channel.send(REKEY_REPLY, &[share, bytes16(&[1; 1088])].concat()).await;
            }
            _ => channel.send(REKEY_DONE, b"").await,
        }
        soon(channel.expect_error(1)).await;
        drop(channel);
        let (_, end) = soon(reading).await.unwrap();
        assert_eq!(end.unwrap_err().kind(), ErrorKind::InvalidData, "{what}");
    }
}

/// [REKEY-10]
#[tokio::test]
async fn the_65th_rekey_init_within_a_minute_is_error_1() {
    server_refuses("65", async |c| {
        for _ in 0..64 {
            soon(c.rekey()).await;
        }
        let init = c.rekey_init();
        c.send(REKEY_INIT, &init.content).await;
    })
    .await;
}

/// [REKEY-10]
#[tokio::test]
async fn a_client_begins_60_rekeys_in_a_minute_and_goes_on_without() {
    let eager = client().0.rekey(RekeyPolicy::client().after_bytes(1));
    let (io, task) = connect(&eager);
    let mut channel = soon(Channel::accept(io, &HOST)).await;
    let stream = task.await.unwrap().unwrap();
    let (mut read, mut write) = stream.into_split();
    let reading = tokio::spawn(async move {
        let mut data = Vec::new();
        read.read_to_end(&mut data).await.map(|_| data)
    });
    let writing = tokio::spawn(async move {
        for n in 0..500_u16 {
            write.write_all(&n.to_be_bytes()).await.unwrap();
            write.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
        write.shutdown().await.unwrap();
    });
    let (mut rekeys, mut data) = (0, 0);
    let mut next = None;
    loop {
        let record = soon(channel.next()).await.unwrap();
        match record.kind {
            DATA => data += record.content.len(),
            REKEY_INIT => {
                rekeys += 1;
                next = Some(channel.reply_rekey(&record.content).await);
            }
            REKEY_DONE => channel.rx = next.take().unwrap(),
            CLOSE => break,
            other => panic!("{other}"),
        }
    }
    assert_eq!(data, 1000);
    assert!((1..=60).contains(&rekeys), "{rekeys}");
    channel.send(CLOSE, b"").await;
    soon(writing).await.unwrap();
    assert_eq!(soon(reading).await.unwrap().unwrap(), b"");
}

/// [CLOSE-1] [CLOSE-3] [REKEY-5]
#[tokio::test]
async fn rekeys_go_on_behind_one_close_and_are_dropped_behind_both() {
    let (mut channel, mut stream) = pair(Ours::Server).await;
    stream.shutdown().await.unwrap();
    let reading = tokio::spawn(async move { drain(&mut stream).await });
    assert_eq!(soon(channel.expect(CLOSE)).await, b"");
    soon(channel.rekey()).await;
    channel.send(DATA, b"x").await;
    let init = channel.rekey_init();
    channel.send(REKEY_INIT, &init.content).await;
    channel.send(CLOSE, b"").await;
    let (data, end) = soon(reading).await.unwrap();
    assert_eq!(data, b"x");
    end.unwrap();
    for ours in BOTH {
        let (mut channel, mut stream) = pair(ours).await;
        channel.send(CLOSE, b"").await;
        let (_, end) = drain(&mut stream).await;
        end.unwrap();
        stream.rekey().unwrap();
        stream.write_all(b"y").await.unwrap();
        let kind = if ours == Ours::Client { REKEY_INIT } else { REKEY_ASK };
        let record = soon(channel.next()).await.unwrap();
        assert_eq!(record.kind, kind, "CLOSE-1: rekey records still go");
        stream.shutdown().await.unwrap();
        assert_eq!(soon(channel.expect(DATA)).await, b"y");
        soon(channel.expect(CLOSE)).await;
        soon(channel.expect_silence()).await;
    }
}

/// [REKEY-5]
#[tokio::test]
async fn a_side_that_waits_for_room_during_a_rekey_sleeps() {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;

    use tokio::io::AsyncWrite;
    for ours in BOTH {
        for split in [false, true] {
            let (mut channel, mut stream) = pair(ours).await;
            match ours {
                Ours::Client => stream.rekey().unwrap(),
                Ours::Server => {
                    let init = channel.rekey_init();
                    channel.send(REKEY_INIT, &init.content).await;
                    channel.send(DATA, b"x").await;
                    soon(stream.read_exact(&mut [0])).await.unwrap();
                }
            }
            let (mut read, mut write) = stream.into_split();
            let polls = crate::wire::support::rig::Calls::default();
            let count = polls.clone();
            // the peer reads nothing, and finishes no rekey
            let writing = tokio::spawn(async move {
                poll_fn(|cx| {
                    count.count();
                    while let Poll::Ready(wrote) = Pin::new(&mut write).poll_write(cx, &[7; 9999]) {
                        wrote.unwrap();
                    }
                    Poll::<()>::Pending
                })
                .await;
            });
            let count = polls.clone();
            let reading = tokio::spawn(async move {
                if split {
                    poll_fn(|cx| {
                        count.count();
                        let mut bytes = [0; 9];
                        let mut buffer = tokio::io::ReadBuf::new(&mut bytes);
                        let poll =
                            tokio::io::AsyncRead::poll_read(Pin::new(&mut read), cx, &mut buffer);
                        assert!(poll.is_pending());
                        Poll::<()>::Pending
                    })
                    .await;
                }
            });
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            assert!(polls.get() < 100, "{ours:?} {split}: polled {} times", polls.get());
            writing.abort();
            reading.abort();
        }
    }
}
