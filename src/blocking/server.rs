//! Accepting, on threads that wait.

use std::io;
use std::net::{TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::time::Instant;

use super::connection::Begin;
use super::link::Handshaking;
use super::{Listener, Server, Stream, Transport, wait};
use crate::auth::{Authenticator, PeerAddr};
use crate::roll::Roll;
use crate::runtime::Tokio;
use crate::server::{self, AcceptError, Peer, handshake};

/// The same settings for threads that block.
impl<A> From<server::Server<A, Tokio>> for Server<A> {
    fn from(server: server::Server<A, Tokio>) -> Self {
        server.like()
    }
}

impl<A: Authenticator + 'static> Server<A> {
    /// Listens on TCP.
    ///
    /// # Errors
    ///
    /// The address cannot be bound, or the settings are not ones that the protocol can express
    /// ([`io::ErrorKind::InvalidInput`]).
    pub fn listen(&self, address: impl ToSocketAddrs) -> io::Result<Listener<A::Credentials>> {
        self.listen_on(TcpListener::bind(address)?)
    }

    /// The same on a listener that is open already.
    ///
    /// # Errors
    ///
    /// As [`Self::listen`].
    pub fn listen_on(&self, listener: TcpListener) -> io::Result<Listener<A::Credentials>> {
        self.config.check()?;
        Listener::start(self.clone(), listener)
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
    ) -> io::Result<Listener<A::Credentials, std::os::unix::net::UnixStream>> {
        self.config.check()?;
        Listener::start(self.clone(), std::os::unix::net::UnixListener::bind(path)?)
    }

    /// Runs the handshake over a stream that is open already. `from` is what address lists are held
    /// against.
    ///
    /// # Errors
    ///
    /// Whatever kept the client from being admitted; see [`AcceptError`].
    pub fn accept_over<IO: Transport>(
        &self,
        io: IO,
        from: PeerAddr,
    ) -> Result<(Stream<IO>, Peer<A::Credentials>), AcceptError> {
        self.accept_onto(io, from, Instant::now(), None)
    }

    /// The same for a connection that was accepted at `since`, entered on a roll.
    pub(super) fn accept_onto<IO: Transport>(
        &self,
        io: IO,
        from: PeerAddr,
        since: Instant,
        roll: Option<Arc<Roll>>,
    ) -> Result<(Stream<IO>, Peer<A::Credentials>), AcceptError> {
        let link = Handshaking::new(io)
            .map_err(|problem| AcceptError::Io { doing: "taking the stream apart", problem })?;
        let done = wait::forever(handshake::run(self, link.in_turns(), from, since));
        let (link, session, agreement, peer) = done?;
        let (read, write, early) = link.into_parts();
        let (policy, liveness) = (self.policy, self.liveness);
        let begin = Begin { read, write, session, early, agreement, policy, liveness, roll };
        Ok((Stream::begin(begin), peer))
    }
}
