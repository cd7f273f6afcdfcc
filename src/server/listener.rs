//! Accepting many clients, whose handshakes run beside each other.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout, timeout_at};
use tracing::{info, warn};

use super::places::{Places, Stay};
use super::queue::Queue;
use super::report::no_place;
use super::{Peer, Server};
use crate::auth::{Authenticator, PeerAddr};
use crate::deadlines::after;
use crate::error::{ErrorCode, Refusal};
use crate::handshake::server::refusal;
use crate::link::Link;
use crate::roll::Roll;
use crate::stream::{Handshaking, Stream, Transport};

type Accepted<C, IO> = (Stream<IO>, Peer<C>);

/// Accepts clients. Handshakes run beside each other, and what goes wrong in one shows in the log
/// alone: it never ends the listener or holds up another client.
///
/// At a time there are at most [`Limits::unauthenticated`](super::Limits::unauthenticated)
/// connections whose clients are not authenticated, 256 that wait for a place among them, and 64
/// that are told that the server is busy; others are closed unanswered. A stealth server accepts no
/// more in their stead. A client that was admitted keeps its place until it is among the first 32
/// that wait for [`accept`](Self::accept).
///
/// Dropping it stops listening and ends the handshakes under way; streams that were accepted live
/// on.
pub struct Listener<C, IO: Transport = TcpStream> {
    admitted: Arc<Queue<Accepted<C, IO>>>,
    address: Option<SocketAddr>,
    strangers: Arc<AtomicU64>,
    task: AbortHandle,
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

/// What connections come from.
pub(super) trait Source: Send + Sync + 'static {
    type Io: Transport;

    fn address(&self) -> Option<SocketAddr>;

    fn accept(&self) -> impl Future<Output = io::Result<(Self::Io, PeerAddr)>> + Send;
}

impl Source for TcpListener {
    type Io = TcpStream;

    fn address(&self) -> Option<SocketAddr> {
        self.local_addr().ok()
    }

    async fn accept(&self) -> io::Result<(TcpStream, PeerAddr)> {
        let (stream, address) = Self::accept(self).await?;
        // what is wrong with one client's socket shows when it is used, and holds up no other
        let _ = stream.set_nodelay(true);
        Ok((stream, PeerAddr::Ip(address)))
    }
}

#[cfg(unix)]
impl Source for tokio::net::UnixListener {
    type Io = tokio::net::UnixStream;

    fn address(&self) -> Option<SocketAddr> {
        None
    }

    async fn accept(&self) -> io::Result<(Self::Io, PeerAddr)> {
        let (stream, _) = Self::accept(self).await?;
        Ok((stream, PeerAddr::Unix))
    }
}

impl<C: Send + 'static, IO: Transport> Listener<C, IO> {
    pub(super) fn start<A, S>(server: Server<A>, source: S) -> Self
    where
        A: Authenticator<Credentials = C> + 'static,
        S: Source<Io = IO>,
    {
        let address = source.address();
        let (server, strangers) = server.for_listener();
        let admitted = Arc::new(Queue::new());
        let roll = Arc::<Roll>::default();
        let shared = Shared {
            places: Places::new(server.limits),
            server,
            admitted: Arc::clone(&admitted),
            roll: Arc::clone(&roll),
        };
        let task = tokio::spawn(accept_all(Arc::new(shared), source)).abort_handle();
        Self { admitted, address, task, roll, strangers }
    }

    /// The next client that was admitted, and what is known of it. Several tasks may wait for one.
    ///
    /// # Errors
    ///
    /// The listener was [shut down](Self::shutdown), or its task was ended with its runtime.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has taken no client, and one that is kept and not polled keeps none
    /// from others.
    pub async fn accept(&self) -> io::Result<(Stream<IO>, Peer<C>)> {
        let next = self.admitted.pop().await;
        next.ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "the listener has ended"))
    }

    /// Stops listening, ends the handshakes under way, and waits until the streams that were
    /// accepted are gone. Those that are still there after `grace` are ended with Error 5 (shutting
    /// down); gives their number. It takes no longer than `grace` and a second. Whoever waits in
    /// [`accept`](Self::accept) goes on with an error.
    ///
    /// Await it in `main`, before the runtime ends: a runtime that is dropped takes all streams
    /// with it. A program that accepts until it is asked to stop does both in one place:
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn f(listener: handfast::Listener<()>) -> std::io::Result<()> {
    /// loop {
    ///     let (stream, peer) = tokio::select! {
    ///         accepted = listener.accept() => accepted?,
    ///         asked = tokio::signal::ctrl_c() => {
    ///             asked?;
    ///             break;
    ///         }
    ///     };
    ///     tokio::spawn(async move { drop((stream, peer)) });
    /// }
    /// listener.shutdown(Duration::from_secs(10)).await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn shutdown(&self, grace: Duration) -> usize {
        // clients that were admitted and never accepted are told at once
        self.stop().into_iter().for_each(|(stream, _)| turn_out(stream));
        if timeout(grace, self.roll.empty()).await.is_ok() {
            return 0;
        }
        let left = self.roll.len();
        info!(left, "shutting down: ending the connections that are left");
        self.roll.end_all(ErrorCode::ShuttingDown);
        // time to read it, for those whose streams are still polled
        let _ = timeout(Duration::from_secs(1), self.roll.empty()).await;
        left
    }
}

