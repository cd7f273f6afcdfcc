//! Receiving, for whoever does.

use std::io;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use super::{Connection, lock};
use crate::buffer::Room;
use crate::error::Error;
use crate::stream::Transport;
use crate::stream::inbound::Inbound;
use crate::stream::wakers::Party;

/// What receiving came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stream) enum Found {
    /// Data to be read.
    Data,
    /// Nothing more comes.
    End,
}

/// What somebody found that read ahead of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::stream) enum Ahead {
    /// Nothing more has come.
    Waiting,
    /// Somebody else is reading this moment.
    Busy,
    /// Data that the application has not read.
    Barred,
    /// An end of this side's that the peer is still being told of.
    Ending,
    /// The end.
    Ended,
}

impl<IO: Transport> Connection<IO> {
    /// Reads until there is Data to be read, or the end.
    pub(in crate::stream) fn poll_inbound(
        &self,
        inbound: &mut Inbound<IO::Read>,
        party: Party,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Found>> {
        let poll = self.poll_records(inbound, party, cx);
        self.poll_transmit(party, cx);
        poll
    }

    fn poll_records(
        &self,
        inbound: &mut Inbound<IO::Read>,
        party: Party,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Found>> {
        loop {
            if inbound.buffer.has_data() {
                return Poll::Ready(Ok(Found::Data));
            }
            if self.ended.get().is_some() {
                ready!(self.poll_ending(inbound, party, cx))?;
                return Poll::Ready(self.ended().map(|()| Found::End));
            }
            if inbound.buffer.receiver.is_closed()
                && (party == Party::Reader || inbound.eof || self.poll_over(party, cx))
            {
                self.poll_over(party, cx);
                return Poll::Ready(Ok(Found::End));
            }
            if self.open_next(inbound) || self.ended.get().is_some() {
                continue;
            }
            // what is owed goes out before this side waits for an answer to it
            self.poll_transmit(party, cx);
            self.readable.register(party, cx);
            if self.ended.get().is_some() {
                // somebody else ended it, and found nobody to wake
                continue;
            }
            let all = party == Party::Reader || self.reader_gone.load(Ordering::Acquire);
            let room = if all { Room::Full } else { Room::Ahead };
            match ready!(inbound.poll_fill(room, &mut self.readable.context()))? {
                // a record that is none of control's
                None => return Poll::Ready(Ok(Found::Data)),
                Some(0) if inbound.buffer.receiver.is_closed() => {
                    inbound.moved = true;
                    inbound.eof = true;
                }
                Some(0) => {
                    inbound.moved = true;
                    self.fail(Error::Truncated);
                }
                Some(_) => {}
            }
        }
    }

    /// Whoever does not read looks for what the peer has sent, as far as the first Data.
    pub(in crate::stream) fn read_ahead(&self, party: Party, cx: &mut Context<'_>) -> Ahead {
        self.readable.register(party, cx);
        let Some(mut inbound) = self.take_inbound(party) else {
            let unread = self.unread.load(Ordering::Acquire);
            return if unread { Ahead::Barred } else { Ahead::Busy };
        };
        let ahead = loop {
            let nobody_reads = self.reader_gone.load(Ordering::Acquire);
            if nobody_reads {
                inbound.buffer.discard_data();
            }
            match self.poll_inbound(&mut inbound, party, cx) {
                Poll::Pending if self.ended.get().is_some() => break Ahead::Ending,
                Poll::Pending => break Ahead::Waiting,
                Poll::Ready(Err(_) | Ok(Found::End)) => break Ahead::Ended,
                Poll::Ready(Ok(Found::Data)) if nobody_reads => {}
                Poll::Ready(Ok(Found::Data)) => break Ahead::Barred,
            }
        };
        self.park(inbound, party);
        ahead
    }

    /// A half waits no longer for what the peer sends: if the other does not either, it is the
    /// driver's to find.
    pub(in crate::stream) fn stop_looking(&self, party: Party) {
        self.readable.forget(party);
    }

    /// Nobody reads behind the end, but the peer may still ask for what it is owed.
    pub(in crate::stream) fn leave_to_driver(&self) {
        self.readable.wake(Party::Driver);
    }

    /// Whether both sides have closed; then this side's direction of the transport ends, too.
    pub(super) fn poll_over(&self, party: Party, cx: &Context<'_>) -> bool {
        let over = lock(&self.control).is_over();
        if over {
            self.writable.register(party, cx);
            let _ = lock(&self.outbound).poll_end(&mut self.writable.context());
        }
        over
    }
}
