//! Both directions over real sockets, with one thread and with two, past dozens of rekeys.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::thread;

use super::{knot, millis, pattern, tcp};
use crate::blocking::{Stream, Transport};

const LEN: usize = 16 << 20;
/// So that dozens of rekeys fit into what is sent, and into a minute.
const OFTEN: u64 = 64 << 10;

/// Sockets that hold little, so that a rekey is soon through.
#[cfg(unix)]
fn pair() -> (UnixStream, UnixStream) {
    UnixStream::pair().unwrap()
}

fn read_all<IO: Transport>(stream: &mut Stream<IO>) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    all
}

/// The client sends, the server only reads.
fn one_way<IO: Transport>(client: Stream<IO>, server: Stream<IO>, client_rekeys: usize) {
    let (mut from, mut to) = (client, server);
    let data = pattern(LEN);
    let sent = data.clone();
    let send = thread::spawn(move || {
        from.write_all(&sent).unwrap();
        from.shutdown().unwrap();
        from
    });
    let got = read_all(&mut to);
    assert!(got == data, "{} bytes of {}", got.len(), data.len());
    let from = send.join().unwrap();
    let rekeys = from.rekeys();
    // else the one in front would wait for its end
    drop(to);
    assert!(rekeys >= client_rekeys, "{rekeys} rekeys");
}

/// [REKEY-5]
#[cfg(unix)]
#[test]
fn one_thread_each_and_one_way_past_dozens_of_rekeys() {
    // whoever sends wants them
    let (client, server) = knot().rekeying(OFTEN, u64::MAX).over(pair());
    one_way(client, server, 12);
    let (client, server) = knot().rekeying(u64::MAX, OFTEN).over(pair());
    one_way(server, client, 12);
    // both do
    let (client, server) = knot().rekeying(OFTEN, OFTEN).over(pair());
    one_way(client, server, 12);
    let (client, server) = knot().rekeying(OFTEN, OFTEN).over(pair());
    one_way(server, client, 12);
    // whoever reads does, which a writer finds out when it looks
    let (client, server) = knot().rekeying(OFTEN, u64::MAX).over(pair());
    one_way(server, client, 0);
    let (client, server) = knot().rekeying(u64::MAX, OFTEN).over(pair());
    one_way(client, server, 0);
}

#[test]
fn one_way_over_tcp() {
    let (client, server) = knot().rekeying(OFTEN, OFTEN).over(tcp());
    one_way(client, server, 1);
    let (client, server) = knot().rekeying(OFTEN, OFTEN).over(tcp());
    one_way(server, client, 1);
}

/// Two threads at each end, both directions at once.
fn both_ways<IO: Transport>(
    client: Stream<IO>,
    server: Stream<IO>,
    before_each_read: fn(usize),
) -> usize {
    let data = pattern(LEN);
    let ends = [client, server].map(|stream| {
        let (mut read, mut write) = stream.into_split();
        let sent = data.clone();
        let send = thread::spawn(move || {
            for piece in sent.chunks(300_000) {
                write.write_all(piece).unwrap();
            }
            write.shutdown().unwrap();
            write
        });
        let receive = thread::spawn(move || {
            let (mut all, mut turn) = (Vec::new(), 0);
            loop {
                before_each_read(turn);
                turn += 1;
                let data = read.fill_buf().unwrap();
                let len = data.len();
                if len == 0 {
                    return (all, read.rekeys());
                }
                all.extend_from_slice(data);
                read.consume(len);
            }
        });
        (send, receive)
    });
    let mut rekeys = 0;
    for (send, receive) in ends {
        send.join().unwrap();
        let (got, begun) = receive.join().unwrap();
        assert!(got == data, "{} bytes of {}", got.len(), data.len());
        rekeys = begun;
    }
    rekeys
}

#[cfg(unix)]
#[test]
fn both_ways_at_once_with_two_threads_each() {
    // how many fit depends on who runs when
    let mut rekeys = 0;
    for (client, server) in [(OFTEN, u64::MAX), (u64::MAX, OFTEN), (OFTEN, OFTEN)] {
        let (client, server) = knot().rekeying(client, server).over(pair());
        rekeys += both_ways(client, server, |_| {});
    }
    assert!(rekeys >= 12, "{rekeys} rekeys");
    let (client, server) = knot().rekeying(OFTEN, OFTEN).over(tcp());
    both_ways(client, server, |_| {});
}

#[cfg(unix)]
#[test]
fn readers_that_begin_late_and_are_slow() {
    let slow = |turn| match turn {
        0 => thread::sleep(millis(400)),
        _ if turn % 50 == 0 => thread::sleep(millis(5)),
        _ => {}
    };
    let (client, server) = knot().rekeying(OFTEN, OFTEN).over(pair());
    let rekeys = both_ways(client, server, slow);
    assert!(rekeys >= 4, "{rekeys} rekeys");
    let (client, server) = knot().rekeying(OFTEN, OFTEN).over(tcp());
    both_ways(client, server, slow);
}

/// [CLOSE-1] [CLOSE-3]
#[test]
fn closing_with_rekeys_under_way() {
    for round in 0..20 {
        let (client, server) = knot().over(tcp());
        let data = pattern(100_000);
        let sent = data.clone();
        let near = thread::spawn(move || {
            let mut client = client;
            client.write_all(&sent).unwrap();
            client.rekey().unwrap();
            if round % 2 == 0 {
                client.shutdown().unwrap();
            }
            client.close().unwrap();
        });
        let mut server: Stream<TcpStream> = server;
        server.rekey().unwrap();
        if round % 3 == 0 {
            server.write_all(&data).unwrap();
        }
        let mut got = vec![0; data.len()];
        server.read_exact(&mut got).unwrap();
        assert!(got == data);
        server.rekey().unwrap();
        server.close().unwrap();
        near.join().unwrap();
    }
}

/// Both write more than the sockets hold before either reads, then both close.
#[cfg(unix)]
#[test]
fn time_outs_of_both_sides_lose_nothing() {
    let (client, server) = knot().rekeying(OFTEN, OFTEN).over(pair());
    let ends = [client, server].map(|mut stream| {
        thread::spawn(move || {
            stream.set_write_timeout(Some(millis(10))).unwrap();
            stream.set_read_timeout(Some(millis(10))).unwrap();
            let data = pattern(LEN / 4);
            let (mut sent, mut got, mut late) = (0, Vec::new(), 0);
            let mut buffer = vec![0; 50_000];
            while sent < data.len() || got.len() < data.len() {
                if sent < data.len() {
                    match stream.write(&data[sent..]) {
                        Ok(len) => {
                            sent += len;
                            continue;
                        }
                        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
                    }
                } else if let Err(error) = stream.flush() {
                    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                }
                late += 1;
                match stream.read(&mut buffer) {
                    Ok(len) => got.extend_from_slice(&buffer[..len]),
                    Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
                }
            }
            assert!(got == data);
            stream.set_read_timeout(None).unwrap();
            stream.set_write_timeout(None).unwrap();
            stream.close().unwrap();
            late
        })
    });
    for end in ends {
        assert!(end.join().unwrap() > 0, "the sockets held it all");
    }
}
