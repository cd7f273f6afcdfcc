//! Sending what the protocol owes the peer, by whoever comes by.

use std::io;
use std::sync::TryLockError;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use super::{Connection, lock};
use crate::blocking::outbound::Outbound;
use crate::blocking::patience::BRIEF;
use crate::blocking::transport::Transport;
use crate::error::{Error, ErrorCode};

/// What is still owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owed {
    Nothing,
    /// What the transport did not take in time.
    Rest,
    /// Somebody else is sending, and will see to it.
    Other,
}

impl<IO: Transport> Connection<IO> {
    fn owes(&self) -> bool {
        self.due.load(Ordering::Acquire)
            || self.stuck.load(Ordering::Acquire)
            || self.finish.load(Ordering::Acquire)
            || self.farewell.load(Ordering::Acquire) != 0
    }

    /// Sends what is owed, and waits no longer than `limit` for the transport to take it.
    pub(super) fn answer(&self, limit: Duration) -> Owed {
        loop {
            // either this sees the lock free, or whoever lets go of it sees what is owed
            fence(Ordering::SeqCst);
            if !self.owes() {
                return Owed::Nothing;
            }
            let mut outbound = match self.outbound.try_lock() {
                Ok(outbound) => outbound,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return Owed::Other,
            };
            if !self.pay(&mut outbound, limit) {
                return Owed::Rest;
            }
        }
    }

    /// To be called whenever the sending direction was let go.
    pub(super) fn settle(&self) {
        self.answer(BRIEF);
    }

    /// Whether all was sent, or never can be.
    fn pay(&self, outbound: &mut Outbound<IO::Write>, limit: Duration) -> bool {
        let paid = match self.try_pay(outbound, limit) {
            Ok(paid) => paid,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            // the error shows to whoever writes next
            Err(_) => {
                self.due.store(false, Ordering::Release);
                self.finish.store(false, Ordering::Release);
                self.farewell.store(0, Ordering::Release);
                true
            }
        };
        self.stuck.store(!paid, Ordering::Release);
        paid
    }

    fn try_pay(&self, outbound: &mut Outbound<IO::Write>, limit: Duration) -> io::Result<bool> {
        // nothing more is sealed for a peer that does not read: what is owed is counted
        if !outbound.drain(Some(limit))? {
            return Ok(false);
        }
        if self.ended.get().is_some() {
            self.due.store(false, Ordering::Release);
            self.say_farewell(outbound);
        } else if let Err(error) = self.transmit(outbound) {
            self.due.store(false, Ordering::Release);
            let _ = self.ended.set(error);
        }
        if !outbound.drain(Some(limit))? {
            return Ok(false);
        }
        if self.finish.swap(false, Ordering::AcqRel) {
            outbound.finish();
        }
        Ok(true)
    }

    /// Seals the Error that the peer is to be told.
    fn say_farewell(&self, outbound: &mut Outbound<IO::Write>) {
        let code = self.farewell.swap(0, Ordering::AcqRel);
        if code != 0 {
            // a key without room for it: then the end alone must do
            let _ = outbound.buffer.error(ErrorCode::from_number(code), "");
            self.finish.store(true, Ordering::Release);
        }
    }

    /// Seals what control wants sent.
    pub(super) fn transmit(&self, outbound: &mut Outbound<IO::Write>) -> Result<(), Error> {
        if self.due.load(Ordering::Acquire) {
            let mut control = lock(&self.control);
            outbound.buffer.transmit(&mut control, std::time::Instant::now())?;
            self.note(&control);
        }
        Ok(())
    }
}
