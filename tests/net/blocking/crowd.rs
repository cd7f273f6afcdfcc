//! A listener under fire, and its end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use handfast::auth::{Attempt, Authenticator, public_key};
use handfast::key::Identity;
use handfast::server::Limits;
use handfast::trust::AuthorizedKeys;
use handfast::{ConnectError, Deadlines, Error, ErrorCode, Refusal};

use crate::blocking::{Ends, soon};

/// [LIM-4]
#[test]
fn good_clients_are_served_beside_silent_and_broken_ones() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            thread::spawn(move || {
                let mut request = Vec::new();
                if stream.read_to_end(&mut request).is_ok() {
                    let _ = stream.write_all(&request);
                    let _ = stream.close();
                }
            });
        }
    });
    let mut silent = Vec::new();
    for n in 0..60_usize {
        let mut stream = TcpStream::connect(address).unwrap();
        match n % 4 {
            0 => {}
            1 => stream.write_all(b"\x89HF\x01\x01\x07\x00").unwrap(),
            2 => stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap(),
            _ => stream.write_all(&[9; 300]).unwrap(),
        }
        silent.push(stream);
    }
    let clients: Vec<_> = (0..40_usize)
        .map(|n| {
            let client = ends.client.clone();
            thread::spawn(move || {
                let mut stream = client.connect(&address.to_string()).unwrap();
                let request = vec![7; 1000 + n];
                stream.write_all(&request).unwrap();
                stream.shutdown().unwrap();
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).unwrap();
                assert!(answer == request);
            })
        })
        .collect();
    soon(move || clients.into_iter().for_each(|client| client.join().unwrap()));
}

/// [LIM-4] [ERR-5]
#[test]
fn who_waited_too_long_for_a_place_is_told_that_the_server_is_busy() {
    let ends = Ends::new();
    let mut limits = Limits::default();
    limits.unauthenticated = 1;
    let mut deadlines = Deadlines::default();
    deadlines.hello = Duration::from_millis(500);
    let open = Arc::new(AtomicBool::new(false));
    let decides = {
        let open = Arc::clone(&open);
        move |attempt: Attempt| {
            let open = Arc::clone(&open);
            async move {
                // in the blocking world an authenticator may block
                while !open.load(Ordering::Acquire) {
                    thread::sleep(Duration::from_millis(5));
                }
                attempt.admit(())
            }
        }
    };
    let server = ends.server.clone().limits(limits).deadlines(deadlines);
    let alice = Identity::generate().unwrap();
    let keys = format!("{} alice", alice.public_key());
    let keys = AuthorizedKeys::parse("authorized_keys", keys.as_bytes()).unwrap();
    let client = ends.client.clone().identity(alice);
    let listener =
        server.authenticator(public_key(keys).and(decides)).listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (called, to) = (client.clone(), address.clone());
    let first = thread::spawn(move || called.connect(&to).unwrap());
    thread::sleep(Duration::from_millis(100));
    let (called, to) = (client.clone(), address.clone());
    let error = soon(move || called.connect(&to).unwrap_err());
    assert!(matches!(&error, ConnectError::Handshake(Error::Refused(Refusal::Busy))), "{error}");
    // its place is free again, and with it the server
    open.store(true, Ordering::Release);
    soon(move || first.join().unwrap());
    soon(move || client.connect(&address).unwrap());
}

/// [ERR-1]
#[test]
fn a_shutdown_ends_what_outlives_its_grace_with_error_5() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = ends.client.clone();
    let (to, at) = (address.clone(), client.clone());
    let mut stream = soon(move || at.connect(&to).unwrap());
    let (mut served, _) = listener.accept().unwrap();
    assert_eq!(listener.connections(), 1);
    let serve = thread::spawn(move || served.read_exact(&mut [0]).unwrap_err());
    assert_eq!(soon(move || listener.shutdown(Duration::from_millis(50))), 1);
    let error = soon(move || stream.read_exact(&mut [0]).unwrap_err());
    let inner: &Error = error.get_ref().unwrap().downcast_ref().unwrap();
    assert!(matches!(inner, Error::Ended(f) if f.code == ErrorCode::ShuttingDown), "{error}");
    let error = soon(move || serve.join().unwrap());
    assert_eq!(error.get_ref().unwrap().downcast_ref(), Some(&Error::Stopped));
    assert!(soon(move || client.connect(&address).is_err()), "nobody is let in any more");
}

