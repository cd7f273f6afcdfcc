//! Why a connection did not come about.

use std::io;
use std::net::SocketAddr;

use crate::error::Error;
use crate::trust::{Host, HostError, HostKeyError};

/// Why a connection did not come about, as the client sees it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is none.
    #[error(transparent)]
    Address(#[from] HostError),
    /// The name could not be looked up.
    #[error("the name `{}` cannot be looked up: {problem}", host.name())]
    Resolve {
        /// The host.
        host: Host,
        /// What the system said.
        problem: io::Error,
    },
    /// No address of the host took the connection.
    #[error("{host} cannot be reached: {}", super::list_failures(failures))]
    Unreachable {
        /// The host.
        host: Host,
        /// Each address, and what the system said.
        failures: Vec<(SocketAddr, io::Error)>,
    },
    /// The transport failed.
    #[error("{doing} failed: {problem}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        problem: io::Error,
    },
    /// A deadline passed.
    #[error("timed out while waiting for {waiting_for}")]
    TimedOut {
        /// What did not come.
        waiting_for: &'static str,
    },
    /// The server closed the connection and did not say why.
    #[error(
        "the server closed the connection without a word while {waiting_for} was awaited; its log \
         may say why (a server that cannot read this side's proof, and a stealth server, say \
         nothing)"
    )]
    Closed {
        /// What did not come.
        waiting_for: &'static str,
    },
    /// The server's key is not trusted. Nothing of the client was revealed.
    #[error(transparent)]
    HostKey(#[from] HostKeyError),
    /// The server wants a password, and the client has none for it.
    #[error("the server asks `{login}` for a password, and none was given for it")]
    NoPassword {
        /// The login that was named.
        login: String,
    },
    /// The server wants a password, and its key was not known before this connection.
    #[error(
        "{host} asks for a password, and its key was not known before this connection; a password \
         goes to no such host: connect again once its key is in known_hosts"
    )]
    PasswordForNewHost {
        /// The host.
        host: Host,
    },
    /// The handshake failed; [`Error::Ended`] and [`Error::Refused`] are the server's own words.
    #[error(transparent)]
    Handshake(#[from] Error),
}
