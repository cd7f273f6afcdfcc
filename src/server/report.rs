//! The log of a server: one event for each client, whatever it came to.
//!
//! Free text goes in as strings, which the formats of `tracing-subscriber` quote and escape. Nothing
//! secret and nothing that clients send as data is ever part of it.

use std::time::{Duration, Instant};

use tracing::{debug, info, warn};

use super::AcceptError;
use crate::auth::{Account, PeerAddr};
use crate::error::{Error, ErrorCode};
use crate::handshake::server::Claims;
use crate::trust::rfc3339;

/// What is known of a client when its handshake is over.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) peer: PeerAddr,
    pub(crate) claims: Option<&'a Claims>,
    pub(crate) account: &'a Account,
    pub(crate) took: Duration,
}

/// Whose no it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The server's: its authenticators', its deadlines', or its reading of the protocol.
    Server,
    /// The client's: it declined, or went away.
    Client,
    /// Nothing says that it was a client of this protocol at all.
    Stranger,
}

/// An address without blanks.
struct Shown(PeerAddr);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            PeerAddr::Unix => f.write_str("unix"),
            PeerAddr::Unknown => f.write_str("unknown"),
            peer @ PeerAddr::Ip(_) => peer.fmt(f),
        }
    }
}

/// The one event, at a level that has to be a literal.
macro_rules! event {
    ($level:ident, $report:expr, $message:literal $(, $name:ident = $value:expr)*) => {{
        let report: &Report<'_> = $report;
        let key = report.claims.map(|claims| match &claims.key {
            Some(key) => key.fingerprint().to_string(),
            None => "none".to_owned(),
        });
        let source = report.account.source();
        let layers = report.account.layers();
        let vouched = report.account.login_vouched_by().unwrap_or("nothing");
        $level!(
            peer = %Shown(report.peer),
            key = key.as_deref().map(display),
            login = report.claims.map(|claims| claims.login.as_str()),
            login_vouched_by = report.claims.map(|_| vouched),
            layer = (!layers.is_empty()).then_some(layers.as_str()),
            file = source.map(|source| source.file.as_str()),
            line = source.and_then(|source| source.line),
            file_read = source.and_then(|source| source.read).map(|read| display(rfc3339(read))),
            $($name = $value,)*
            took_ms = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
            $message
        );
    }};
}

impl Report<'_> {
    pub(crate) fn admitted(&self) {
        event!(info, self, "admitted");
    }

    pub(crate) fn not_admitted(&self, whose: Whose, error: &AcceptError, declined: bool) {
        let reason = match error {
            AcceptError::Denied { reason } => reason.clone(),
            AcceptError::Handshake(Error::Ended(farewell))
                if declined && farewell.code == ErrorCode::PermissionDenied =>
            {
                "the client declined to give a password".to_owned()
            }
            error => error.to_string(),
        };
        let reason = reason.as_str();
        match whose {
            Whose::Server => event!(warn, self, "not admitted", reason = reason),
            Whose::Client => event!(info, self, "ended by the client", reason = reason),
            Whose::Stranger => event!(debug, self, "not a handfast client", reason = reason),
        }
    }
}

/// A client that is not decided about. If it is dropped so, that is the client's event: its
/// authenticator panicked, or the server dropped the handshake.
#[derive(Debug)]
pub(crate) struct Undecided {
    peer: Option<PeerAddr>,
    since: Instant,
    now: fn() -> Instant,
}

impl Undecided {
    pub(crate) const fn new(peer: PeerAddr, since: Instant, now: fn() -> Instant) -> Self {
        Self { peer: Some(peer), since, now }
    }

    /// What it came to is reported otherwise.
    pub(crate) fn decided(mut self) {
        self.peer = None;
    }
}

impl Drop for Undecided {
    fn drop(&mut self) {
        let Some(peer) = self.peer else { return };
        let account = Account::default();
        let took = (self.now)().saturating_duration_since(self.since);
        let report = Report { peer, claims: None, account: &account, took };
        if std::thread::panicking() {
            event!(warn, &report, "not admitted", reason = "an authenticator panicked");
        } else {
            event!(info, &report, "not admitted", reason = "the server dropped the handshake");
        }
    }
}

/// A client for which there was no place. It has said nothing yet.
pub(crate) fn no_place(peer: PeerAddr, reason: &'static str, took: Duration) {
    let account = Account::of("limits");
    let report = Report { peer, claims: None, account: &account, took };
    event!(info, &report, "not admitted", reason = reason);
}

/// Whose no an error is, of a client whose hello was read.
pub(crate) fn whose(error: &AcceptError) -> Whose {
    match error {
        AcceptError::HostKeyRefused
        | AcceptError::Closed { .. }
        | AcceptError::Io { .. }
        | AcceptError::Handshake(Error::Ended(_)) => Whose::Client,
        AcceptError::TimedOut { .. } | AcceptError::Denied { .. } | AcceptError::Handshake(_) => {
            Whose::Server
        }
    }
}
