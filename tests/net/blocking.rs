//! The blocking client, server and listener: the same as on tokio, and with it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod bounds;
mod buffered;
mod crowd;
mod deciding;
mod drips;
mod handshakes;
#[cfg(feature = "tokio")]
mod mixed;
mod places;
mod shutdown;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use handfast::auth::{Anonymous, anonymous};
use handfast::blocking::{Client, Server};
use handfast::key::Identity;
use handfast::trust::{Host, PinnedKeys};

/// The two ends that most tests use.
#[derive(Clone)]
struct Ends {
    host: Identity,
    client: Client,
    server: Server<Anonymous>,
}

impl Ends {
    fn new() -> Self {
        crate::limit::bounded();
        let host = Identity::generate().unwrap();
        let pinned = PinnedKeys::new([host.public_key().clone()]);
        Self {
            host: host.clone(),
            client: Client::new().host_verifier(pinned),
            server: Server::new(host).authenticator(anonymous()),
        }
    }
}

fn host() -> Host {
    Host::new("localhost", 7000).unwrap()
}

/// Fails rather than waits for ever.
fn soon<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    let thread = thread::spawn(move || drop(done.send(what())));
    match result.recv_timeout(Duration::from_secs(60)) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it does not come to an end"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().expect_err("it sent nothing"))
        }
    }
}
