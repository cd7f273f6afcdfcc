//! Peers that are gone, and connections that nobody uses.

use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Instant;

use super::{inner, knot, millis, tcp};
use crate::error::{Error, ErrorCode};

/// [PING-2]
#[test]
fn a_peer_that_answers_no_ping_is_given_up() {
    let (near, _far) = tcp();
    let mut knot = knot();
    knot.client.liveness.ping_after = Some(millis(40));
    knot.client.liveness.dead_after = 2;
    let mut client = knot.client.over(near);
    let began = Instant::now();
    let error = client.read(&mut [0; 1]).unwrap_err();
    assert_eq!((error.kind(), inner(&error)), (ErrorKind::TimedOut, &Error::Silent));
    assert!(began.elapsed() >= millis(110), "two Pings were given their time");
    assert_eq!(*inner(&client.write(b"late").unwrap_err()), Error::Silent);
}

/// The application's own time-out is shorter than the peer's patience, and the peer is given up all
/// the same.
#[test]
fn reads_with_short_time_outs_add_up() {
    let (near, _far) = tcp();
    let mut knot = knot();
    knot.client.liveness.ping_after = Some(millis(60));
    let mut client = knot.client.over(near);
    client.set_read_timeout(Some(millis(20))).unwrap();
    let mut late = 0;
    let error = loop {
        let error = client.read(&mut [0; 1]).unwrap_err();
        if error.kind() != ErrorKind::WouldBlock {
            break error;
        }
        late += 1;
    };
    assert_eq!(*inner(&error), Error::Silent);
    assert!(late >= 4, "{late} reads were too late");
}

/// [PING-1]
#[test]
fn pings_are_answered_by_who_reads() {
    let mut knot = knot();
    for half in [&mut knot.client, &mut knot.server] {
        half.liveness.ping_after = Some(millis(100));
        half.liveness.dead_after = 8;
    }
    let (mut client, mut server) = knot.over(tcp());
    let serve = thread::spawn(move || {
        let mut byte = [0];
        server.read_exact(&mut byte).unwrap();
        server.close().unwrap();
        byte[0]
    });
    client.set_read_timeout(Some(millis(1500))).unwrap();
    let error = client.read(&mut [0; 1]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock, "longer than the peer's patience: {error:?}");
    client.write_all(b"x").unwrap();
    client.set_read_timeout(None).unwrap();
    client.close().unwrap();
    assert_eq!(serve.join().unwrap(), b'x');
}

/// Time in which nobody listens is not the peer's.
#[test]
fn an_application_that_was_away_does_not_blame_its_peer() {
    let mut knot = knot();
    knot.client.liveness.ping_after = Some(millis(100));
    knot.client.liveness.dead_after = 1;
    let (mut client, mut server) = knot.over(tcp());
    thread::sleep(millis(500));
    client.set_read_timeout(Some(millis(20))).unwrap();
    for _ in 0..2 {
        assert_eq!(client.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    server.write_all(b"x").unwrap();
    client.set_read_timeout(None).unwrap();
    client.read_exact(&mut [0; 1]).unwrap();
}

#[test]
fn a_connection_that_nobody_uses_ends_where_that_is_set() {
    let mut knot = knot();
    knot.server.liveness.idle_timeout = Some(millis(300));
    let (mut client, mut server) = knot.over(tcp());
    let serve = thread::spawn(move || {
        let mut all = Vec::new();
        let error = server.read_to_end(&mut all).unwrap_err();
        (all, error)
    });
    for _ in 0..3 {
        client.write_all(b"x").unwrap();
        thread::sleep(millis(20));
    }
    let error = client.read(&mut [0; 1]).unwrap_err();
    assert!(
        matches!(inner(&error), Error::Ended(f) if f.code == ErrorCode::TimedOut),
        "the peer is told: {error}"
    );
    let (all, error) = serve.join().unwrap();
    assert_eq!((all.as_slice(), inner(&error)), (&b"xxx"[..], &Error::Idle));
}
