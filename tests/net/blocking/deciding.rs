//! What goes on at a server while its authenticator decides.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use handfast::auth::{Attempt, Authenticator, PeerAddr};
use handfast::key::Identity;
use handfast::{AcceptError, ConnectError, Error, ErrorCode};
use std::net::{TcpListener, TcpStream};

use crate::blocking::{Ends, host, soon};

/// Ready after this time, by a thread of its own.
fn after(time: Duration) -> impl Future<Output = ()> + Send {
    let over = Arc::new((AtomicBool::new(false), Mutex::new(None::<Waker>)));
    let there = Arc::clone(&over);
    thread::spawn(move || {
        thread::sleep(time);
        there.0.store(true, Ordering::SeqCst);
        if let Some(waker) = there.1.lock().unwrap().take() {
            waker.wake();
        }
    });
    std::future::poll_fn(move |cx| {
        *over.1.lock().unwrap() = Some(cx.waker().clone());
        if over.0.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
    })
}

/// Whether the first of two futures was ready first.
async fn first<A>(a: impl Future<Output = A>, b: impl Future<Output = ()>) -> Option<A> {
    let (mut a, mut b) = (std::pin::pin!(a), std::pin::pin!(b));
    std::future::poll_fn(|cx| match (a.as_mut().poll(cx), b.as_mut().poll(cx)) {
        (Poll::Ready(a), _) => Poll::Ready(Some(a)),
        (Poll::Pending, Poll::Ready(())) => Poll::Ready(None),
        (Poll::Pending, Poll::Pending) => Poll::Pending,
    })
    .await
}

fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

/// Serves one end of a connection; gives the other, and what becomes of it.
fn serve<A: Authenticator + 'static>(
    ends: &Ends,
    authenticator: A,
) -> (TcpStream, thread::JoinHandle<Result<(), AcceptError>>) {
    let (near, far) = tcp();
    let server = ends.server.clone().authenticator(authenticator);
    let task = thread::spawn(move || server.accept_over(far, PeerAddr::Unknown).map(drop));
    (near, task)
}

const PATIENCE: Duration = Duration::from_millis(200);
/// Far more than that, far less than any deadline.
const SOON: Duration = Duration::from_secs(8);

/// [LIM-3]
#[test]
fn an_authenticators_timer_ends_its_wait_for_the_client() {
    let ends = Ends::new();
    // for a password
    let impatient = |mut attempt: Attempt| async move {
        attempt.public_key().await;
        match first(attempt.password("quick: "), after(PATIENCE)).await {
            Some(_) => attempt.admit(()),
            None => attempt.deny("too slow"),
        }
    };
    let (io, task) = serve(&ends, impatient);
    let client = ends.client.clone().identity(Identity::generate().unwrap());
    // somebody who takes long to type
    let client = client.password(|_| {
        thread::sleep(Duration::from_secs(20));
        None
    });
    let start = Instant::now();
    let calls = thread::spawn(move || client.connect_over(io, &host()).map(drop));
    let denied = soon(move || task.join().unwrap());
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert!(matches!(&denied, Err(AcceptError::Denied { reason }) if reason == "too slow"));
    drop(calls);
    // for its proof
    let impatient = |mut attempt: Attempt| async move {
        match first(attempt.public_key(), after(PATIENCE)).await {
            Some(_) => attempt.admit(()),
            None => attempt.deny("too slow"),
        }
    };
    let (mut io, task) = serve(&ends, impatient);
    thread::sleep(PATIENCE * 3);
    // what is refused by then is told once the hello is there
    let start = Instant::now();
    std::io::Write::write_all(&mut io, b"\x89HF\x01\x01\xff\xff").unwrap();
    let denied = soon(move || task.join().unwrap());
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert!(matches!(&denied, Err(AcceptError::Denied { reason }) if reason == "too slow"));
}

/// [LIM-3]
#[test]
fn an_authenticator_that_did_not_wait_for_the_answer_refuses_like_any_other() {
    let ends = Ends::new();
    let impatient = |mut attempt: Attempt| async move {
        attempt.public_key().await;
        match first(attempt.password("quick: "), after(PATIENCE)).await {
            Some(_) => attempt.admit(()),
            None => attempt.deny("too slow"),
        }
    };
    let (io, task) = serve(&ends, impatient);
    let client = ends.client.clone().identity(Identity::generate().unwrap());
    let client = client.password(|_| {
        thread::sleep(PATIENCE * 5);
        Some("correct horse".to_owned().into())
    });
    let error = soon(move || client.connect_over(io, &host()).map(drop).unwrap_err());
    match &error {
        ConnectError::Handshake(Error::Ended(f)) if f.code == ErrorCode::PermissionDenied => {}
        other => panic!("{other}"),
    }
    assert!(soon(move || task.join().unwrap()).is_err());
}

/// [LIM-6]
#[test]
fn a_client_that_hangs_up_while_the_authenticator_waits_is_noticed_soon() {
    for prove in [false, true] {
        let ends = Ends::new();
        let for_ever = move |mut attempt: Attempt| async move {
            if prove {
                attempt.public_key().await;
            }
            std::future::pending::<()>().await;
            attempt.admit(())
        };
        let (io, task) = serve(&ends, for_ever);
        let start = Instant::now();
        if prove {
            let mut hurried = handfast::Deadlines::default();
            hurried.handshake = Duration::from_secs(1);
            let client = ends.client.clone().deadlines(hurried);
            soon(move || client.connect_over(io, &host()).map(drop).unwrap_err());
        } else {
            drop(io);
        }
        let gone = soon(move || task.join().unwrap());
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        match gone {
            Err(AcceptError::Closed { waiting_for }) if !prove => {
                assert_eq!(waiting_for, "the authenticators' decision");
            }
            // it says why
            Err(AcceptError::Handshake(Error::Ended(farewell))) if prove => {
                assert_eq!(farewell.code, ErrorCode::TimedOut);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// [LIM-3] One byte after the other, each within the time that a look takes.
#[test]
fn a_client_that_trickles_delays_neither_the_authenticator_nor_the_deadline() {
    use std::io::Write as _;

    let mut hurried = handfast::Deadlines::default();
    hurried.handshake = Duration::from_millis(500);
    let with_deadline = Ends::new();
    let with_deadline =
        Ends { server: with_deadline.server.clone().deadlines(hurried), ..with_deadline };
    let for_ever = |attempt: Attempt| async move {
        std::future::pending::<()>().await;
        attempt.admit(())
    };
    let own_timer = |attempt: Attempt| async move {
        after(PATIENCE).await;
        attempt.deny::<()>("decided")
    };
    for (mut io, task) in [serve(&with_deadline, for_ever), serve(&Ends::new(), own_timer)] {
        let start = Instant::now();
        thread::spawn(move || {
            while io.write_all(b"x").is_ok() {
                thread::sleep(Duration::from_micros(700));
            }
        });
        let outcome = soon(move || task.join().unwrap());
        assert!(start.elapsed() < Duration::from_secs(5), "{:?} {outcome:?}", start.elapsed());
    }
}
