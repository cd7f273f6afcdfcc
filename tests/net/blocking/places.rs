//! Who gets a place at a listener on threads, who a seat to wait on, and what the others are told.

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use handfast::Deadlines;
use handfast::server::Limits;

use super::Ends;

const REFUSAL_5: &[u8] = b"\x89HF\x01\x03\x00\x01\x05";

/// Connects, says nothing, and hears what the server says until it closes, or for so long.
fn hears(address: SocketAddr, patience: Duration) -> (TcpStream, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    let heard = listen(&mut stream, patience);
    (stream, heard)
}

fn listen(stream: &mut TcpStream, patience: Duration) -> Vec<u8> {
    let until = Instant::now() + patience;
    let mut heard = Vec::new();
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1)))).unwrap();
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => heard.push(byte[0]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            // a socket that is closed with bytes unread resets the connection
            Err(_) => break,
        }
    }
    heard
}

fn one_from_a_network() -> Limits {
    let mut limits = Limits::default();
    limits.from_one_network = 1;
    limits.count_loopback = true;
    limits
}

/// [LIM-4] [LIM-5]
#[test]
fn one_network_cannot_take_all_the_seats_of_those_who_wait() {
    let server = Ends::new().server.limits(one_from_a_network());
    let listener = server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let has_the_place = TcpStream::connect(address).unwrap();
    let has_the_seat = TcpStream::connect(address).unwrap();
    // long before the 10 s for which the second one may wait
    let start = Instant::now();
    let (_third, heard) = hears(address, Duration::from_secs(8));
    assert_eq!(heard, REFUSAL_5, "after {:?}", start.elapsed());
    drop((has_the_place, has_the_seat));
}

/// [STEALTH-4] [LIM-5]
#[test]
fn a_stealth_server_without_a_place_says_nothing_to_anybody() {
    let mut deadlines = Deadlines::default();
    deadlines.hello = Duration::from_millis(300);
    let server = Ends::new().server.stealth().limits(one_from_a_network()).deadlines(deadlines);
    let listener = server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // the first has the place, the second the seat, and there is nothing for the others
    let mut all: Vec<_> = (0..5).map(|_| TcpStream::connect(address).unwrap()).collect();
    // ten times as long as the server takes for those that it closes
    let until = Instant::now() + Duration::from_secs(3);
    for (at, stream) in all.iter_mut().enumerate() {
        let left = until.saturating_duration_since(Instant::now());
        let heard = listen(stream, left.max(Duration::from_millis(50)));
        assert_eq!(heard, b"", "client {at}");
    }
    drop(listener);
}
