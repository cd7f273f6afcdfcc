//! Accepting many clients, each handshake on a thread of its own.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::door::{Door, Knock, Source};
use super::link::Handshaking;
use super::shutdown::{Progress, ShutDown, ShutdownHandle};
use super::{Server, Stream, Transport, wait};
use crate::auth::{Authenticator, PeerAddr};
use crate::deadlines::after;
use crate::error::{ErrorCode, Refusal};
use crate::handshake::server::refusal;
use crate::link::Link;
use crate::roll::Roll;
use crate::server::Peer;
use crate::server::places::{Places, Stay};
use crate::server::queue::Queue;
use crate::server::report::no_place;

type Accepted<C, IO> = (Stream<IO>, Peer<C>);

/// Accepts clients. What goes wrong in one handshake shows in the log alone: it never ends the
/// listener or holds up another client.
///
/// Each handshake has a thread of its own for as long as it lasts: at most
/// [`Limits::unauthenticated`](crate::server::Limits::unauthenticated), 256 that wait for a place,
/// and 64 that are told that the server is busy; other connections are closed unanswered. A stealth
/// server accepts no more in their stead. A client that was admitted keeps its place until it is
/// among the first 32 that wait for [`accept`](Self::accept). An authenticator that blocks its
/// thread holds a place as long as it does: deadlines are looked at between its waits.
///
/// Dropping it stops listening; handshakes under way lead to nothing then. Streams that were
/// accepted live on. Where a [`ShutdownHandle`] is shutting it down, dropping it waits for the end
/// of that, so that a `main` that has accepted until then does not end the program too soon.
pub struct Listener<C, IO: Transport = std::net::TcpStream> {
    inner: Arc<Inner<C, IO>>,
    address: Option<SocketAddr>,
    strangers: Arc<AtomicU64>,
}

struct Inner<C, IO: Transport> {
    admitted: Arc<Queue<Accepted<C, IO>>>,
    knock: Knock,
    roll: Arc<Roll>,
    progress: Progress,
}

impl<C, IO: Transport> std::fmt::Debug for Listener<C, IO> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<C, IO: Transport> Drop for Listener<C, IO> {
    fn drop(&mut self) {
        drop(self.inner.stop());
        self.inner.progress.finish();
    }
}

impl<C: Send + 'static, IO: Transport> Listener<C, IO> {
    pub(super) fn start<A, S>(server: Server<A>, source: S) -> io::Result<Self>
    where
        A: Authenticator<Credentials = C> + 'static,
        S: Source<Io = IO>,
    {
        let address = source.address();
        let (server, strangers) = server.for_listener();
        let (door, knock) = Door::new(source)?;
        let admitted = Arc::new(Queue::new());
        let roll = Arc::<Roll>::default();
        let shared = Shared {
            places: Places::new(server.limits),
            server,
            admitted: Arc::clone(&admitted),
            roll: Arc::clone(&roll),
        };
        thread::Builder::new()
            .name("handfast accept".to_owned())
            .spawn(move || Arc::new(shared).accept_all(&door))?;
        let inner = Inner { admitted, knock, roll, progress: Progress::default() };
        Ok(Self { inner: Arc::new(inner), address, strangers })
    }

    /// The next client that was admitted, and what is known of it. Several threads may wait for
    /// one.
    ///
    /// # Errors
    ///
    /// The listener was [shut down](Self::shutdown).
    pub fn accept(&self) -> io::Result<(Stream<IO>, Peer<C>)> {
        self.inner
            .admitted
            .block()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "the listener has ended"))
    }

    /// Stops listening, and waits until the streams that were accepted are gone. Those that are
    /// still there after `grace` are ended with Error 5 (shutting down); gives their number. It takes
    /// no longer than `grace` and a second. Threads that wait in [`accept`](Self::accept) go on with
    /// an error: a program whose `main` is one of them is shut down through a
    /// [handle](Self::shutdown_handle), which `main` waits for.
    ///
    /// A handshake that is under way ends by its deadlines, and its client is told Error 5, too.
    /// A thread that is blocked reading or writing a stream that is ended goes on once its peer has
    /// taken that.
    pub fn shutdown(&self, grace: Duration) -> usize {
        self.inner.shutdown(grace)
    }

    /// What shuts this listener down from another thread, such as one that waits for a signal.
    #[must_use]
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        let inner: Arc<Inner<C, IO>> = Arc::clone(&self.inner);
        ShutdownHandle(inner)
    }

    /// How many connections came from no handfast client: health checks that connect and hang up,
    /// scans, HTTP, TLS. The log has them at the level DEBUG.
    #[must_use]
    pub fn strangers(&self) -> u64 {
        self.strangers.load(Ordering::Relaxed)
    }

    /// How many streams that were accepted are alive.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.inner.roll.len()
    }

    /// The address that it listens on; none for a Unix socket.
    #[must_use]
    pub const fn local_addr(&self) -> Option<SocketAddr> {
        self.address
    }
}

