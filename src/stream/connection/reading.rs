//! Receiving, for whichever half reads.

use std::io;
use std::task::{Context, Poll, ready};

use super::{Connection, lock};
use crate::error::Error;
use crate::stream::Transport;
use crate::stream::inbound::Inbound;
use crate::stream::liveness::Due;
use crate::stream::wakers::Half;

impl<IO: Transport> Connection<IO> {
    /// Reads until there is Data to be read, or (for a reader) the end.
    pub(in crate::stream) fn poll_inbound(
        &self,
        inbound: &mut Inbound<IO::Read>,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = self.poll_records(inbound, half, cx);
        self.poll_transmit(half, cx);
        poll
    }

    fn poll_records(
        &self,
        inbound: &mut Inbound<IO::Read>,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if !inbound.data().is_empty() {
                return Poll::Ready(Ok(()));
            }
            if self.ended.get().is_some() {
                ready!(self.poll_ending(inbound, half, cx))?;
                return Poll::Ready(self.ended());
            }
            if inbound.receiver.is_closed()
                && (half == Half::Reader || inbound.eof || self.poll_over(half, cx))
            {
                self.poll_over(half, cx);
                return Poll::Ready(Ok(()));
            }
            if self.open_next(inbound) || self.ended.get().is_some() {
                continue;
            }
            // what is owed goes out before this side waits for an answer to it
            self.poll_transmit(half, cx);
            self.readable.register(half, cx);
            let filled = match inbound.poll_fill(&mut self.readable.context()) {
                Poll::Ready(filled) => {
                    inbound.moved = true;
                    filled?
                }
                Poll::Pending => {
                    ready!(self.poll_liveness(inbound, half, cx));
                    continue;
                }
            };
            match filled {
                0 if inbound.receiver.is_closed() => inbound.eof = true,
                0 => self.fail(Error::Truncated),
                _ => {}
            }
        }
    }

    /// Waits until the time that has passed asks for something, and does it.
    fn poll_liveness(
        &self,
        inbound: &mut Inbound<IO::Read>,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        // a peer whose application has read the end of this side may not read on
        if half == Half::Writer || !inbound.watch.is_on() || lock(&self.control).is_closed() {
            return Poll::Pending;
        }
        let wrote = lock(&self.outbound).wrote;
        match ready!(inbound.watch.poll(wrote, cx)) {
            Due::Ping(payload) => {
                let mut control = lock(&self.control);
                // with eight out already there is nothing to add
                let _ = control.ping(payload);
                self.note(&control);
            }
            Due::End(error) => self.fail(error),
        }
        Poll::Ready(())
    }

    /// Whether both sides have closed; then this side's direction of the transport ends, too.
    pub(super) fn poll_over(&self, half: Half, cx: &Context<'_>) -> bool {
        let over = lock(&self.control).is_over();
        if over {
            self.writable.register(half, cx);
            let _ = lock(&self.outbound).poll_end(&mut self.writable.context());
        }
        over
    }
}
