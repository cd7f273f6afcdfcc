//! What is taken of the heap: little for a peer that is not authenticated, nothing for a record.
//!
//! One test alone in this program: it counts for the whole process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![expect(clippy::panic, reason = "a test that finds something else fails")]

use std::sync::Arc;
use std::time::Instant;

use dhat::{HeapStats, Profiler};
use handfast::handshake::client::{self, Answer};
use handfast::handshake::{
    ClientConfig, ClientFresh, Identities, ServerConfig, ServerFresh, record_len, server,
};
use handfast::key::Identity;
use handfast::session::{self, Event, Session};
use rand::rngs::SysRng;

#[cfg(any(feature = "tokio", feature = "blocking"))]
#[path = "allocations/strangers.rs"]
mod strangers;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

/// Held for a connection before ClientAuth is verified, at most (docs/PROTOCOL.md, "Limits").
const BUDGET: usize = 48 << 10;
/// What a stream layer reads into before that: the largest record of such a peer.
const INBOX: usize = 16_386;

/// Runs `f`; what it left on the heap, and the most that was there meanwhile, above what there was.
fn held<T>(f: impl FnOnce() -> T) -> (T, usize, usize) {
    let before = HeapStats::get();
    let out = f();
    let after = HeapStats::get();
    let left = after.curr_bytes.saturating_sub(before.curr_bytes);
    (out, left, after.max_bytes.saturating_sub(before.curr_bytes))
}

/// One record through both ends: sealed into `wire`, opened in place.
fn carry(from: &mut Session, to: &mut Session, data: &[u8], wire: &mut Vec<u8>) {
    wire.clear();
    from.send(data, wire).unwrap();
    assert_eq!(session::record_len(wire).unwrap(), Some(wire.len()));
    match to.receive(wire, Instant::now(), &mut SysRng).unwrap() {
        Event::Data(got) => assert_eq!(got.len(), data.len()),
        other => panic!("{other:?}"),
    }
}

/// [LIM-2]
#[test]
fn a_stranger_takes_little_and_a_record_takes_nothing() {
    #[cfg(feature = "tokio")]
    strangers::of_a_listener_on_tokio();
    #[cfg(feature = "blocking")]
    strangers::of_a_listener_on_threads();

    let _profiler = Profiler::builder().testing().build();
    let (host, alice) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let server_config = Arc::new(ServerConfig::new(Identities::new(host)));
    let fresh = ClientFresh::draw(&mut SysRng).unwrap();
    let (client, hello) = client::start(Arc::new(ClientConfig::default()), fresh).unwrap();

    // each state of the server before it knows anything of the client
    let (state, left, most) = held(|| server::hello(&server_config, &hello).unwrap());
    let size = left + size_of_val(&state);
    println!("a hello that was read: {size} bytes held, {most} at most");
    assert!(size + INBOX <= BUDGET && most + INBOX <= BUDGET, "{size} bytes, {most} at most");
    let fresh = ServerFresh::draw(&mut SysRng).unwrap();
    let ((state, out), left, most) = held(|| state.accept(fresh).unwrap());
    let size = left + size_of_val(&state);
    println!("awaiting ClientAuth: {size} bytes held, {most} at most");
    assert!(size + INBOX <= BUDGET && most + INBOX <= BUDGET, "{size} bytes, {most} at most");

    let split = handfast::handshake::hello_len(&out).unwrap().unwrap();
    let (hello, auth) = out.split_at(split);
    let verify = client.read(hello).unwrap().read(&mut auth.to_vec()).unwrap();
    let (client, mut auth) = verify.trust(Some(&alice)).unwrap();
    assert_eq!(record_len(&auth).unwrap(), Some(auth.len()));
    let (served, mut welcome) = state.read(&mut auth).unwrap().welcome().unwrap();
    let Answer::Welcome(welcomed) = client.read(&mut welcome).unwrap() else { panic!("Welcome") };
    let (mut ours, mut theirs) = (welcomed.established.session, served.session);

    let mut wire = Vec::with_capacity(1 << 17);
    let data = vec![7; session::MAX_DATA];
    let mut round = || {
        let before = HeapStats::get().total_blocks;
        for size in [1, 64, 1024, 16_384, session::MAX_DATA] {
            for _ in 0..50 {
                carry(&mut ours, &mut theirs, &data[..size], &mut wire);
                carry(&mut theirs, &mut ours, &data[..size], &mut wire);
            }
        }
        HeapStats::get().total_blocks - before
    };
    // the test runner's own thread may allocate meanwhile, but not in each of many rounds
    let fewest = (0..10).map(|_| round()).min();
    assert_eq!(fewest, Some(0), "500 records, and not one allocation");
}
