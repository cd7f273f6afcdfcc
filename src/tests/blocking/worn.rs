//! Keys that are worn out.

use std::io::{BufRead, ErrorKind, Read, Write};
use std::thread;

use super::{Knot, inner, knot, millis, pattern, tcp};
use crate::error::Error;

/// Both directions are 64 records before the end of their keys.
fn worn() -> Knot {
    let mut knot = knot();
    let (records, never) = ((1 << 24) - 64, u64::MAX);
    for half in [&mut knot.client, &mut knot.server] {
        half.session.wear(records, 0);
        (half.policy.bytes, half.policy.records) = (never, never);
    }
    knot
}

/// [REC-5]
#[test]
fn a_writer_alone_waits_for_the_answer() {
    for from_client in [true, false] {
        let (client, server) = worn().over(tcp());
        let (mut from, mut to) = if from_client { (client, server) } else { (server, client) };
        let data = pattern(1 << 20);
        let sent = data.clone();
        let send = thread::spawn(move || {
            from.write_all(&sent).unwrap();
            from.shutdown().unwrap();
            from
        });
        thread::sleep(millis(100));
        let mut all = Vec::new();
        to.read_to_end(&mut all).unwrap();
        assert!(all == data);
        send.join().unwrap();
    }
}

/// [REC-5]
#[test]
fn a_writer_beside_a_reader_waits_for_the_answer() {
    let (client, server) = worn().over(tcp());
    let ends = [client, server].map(|stream| {
        let (mut read, mut write) = stream.into_split();
        let send = thread::spawn(move || {
            write.write_all(&pattern(1 << 20)).unwrap();
            write.shutdown().unwrap();
        });
        let receive = thread::spawn(move || {
            let mut all = Vec::new();
            read.read_to_end(&mut all).unwrap();
            assert!(all == pattern(1 << 20));
        });
        [send, receive]
    });
    for thread in ends.into_iter().flatten() {
        thread.join().unwrap();
    }
}

/// [REC-5]
#[test]
fn data_that_nobody_reads_blocks_the_rekey_and_the_writer_is_told() {
    let mut knot = knot();
    knot.client.session.wear((1 << 24) - 64, 0);
    // Welcome was the first
    knot.client.session.wear_receiver(1, 0);
    knot.server.session.wear_receiver((1 << 24) - 64, 0);
    let mut early = Vec::new();
    knot.server.session.send(b"unread", &mut early).unwrap();
    let (near, far) = tcp();
    let mut far = far;
    far.write_all(&early).unwrap();
    let mut client = knot.client.over(near);
    let error = client.write(b"x").unwrap_err();
    assert_eq!((error.kind(), inner(&error)), (ErrorKind::Deadlock, &Error::RekeyBlocked));
    let mut unread = [0; 6];
    client.read_exact(&mut unread).unwrap();
    assert_eq!(&unread, b"unread", "and it can be read");
    // the server's stream begins behind what it has said already
    let mut server = knot.server.over(far);
    let serve = thread::spawn(move || {
        let len = server.fill_buf().unwrap().len();
        assert_eq!(len, 1);
        server
    });
    client.write_all(b"y").unwrap();
    serve.join().unwrap();
}

/// [REC-5]
#[test]
fn a_worn_out_writer_whose_peer_is_silent_keeps_its_time_out() {
    let mut knot = knot();
    knot.client.session.wear((1 << 24) - 64, 0);
    let (near, _far) = tcp();
    let mut client = knot.client.over(near);
    client.set_write_timeout(Some(millis(100))).unwrap();
    for _ in 0..2 {
        let error = client.write(b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error:?}");
    }
}

/// [REC-5] [PING-2]
#[test]
fn a_worn_out_writer_gives_a_silent_peer_up() {
    let mut knot = knot();
    knot.client.session.wear((1 << 24) - 64, 0);
    knot.client.liveness.ping_after = Some(millis(60));
    let (near, _far) = tcp();
    let mut client = knot.client.over(near);
    let error = client.write(b"x").unwrap_err();
    assert_eq!((error.kind(), inner(&error)), (ErrorKind::TimedOut, &Error::Silent));
}
