//! A limit for tests that wait for a peer: one that waits for ever ends the program instead.

use std::io::Write as _;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Many times what the slowest of them takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(240);

thread_local! {
    /// Dropped with the thread, which is the test's own.
    static RUNNING: Sender<()> = watch();
}

/// Holds the test of this thread to the limit, from now to its end. What tests begin with calls
/// this, so that no test has to.
pub(crate) fn bounded() {
    RUNNING.with(|_| ());
}

fn watch() -> Sender<()> {
    let test = thread::current().name().unwrap_or("a test").to_owned();
    let (running, ended) = channel();
    thread::spawn(move || {
        if ended.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            let text = format!("{test} waits for ever: not done after {} s", LIMIT.as_secs());
            let _ = writeln!(std::io::stderr(), "{text}");
            std::process::exit(101);
        }
    });
    running
}
