//! What a listener does with a client that it has accepted: how many may stay, and for what.

use std::sync::Arc;

use super::Limits;
use super::slots::{Slot, Slots};
use crate::auth::PeerAddr;

/// Connections that may wait for a place.
const WAITING: usize = 256;
/// Connections that are told at a time that the server is busy, or that a stealth server leaves in
/// silence. Others are closed unanswered; a stealth server does not accept them before there is room.
const TURNED_AWAY: usize = 64;

/// The places of a listener.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) slots: Arc<Slots>,
    seats: Arc<Slots>,
    doors: Arc<Slots>,
}

/// What a client may stay for.
#[derive(Debug)]
pub(crate) enum Stay {
    /// Its handshake.
    Handshake(Slot),
    /// Until a place is free for its handshake, or the time for its hello is over.
    Wait(Slot),
    /// To be sent away.
    Leave(Slot),
}

impl Places {
    pub(crate) fn new(limits: Limits) -> Self {
        // counted by network, too; by default one network can still take all doors, which only decides
        // who is told that the server is busy
        let slots = |unauthenticated| Slots::new(Limits { unauthenticated, ..limits });
        Self {
            slots: slots(limits.unauthenticated),
            seats: slots(WAITING),
            doors: slots(TURNED_AWAY),
        }
    }

    /// Room for a client of whatever network that can only be left in silence. A stealth server has
    /// it before it accepts, so that it never has to close a connection at once.
    #[cfg(feature = "tokio")]
    pub(crate) async fn room(&self) -> Slot {
        self.doors.wait(PeerAddr::Unknown).await
    }

    /// The same for a thread, until then at most.
    #[cfg(feature = "blocking")]
    pub(crate) fn block_for_room(&self, until: std::time::Instant) -> Option<Slot> {
        self.doors.block(PeerAddr::Unknown, until)
    }

    /// What this client may stay for, if anything; `room` is what a stealth server had before.
    pub(crate) fn receive(&self, from: PeerAddr, room: Option<Slot>) -> Option<Stay> {
        if let Some(slot) = self.slots.take(from) {
            return Some(Stay::Handshake(slot));
        }
        if let Some(seat) = self.seats.take(from) {
            return Some(Stay::Wait(seat));
        }
        room.or_else(|| self.doors.take(from)).map(Stay::Leave)
    }
}
