//! A server on threads that stops as its operator expects: at ctrl-C or SIGTERM it accepts no more
//! clients, lets those that it has finish, and exits with 0. A client that is not done after ten
//! seconds is told that the server stops, so the server takes eleven seconds at most. A second signal
//! changes nothing; SIGKILL ends it at once.
//!
//! ```sh
//! cargo run --example shutdown_threads -- 127.0.0.1:7000 host_ed25519 authorized_keys
//! ```
//!
//! The same on tokio is in `shutdown_tokio.rs`. This one needs Unix, for its signals.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::process::ExitCode;

#[cfg(unix)]
fn main() -> ExitCode {
    match unix::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(unix))]
fn main() -> ExitCode {
    eprintln!("error: this example waits for Unix signals");
    ExitCode::FAILURE
}

#[cfg(unix)]
mod unix {
    use std::error::Error as StdError;
    use std::io::{self, Read as _, Write as _};
    use std::thread;
    use std::time::Duration;

    use handfast::auth::public_key;
    use handfast::blocking::{Server, ShutdownHandle, Stream};
    use handfast::key::Identity;
    use handfast::trust::AuthorizedKeys;
    use nix::sys::signal::{SigSet, Signal};

    /// How long clients may take to finish.
    const GRACE: Duration = Duration::from_secs(10);
    /// A thread that serves a client looks so often whether the server is about to stop.
    const LOOK: Duration = Duration::from_millis(200);

    pub(super) fn run() -> Result<(), Box<dyn StdError>> {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        let [address, host_key, authorized_keys] = arguments.as_slice() else {
            return Err("usage: shutdown_threads ADDRESS HOST_KEY AUTHORIZED_KEYS".into());
        };
        // before any thread is started, so that the signals reach none but the one that waits
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
        signals.thread_block()?;
        let server = Server::new(Identity::load(host_key)?)
            .authenticator(public_key(AuthorizedKeys::open(authorized_keys)?));
        let listener = server.listen(address)?;
        println!("listening on {}", listener.local_addr().ok_or("no address")?);

        let handle = listener.shutdown_handle();
        let stops = handle.clone();
        thread::spawn(move || {
            if signals.wait().is_ok() {
                stops.shutdown(GRACE);
            }
        });
        while let Ok((stream, _peer)) = listener.accept() {
            let handle = handle.clone();
            thread::spawn(move || {
                if let Err(error) = serve(stream, &handle) {
                    eprintln!("a connection failed: {error}");
                }
            });
        }
        // clients have their grace; without this line the listener would wait when it is dropped
        let cut = handle.wait();
        println!("stopped; {cut} clients were cut off");
        Ok(())
    }

    /// Sends back what comes, until the client is done or the server is about to stop.
    fn serve(mut stream: Stream, handle: &ShutdownHandle) -> io::Result<()> {
        let mut request = [0; 4096];
        stream.set_read_timeout(Some(LOOK))?;
        loop {
            match stream.read(&mut request) {
                Ok(0) => break,
                Ok(len) => stream.write_all(request.get(..len).unwrap_or_default())?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if handle.is_shutting_down() {
                        break;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        // sends the authenticated end, and waits for the client's; the grace bounds that
        stream.set_read_timeout(None)?;
        stream.close()
    }
}
