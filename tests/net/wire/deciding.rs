//! What goes on at a server while its authenticator decides: the authenticator's own timers run, and
//! a client that goes away is noticed. On a clock that stands still.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use handfast::auth::{Attempt, Authenticator};
use handfast::{AcceptError, Error, ErrorCode, Server};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep};

use crate::wire::support::client::{Hello, say_hello};
use crate::wire::support::link::{Channel, SILENCE};
use crate::wire::support::messages::{CLOSE, DATA, ERROR, PING, Proof, error, frame};
use crate::wire::support::rig::{ALICE, HOST, identity, serve, soon};

const PATIENCE: Duration = Duration::from_millis(200);

fn server<A: Authenticator>(authenticator: A) -> Server<A> {
    Server::new(identity(&HOST)).authenticator(authenticator)
}

fn millis(since: Instant) -> u128 {
    since.elapsed().as_millis()
}

/// [LIM-3]
#[tokio::test(start_paused = true)]
async fn an_authenticators_timer_ends_its_wait_for_a_password() {
    let impatient = |mut attempt: Attempt| async move {
        attempt.public_key().await;
        tokio::select! {
            _ = attempt.password("quick: ") => {}
            () = sleep(PATIENCE) => return attempt.deny("too slow"),
        }
        attempt.admit(())
    };
    let (io, task) = serve(&server(impatient));
    let mut channel = Channel::prove(io, &Proof::of_client(&ALICE)).await;
    assert_eq!(channel.asked().await, b"quick: ");
    let start = Instant::now();
    channel.expect_early_error(2).await;
    assert_eq!(millis(start), 200);
    drop(channel);
    let denied = task.await.unwrap().map(drop);
    assert!(matches!(&denied, Err(AcceptError::Denied { reason }) if reason == "too slow"));
}

/// [LIM-3]
#[tokio::test(start_paused = true)]
async fn an_authenticators_timer_runs_while_hello_or_client_auth_is_awaited() {
    let impatient = |mut attempt: Attempt| async move {
        tokio::select! {
            _ = attempt.public_key() => {}
            () = sleep(PATIENCE) => return attempt.deny("too slow"),
        }
        attempt.admit(())
    };
    let server = server(impatient);
    // before the hello: what is refused by then is told once the hello is there
    let start = Instant::now();
    let (io, task) = serve(&server);
    let mut link = crate::wire::support::link::Link::new(io);
    sleep(Duration::from_secs(1)).await;
    link.send(&Hello::new().frame()).await;
    assert_eq!(link.frame().await.0, frame(1, 3, &[6]), "Refusal 6");
    assert_eq!(millis(start), 1000);
    drop(link);
    let denied = task.await.unwrap().map(drop);
    assert!(matches!(&denied, Err(AcceptError::Denied { reason }) if reason == "too slow"));
    // before ClientAuth is verified the server is silent
    let start = Instant::now();
    let (io, task) = serve(&server);
    let mut channel = say_hello(io, &Hello::new()).await;
    channel.server_auth().await;
    channel.expect_silence().await;
    assert_eq!(millis(start), 200);
    let denied = task.await.unwrap().map(drop);
    assert!(matches!(&denied, Err(AcceptError::Denied { reason }) if reason == "too slow"));
}

/// An answer belongs to the question that it follows, also where that was given up.
#[tokio::test(start_paused = true)]
async fn a_late_answer_is_not_taken_for_the_answer_to_a_later_question() {
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let notes = Arc::clone(&seen);
    let twice = move |mut attempt: Attempt| {
        let notes = Arc::clone(&notes);
        async move {
            tokio::select! {
                password = attempt.password("first: ") => {
                    notes.lock().unwrap().push(password.expose().to_owned());
                }
                () = sleep(PATIENCE) => {}
            }
            // what the client said is known although a question is open
            assert_eq!(attempt.login().await, "");
            let password = attempt.password("second: ").await;
            notes.lock().unwrap().push(password.expose().to_owned());
            attempt.admit(())
        }
    };
    let (io, task) = serve(&server(twice));
    let mut channel = Channel::prove(io, &Proof::of_client(&ALICE)).await;
    assert_eq!(channel.asked().await, b"first: ");
    sleep(Duration::from_secs(3)).await;
    channel.answer(1, b"one").await;
    assert_eq!(channel.asked().await, b"second: ");
    channel.answer(1, b"two").await;
    channel.welcome().await;
    task.await.unwrap().unwrap();
    assert_eq!(*seen.lock().unwrap(), ["two"]);
}

