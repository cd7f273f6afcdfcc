//! Accepting on tokio.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use tokio::net::{TcpListener, ToSocketAddrs};

use super::{AcceptError, Listener, Peer, Server, handshake};
use crate::auth::{Authenticator, PeerAddr};
use crate::link::Link;
use crate::roll::Roll;
use crate::runtime::Tokio;
use crate::stream::{Begin, Handshaking, Stream, Transport};

impl<A: Authenticator + 'static> Server<A, Tokio> {
    /// Listens on TCP.
    ///
    /// # Errors
    ///
    /// The address cannot be bound, or the settings are not ones that the protocol can express
    /// ([`io::ErrorKind::InvalidInput`]).
    pub async fn listen(
        &self,
        address: impl ToSocketAddrs,
    ) -> io::Result<Listener<A::Credentials>> {
        self.listen_on(TcpListener::bind(address).await?)
    }

    /// The same on a listener that is open already.
    ///
    /// # Errors
    ///
    /// As [`Self::listen`].
    pub fn listen_on(&self, listener: TcpListener) -> io::Result<Listener<A::Credentials>> {
        self.config.check()?;
        Ok(Listener::start(self.clone(), listener))
    }

    /// Listens on a Unix socket at `path`, which must not exist yet.
    ///
    /// # Errors
    ///
    /// As [`Self::listen`].
    #[cfg(unix)]
    pub fn listen_unix(
        &self,
        path: impl AsRef<std::path::Path>,
    ) -> io::Result<Listener<A::Credentials, tokio::net::UnixStream>> {
        self.config.check()?;
        Ok(Listener::start(self.clone(), tokio::net::UnixListener::bind(path)?))
    }

    /// Runs the handshake over a stream that is open already; [`Any`](crate::stream::Any) takes
    /// every `AsyncRead + AsyncWrite`. `from` is what address lists are held against.
    ///
    /// The client is told that it is admitted with the first bytes that are written to the stream,
    /// when it is read, or as soon as other tasks of the runtime have their turn.
    ///
    /// # Errors
    ///
    /// Whatever kept the client from being admitted; see [`AcceptError`].
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped closes the stream.
    pub async fn accept_over<IO: Transport>(
        &self,
        io: IO,
        from: PeerAddr,
    ) -> Result<(Stream<IO>, Peer<A::Credentials>), AcceptError> {
        self.accept_onto(io, from, Handshaking::<IO>::now(), None).await
    }

    /// The same for a connection that was accepted at `since`, entered on a roll.
    pub(super) async fn accept_onto<IO: Transport>(
        &self,
        io: IO,
        from: PeerAddr,
        since: Instant,
        roll: Option<Arc<Roll>>,
    ) -> Result<(Stream<IO>, Peer<A::Credentials>), AcceptError> {
        let link = Handshaking::new(io);
        let (link, session, agreement, peer) = handshake::run(self, link, from, since).await?;
        let (policy, liveness) = (self.policy, self.liveness);
        let begin =
            Begin { transport: link.into_left(), session, agreement, policy, liveness, roll };
        Ok((Stream::begin(begin), peer))
    }
}