impl<C, IO: Transport> Listener<C, IO> {
    fn stop(&self) -> VecDeque<Accepted<C, IO>> {
        let left = self.admitted.close();
        self.task.abort();
        left
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
        self.roll.len()
    }

    /// The address that it listens on; none for a Unix socket.
    #[must_use]
    pub const fn local_addr(&self) -> Option<SocketAddr> {
        self.address
    }
}

/// Tells a client that was admitted that the server goes, without waiting for it.
fn turn_out<IO: Transport>(stream: Stream<IO>) {
    tokio::spawn(stream.abort(ErrorCode::ShuttingDown, ""));
}

/// What every handshake of a listener needs.
struct Shared<A: Authenticator, IO: Transport> {
    server: Server<A>,
    places: Places,
    admitted: Arc<Queue<Accepted<A::Credentials, IO>>>,
    roll: Arc<Roll>,
}

/// The accepting task; once it is gone, no more clients come.
struct Accepting<T>(Arc<Queue<T>>);

impl<T> Drop for Accepting<T> {
    fn drop(&mut self) {
        self.0.end();
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

async fn accept_all<A, S>(shared: Arc<Shared<A, S::Io>>, source: S)
where
    A: Authenticator + 'static,
    S: Source,
    A::Credentials: 'static,
{
    let _accepting = Accepting(Arc::clone(&shared.admitted));
    // ends with this task, and with it the handshakes
    let mut handshakes = JoinSet::new();
    let mut pause = SHORTEST_PAUSE;
    loop {
        while handshakes.try_join_next().is_some() {}
        let room = match shared.server.config.stealth {
            Some(_) => Some(shared.places.room().await),
            None => None,
        };
        let (io, from) = match source.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // out of descriptors, or a client that went away at once: others may come
                warn!(%error, "accepting failed; going on");
                sleep(pause).await;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
                continue;
            }
        };
        pause = SHORTEST_PAUSE;
        let Some(stay) = shared.places.receive(from, room) else {
            no_place(from, "more connections than can be told so", Duration::ZERO);
            continue;
        };
        let since = Handshaking::<S::Io>::now();
        handshakes.spawn(Arc::clone(&shared).receive(io, from, stay, since));
    }
}

impl<A, IO> Shared<A, IO>
where
    A: Authenticator + 'static,
    A::Credentials: 'static,
    IO: Transport,
{
    /// Runs one client's handshake.
    async fn receive(self: Arc<Self>, io: IO, from: PeerAddr, stay: Stay, since: Instant) {
        let until = after(since, self.server.deadlines.until_hello());
        let slot = match stay {
            Stay::Handshake(slot) => slot,
            Stay::Leave(_door) => return self.turn_away(io, from, since, until).await,
            Stay::Wait(_seat) => {
                match timeout_at(until.into(), self.places.slots.wait(from)).await {
                    Ok(slot) => slot,
                    Err(_) => return self.turn_away(io, from, since, until).await,
                }
            }
        };
        let accepted = self.server.accept_onto(io, from, since, Some(Arc::clone(&self.roll)));
        let Ok(accepted) = accepted.await else { return };
        if let Err((stream, _)) = self.admitted.push(accepted, slot) {
            turn_out(stream);
        }
    }

    /// Tells a client that waited too long that the server is busy. A stealth server leaves it in
    /// silence, like every other.
    async fn turn_away(&self, io: IO, from: PeerAddr, since: Instant, until: Instant) {
        let took = Handshaking::<IO>::now().saturating_duration_since(since);
        no_place(from, "too many connections that are not authenticated", took);
        let link = Handshaking::new(io);
        match self.server.config.stealth {
            Some(_) => link.drain(until).await,
            None => link.part(&refusal(Refusal::Busy)).await,
        }
    }
}
