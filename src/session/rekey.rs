//! Where a rekey stands, and when one is due.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::crypto::{KemKey, X25519Secret};
use crate::record::Opener;

/// When a side wants new keys: whatever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RekeyPolicy {
    /// Bytes of ciphertext in one direction; 2^30 for a client.
    pub bytes: u64,
    /// Records in one direction; 2^20 for a client.
    pub records: u64,
    /// Time since the keys were made; an hour for a client. A stream on tokio looks at it every 5 s,
    /// a blocking one when Data is sent.
    pub interval: Duration,
}

impl RekeyPolicy {
    /// What a client does by default.
    #[must_use]
    pub const fn client() -> Self {
        Self { bytes: 1 << 30, records: 1 << 20, interval: Duration::from_secs(3600) }
    }

    /// What a server does by default: twice as patient, so that the client comes first.
    #[must_use]
    pub const fn server() -> Self {
        Self { bytes: 1 << 31, records: 1 << 21, interval: Duration::from_secs(7200) }
    }

    /// The same with another number of bytes.
    #[must_use]
    pub const fn after_bytes(mut self, bytes: u64) -> Self {
        self.bytes = bytes;
        self
    }

    /// Whether a direction that has used so much of its key wants another.
    #[must_use]
    pub const fn is_due(&self, (records, bytes): (u64, u64)) -> bool {
        records >= self.records || bytes >= self.bytes
    }
}

/// Where a rekey stands; one at a time.
pub(super) enum Rekey {
    /// None is under way.
    Idle,
    /// Server: RekeyAsk is queued or out.
    Asked,
    /// Client: RekeyInit is queued or out.
    InitSent(Box<Pending>),
    /// Client: RekeyReply was read, RekeyDone is queued.
    Finishing,
    /// Server: RekeyReply is queued; the client's next key waits for RekeyDone.
    Replying(Box<Opener>),
    /// Server: RekeyReply is out.
    ReplySent(Box<Opener>),
}

/// A client's RekeyInit, and the secrets behind it.
pub(super) struct Pending {
    pub(super) x25519: X25519Secret,
    pub(super) kem: Option<KemKey>,
    pub(super) init: Vec<u8>,
}

impl core::fmt::Debug for Rekey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Idle => "Idle",
            Self::Asked => "Asked",
            Self::InitSent(_) => "InitSent",
            Self::Finishing => "Finishing",
            Self::Replying(_) => "Replying",
            Self::ReplySent(_) => "ReplySent",
        })
    }
}

/// RekeyInits that a server takes in a sliding minute.
pub(super) const MAX_RECEIVED: usize = 64;
/// RekeyInits that a client sends in a sliding minute.
pub(super) const MAX_SENT: usize = 60;

/// Counts events in the last minute.
#[derive(Debug, Default)]
pub(super) struct SlidingMinute(VecDeque<Instant>);

impl SlidingMinute {
    #[cfg(all(test, any(feature = "tokio", feature = "blocking")))]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Notes one more, unless that makes more than `max` within a minute.
    pub(super) fn note(&mut self, now: Instant, max: usize) -> bool {
        const MINUTE: Duration = Duration::from_secs(60);
        while self.0.front().is_some_and(|then| now.saturating_duration_since(*then) >= MINUTE) {
            self.0.pop_front();
        }
        if self.0.len() >= max {
            return false;
        }
        self.0.push_back(now);
        true
    }
}
