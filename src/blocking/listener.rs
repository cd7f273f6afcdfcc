//! Accepting many clients, each handshake on a thread of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::door::{Door, Knock, Source};
use super::link::Handshaking;
use super::{Server, Stream, Transport, wait};
use crate::auth::{Authenticator, PeerAddr};
use crate::deadlines::after;
use crate::error::{ErrorCode, Refusal};
use crate::handshake::server::refusal;
use crate::link::Link;
use crate::roll::Roll;
use crate::server::slots::Slots;
use crate::server::{Limits, Peer};

/// Connections that may wait for a place; more are told at once that the server is busy.
const WAITING: usize = 256;
/// Clients that were admitted and not accepted yet.
const ADMITTED: usize = 32;

type Accepted<C, IO> = (Stream<IO>, Peer<C>);

/// Accepts clients. Each handshake has a thread of its own for as long as it lasts, at most
/// [`Limits::unauthenticated`] and 256 that wait for one to end; what goes wrong in one shows in the
/// log alone: it never ends the listener or holds up another client.
///
/// Dropping it stops listening; handshakes under way lead to nothing then. Streams that were
/// accepted live on.
pub struct Listener<C, IO: Transport = std::net::TcpStream> {
    admitted: Mutex<Receiver<Accepted<C, IO>>>,
    address: Option<SocketAddr>,
    stopped: Arc<AtomicBool>,
    knock: Knock,
    roll: Arc<Roll>,
}

impl<C, IO: Transport> std::fmt::Debug for Listener<C, IO> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<C, IO: Transport> Drop for Listener<C, IO> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<C: Send + 'static, IO: Transport> Listener<C, IO> {
    pub(super) fn start<A, S>(server: Server<A>, source: S) -> io::Result<Self>
    where
        A: Authenticator<Credentials = C> + 'static,
        S: Source<Io = IO>,
    {
        let address = source.address();
        let (door, knock) = Door::new(source)?;
        let (sender, admitted) = sync_channel(ADMITTED);
        let (stopped, roll) = (Arc::<AtomicBool>::default(), Arc::<Roll>::default());
        let place = Place {
            slots: Slots::new(server.limits),
            // counted by network, too, so that nobody can take all of them
            seats: Slots::new(Limits { unauthenticated: WAITING, ..server.limits }),
            server,
            admitted: sender,
            roll: Arc::clone(&roll),
            stopped: Arc::clone(&stopped),
        };
        thread::Builder::new()
            .name("handfast accept".to_owned())
            .spawn(move || place.accept_all(&door))?;
        Ok(Self { admitted: Mutex::new(admitted), address, stopped, knock, roll })
    }

    /// The next client that was admitted, and what is known of it. Several threads may wait for
    /// one.
    ///
    /// # Errors
    ///
    /// The listener's thread has ended.
    pub fn accept(&self) -> io::Result<(Stream<IO>, Peer<C>)> {
        let admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        admitted
            .recv()
            .map_err(|_| io::Error::new(io::ErrorKind::NotConnected, "the listener has ended"))
    }

    /// Stops listening, and waits until the streams that were accepted are gone. Those that are
    /// still there after `grace` are ended with Error 5 (shutting down); gives their number.
    ///
    /// A handshake that is under way ends by its deadlines, and its client is told Error 5, too.
    /// A thread that is blocked reading or writing such a stream goes on once its peer has taken
    /// that.
    pub fn shutdown(self, grace: Duration) -> usize {
        self.stop();
        // clients that were admitted and never accepted are told at once
        let admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        while let Ok((stream, _)) = admitted.try_recv() {
            turn_out(stream);
        }
        drop(admitted);
        let left = self.roll.block_until_empty(grace);
        if left > 0 {
            info!(left, "shutting down: ending the connections that are left");
            self.roll.end_all(ErrorCode::ShuttingDown);
            // time to read it
            self.roll.block_until_empty(Duration::from_secs(1));
        }
        left
    }
}

impl<C, IO: Transport> Listener<C, IO> {
    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.knock.knock();
    }

    /// How many streams that were accepted are alive.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.roll.len()
    }

    /// The address that it listens on; none for a Unix socket.
    #[must_use]
    pub const fn local_addr(&self) -> Option<SocketAddr> {
        self.address
    }
}

/// Tells a client that was admitted and that nobody takes any more; not on this thread, since that
/// waits for the client.
fn turn_out<IO: Transport>(stream: Stream<IO>) {
    let tell = move || drop(stream.abort(ErrorCode::ShuttingDown, ""));
    // without a thread to spare it finds the connection closed
    let _ = thread::Builder::new().name("handfast shutdown".to_owned()).spawn(tell);
}

/// What every handshake of a listener needs.
struct Place<A: Authenticator, IO: Transport> {
    server: Server<A>,
    slots: Arc<Slots>,
    seats: Arc<Slots>,
    admitted: SyncSender<Accepted<A::Credentials, IO>>,
    roll: Arc<Roll>,
    stopped: Arc<AtomicBool>,
}

impl<A: Authenticator, IO: Transport> Clone for Place<A, IO> {
    fn clone(&self) -> Self {
        Self {
            server: self.server.clone(),
            slots: Arc::clone(&self.slots),
            seats: Arc::clone(&self.seats),
            admitted: self.admitted.clone(),
            roll: Arc::clone(&self.roll),
            stopped: Arc::clone(&self.stopped),
        }
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl<A, IO> Place<A, IO>
where
    A: Authenticator + 'static,
    A::Credentials: 'static,
    IO: Transport,
{
    fn accept_all<S: Source<Io = IO>>(self, door: &Door<S>) {
        let mut pause = SHORTEST_PAUSE;
        while !self.stopped.load(Ordering::Acquire) {
            let accepted = match door.accept() {
                Ok(None) => continue,
                Ok(Some(accepted)) => Ok(accepted),
                Err(error) => Err(error),
            };
            let begun = accepted.and_then(|(io, from)| {
                let place = self.clone();
                thread::Builder::new()
                    .name("handfast handshake".to_owned())
                    .spawn(move || place.receive(io, from))
            });
            match begun {
                Ok(_) => pause = SHORTEST_PAUSE,
                Err(error) => {
                    // out of descriptors or threads, or a client that went away: others may come
                    warn!(%error, "accepting failed; going on");
                    thread::sleep(pause);
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Runs one client's handshake.
    fn receive(self, io: IO, from: PeerAddr) {
        let slot = self.slots.take(from).or_else(|| {
            let _seat = self.seats.take(from)?;
            let until = after(Instant::now(), self.server.deadlines.hello);
            self.slots.block(from, until)
        });
        let Some(slot) = slot else { return turn_away(&self.server, io, from) };
        let accepted = self.server.accept_onto(io, from, Some(Arc::clone(&self.roll)));
        drop(slot);
        let Ok(accepted) = accepted else { return };
        if self.stopped.load(Ordering::Acquire) {
            turn_out(accepted.0);
        } else {
            // only a listener that is gone takes it no more
            let _ = self.admitted.send(accepted);
        }
    }
}

/// Tells a client that waited too long that the server is busy. A stealth server tells nobody.
fn turn_away<A, IO: Transport>(server: &Server<A>, io: IO, from: PeerAddr) {
    info!(peer = %from, "not admitted: too many connections that are not authenticated");
    if server.config.stealth.is_none()
        && let Ok(link) = Handshaking::new(io)
    {
        wait::forever(link.part(&refusal(Refusal::Busy)));
    }
}
