//! How streams end.

use std::io::{BufRead, ErrorKind, Read, Write};
use std::thread;

use super::{inner, knot, millis, pattern, tcp};
use crate::error::{Error, ErrorCode, Misbehaved};
use crate::tests::pair::Setup;

#[test]
fn what_was_agreed_on_is_the_same_at_both_ends() {
    let (client, server) = knot().over(tcp());
    assert_eq!(client.channel_binding(), server.channel_binding());
    assert_eq!((client.cipher(), client.exchange()), (server.cipher(), server.exchange()));
    assert_eq!((client.protocol(), client.host_key()), (None, server.host_key()));
}

/// [CLOSE-2]
#[test]
fn a_side_that_has_closed_reads_on_and_answers() {
    let (mut client, mut server) = knot().over(tcp());
    client.shutdown().unwrap();
    assert_eq!(server.read(&mut [0; 1]).unwrap(), 0, "the end, and a clean one");
    assert_eq!(server.read(&mut [0; 1]).unwrap(), 0, "again");
    server.rekey().unwrap();
    let data = pattern(1 << 20);
    let receive = thread::spawn(move || {
        let mut all = Vec::new();
        client.read_to_end(&mut all).unwrap();
        all
    });
    server.write_all(&data).unwrap();
    server.shutdown().unwrap();
    assert!(receive.join().unwrap() == data);
    let error = server.write_all(b"more").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
}

/// [CLOSE-4]
#[test]
fn a_stream_that_is_dropped_is_truncated_to_its_peer() {
    for sent in [0, 5] {
        let (mut client, mut server) = knot().over(tcp());
        client.write_all(&vec![1; sent]).unwrap();
        drop(client);
        let mut all = Vec::new();
        let error = server.read_to_end(&mut all).unwrap_err();
        assert_eq!((error.kind(), inner(&error)), (ErrorKind::UnexpectedEof, &Error::Truncated));
        assert_eq!(all.len(), sent, "what came before it is delivered");
        assert_eq!(*inner(&server.read(&mut [0; 1]).unwrap_err()), Error::Truncated);
        assert_eq!(*inner(&server.write(&[0; 1]).unwrap_err()), Error::Truncated);
    }
}

/// [CLOSE-4]
#[test]
fn the_writing_half_alone_dropped_is_truncated_too_and_shut_down_is_not() {
    for clean in [true, false] {
        let (client, mut server) = knot().over(tcp());
        let (mut read, mut write) = client.into_split();
        write.write_all(b"words").unwrap();
        if clean {
            write.shutdown().unwrap();
        }
        drop(write);
        let mut all = Vec::new();
        assert_eq!(server.read_to_end(&mut all).is_ok(), clean);
        assert_eq!(all, b"words");
        if clean {
            server.write_all(b"answer").unwrap();
            server.shutdown().unwrap();
            let mut all = Vec::new();
            read.read_to_end(&mut all).unwrap();
            assert_eq!(all, b"answer", "the reading half lives on");
        }
    }
}

/// [CLOSE-3]
#[test]
fn the_writing_half_goes_on_where_the_reading_half_was_dropped() {
    let (client, mut server) = knot().rekeying(1 << 20, u64::MAX).over(tcp());
    let (read, mut write) = client.into_split();
    drop(read);
    let data = pattern(8 << 20);
    let sent = data.clone();
    let send = thread::spawn(move || {
        write.write_all(&sent).unwrap();
        write.shutdown().unwrap();
    });
    // more than the sockets hold, for nobody
    server.write_all(&data).unwrap_or_else(|error| panic!("{error:?}"));
    let mut all = Vec::new();
    server.read_to_end(&mut all).unwrap();
    assert!(all == data);
    send.join().unwrap();
}

/// [ERR-1] [ERR-2]
#[test]
fn an_abort_reaches_a_peer_that_is_still_sending() {
    let (client, server) = knot().over(tcp());
    let (mut read, mut write) = server.into_split();
    let send = thread::spawn(move || {
        let flood = vec![0; 1 << 16];
        loop {
            if let Err(error) = write.write_all(&flood) {
                return error;
            }
        }
    });
    thread::sleep(millis(50));
    client.abort(ErrorCode::Application(200), "enough of it").unwrap();
    let error = read.fill_buf().unwrap_err();
    let Error::Ended(farewell) = inner(&error) else { panic!("{error:?}") };
    assert_eq!(farewell.code, ErrorCode::Application(200));
    assert_eq!(farewell.text, "enough of it");
    send.join().unwrap();
}

#[test]
fn a_text_that_no_error_takes_is_refused() {
    let (client, _server) = knot().over(tcp());
    let error = client.abort(ErrorCode::Application(128), "a\nb").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
}

/// [ERR-2]
#[test]
fn whoever_only_writes_learns_of_the_peers_error() {
    let (mut client, server) = knot().over(tcp());
    let abort = thread::spawn(move || {
        thread::sleep(millis(100));
        server.abort(ErrorCode::Application(300), "no").unwrap();
    });
    // the peer reads nothing until then, so the writer waits for room
    let data = vec![0; 1 << 20];
    let error = loop {
        if let Err(error) = client.write_all(&data) {
            break error;
        }
    };
    let told = matches!(error.get_ref().and_then(|e| e.downcast_ref()), Some(Error::Ended(f))
        if f.code == ErrorCode::Application(300));
    let cut = matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset);
    assert!(told || cut, "{error:?}");
    abort.join().unwrap();
}

/// [REC-3] [ERR-1]
#[test]
fn a_broken_record_is_answered_with_error_1() {
    let (near, far) = tcp();
    let mut raw = near.try_clone().unwrap();
    let (mut client, mut server) = knot().over((near, far));
    raw.write_all(&[0, 40]).unwrap();
    raw.write_all(&[7; 40]).unwrap();
    let hear = thread::spawn(move || {
        let error = client.read(&mut [0; 8]).unwrap_err();
        assert!(matches!(inner(&error), Error::Ended(f) if f.code == ErrorCode::Protocol));
    });
    let error = server.read(&mut [0; 8]).unwrap_err();
    assert_eq!((error.kind(), inner(&error)), (ErrorKind::InvalidData, &Error::Decrypt));
    assert_eq!(*inner(&server.write(b"x").unwrap_err()), Error::Decrypt);
    hear.join().unwrap();
}

/// [PING-3]
#[test]
fn a_flood_of_pings_hangs_no_reader_whose_writer_is_blocked() {
    let (near, far) = tcp();
    let mut raw = near;
    let (session, mut peer) = Setup::classical().server_open();
    let mut server = knot().server;
    server.session = session;
    let (mut read, mut write) = server.over(far).into_split();
    let blocked = thread::spawn(move || {
        let data = vec![0; 1 << 20];
        loop {
            if let Err(error) = write.write_all(&data) {
                return error;
            }
        }
    });
    thread::sleep(millis(200));
    for n in 0..8 {
        raw.write_all(&peer.say(5, &[n; 8])).unwrap();
    }
    read.set_read_timeout(Some(millis(300))).unwrap();
    let error = read.fill_buf().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error:?}");
    raw.write_all(&peer.say(5, &[8; 8])).unwrap();
    read.set_read_timeout(None).unwrap();
    let error = read.fill_buf().unwrap_err();
    assert!(matches!(inner(&error), Error::Misbehaved(Misbehaved::Ping(_))), "{error:?}");
    let error = blocked.join().unwrap();
    assert!(matches!(inner(&error), Error::Misbehaved(Misbehaved::Ping(_))), "{error:?}");
}
