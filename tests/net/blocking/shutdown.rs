//! A listener that is shut down by another thread than the one that accepts.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use handfast::{Error, ErrorCode};

use crate::blocking::{Ends, soon};

/// What a `main` does that accepts until there are no more clients.
#[test]
fn a_main_that_accepts_does_not_end_before_its_clients_have_had_their_grace() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let handle = listener.shutdown_handle();
    let signal = handle.clone();
    let ended = Arc::new(AtomicBool::new(false));
    let ends_later = Arc::clone(&ended);
    let main = thread::spawn(move || {
        let mut clients = 0;
        while let Ok((mut stream, _)) = listener.accept() {
            clients += 1;
            thread::spawn(move || {
                let mut request = Vec::new();
                stream.read_to_end(&mut request).unwrap();
                stream.write_all(&request).unwrap();
                stream.close().unwrap();
            });
        }
        drop(listener);
        assert!(ends_later.load(Ordering::SeqCst), "main returned before its client was served");
        clients
    });
    let mut stream = soon(move || ends.client.connect(&address).unwrap());
    stream.write_all(b"a request").unwrap();
    let stopping = thread::spawn(move || signal.shutdown(Duration::from_secs(50)));
    while !handle.is_shutting_down() {
        thread::yield_now();
    }
    thread::sleep(Duration::from_millis(300));
    assert!(!main.is_finished());
    ended.store(true, Ordering::SeqCst);
    stream.shutdown().unwrap();
    let mut answer = Vec::new();
    soon(move || {
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"a request");
    });
    assert_eq!(soon(move || main.join().unwrap()), 1);
    assert_eq!(soon(move || stopping.join().unwrap()), 0);
    assert_eq!(soon(move || handle.wait()), 0);
}

/// [ERR-1]
#[test]
fn whoever_waits_for_the_shutdown_learns_how_many_outlived_the_grace() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = ends.client.clone();
    let mut stream = soon(move || client.connect(&address).unwrap());
    let (_held, _) = listener.accept().unwrap();
    let (handle, waits) = (listener.shutdown_handle(), listener.shutdown_handle());
    let waiting = thread::spawn(move || waits.wait());
    let start = Instant::now();
    assert_eq!(soon(move || handle.shutdown(Duration::from_millis(100))), 1);
    assert!(start.elapsed() < Duration::from_secs(11), "{:?}", start.elapsed());
    assert_eq!(soon(move || waiting.join().unwrap()), 1);
    let error = soon(move || stream.read_exact(&mut [0]).unwrap_err());
    let inner: &Error = error.get_ref().unwrap().downcast_ref().unwrap();
    assert!(matches!(inner, Error::Ended(f) if f.code == ErrorCode::ShuttingDown), "{error}");
    assert!(listener.accept().is_err());
}

#[test]
fn a_listener_that_is_not_being_shut_down_is_dropped_at_once() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = ends.client.clone();
    let _stream = soon(move || client.connect(&address).unwrap());
    let (_held, _) = listener.accept().unwrap();
    let handle = listener.shutdown_handle();
    assert!(!handle.is_shutting_down());
    soon(move || drop(listener));
    assert!(handle.is_shutting_down());
}

/// No shutdown can follow.
#[test]
fn dropping_the_listener_ends_the_wait_of_a_shutdown_handle() {
    let ends = Ends::new();
    let listener = ends.server.listen("127.0.0.1:0").unwrap();
    let handle = listener.shutdown_handle();
    let waits = thread::spawn(move || handle.wait());
    drop(listener);
    assert_eq!(soon(move || waits.join().unwrap()), 0);
}
