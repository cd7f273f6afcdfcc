//! A server on tokio that stops as its operator expects: at ctrl-C or SIGTERM it accepts no more
//! clients, lets those that it has finish, and exits with 0. A client that is not done after ten
//! seconds is told that the server stops, so the server takes eleven seconds at most. A second signal
//! changes nothing; SIGKILL ends it at once.
//!
//! ```sh
//! cargo run --example shutdown_tokio -- 127.0.0.1:7000 host_ed25519 authorized_keys
//! ```
//!
//! The same on threads is in `shutdown_threads.rs`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::error::Error as StdError;
use std::process::ExitCode;
use std::time::Duration;

use handfast::auth::public_key;
use handfast::key::Identity;
use handfast::trust::AuthorizedKeys;
use handfast::{Server, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;

/// How long clients may take to finish.
const GRACE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn StdError>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [address, host_key, authorized_keys] = arguments.as_slice() else {
        return Err("usage: shutdown_tokio ADDRESS HOST_KEY AUTHORIZED_KEYS".into());
    };
    // from here on a signal ends the loop below, and no longer the process
    let mut signals = Signals::new()?;
    let server = Server::new(Identity::load(host_key)?)
        .authenticator(public_key(AuthorizedKeys::open(authorized_keys)?));
    let listener = server.listen(address).await?;
    println!("listening on {}", listener.local_addr().ok_or("no address")?);

    let (stop, stopping) = watch::channel(false);
    loop {
        let (stream, _peer) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = signals.next() => break,
        };
        let stopping = stopping.clone();
        tokio::spawn(async move {
            if let Err(error) = serve(stream, stopping).await {
                eprintln!("a connection failed: {error}");
            }
        });
    }
    // those who serve a client finish what they are doing, and `shutdown` waits for them
    stop.send(true)?;
    let cut = listener.shutdown(GRACE).await;
    println!("stopped; {cut} clients were cut off");
    Ok(())
}

/// Sends back what comes, until the client is done or the server is about to stop.
async fn serve(mut stream: Stream, mut stopping: watch::Receiver<bool>) -> std::io::Result<()> {
    let mut request = Vec::new();
    loop {
        request.clear();
        // a read that is dropped has taken nothing
        let read = tokio::select! {
            read = stream.read_buf(&mut request) => read?,
            _ = stopping.wait_for(|stop| *stop) => 0,
        };
        if read == 0 {
            // sends the authenticated end, and waits for the client's
            return stream.close().await;
        }
        stream.write_all(&request).await?;
    }
}

/// Ctrl-C and SIGTERM.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
