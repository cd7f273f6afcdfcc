//! Whether the peer is still there, and whether the connection is still used.

use std::time::{Duration, Instant};

use crate::deadlines::after;
use crate::error::Error;

/// How a stream finds out that its peer is gone or that nobody uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Liveness {
    /// A Ping is sent when nothing was received for so long; 30 s. `None`: never, which leaves it
    /// to the transport.
    ///
    /// A peer answers whatever its application does, except behind Data that the application has
    /// not read. So this, times one more than [`dead_after`](Self::dead_after), should be longer
    /// than any application leaves what it was sent lying.
    pub ping_after: Option<Duration>,
    /// The peer is given up when so many Pings in a row were not answered. 3; at most 8. Pings
    /// that the transport does not take are not counted, nor is time in which Data of the peer
    /// lies here unread.
    pub dead_after: u8,
    /// The connection ends when no Data went either way for so long; `None` never, the default.
    pub idle_timeout: Option<Duration>,
}

impl Default for Liveness {
    fn default() -> Self {
        Self { ping_after: Some(Duration::from_secs(30)), dead_after: 3, idle_timeout: None }
    }
}

/// What the time that has passed asks for.
#[derive(Debug)]
pub(crate) enum Due {
    /// Nothing before [`Watch::next`].
    Nothing,
    Ping([u8; 8]),
    End(Error),
}

/// Watches one connection.
#[derive(Debug)]
pub(crate) struct Watch {
    settings: Liveness,
    /// When the peer gave a sign of life last.
    heard: Instant,
    /// When Data went either way last.
    used: Instant,
    /// Pings since then.
    unanswered: u8,
    pings: u64,
}

impl Watch {
    pub(crate) const fn new(settings: Liveness, now: Instant) -> Self {
        Self { settings, heard: now, used: now, unanswered: 0, pings: 0 }
    }

    /// Something was received then.
    pub(crate) fn heard(&mut self, then: Instant) {
        if then > self.heard {
            self.heard = then;
            self.unanswered = 0;
        }
    }

    /// Data was sent or received then.
    pub(crate) fn used(&mut self, then: Instant) {
        self.used = self.used.max(then);
    }

    /// Nobody listened for so long: that is no silence of the peer's.
    #[cfg(feature = "blocking")]
    pub(crate) fn absent(&mut self, absence: Duration) {
        self.heard = after(self.heard, absence);
    }

    /// When the connection has been idle for too long.
    fn idle(&self) -> Option<Instant> {
        self.settings.idle_timeout.map(|limit| after(self.used, limit))
    }

    /// When the peer is asked whether it is there, or given up.
    fn ping(&self) -> Option<Instant> {
        let periods = u32::from(self.unanswered).saturating_add(1);
        self.settings.ping_after.map(|p| after(self.heard, p.saturating_mul(periods)))
    }

    /// When there will be something to do, if ever.
    pub(crate) fn next(&self) -> Option<Instant> {
        [self.idle(), self.ping()].into_iter().flatten().min()
    }

    /// What is to be done now.
    pub(crate) fn due(&mut self, now: Instant) -> Due {
        if self.idle().is_some_and(|idle| idle <= now) {
            return Due::End(Error::Idle);
        }
        if self.ping().is_some_and(|ping| ping <= now) {
            if self.unanswered >= self.settings.dead_after.min(8) {
                return Due::End(Error::Silent);
            }
            self.unanswered = self.unanswered.saturating_add(1);
            self.pings = self.pings.wrapping_add(1);
            return Due::Ping(self.pings.to_be_bytes());
        }
        Due::Nothing
    }
}