/// [WIRE-11]
#[tokio::test(start_paused = true)]
async fn a_client_that_was_asked_answers_before_it_is_admitted_without_that() {
    let lenient = |mut attempt: Attempt| async move {
        attempt.public_key().await;
        tokio::select! {
            _ = attempt.password("if you like: ") => {}
            () = sleep(PATIENCE) => {}
        }
        attempt.admit(())
    };
    let (io, task) = serve(&server(lenient));
    let mut channel = Channel::prove(io, &Proof::of_client(&ALICE)).await;
    channel.asked().await;
    sleep(Duration::from_secs(5)).await;
    assert!(!task.is_finished(), "each AuthRequest has its AuthResponse");
    channel.answer(1, b"late").await;
    channel.welcome().await;
    task.await.unwrap().unwrap();
}

/// A question that was given up in the moment it was asked is never sent.
#[tokio::test(start_paused = true)]
async fn a_question_that_was_given_up_at_once_is_not_asked() {
    let fickle = |mut attempt: Attempt| async move {
        attempt.public_key().await;
        tokio::select! {
            biased;
            _ = attempt.password("never mind: ") => {}
            () = std::future::ready(()) => {}
        }
        sleep(PATIENCE).await;
        attempt.admit(())
    };
    let (io, task) = serve(&server(fickle));
    let mut channel = Channel::prove(io, &Proof::of_client(&ALICE)).await;
    channel.welcome().await;
    task.await.unwrap().unwrap();
}

/// Waits for ever, before or after it has asked for the client's proof.
fn for_ever(prove: bool) -> impl Authenticator<Credentials = ()> + Clone + 'static {
    move |mut attempt: Attempt| async move {
        if prove {
            attempt.public_key().await;
        }
        std::future::pending::<()>().await;
        attempt.admit(())
    }
}

fn assert_gone<T>(accepted: Result<T, AcceptError>) {
    match accepted {
        Err(AcceptError::Closed { waiting_for }) => {
            assert_eq!(waiting_for, "the authenticators' decision");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("admitted"),
    }
}

/// [LIM-6]
#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_while_the_authenticator_waits_is_noticed_at_once() {
    let start = Instant::now();
    // before it has said anything, in the middle of its hello, behind it
    let hello = Hello::new().frame();
    for n in [0, 10, hello.len()] {
        let (io, task) = serve(&server(for_ever(false)));
        let mut link = crate::wire::support::link::Link::new(io);
        link.send(&hello[..n]).await;
        sleep(PATIENCE).await;
        drop(link);
        assert_gone(soon(task).await.unwrap());
    }
    for eager in [false, true] {
        let (io, task) = serve(&server(for_ever(true)));
        let proof = Proof::of_client(&ALICE);
        let proof = if eager { proof.eager() } else { proof };
        let mut channel = Channel::prove(io, &proof).await;
        if eager {
            channel.send(DATA, &[7; 20_000]).await;
        }
        sleep(PATIENCE).await;
        drop(channel);
        assert_gone(soon(task).await.unwrap());
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// [AUTH-12]
#[tokio::test(start_paused = true)]
async fn an_eager_client_that_has_closed_need_not_stay() {
    let slow = |mut attempt: Attempt| async move {
        attempt.public_key().await;
        sleep(Duration::from_secs(5)).await;
        attempt.admit(())
    };
    let (io, task) = serve(&server(slow));
    let mut channel = Channel::prove(io, &Proof::of_client(&ALICE).eager()).await;
    channel.send(DATA, b"fire and forget").await;
    channel.send(CLOSE, b"").await;
    drop(channel);
    let (mut stream, _) = task.await.unwrap().unwrap();
    let mut data = Vec::new();
    stream.read_to_end(&mut data).await.unwrap();
    assert_eq!(data, b"fire and forget");
}

/// [ERR-6]
#[tokio::test(start_paused = true)]
async fn what_a_client_says_while_the_authenticator_waits_ends_the_handshake() {
    let start = Instant::now();
    let (io, task) = serve(&server(for_ever(true)));
    let mut channel = Channel::prove(io, &Proof::of_client(&ALICE)).await;
    channel.send(ERROR, &error(5, "")).await;
    assert_eq!(channel.link.end().await, SILENCE);
    match task.await.unwrap().map(drop) {
        Err(AcceptError::Handshake(Error::Ended(farewell))) => {
            assert_eq!(farewell.code, ErrorCode::ShuttingDown);
        }
        other => panic!("{other:?}"),
    }
    for kind in [DATA, CLOSE, PING] {
        let (io, task) = serve(&server(for_ever(true)));
        let mut channel = Channel::prove(io, &Proof::of_client(&ALICE)).await;
        channel.send(kind, &[0; 8][..if kind == CLOSE { 0 } else { 8 }]).await;
        channel.expect_early_error(1).await;
        drop(channel);
        let ended = task.await.unwrap().map(drop);
        assert!(
            matches!(&ended, Err(AcceptError::Handshake(Error::Misbehaved(_)))),
            "{kind}: {ended:?}"
        );
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
