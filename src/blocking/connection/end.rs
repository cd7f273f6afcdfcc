//! Ends that are errors, found or asked for; and what is left to do for who drops a stream.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::owing::Owed;
use super::{Connection, lock};
use crate::blocking::inbound::{Fill, Inbound};
use crate::blocking::patience::{BRIEF, LINGER, LINGER_BYTES, RETRY};
use crate::blocking::transport::Transport;
use crate::buffer::Room;
use crate::error::{Error, ErrorCode, Misuse};
use crate::roll::End;

impl<IO: Transport> Connection<IO> {
    /// The connection ends with an error. What the peer did wrong it is told.
    pub(super) fn fail(&self, error: Error) {
        if self.ended.get().is_some() {
            return;
        }
        let code = error.code();
        self.end_with(error, code);
    }

    fn end_with(&self, error: Error, code: Option<ErrorCode>) {
        if let Some(code) = code {
            self.farewell.store(code.number(), Ordering::Release);
            self.parting.store(true, Ordering::Release);
        }
        let _ = self.ended.set(error);
        self.settle();
    }

    /// Ends the connection with an error of the application's, for who holds both halves.
    pub(in crate::blocking) fn abort(
        &self,
        inbound: &mut Inbound<IO::Read>,
        code: ErrorCode,
        text: &str,
    ) -> Result<(), Error> {
        lock(&self.outbound).buffer.error(code, text)?;
        let _ = self.ended.set(Error::Misuse(Misuse::Ended));
        self.parting.store(true, Ordering::Release);
        self.stuck.store(true, Ordering::Release);
        self.finish.store(true, Ordering::Release);
        self.part(inbound);
        Ok(())
    }

    /// Sends the last record, ends this side's direction, reads and drops for a while; once.
    pub(super) fn part(&self, inbound: &mut Inbound<IO::Read>) {
        if !self.parting.swap(false, Ordering::AcqRel) {
            return;
        }
        let began = Instant::now();
        let mut left = LINGER_BYTES;
        let rest = || LINGER.checked_sub(began.elapsed());
        while inbound.has_timeouts()
            && left > 0
            && let Some(rest) = rest()
        {
            let limit = match self.answer(BRIEF) {
                Owed::Nothing => rest,
                Owed::Rest | Owed::Other => rest.min(RETRY),
            };
            inbound.buffer.discard();
            match inbound.fill(Room::Full, Some(limit)) {
                Ok(Fill::Some(len)) => left = left.saturating_sub(len),
                Ok(Fill::Late) => {}
                Ok(Fill::End | Fill::TooLong) | Err(_) => break,
            }
        }
        inbound.buffer.discard();
        self.answer(rest().unwrap_or(BRIEF));
    }
}

/// A thread that waits in a read notices once the peer, which is told, ends its direction.
impl<IO: Transport> End for Connection<IO> {
    fn end(&self, code: ErrorCode) {
        if self.ended.get().is_none() {
            self.end_with(Error::Stopped, Some(code));
        }
    }
}

/// A socket that is closed with bytes unread takes back what its peer has not read yet: so a stream
/// that is dropped behind its Close hears the peer out, for a while.
impl<IO: Transport> Drop for Connection<IO> {
    fn drop(&mut self) {
        self.settle();
        let Some(mut inbound) = self.take_for_writer() else { return };
        self.part(&mut inbound);
        if inbound.eof || self.ended.get().is_some() {
            return;
        }
        {
            let mut outbound = lock(&self.outbound);
            if !outbound.buffer.sender.is_closed() {
                return;
            }
            if outbound.has_timeouts() {
                let _ = outbound.drain(Some(LINGER));
            }
            outbound.finish();
        }
        self.parting.store(true, Ordering::Release);
        self.part(&mut inbound);
    }
}
