//! How long each part of a handshake may take.

use std::time::{Duration, Instant};

/// Time limits of a handshake (docs/PROTOCOL.md, "Limits").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlines {
    /// Server: ClientHello after the connection was accepted. 10 s.
    pub hello: Duration,
    /// Client: ServerHello and ServerAuth after ClientHello. 10 s.
    pub server_auth: Duration,
    /// Server: ClientAuth after ServerAuth. 120 s.
    pub client_auth: Duration,
    /// Server: each answer to a request for another factor. 120 s.
    pub response: Duration,
    /// The whole handshake, authenticators and the client's own decisions included. 300 s; 10 s
    /// are enough where no people, tokens or agents that ask are at the other end.
    pub handshake: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            hello: Duration::from_secs(10),
            server_auth: Duration::from_secs(10),
            client_auth: Duration::from_secs(120),
            response: Duration::from_secs(120),
            handshake: Duration::from_secs(300),
        }
    }
}

impl Deadlines {
    /// How long a server waits for ClientHello: no longer than for the whole handshake. A stealth
    /// server ends everything that it does not answer then.
    pub(crate) fn until_hello(&self) -> Duration {
        self.hello.min(self.handshake)
    }
}

/// A moment so far away that it never comes.
const NEVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// The moment `limit` after `from`.
pub(crate) fn after(from: Instant, limit: Duration) -> Instant {
    from.checked_add(limit.min(NEVER)).unwrap_or(from)
}
