//! All that a listener holds for clients that have proved nothing: sockets, tasks, drivers, buffers
//! and the state of the handshake together, at each stage that a client can stop at.

#![expect(clippy::indexing_slicing, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "the figures, for whoever changes them")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use dhat::{HeapStats, Profiler};
use handfast::handshake::{ClientConfig, ClientFresh, client, hello_len, record_len};
use handfast::key::Identity;
use rand::rngs::SysRng;

use super::BUDGET;

/// Enough that what belongs to the listener as a whole does not count for much.
const STRANGERS: usize = 16;

/// Where a stranger stops.
#[derive(Debug, Clone, Copy)]
enum Stop {
    /// One byte before the end of the longest hello.
    InHello,
    /// One byte before the end of the longest record that may stand in ClientAuth's place.
    InClientAuth,
    /// The same, with all that it can say ahead of it sent at once, and more behind it.
    Flooding,
}

/// A hello of 4,096 bytes: the honest one, filled up with an extension that no server knows.
fn long_hello() -> Vec<u8> {
    const BODY: usize = 4096;
    const HEADER: usize = 7;
    let fresh = ClientFresh::draw(&mut SysRng).unwrap();
    let (_, mut hello) = client::start(Arc::new(ClientConfig::default()), fresh).unwrap();
    let extensions = HEADER + 64 + 1 + usize::from(hello[HEADER + 64]);
    let filler = BODY - (hello.len() - HEADER) - 4;
    hello.extend([0xff, 0xfe]);
    hello.extend(u16::try_from(filler).unwrap().to_be_bytes());
    hello.resize(HEADER + BODY, 0);
    let list = u16::try_from(hello.len() - extensions - 2).unwrap();
    hello[extensions..extensions + 2].copy_from_slice(&list.to_be_bytes());
    hello[HEADER - 2..HEADER].copy_from_slice(&u16::try_from(BODY).unwrap().to_be_bytes());
    assert_eq!(hello_len(&hello).unwrap(), Some(hello.len()));
    hello
}

fn read_frame(stream: &mut TcpStream, len: fn(&[u8]) -> Result<Option<usize>, handfast::Error>) {
    let (mut bytes, mut filled) = ([0; 1 << 14], 0);
    while len(&bytes[..filled]).unwrap() != Some(filled) {
        stream.read_exact(&mut bytes[filled..=filled]).unwrap();
        filled += 1;
    }
}

/// A client that goes as far as `stop` and then stays.
fn stranger(address: SocketAddr, hello: &[u8], stop: Stop) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    match stop {
        Stop::InHello => stream.write_all(&hello[..hello.len() - 1]).unwrap(),
        Stop::InClientAuth => {
            stream.write_all(hello).unwrap();
            read_frame(&mut stream, hello_len);
            read_frame(&mut stream, record_len);
            let mut record = [7; 16_385];
            record[..2].copy_from_slice(&16_384_u16.to_be_bytes());
            stream.write_all(&record).unwrap();
        }
        Stop::Flooding => {
            // n = 17 and a byte that is missing, or one record that is as long as can be: what is
            // read ahead of it stays within the same bound
            let mut all = [7; 4103 + 16_385];
            all[..hello.len()].copy_from_slice(hello);
            all[hello.len()..hello.len() + 2].copy_from_slice(&16_384_u16.to_be_bytes());
            stream.write_all(&all).unwrap();
            read_frame(&mut stream, hello_len);
            read_frame(&mut stream, record_len);
        }
    }
    stream
}

/// Holds strangers at a listener against the budget.
fn hold(what: &str, address: SocketAddr) {
    for stop in [Stop::InHello, Stop::InClientAuth, Stop::Flooding] {
        // what comes with the first connection of all is not that connection's
        drop(stranger(address, &long_hello(), stop));
        thread::sleep(Duration::from_millis(100));
        let hellos: Vec<_> = (0..STRANGERS).map(|_| long_hello()).collect();
        let mut streams = Vec::with_capacity(STRANGERS);
        let profiler = Profiler::builder().testing().build();
        for hello in &hellos {
            streams.push(stranger(address, hello, stop));
        }
        // each has sent so much that the server can only have read into memory
        let sent = match stop {
            Stop::InHello => 4096,
            Stop::InClientAuth | Stop::Flooding => 16_384,
        };
        let until = Instant::now() + Duration::from_secs(60);
        let all_read = || HeapStats::get().curr_bytes >= sent * STRANGERS;
        while !all_read() {
            assert!(Instant::now() < until, "{what}, {stop:?}: what was sent is not read");
            thread::sleep(Duration::from_millis(10));
        }
        thread::sleep(Duration::from_millis(50));
        let stats = HeapStats::get();
        let (held, most) = (stats.curr_bytes / STRANGERS, stats.max_bytes / STRANGERS);
        println!("{what}, {stop:?}: {held} bytes held for a stranger, {most} at most");
        assert!(most <= BUDGET, "{what}, {stop:?}: {most} bytes for a stranger, {held} held");
        drop(profiler);
        drop(streams);
        thread::sleep(Duration::from_millis(100));
    }
}

/// [LIM-2]
#[cfg(feature = "tokio")]
pub(super) fn of_a_listener_on_tokio() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = handfast::Server::new(Identity::generate().unwrap())
        .authenticator(handfast::auth::anonymous());
    let listener = runtime.block_on(server.listen("127.0.0.1:0")).unwrap();
    hold("tokio", listener.local_addr().unwrap());
}

/// [LIM-2]
#[cfg(feature = "blocking")]
pub(super) fn of_a_listener_on_threads() {
    let server = handfast::blocking::Server::new(Identity::generate().unwrap())
        .authenticator(handfast::auth::anonymous());
    let listener = server.listen("127.0.0.1:0").unwrap();
    hold("threads", listener.local_addr().unwrap());
}