#[test]
fn a_shutdown_waits_for_streams_that_end_in_time() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = ends.client.clone();
    let stream = soon(move || client.connect(&address).unwrap());
    let (served, _) = listener.accept().unwrap();
    let ending = thread::spawn(move || {
        thread::sleep(Duration::from_millis(200));
        let far = thread::spawn(move || served.close().unwrap());
        stream.close().unwrap();
        far.join().unwrap();
    });
    let start = Instant::now();
    assert_eq!(soon(move || listener.shutdown(Duration::from_secs(50))), 0);
    assert!(start.elapsed() >= Duration::from_millis(150));
    ending.join().unwrap();
}

#[test]
fn a_shutdown_wakes_who_waits_for_clients_and_tells_those_that_nobody_took() {
    let ends = Ends::new();
    let listener = Arc::new(ends.server.listen("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap().to_string();
    let waits = Arc::clone(&listener);
    let accepting = thread::spawn(move || {
        let first = waits.accept().unwrap();
        (first, waits.accept().map(|_| ()))
    });
    let client = ends.client.clone();
    let to = address.clone();
    let first = soon(move || client.connect(&to).unwrap());
    thread::sleep(Duration::from_millis(100));
    let stops = Arc::clone(&listener);
    let stopping = thread::spawn(move || stops.shutdown(Duration::from_secs(50)));
    let ((accepted, _), error) = soon(move || {
        let (first, second) = accepting.join().unwrap();
        (first, second.unwrap_err())
    });
    assert_eq!(error.kind(), std::io::ErrorKind::NotConnected);
    drop((accepted, first));
    assert_eq!(soon(move || stopping.join().unwrap()), 0);

    // more than the queue holds, and nobody accepts
    let listener = ends.server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut streams: Vec<_> = (0..60)
        .map(|_| {
            let (client, to) = (ends.client.clone(), address.clone());
            soon(move || client.connect(&to).unwrap())
        })
        .collect();
    let start = Instant::now();
    assert_eq!(soon(move || listener.shutdown(Duration::from_secs(50))), 0);
    assert!(start.elapsed() < Duration::from_secs(40), "all of them were told at once");
    for mut stream in streams.drain(..) {
        let error = soon(move || stream.read_exact(&mut [0]).unwrap_err());
        let inner: &Error = error.get_ref().unwrap().downcast_ref().unwrap();
        assert!(matches!(inner, Error::Ended(f) if f.code == ErrorCode::ShuttingDown), "{error}");
    }
}

/// [LIM-4]
#[cfg(target_os = "linux")]
#[test]
fn a_flood_takes_no_more_threads_than_there_are_places() {
    let ends = Ends::new();
    let mut limits = Limits::default();
    limits.unauthenticated = 4;
    let listener = ends.server.clone().limits(limits).listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let flood: Vec<_> = (0..600).map(|_| TcpStream::connect(address).unwrap()).collect();
    thread::sleep(Duration::from_millis(300));
    let threads = std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter(|task| {
            let name = task.as_ref().unwrap().path().join("comm");
            // threads that end meanwhile have no name any more; the kernel cuts it
            std::fs::read_to_string(name).is_ok_and(|name| name.starts_with("handfast handsh"))
        })
        .count();
    // tests beside this one have some, too
    assert!(threads <= 4 + 256 + 64 + 100, "{threads} threads");
    drop(flood);
    let client = ends.client.clone();
    soon(move || client.connect(&address.to_string()).unwrap());
}

#[test]
fn an_authenticator_that_panics_gives_its_place_back() {
    let ends = Ends::new();
    let mut limits = Limits::default();
    limits.unauthenticated = 1;
    let calls = Arc::new(AtomicBool::new(false));
    let decides = move |attempt: Attempt| {
        let first = !calls.swap(true, Ordering::AcqRel);
        async move {
            assert!(!first, "the first client finds a bug");
            attempt.admit(())
        }
    };
    let server = ends.server.clone().limits(limits);
    let listener = server
        .authenticator(handfast::auth::anonymous().and(decides))
        .listen("127.0.0.1:0")
        .unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (client, to) = (ends.client.clone(), address.clone());
    assert!(soon(move || client.connect(&to).is_err()));
    let client = ends.client.clone();
    soon(move || client.connect(&address).unwrap());
}

#[test]
fn a_dropped_listener_lets_its_port_go() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    soon(move || {
        while TcpStream::connect(address).is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
}
