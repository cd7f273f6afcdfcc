//! Ends that are errors: found, asked for, or brought from outside.

use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use super::{Connection, lock};
use crate::buffer::Room;
use crate::error::{Error, ErrorCode, Misuse};
use crate::roll::End;
use crate::stream::Transport;
use crate::stream::ending::{Ending, outlive};
use crate::stream::inbound::Inbound;
use crate::stream::wakers::Party;

impl<IO: Transport> Connection<IO> {
    /// The connection ends with an error. What the peer did wrong it is told.
    pub(super) fn fail(&self, error: Error) {
        if let Some(code) = error.code() {
            let mut outbound = lock(&self.outbound);
            let said = outbound.buffer.error(code, "").is_ok();
            self.said.store(said, Ordering::Release);
            // the reading half may never be polled again
            let _ = outbound.poll_drain(&mut self.writable.context());
        }
        let _ = self.ended.set(Box::new(error));
        self.readable.wake_all();
        self.writable.wake_all();
    }

    pub(in crate::stream) fn begin_abort(&self, code: ErrorCode, text: &str) -> Result<(), Error> {
        self.abort_with(code, text, Error::Misuse(Misuse::Ended))
    }

    fn abort_with(&self, code: ErrorCode, text: &str, error: Error) -> Result<(), Error> {
        lock(&self.outbound).buffer.error(code, text)?;
        self.said.store(true, Ordering::Release);
        let _ = self.ended.set(Box::new(error));
        self.readable.wake(Party::Driver);
        Ok(())
    }

    /// Sends the last record, ends this side's direction, reads and drops for a while.
    pub(in crate::stream) fn poll_ending(
        &self,
        inbound: &mut Inbound<IO::Read>,
        party: Party,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.said.swap(false, Ordering::AcqRel) {
            inbound.ending = Some(Ending::new());
        }
        let Some(mut ending) = inbound.ending.take() else { return Poll::Ready(Ok(())) };
        self.writable.register(party, cx);
        let end = lock(&self.outbound).poll_end(&mut self.writable.context());
        self.readable.register(party, cx);
        let over = loop {
            inbound.buffer.discard();
            match inbound.poll_fill(Room::Full, &mut self.readable.context()) {
                Poll::Ready(Ok(Some(len @ 1..))) if ending.dropped(len) => {}
                Poll::Ready(_) => break true,
                Poll::Pending => break false,
            }
        };
        // the transport's own failure ends it as well
        let over = over && end.is_ready() || matches!(end, Poll::Ready(Err(_)));
        // whichever half polled last, both are woken
        if over || ending.is_late(&mut self.readable.context()) {
            inbound.moved = true;
            inbound.buffer.discard();
            return Poll::Ready(Ok(()));
        }
        inbound.ending = Some(ending);
        Poll::Pending
    }
}

impl<IO: Transport> Drop for Connection<IO> {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.get() {
            driver.abort();
        }
        let outbound = self.outbound.get_mut().unwrap_or_else(PoisonError::into_inner);
        let place = self.inbound.get_mut().unwrap_or_else(PoisonError::into_inner);
        // behind a Close the peer may still answer a Ping or a rekey
        if let Some(inbound) = place.inbound.take().filter(|inbound| !inbound.eof)
            && let Some(write) = outbound.take_closed()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(outlive(inbound.into_io(), write));
        }
    }
}

impl<IO: Transport> End for Connection<IO> {
    fn end(&self, code: ErrorCode) {
        if self.ended.get().is_some() || self.abort_with(code, "", Error::Stopped).is_err() {
            return;
        }
        // the halves may not be polled any more, so what can go out goes now
        let _ = lock(&self.outbound).poll_end(&mut self.writable.context());
        self.readable.wake_all();
        self.writable.wake_all();
    }
}
