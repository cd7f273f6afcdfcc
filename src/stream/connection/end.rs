//! Ends that are errors: found, asked for, or brought from outside.

use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use super::{Connection, lock};
use crate::error::{Error, ErrorCode, Misuse};
use crate::stream::Transport;
use crate::stream::ending::{Ending, outlive};
use crate::stream::inbound::Inbound;
use crate::stream::outbound::Outbound;
use crate::stream::roll::End;
use crate::stream::wakers::Half;

impl<IO: Transport> Connection<IO> {
    /// The connection ends with an error. What the peer did wrong it is told.
    pub(super) fn fail(&self, error: Error) {
        if let Some(code) = error.code() {
            let mut outbound = lock(&self.outbound);
            outbound.prepare();
            let Outbound { sender, buffer, .. } = &mut *outbound;
            let said = sender.error(code, "", buffer).is_ok();
            self.said.store(said, Ordering::Release);
            // the reading half may never be polled again
            let _ = outbound.poll_drain(&mut self.writable.context());
        }
        let _ = self.ended.set(error);
        self.readable.wake(Half::Writer);
        self.writable.wake(Half::Writer);
    }

    pub(in crate::stream) fn begin_abort(&self, code: ErrorCode, text: &str) -> Result<(), Error> {
        self.abort_with(code, text, Error::Misuse(Misuse::Ended))
    }

    fn abort_with(&self, code: ErrorCode, text: &str, error: Error) -> Result<(), Error> {
        let mut outbound = lock(&self.outbound);
        outbound.prepare();
        let Outbound { sender, buffer, .. } = &mut *outbound;
        sender.error(code, text, buffer)?;
        self.said.store(true, Ordering::Release);
        let _ = self.ended.set(error);
        Ok(())
    }

    /// Sends the last record, ends this side's direction, reads and drops for a while.
    pub(in crate::stream) fn poll_ending(
        &self,
        inbound: &mut Inbound<IO::Read>,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        if self.said.swap(false, Ordering::AcqRel) {
            inbound.ending = Some(Ending::new());
        }
        let Some(mut ending) = inbound.ending.take() else { return Poll::Ready(Ok(())) };
        self.writable.register(half, cx);
        let end = lock(&self.outbound).poll_end(&mut self.writable.context());
        self.readable.register(half, cx);
        let over = loop {
            inbound.discard();
            match inbound.poll_fill(&mut self.readable.context()) {
                Poll::Ready(Ok(len)) if len > 0 && ending.dropped(len) => {}
                Poll::Ready(_) => break true,
                Poll::Pending => break false,
            }
        };
        // the transport's own failure ends it as well
        let over = over && end.is_ready() || matches!(end, Poll::Ready(Err(_)));
        // whichever half polled last, both are woken
        if over || ending.is_late(&mut self.readable.context()) {
            inbound.moved = true;
            inbound.discard();
            return Poll::Ready(Ok(()));
        }
        inbound.ending = Some(ending);
        Poll::Pending
    }
}

impl<IO: Transport> Drop for Connection<IO> {
    fn drop(&mut self) {
        let outbound = self.outbound.get_mut().unwrap_or_else(PoisonError::into_inner);
        let inbound = self.inbound.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // behind a Close the peer may still answer a Ping or a rekey
        if let Some(inbound) = inbound.filter(|inbound| !inbound.eof)
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
        for half in [Half::Reader, Half::Writer] {
            self.readable.wake(half);
            self.writable.wake(half);
        }
    }
}