impl<C, IO: Transport> Inner<C, IO> {
    fn stop(&self) -> VecDeque<Accepted<C, IO>> {
        let left = self.admitted.close();
        self.knock.knock();
        left
    }
}

impl<C: Send, IO: Transport> ShutDown for Inner<C, IO> {
    fn shutdown(&self, grace: Duration) -> usize {
        // before `accept` fails: a listener that is dropped then waits
        let mut under_way = self.progress.begin();
        // clients that were admitted and never accepted are told at once
        self.stop().into_iter().for_each(|(stream, _)| turn_out(stream));
        let left = self.roll.block_until_empty(grace);
        if left > 0 {
            info!(left, "shutting down: ending the connections that are left");
            let roll = Arc::clone(&self.roll);
            // not on this thread: a transport without time-outs may block it for ever
            let end_all = move || roll.end_all(ErrorCode::ShuttingDown);
            let ending = thread::Builder::new().name("handfast shutdown".to_owned()).spawn(end_all);
            if ending.is_err() {
                self.roll.end_all(ErrorCode::ShuttingDown);
            }
            // time to read it
            self.roll.block_until_empty(Duration::from_secs(1));
        }
        under_way.cut = left;
        left
    }

    fn has_ended(&self) -> bool {
        self.admitted.has_ended()
    }

    fn progress(&self) -> &Progress {
        &self.progress
    }
}

/// Tells a client that was admitted that the server goes; not on this thread, since that waits for
/// the client.
fn turn_out<IO: Transport>(stream: Stream<IO>) {
    let tell = move || drop(stream.abort(ErrorCode::ShuttingDown, ""));
    // without a thread to spare it finds the connection closed
    let _ = thread::Builder::new().name("handfast shutdown".to_owned()).spawn(tell);
}

/// What every handshake of a listener needs.
struct Shared<A: Authenticator, IO: Transport> {
    server: Server<A>,
    places: Places,
    admitted: Arc<Queue<Accepted<A::Credentials, IO>>>,
    roll: Arc<Roll>,
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A stealth server that waits for room sees so often whether it is shut down.
const SLICE: Duration = Duration::from_millis(100);

impl<A, IO> Shared<A, IO>
where
    A: Authenticator + 'static,
    A::Credentials: 'static,
    IO: Transport,
{
    fn accept_all<S: Source<Io = IO>>(self: Arc<Self>, door: &Door<S>) {
        let mut pause = SHORTEST_PAUSE;
        while !self.admitted.has_ended() {
            let room = match self.server.config.stealth {
                Some(_) => match self.places.block_for_room(Instant::now() + SLICE) {
                    Some(room) => Some(room),
                    None => continue,
                },
                None => None,
            };
            let begun = match door.accept() {
                Ok(None) => continue,
                Ok(Some((io, from))) => match self.places.receive(from, room) {
                    Some(stay) => Self::begin(&self, io, from, stay),
                    None => {
                        no_place(from, "more connections than can be told so", Duration::ZERO);
                        Ok(())
                    }
                },
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

    /// Gives a client a thread.
    fn begin(shared: &Arc<Self>, io: IO, from: PeerAddr, stay: Stay) -> io::Result<()> {
        let (shared, since) = (Arc::clone(shared), Instant::now());
        thread::Builder::new()
            .name("handfast handshake".to_owned())
            .spawn(move || shared.receive(io, from, stay, since))?;
        Ok(())
    }

    /// Runs one client's handshake.
    fn receive(&self, io: IO, from: PeerAddr, stay: Stay, since: Instant) {
        let until = after(since, self.server.deadlines.until_hello());
        let slot = match stay {
            Stay::Handshake(slot) => slot,
            Stay::Leave(_door) => return self.turn_away(io, from, since, until),
            Stay::Wait(_seat) => match self.places.slots.block(from, until) {
                Some(slot) => slot,
                None => return self.turn_away(io, from, since, until),
            },
        };
        let accepted = self.server.accept_onto(io, from, since, Some(Arc::clone(&self.roll)));
        let Ok(accepted) = accepted else { return };
        if let Err((stream, _)) = self.admitted.push(accepted, slot) {
            turn_out(stream);
        }
    }

    /// Tells a client that waited too long that the server is busy. A stealth server leaves it in
    /// silence, like every other.
    fn turn_away(&self, io: IO, from: PeerAddr, since: Instant, until: Instant) {
        let took = Instant::now().saturating_duration_since(since);
        no_place(from, "too many connections that are not authenticated", took);
        let Ok(link) = Handshaking::new(io) else { return };
        match self.server.config.stealth {
            Some(_) => wait::forever(link.drain(until)),
            None => wait::forever(link.part(&refusal(Refusal::Busy))),
        }
    }
}
