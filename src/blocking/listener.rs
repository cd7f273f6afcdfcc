//! Accepting many clients, each handshake on a thread of its own.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::door::{Door, Knock, Source};
use super::link::Handshaking;
use super::queue::Queue;
use super::{Server, Stream, Transport, wait};
use crate::auth::{Authenticator, PeerAddr};
use crate::deadlines::after;
use crate::error::{ErrorCode, Refusal};
use crate::handshake::server::refusal;
use crate::link::Link;
use crate::roll::Roll;
use crate::server::slots::{Slot, Slots};
use crate::server::{Limits, Peer};

/// Connections that may wait for a place; more are told at once that the server is busy.
const WAITING: usize = 256;
/// Connections that are told so at a time; more are closed without a word.
const TURNED_AWAY: usize = 64;
/// Clients that were admitted and not accepted yet.
const ADMITTED: usize = 32;

type Accepted<C, IO> = (Stream<IO>, Peer<C>);

/// Accepts clients. What goes wrong in one handshake shows in the log alone: it never ends the
/// listener or holds up another client.
///
/// Each handshake has a thread of its own for as long as it lasts: at most
/// [`Limits::unauthenticated`], 256 that wait for a place, and 64 that are told that there is none.
/// A client that was admitted keeps its place until it is among the 32 that may wait for
/// [`accept`](Self::accept). An authenticator that blocks its thread holds a place as long as it
/// does: deadlines are looked at between its waits.
///
/// Dropping it stops listening; handshakes under way lead to nothing then. Streams that were
/// accepted live on.
pub struct Listener<C, IO: Transport = std::net::TcpStream> {
    admitted: Arc<Queue<Accepted<C, IO>>>,
    address: Option<SocketAddr>,
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
        drop(self.stop());
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
        let admitted = Arc::new(Queue::new(ADMITTED));
        let roll = Arc::<Roll>::default();
        let place = Place {
            slots: Slots::new(server.limits),
            // counted by network, too, so that nobody can take all of them
            seats: Slots::new(Limits { unauthenticated: WAITING, ..server.limits }),
            doors: Slots::new(Limits { unauthenticated: TURNED_AWAY, ..server.limits }),
            server,
            admitted: Arc::clone(&admitted),
            roll: Arc::clone(&roll),
        };
        thread::Builder::new()
            .name("handfast accept".to_owned())
            .spawn(move || place.accept_all(&door))?;
        Ok(Self { admitted, address, knock, roll })
    }

    /// The next client that was admitted, and what is known of it. Several threads may wait for
    /// one.
    ///
    /// # Errors
    ///
    /// The listener was [shut down](Self::shutdown).
    pub fn accept(&self) -> io::Result<(Stream<IO>, Peer<C>)> {
        self.admitted
            .pop()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "the listener has ended"))
    }

    /// Stops listening, and waits until the streams that were accepted are gone. Those that are
    /// still there after `grace` are ended with Error 5 (shutting down); gives their number.
    /// Threads that wait in [`accept`](Self::accept) go on with an error.
    ///
    /// A handshake that is under way ends by its deadlines, and its client is told Error 5, too.
    /// A thread that is blocked reading or writing a stream that is ended goes on once its peer has
    /// taken that.
    pub fn shutdown(&self, grace: Duration) -> usize {
        // clients that were admitted and never accepted are told at once
        self.stop().into_iter().for_each(|(stream, _)| turn_out(stream));
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
    fn stop(&self) -> VecDeque<Accepted<C, IO>> {
        let left = self.admitted.close();
        self.knock.knock();
        left
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
    doors: Arc<Slots>,
    admitted: Arc<Queue<Accepted<A::Credentials, IO>>>,
    roll: Arc<Roll>,
}

impl<A: Authenticator, IO: Transport> Clone for Place<A, IO> {
    fn clone(&self) -> Self {
        Self {
            server: self.server.clone(),
            slots: Arc::clone(&self.slots),
            seats: Arc::clone(&self.seats),
            doors: Arc::clone(&self.doors),
            admitted: Arc::clone(&self.admitted),
            roll: Arc::clone(&self.roll),
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
        while !self.admitted.is_closed() {
            let begun = match door.accept() {
                Ok(None) => continue,
                Ok(Some((io, from))) => self.begin(io, from),
                Err(error) => Err(error),
            };
            match begun {
                Ok(()) => pause = SHORTEST_PAUSE,
                Err(error) => {
                    // out of descriptors or threads, or a client that went away: others may come
                    warn!(%error, "accepting failed; going on");
                    thread::sleep(pause);
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Gives a client a thread, if there is a place for it in one way or another.
    fn begin(&self, io: IO, from: PeerAddr) -> io::Result<()> {
        let stay = if let Some(slot) = self.slots.take(from) {
            Stay::Handshake(slot)
        } else if let Some(seat) = self.seats.take(from) {
            Stay::Wait(seat)
        } else if let Some(door) = self.doors.take(from) {
            Stay::Leave(door)
        } else {
            info!(peer = %from, "not admitted: more connections than can be told so");
            return Ok(());
        };
        let place = self.clone();
        thread::Builder::new()
            .name("handfast handshake".to_owned())
            .spawn(move || place.receive(io, from, stay))?;
        Ok(())
    }

    /// Runs one client's handshake.
    fn receive(self, io: IO, from: PeerAddr, stay: Stay) {
        let slot = match stay {
            Stay::Handshake(slot) => slot,
            Stay::Leave(_door) => return turn_away(&self.server, io, from),
            Stay::Wait(_seat) => {
                let until = after(Instant::now(), self.server.deadlines.hello);
                match self.slots.block(from, until) {
                    Some(slot) => slot,
                    None => return turn_away(&self.server, io, from),
                }
            }
        };
        let accepted = self.server.accept_onto(io, from, Some(Arc::clone(&self.roll)));
        let Ok(accepted) = accepted else { return };
        if let Err((stream, _)) = self.admitted.push(accepted) {
            turn_out(stream);
        }
        // so long a client that was admitted counts as one that is not
        drop(slot);
    }
}

/// What a client may stay for.
enum Stay {
    Handshake(Slot),
    Wait(Slot),
    Leave(Slot),
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
