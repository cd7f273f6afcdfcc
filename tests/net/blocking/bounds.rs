//! How many connections a listener holds, and how those end that it does not answer.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use handfast::auth::Attempt;
use handfast::server::Limits;
use handfast::{ConnectError, Deadlines, Error, Refusal};

use crate::blocking::{Ends, soon};

/// [LIM-6]
#[test]
fn admitted_clients_beyond_32_keep_their_places_until_they_are_accepted() {
    let mut limits = Limits::default();
    limits.unauthenticated = 2;
    let mut deadlines = Deadlines::default();
    deadlines.hello = Duration::from_millis(500);
    let ends = Ends::new();
    let server = ends.server.clone().limits(limits).deadlines(deadlines);
    let listener = server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connect = || {
        let (client, address) = (ends.client.clone(), address.clone());
        soon(move || client.connect(&address))
    };
    let mut clients: Vec<_> = (0..34).map(|_| connect().unwrap()).collect();
    for _ in 0..3 {
        let error = connect().unwrap_err();
        let ConnectError::Handshake(Error::Refused(Refusal::Busy)) = error else {
            panic!("{error}");
        };
        let _accepted = listener.accept().unwrap();
        clients.push(connect().unwrap());
    }
}

/// [LIM-6]
#[test]
fn a_client_that_hung_up_while_the_authenticator_waits_gives_its_place_back() {
    let mut limits = Limits::default();
    limits.unauthenticated = 1;
    let ends = Ends::new();
    let first = Arc::new(AtomicBool::new(true));
    let (entered, enters) = mpsc::channel();
    let slow = move |mut attempt: Attempt| {
        let (first, entered) = (first.swap(false, Ordering::AcqRel), entered.clone());
        async move {
            attempt.public_key().await;
            if first {
                entered.send(()).unwrap();
                std::future::pending::<()>().await;
            }
            attempt.admit(())
        }
    };
    let server = ends.server.clone().authenticator(slow).limits(limits);
    let listener = server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut hurried = Deadlines::default();
    hurried.handshake = Duration::from_secs(1);
    let client = ends.client.clone().identity(handfast::key::Identity::generate().unwrap());
    let (hangs_up, to) = (client.clone().deadlines(hurried), address.clone());
    let hung_up = thread::spawn(move || hangs_up.connect(&to).map(drop).unwrap_err());
    soon(move || enters.recv().unwrap());
    let error = soon(move || hung_up.join().unwrap());
    assert!(matches!(error, ConnectError::TimedOut { waiting_for: "Welcome" }), "{error}");
    // else it would hear after 10 s that the server is busy
    soon(move || client.connect(&address).unwrap());
}

const SILENCE: Duration = Duration::from_secs(1);

/// Connects, sends this, and waits for the end: how long that took, and when it came.
fn end_of(address: SocketAddr, words: &[u8]) -> (Duration, Instant) {
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, words).unwrap();
    let mut answer = Vec::new();
    // a reset would tell that nothing was read
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"");
    (start.elapsed(), Instant::now())
}

/// [STEALTH-2] [STEALTH-4] [LIM-5]
#[test]
fn a_stealth_server_without_a_free_place_ends_all_alike() {
    let mut deadlines = Deadlines::default();
    // the shorter one counts
    (deadlines.hello, deadlines.handshake) = (SILENCE * 30, SILENCE);
    let mut limits = Limits::default();
    (limits.from_one_network, limits.count_loopback) = (1, true);
    let ends = Ends::new();
    let server = ends.server.clone().stealth().limits(limits).deadlines(deadlines);
    let listener = server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // one has the place, one waits for it, the others have neither
    let words = [b"".as_slice(), b"GET / HTTP/1.1\r\n\r\n", b"\x89HF\x01\x01\x07\x00", &[7; 5000]];
    let clients: Vec<_> = (0..16_usize)
        .map(|n| (n, words.map(<[u8]>::to_vec)))
        .map(|(n, words)| thread::spawn(move || end_of(address, words.get(n % 4).unwrap())))
        .collect();
    for client in clients {
        let (took, _) = soon(move || client.join().unwrap());
        assert!(took >= SILENCE.mul_f32(0.9), "closed after {took:?}");
        assert!(took < SILENCE * 8, "closed after {took:?}");
    }
}

/// [LIM-5]
#[test]
fn a_stealth_server_without_room_accepts_nobody_until_there_is_some() {
    const FLOOD: usize = 100;
    let mut deadlines = Deadlines::default();
    deadlines.hello = SILENCE;
    let mut limits = Limits::default();
    (limits.from_one_network, limits.count_loopback) = (1, true);
    let ends = Ends::new();
    let server = ends.server.clone().stealth().limits(limits).deadlines(deadlines);
    let listener = server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let start = Instant::now();
    let clients: Vec<_> =
        (0..FLOOD).map(|_| thread::spawn(move || end_of(address, b"unknown"))).collect();
    let mut late = 0;
    for client in clients {
        let (took, end) = soon(move || client.join().unwrap());
        assert!(took >= SILENCE.mul_f32(0.9), "closed after {took:?}");
        late += usize::from(end - start >= SILENCE.mul_f32(1.9));
    }
    // 1 has the place, 1 waits for it, 64 are left in silence, and the others come after those
    assert!(late >= FLOOD - 66, "{late} were accepted later");
    let client = ends.client.clone();
    soon(move || client.connect(&address.to_string()).unwrap());
    // also while it has no room it can be shut down
    let _flood: Vec<_> = (0..FLOOD).map(|_| TcpStream::connect(address).unwrap()).collect();
    soon(move || listener.shutdown(Duration::ZERO));
}
