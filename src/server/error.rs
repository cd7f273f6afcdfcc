//! Why a client was not admitted.

use std::io;

use crate::error::Error;

/// Why a client was not admitted, as the server's log tells it. The client learns less.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
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
    /// The client closed the connection and did not say why.
    #[error("the client closed the connection while {waiting_for} was awaited")]
    Closed {
        /// What did not come.
        waiting_for: &'static str,
    },
    /// The client ended the handshake when it saw this server's host key.
    #[error(
        "the client does not trust this server's host key; its known_hosts, or whatever decides \
         there, says why"
    )]
    HostKeyRefused,
    /// The authenticators denied it.
    #[error("denied: {reason}")]
    Denied {
        /// Their reasons.
        reason: String,
    },
    /// The handshake failed.
    #[error(transparent)]
    Handshake(#[from] Error),
}
