//! Receiving, for whoever does.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::owing::Owed;
use super::{Connection, lock};
use crate::blocking::inbound::{Fill, Inbound};
use crate::blocking::patience::{BRIEF, LINGER_BYTES, LOOK, RETRY, time_is_up, until};
use crate::blocking::transport::Transport;
use crate::buffer::Room;
use crate::error::Error;
use crate::liveness::Due;

/// Who reads, and how long it waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::blocking) enum Wait {
    /// The reading half, for Data or the end, until then.
    Reader(Option<Instant>),
    /// The writing half has a look at what is there.
    Look,
    /// The writing half cannot go on without the answer to a rekey.
    Worn,
}

/// What receiving came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::blocking) enum Found {
    /// Data to be read.
    Data,
    /// The answer to a rekey, or nothing in the time of a look.
    Nothing,
    /// Nothing more comes.
    End,
}

/// What the writing half found ahead of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ahead {
    /// Nothing more has come.
    Waiting,
    /// The reading half is reading this moment.
    Busy,
    /// Data that the application has not read.
    Barred,
    /// The end.
    Ended,
}

impl<IO: Transport> Connection<IO> {
    /// Reads until there is Data to be read, or the end, or what a writer waits for.
    pub(in crate::blocking) fn find(
        &self,
        inbound: &mut Inbound<IO::Read>,
        wait: Wait,
    ) -> io::Result<Found> {
        let reads = matches!(wait, Wait::Reader(_));
        let mut tried = false;
        loop {
            if inbound.buffer.has_data() {
                return Ok(Found::Data);
            }
            if self.ended.get().is_some() {
                self.part(inbound);
                self.ended()?;
            }
            if inbound.buffer.receiver.is_closed() && (reads || inbound.eof || self.is_over()) {
                self.end_if_over();
                return Ok(Found::End);
            }
            if self.open_next(inbound) || self.ended.get().is_some() {
                continue;
            }
            // what is owed goes out before this side waits for an answer to it
            let owed = self.answer(BRIEF);
            if tried && self.has_answer(wait) {
                return Ok(Found::Nothing);
            }
            let now = Instant::now();
            if tried && matches!(wait, Wait::Reader(Some(deadline)) if deadline <= now) {
                return time_is_up();
            }
            inbound.listen(now);
            let all = reads || self.reader_gone.load(Ordering::Acquire);
            let room = if all { Room::Full } else { Room::Ahead };
            let limit = self.patience(inbound, wait, owed, now);
            tried = true;
            match inbound.fill(room, limit)? {
                Fill::Some(_) => {}
                // a record that is none of control's
                Fill::TooLong => return Ok(Found::Data),
                Fill::End if inbound.buffer.receiver.is_closed() => inbound.eof = true,
                Fill::End => self.fail(Error::Truncated),
                Fill::Late => {
                    self.mind(inbound, owed);
                    if !reads && self.ended.get().is_none() {
                        return Ok(Found::Nothing);
                    }
                }
            }
        }
    }

    /// Whether a writer has found what it was looking for.
    fn has_answer(&self, wait: Wait) -> bool {
        match wait {
            Wait::Reader(_) => false,
            Wait::Look => !self.rekeying.load(Ordering::Acquire),
            Wait::Worn => lock(&self.outbound).buffer.sender.may_send_data(),
        }
    }

    /// How long the transport is waited for.
    fn patience(
        &self,
        inbound: &mut Inbound<IO::Read>,
        wait: Wait,
        owed: Owed,
        now: Instant,
    ) -> Option<Duration> {
        if !self.reads_in_time {
            return None;
        }
        inbound.watch.used(self.wrote());
        let watch = inbound.watch.next().map(|next| until(next, now));
        let own = match wait {
            Wait::Reader(deadline) => deadline.map(|deadline| until(deadline, now)),
            Wait::Look => Some(LOOK),
            Wait::Worn => Some(RETRY),
        };
        let again = (owed != Owed::Nothing).then_some(RETRY);
        [watch, own, again].into_iter().flatten().min()
    }

    /// When Data was sealed last.
    fn wrote(&self) -> Instant {
        let millis = Duration::from_millis(self.wrote.load(Ordering::Acquire));
        crate::deadlines::after(self.began, millis)
    }

    /// Nothing has come for a while: does what that asks for.
    fn mind(&self, inbound: &mut Inbound<IO::Read>, owed: Owed) {
        let now = Instant::now();
        if owed != Owed::Nothing {
            // the peer does not get the Pings
            inbound.watch.heard(now);
        }
        match inbound.watch.due(now) {
            Due::Nothing => {}
            Due::Ping(payload) => {
                let mut control = lock(&self.control);
                // with eight out already there is nothing to add
                let _ = control.ping(payload);
                self.note(&control);
            }
            Due::End(error) => self.fail(error),
        }
    }

    /// The writing half looks for what the peer has sent, as far as the first Data.
    pub(super) fn look(&self, wait: Wait) -> Ahead {
        if !self.reads_in_time && wait == Wait::Look {
            return Ahead::Waiting;
        }
        let Some(mut inbound) = self.take_for_writer() else {
            let unread = self.unread.load(Ordering::Acquire);
            return if unread { Ahead::Barred } else { Ahead::Busy };
        };
        let mut budget = LINGER_BYTES;
        let ahead = loop {
            let nobody_reads = self.reader_gone.load(Ordering::Acquire);
            if nobody_reads {
                budget = budget.saturating_sub(inbound.buffer.data().len());
                inbound.buffer.discard_data();
            }
            match self.find(&mut inbound, wait) {
                // a peer that never stops sending must not keep this side from writing
                Ok(Found::Data) if nobody_reads && budget > 0 => {}
                Ok(Found::Data) if nobody_reads => break Ahead::Waiting,
                Ok(Found::Data) => break Ahead::Barred,
                Ok(Found::Nothing) => break Ahead::Waiting,
                Ok(Found::End) => break Ahead::Ended,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ahead::Waiting,
                Err(_) => break Ahead::Ended,
            }
        };
        self.lay_down(inbound);
        ahead
    }

    fn is_over(&self) -> bool {
        lock(&self.control).is_over()
    }

    /// Once both sides have closed, this side's direction of the transport ends, too.
    pub(super) fn end_if_over(&self) {
        if self.is_over() {
            self.finish.store(true, Ordering::Release);
            self.settle();
        }
    }
}
