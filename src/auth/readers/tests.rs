use std::net::IpAddr;
use std::pin::pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Wake};
use std::time::Duration;

use super::*;

fn from(ip: &str) -> PeerAddr {
    PeerAddr::Ip((ip.parse::<IpAddr>().unwrap(), 1).into())
}

/// Wakes a thread that blocks on a future.
struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park_timeout(Duration::from_secs(10)),
        }
    }
}

/// What a future comes to at once, if it does.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// Work that hangs until it is told to go on, as on a file system whose server is gone.
fn hanging() -> (Sender<()>, impl FnOnce() + Send + 'static) {
    let (go_on, told): (Sender<()>, Receiver<()>) = channel();
    (go_on, move || told.recv().unwrap_or_default())
}

#[test]
fn permits_are_bounded_in_all_and_for_one_network_and_come_back() {
    let readers = Readers::new(4, 2);
    let permit = |ip: &str| now(readers.permit(from(ip)));
    let a = permit("192.0.2.1").unwrap();
    let _b = permit("::ffff:192.0.2.1").unwrap();
    assert!(permit("192.0.2.1").is_none(), "two from one address");
    let _c = permit("2001:db8::1").unwrap();
    let d = permit("2001:db8::2").unwrap();
    assert!(permit("2001:db8::3").is_none(), "two from one /64");
    assert!(permit("198.51.100.1").is_none(), "four in all");
    drop(a);
    let _a = permit("192.0.2.1").unwrap();
    drop(d);
    assert!(permit("192.0.2.1").is_none(), "still two from one address");
    let _e = permit("198.51.100.1").unwrap();
    assert_eq!(readers.under_way(), 4);
    assert!(readers.lock().waiting.is_empty(), "those who gave up wait no more");
}

#[test]
fn clients_of_loopback_count_in_the_whole_alone() {
    let readers = Readers::new(3, 1);
    let _held: Vec<_> = (0..3).map(|_| now(readers.permit(from("127.0.0.1"))).unwrap()).collect();
    assert!(now(readers.permit(from("127.0.0.1"))).is_none());
    assert!(now(readers.permit(PeerAddr::Unix)).is_none());
}

#[test]
fn clients_of_one_network_wait_without_holding_up_others_and_have_their_turn() {
    let readers = Readers::new(2, 1);
    let held = now(readers.permit(from("192.0.2.1"))).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut first = pin!(readers.permit(from("192.0.2.1")));
    let mut second = pin!(readers.permit(from("192.0.2.1")));
    assert!(first.as_mut().poll(&mut cx).is_pending());
    assert!(second.as_mut().poll(&mut cx).is_pending());
    let other = now(readers.permit(from("198.51.100.1"))).expect("another network has room");
    drop((held, other));
    assert!(second.as_mut().poll(&mut cx).is_pending(), "not in front of the first");
    assert!(now(readers.permit(from("192.0.2.1"))).is_none(), "nor a third");
    let Poll::Ready(permit) = first.as_mut().poll(&mut cx) else { panic!("the first has room") };
    drop(permit);
    assert!(second.as_mut().poll(&mut cx).is_ready());
}

#[test]
fn a_reading_that_hangs_counts_after_its_handshake_until_it_ends() {
    let readers = Readers::new(2, 1);
    let (go_on, work) = hanging();
    let permit = now(readers.permit(from("192.0.2.1"))).unwrap();
    // the future is dropped, as at the deadline of a handshake
    assert!(now(permit.work(work)).is_none());
    assert_eq!(readers.under_way(), 1);
    assert!(now(readers.permit(from("192.0.2.1"))).is_none(), "its network has no room");
    let other = now(readers.permit(from("198.51.100.1"))).expect("another network has");
    assert_eq!(block_on(other.work(|| 7)), Some(7));
    go_on.send(()).unwrap();
    let permit = block_on(readers.permit(from("192.0.2.1")));
    assert_eq!(readers.under_way(), 1);
    assert_eq!(block_on(permit.work(|| 8)), Some(8));
    assert_eq!(readers.under_way(), 0, "it is given back before the outcome is seen");
}

#[test]
fn work_that_panics_gives_its_permit_back_and_comes_to_nothing() {
    let readers = Readers::new(1, 1);
    let permit = now(readers.permit(PeerAddr::Unknown)).unwrap();
    assert_eq!(block_on(permit.work(|| assert!(std::hint::black_box(false), "as meant"))), None);
    assert_eq!(readers.under_way(), 0);
}
