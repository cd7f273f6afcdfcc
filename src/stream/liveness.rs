//! Whether the peer is still there, and whether the connection is still used.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::deadlines::after;
use crate::error::Error;

/// How a stream that is being read finds out that its peer is gone or that nobody uses it.
///
/// It is looked at while the stream is read; a stream that is only written to learns of a dead
/// peer from the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Liveness {
    /// A Ping is sent when nothing was received for so long; `None`, the default, never. A peer
    /// answers only while its application reads or writes: choose a time that, with the Pings
    /// that may be missed, is longer than any application is busy with something else.
    pub ping_after: Option<Duration>,
    /// The peer is given up when so many Pings in a row were not answered. 3; at most 8.
    pub dead_after: u8,
    /// The connection ends when no Data went either way for so long; `None` never, the default.
    pub idle_timeout: Option<Duration>,
}

impl Default for Liveness {
    fn default() -> Self {
        Self { ping_after: None, dead_after: 3, idle_timeout: None }
    }
}

/// What the time that has passed asks for.
#[derive(Debug)]
pub(super) enum Due {
    Ping([u8; 8]),
    End(Error),
}

/// Watches one connection.
pub(super) struct Watch {
    settings: Liveness,
    /// Made when the stream is first waited for.
    timer: Option<Pin<Box<Sleep>>>,
    /// When anything was received last.
    heard: Instant,
    /// When Data was received last.
    used: Instant,
    /// Pings since anything was received.
    unanswered: u8,
    pings: u64,
}

impl Watch {
    pub(super) fn new(settings: Liveness) -> Self {
        let now = Instant::now();
        Self { settings, timer: None, heard: now, used: now, unanswered: 0, pings: 0 }
    }

    /// Whether there is anything to watch.
    pub(super) const fn is_on(&self) -> bool {
        self.settings.ping_after.is_some() || self.settings.idle_timeout.is_some()
    }

    /// Something came.
    pub(super) fn heard(&mut self) {
        self.heard = Instant::now();
        self.unanswered = 0;
    }

    /// It was Data.
    pub(super) const fn used(&mut self) {
        self.used = self.heard;
    }

    /// When the next Ping is due.
    fn next_ping(&self) -> Option<Instant> {
        let every = self.settings.ping_after?;
        let periods = u32::from(self.unanswered).saturating_add(1);
        Some(after(self.heard, every.saturating_mul(periods)))
    }

    /// Waits for the next thing to do; `wrote` is when this side sent Data last.
    pub(super) fn poll(&mut self, wrote: Instant, cx: &mut Context<'_>) -> Poll<Due> {
        loop {
            let now = Instant::now();
            let idle = self.settings.idle_timeout.map(|limit| after(self.used.max(wrote), limit));
            if idle.is_some_and(|idle| idle <= now) {
                return Poll::Ready(Due::End(Error::Idle));
            }
            let ping = self.next_ping();
            if ping.is_some_and(|ping| ping <= now) {
                if self.unanswered >= self.settings.dead_after.min(8) {
                    return Poll::Ready(Due::End(Error::Silent));
                }
                self.unanswered = self.unanswered.saturating_add(1);
                self.pings = self.pings.wrapping_add(1);
                return Poll::Ready(Due::Ping(self.pings.to_be_bytes()));
            }
            let Some(next) = [idle, ping].into_iter().flatten().min() else {
                return Poll::Pending;
            };
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(next)));
            if timer.deadline() != next {
                timer.as_mut().reset(next);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}
