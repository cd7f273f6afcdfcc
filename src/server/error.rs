//! Why a client was not admitted.

use std::io;

use crate::error::Error;

/// Why a client was not admitted, as the server's log tells it. The client learns less.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The transport failed.
    #[error("{doing} failed: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
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
