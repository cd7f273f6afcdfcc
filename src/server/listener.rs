//! Accepting many clients, whose handshakes run beside each other.

use std::io;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::slots::{Slot, Slots};
use super::{Limits, Peer, Server};
use crate::auth::{Authenticator, PeerAddr};
use crate::error::{ErrorCode, Refusal};
use crate::handshake::server::refusal;
use crate::link::Link;
use crate::roll::Roll;
use crate::stream::{Handshaking, Stream, Transport};

/// Connections that may wait for a place; more are told at once that the server is busy.
const WAITING: usize = 256;
/// Clients that were admitted and not accepted yet.
const ADMITTED: usize = 32;

type Accepted<C, IO> = (Stream<IO>, Peer<C>);

/// Accepts clients. Handshakes run beside each other, and what goes wrong in one shows in the log
/// alone: it never ends the listener or holds up another client.
///
/// Dropping it stops listening and ends the handshakes under way; streams that were accepted live
/// on.
pub struct Listener<C, IO: Transport = TcpStream> {
    admitted: Mutex<mpsc::Receiver<Accepted<C, IO>>>,
    address: Option<SocketAddr>,
    task: AbortHandle,
    roll: Arc<Roll>,
    transport: PhantomData<fn() -> IO>,
}

impl<C, IO: Transport> std::fmt::Debug for Listener<C, IO> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<C, IO: Transport> Drop for Listener<C, IO> {
    fn drop(&mut self) {
        self.task.abort();
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
        let (sender, admitted) = mpsc::channel(ADMITTED);
        let roll = Arc::<Roll>::default();
        let accepting = accept_all(server, source, sender, Arc::clone(&roll));
        let task = tokio::spawn(accepting).abort_handle();
        Self { admitted: Mutex::new(admitted), address, task, roll, transport: PhantomData }
    }

    /// The next client that was admitted, and what is known of it.
    ///
    /// # Errors
    ///
    /// The listener's task was ended with its runtime.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped has taken no client.
    pub async fn accept(&self) -> io::Result<(Stream<IO>, Peer<C>)> {
        let next = self.admitted.lock().await.recv().await;
        next.ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "the listener has ended"))
    }

    /// Stops listening, ends the handshakes under way, and waits until the streams that were
    /// accepted are gone. Those that are still there after `grace` are ended with Error 5 (shutting
    /// down); gives their number. Whoever waits in [`accept`](Self::accept) goes on with an error.
    pub async fn shutdown(&self, grace: Duration) -> usize {
        self.task.abort();
        // clients that were admitted and never accepted are told at once
        let mut admitted = self.admitted.lock().await;
        admitted.close();
        while let Some((stream, _)) = admitted.recv().await {
            tokio::spawn(stream.abort(ErrorCode::ShuttingDown, ""));
        }
        drop(admitted);
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

async fn accept_all<A, S>(
    server: Server<A>,
    source: S,
    admitted: mpsc::Sender<Accepted<A::Credentials, S::Io>>,
    roll: Arc<Roll>,
) where
    A: Authenticator + 'static,
    S: Source,
    A::Credentials: 'static,
{
    let slots = Slots::new(server.limits);
    // counted by network, too, so that nobody can take all of them
    let seats = Slots::new(Limits { unauthenticated: WAITING, ..server.limits });
    // ends with this task, and with it the handshakes
    let mut handshakes = JoinSet::new();
    let mut pause = SHORTEST_PAUSE;
    loop {
        while handshakes.try_join_next().is_some() {}
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
        let place = match slots.take(from) {
            Some(slot) => Place::Taken(slot),
            None => match seats.take(from) {
                Some(seat) => Place::Wanted(Arc::clone(&slots), seat),
                None => Place::None,
            },
        };
        let (server, admitted, roll) = (server.clone(), admitted.clone(), Arc::clone(&roll));
        handshakes.spawn(async move {
            let slot = match place {
                Place::Taken(slot) => slot,
                Place::None => return turn_away(&server, io, from).await,
                Place::Wanted(slots, seat) => {
                    match timeout(server.deadlines.hello, slots.wait(from)).await {
                        Ok(slot) => {
                            drop(seat);
                            slot
                        }
                        Err(_) => return turn_away(&server, io, from).await,
                    }
                }
            };
            let accepted = server.accept_onto(io, from, Some(roll)).await;
            drop(slot);
            if let Ok(accepted) = accepted {
                // only a listener that is gone takes it no more
                let _ = admitted.send(accepted).await;
            }
        });
    }
}

const SHORTEST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Whether a client has a place, waits for one, or cannot even wait.
enum Place {
    Taken(Slot),
    Wanted(Arc<Slots>, Slot),
    /// Even the seats of those who wait are taken.
    None,
}

/// Tells a client that waited too long that the server is busy. A stealth server tells nobody.
async fn turn_away<A, IO: Transport>(server: &Server<A>, io: IO, from: PeerAddr) {
    info!(peer = %from, "not admitted: too many connections that are not authenticated");
    if server.config.stealth.is_none() {
        Handshaking::new(io).part(&refusal(Refusal::Busy)).await;
    }
}
