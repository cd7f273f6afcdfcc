//! What the driver does.

use std::ops::ControlFlow;
use std::task::Context;
use std::time::Instant;

use super::reading::Ahead;
use super::{Connection, lock, now};
use crate::liveness::{Due, Watch};
use crate::stream::Transport;
use crate::stream::wakers::Party;

impl<IO: Transport> Connection<IO> {
    /// Does what is due, until the connection is over; says when there will be more to do.
    pub(in crate::stream) fn look_after(
        &self,
        watch: &mut Watch,
        cx: &mut Context<'_>,
    ) -> ControlFlow<(), Option<Instant>> {
        self.writable.register(Party::Driver, cx);
        let ahead = self.read_ahead(Party::Driver, cx);
        let now = now();
        if ahead == Ahead::Ended && (self.ended.get().is_some() || self.is_over()) {
            return ControlFlow::Break(());
        }
        self.note_life(watch, ahead, now);
        let next = match watch.due(now) {
            // nothing is heard any more
            _ if matches!(ahead, Ahead::Ended | Ahead::Ending) => None,
            Due::Nothing => watch.next(),
            Due::Ping(payload) => {
                let mut control = lock(&self.control);
                // with eight out already there is nothing to add
                let _ = control.ping(payload);
                self.note(&control);
                Some(now)
            }
            Due::End(error) => {
                self.fail(error);
                Some(now)
            }
        };
        self.renew_old_key(now);
        self.poll_transmit(Party::Driver, cx);
        if ahead == Ahead::Waiting {
            self.cut_where_nothing_is_sent();
        }
        ControlFlow::Continue(next)
    }

    /// A peer that gets nothing any more may never send again: whoever reads is told so.
    fn cut_where_nothing_is_sent(&self) {
        let Some(broken) = lock(&self.outbound).broken() else { return };
        if let Some(mut inbound) = self.take_inbound(Party::Driver) {
            inbound.fail(broken);
            self.park(inbound, Party::Driver);
        }
    }

    /// Tells the watch what speaks for the peer's being there.
    fn note_life(&self, watch: &mut Watch, ahead: Ahead, now: Instant) {
        let excused = match ahead {
            // the peer's Data lies here, and with it perhaps its Pongs
            Ahead::Barred | Ahead::Busy => true,
            // it does not get the Pings
            _ => self.writable.has_left(),
        };
        if excused {
            watch.heard(now);
        }
        if let Some(inbound) = &lock(&self.inbound).inbound {
            watch.heard(inbound.heard.into_std());
            watch.used(inbound.used.into_std());
        }
        watch.used(lock(&self.outbound).buffer.wrote());
    }

    /// A connection that is idle, or only receives, has its keys renewed by the hour all the same.
    fn renew_old_key(&self, now: Instant) {
        let age = lock(&self.outbound).buffer.key_age(now);
        if age >= self.policy.interval && self.ended.get().is_none() {
            self.want_rekey();
        }
    }

    fn is_over(&self) -> bool {
        lock(&self.control).is_over() && !self.writable.has_left()
    }
}
