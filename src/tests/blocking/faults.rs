//! Transports that cut, fail and stammer at every byte.

use std::io::{ErrorKind, Read, Write};
use std::sync::{Arc, Mutex};

use super::fake::{From, Script, To, Turn};
use super::{inner, knot, pattern};
use crate::blocking::{NoDeadline, Stream};
use crate::error::Error;
use crate::tests::pair::Setup;

/// What a client has written.
type Said = Arc<Mutex<Vec<u8>>>;

/// A client whose peer has said `recorded`, and what it answers.
fn client(recorded: &[u8], reads: Script, writes: Script) -> (Stream<(From, To)>, Said) {
    let said = Said::default();
    let from = From { bytes: recorded.iter().copied().collect(), script: reads };
    let to = To { bytes: Arc::clone(&said), script: writes };
    (knot().client.over((from, to)), said)
}

fn steady() -> Script {
    Script::new([])
}

/// What a server says: Data, a Ping, Data, Close.
fn conversation() -> (Vec<u8>, Vec<u8>) {
    let mut server = Setup::classical().sessions().server;
    let mut out = Vec::new();
    server.send(b"first words", &mut out).unwrap();
    server.ping(*b"are you?", &mut out).unwrap();
    server.send(b" and the last", &mut out).unwrap();
    server.close(&mut out).unwrap();
    (out, b"first words and the last".to_vec())
}

/// [CLOSE-4]
#[test]
fn every_cut_before_the_end_is_truncated() {
    let (recorded, plain) = conversation();
    for cut in 0..recorded.len() {
        let (mut client, _) = client(&recorded[..cut], steady(), steady());
        let mut all = Vec::new();
        let error = client.read_to_end(&mut all).unwrap_err();
        assert_eq!(*inner(&error), Error::Truncated, "cut at {cut}");
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert!(plain.starts_with(&all), "cut at {cut}");
    }
    let (mut client, _) = client(&recorded, steady(), steady());
    let mut all = Vec::new();
    client.read_to_end(&mut all).unwrap();
    assert!(all == plain);
}

/// Every kind of turn before each byte.
fn stammer() -> Vec<Turn> {
    vec![
        Turn::Fail(ErrorKind::Interrupted),
        Turn::Fail(ErrorKind::WouldBlock),
        Turn::Bytes(1),
        Turn::Fail(ErrorKind::TimedOut),
        Turn::Bytes(1),
    ]
}

#[test]
fn failures_before_every_byte_read_lose_nothing() {
    let (recorded, plain) = conversation();
    for at_once in [1, 3, 100] {
        let (mut client, _) = client(&recorded, Script::new(stammer()), steady());
        let (mut all, mut late) = (Vec::new(), 0);
        let mut buffer = vec![0; at_once];
        loop {
            match client.read(&mut buffer) {
                Ok(0) => break,
                Ok(len) => all.extend_from_slice(&buffer[..len]),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error:?}");
                    late += 1;
                }
            }
        }
        assert!(all == plain);
        assert!(late > 20, "{late} time-outs");
    }
}

/// What the server makes of it.
fn heard(bytes: &[u8]) -> Vec<u8> {
    let mut ends = Setup::classical().sessions();
    let mut all = Vec::new();
    for seen in ends.server_reads(bytes).unwrap() {
        if let crate::tests::pair::Seen::Data(data) = seen {
            all.extend_from_slice(&data);
        }
    }
    all
}

#[test]
fn failures_before_every_byte_written_neither_lose_nor_double_one() {
    let data = pattern(5000);
    for at_once in [1, 37, 5000] {
        let (mut client, said) = client(&[], steady(), Script::new(stammer()));
        let (mut sent, mut late) = (0, 0);
        while sent < data.len() {
            let end = data.len().min(sent + at_once);
            match client.write(&data[sent..end]) {
                Ok(len) => sent += len,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error:?}");
                    late += 1;
                }
            }
        }
        while let Err(error) = client.shutdown() {
            assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error:?}");
            late += 1;
        }
        assert!(late > 20, "{late} time-outs");
        assert!(heard(&said.lock().unwrap()) == data);
    }
}

/// [PING-1]
#[test]
fn a_pong_goes_out_whole_over_a_transport_that_stammers() {
    let (recorded, plain) = conversation();
    let (mut client, said) = client(&recorded, Script::new(stammer()), Script::new(stammer()));
    let mut all = Vec::new();
    let mut buffer = [0; 8];
    loop {
        match client.read(&mut buffer) {
            Ok(0) => break,
            Ok(len) => all.extend_from_slice(&buffer[..len]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error:?}"),
        }
    }
    assert!(all == plain);
    while client.shutdown().is_err() {}
    let mut server = Setup::classical().sessions();
    let mut ping = Vec::new();
    server.server.ping(*b"are you?", &mut ping).unwrap();
    let seen = server.server_reads(&said.lock().unwrap()).unwrap();
    let pong = crate::tests::pair::Seen::Pong(*b"are you?");
    assert_eq!(seen, [pong, crate::tests::pair::Seen::Closed]);
}

#[test]
fn a_transport_that_fails_fails_the_write_and_all_that_follow() {
    for kind in [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe] {
        let script = Script::new([Turn::Bytes(10), Turn::Fail(kind)]);
        let (mut client, _) = client(&[], steady(), script);
        assert_eq!(client.write(&[1; 100]).unwrap_err().kind(), kind);
        assert_eq!(client.write(&[1; 100]).unwrap_err().kind(), kind);
        assert_eq!(client.flush().unwrap_err().kind(), kind);
    }
    let (mut client, _) = client(&[], steady(), Script::new([Turn::Bytes(0)]));
    assert_eq!(client.write(&[1; 100]).unwrap_err().kind(), ErrorKind::WriteZero);
}

#[test]
fn pipes_without_time_outs_carry_a_conversation() {
    let (near_read, far_write) = std::io::pipe().unwrap();
    let (far_read, near_write) = std::io::pipe().unwrap();
    let near = (NoDeadline(near_read), NoDeadline(near_write));
    let far = (NoDeadline(far_read), NoDeadline(far_write));
    let (client, server) = knot().rekeying(1 << 16, 1 << 16).over((near, far));
    let error = client.set_read_timeout(Some(super::millis(5))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let echo = std::thread::spawn(move || {
        let (mut read, mut write) = server.into_split();
        let mut buffer = vec![0; 10_000];
        loop {
            let len = read.read(&mut buffer).unwrap();
            if len == 0 {
                return write.shutdown().unwrap();
            }
            write.write_all(&buffer[..len]).unwrap();
        }
    });
    let data = pattern(1 << 20);
    let (mut read, mut write) = client.into_split();
    let sent = data.clone();
    let send = std::thread::spawn(move || {
        write.write_all(&sent).unwrap();
        write.shutdown().unwrap();
    });
    let mut all = Vec::new();
    read.read_to_end(&mut all).unwrap();
    assert!(all == data);
    send.join().unwrap();
    echo.join().unwrap();
}
