//! Sending, for the writing half.

use std::io;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use rand::rngs::SysRng;

use super::{Connection, lock};
use crate::error::Error;
use crate::stream::Transport;
use crate::stream::outbound::Outbound;
use crate::stream::wakers::Half;

/// What a writer found that read ahead.
#[derive(Debug, Clone, Copy)]
enum Ahead {
    /// Nothing more has come.
    Waiting,
    /// Data that the application has not read.
    Barred,
    /// An end of this side's that the peer is still being told of.
    Ending,
    /// The end.
    Ended,
}

impl<IO: Transport> Connection<IO> {
    /// A writer looks for what the peer has sent, as far as the first Data.
    fn read_ahead(&self, cx: &mut Context<'_>) -> Ahead {
        self.readable.register(Half::Writer, cx);
        let Some(mut inbound) = self.take_inbound(Half::Writer) else {
            return if self.unread.load(Ordering::Acquire) {
                Ahead::Barred
            } else {
                Ahead::Waiting
            };
        };
        let ahead = loop {
            if self.reader_gone.load(Ordering::Acquire) {
                inbound.discard_data();
            }
            match self.poll_inbound(&mut inbound, Half::Writer, cx) {
                Poll::Pending if self.ended.get().is_some() => break Ahead::Ending,
                Poll::Pending => break Ahead::Waiting,
                Poll::Ready(Err(_)) => break Ahead::Ended,
                Poll::Ready(Ok(())) if inbound.data().is_empty() => break Ahead::Ended,
                Poll::Ready(Ok(())) if self.reader_gone.load(Ordering::Acquire) => {}
                Poll::Ready(Ok(())) => break Ahead::Barred,
            }
        };
        self.park(inbound, Half::Writer);
        ahead
    }

    pub(in crate::stream) fn poll_write(
        &self,
        data: &[u8],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut ahead = Ahead::Waiting;
        let look = self.ended.get().is_some() || self.rekeying.load(Ordering::Acquire);
        if look || lock(&self.outbound).is_ahead_due() {
            ahead = self.read_ahead(cx);
        }
        loop {
            // whoever writes alone gives the peer the time to read why it ends
            if matches!(ahead, Ahead::Ending) {
                return Poll::Pending;
            }
            self.ended()?;
            let mut outbound = lock(&self.outbound);
            self.writable.register(Half::Writer, cx);
            ready!(outbound.poll_drain(&mut self.writable.context()))?;
            let age = outbound.key_age();
            if self.policy.is_due(outbound.sender.used()) || age >= self.policy.interval {
                self.want_rekey();
            }
            self.transmit(&mut outbound)?;
            match outbound.seal(data) {
                Ok(sealed) => {
                    // what the transport does not take now goes with whatever is polled next
                    if outbound.poll_drain(&mut self.writable.context())?.is_pending() {
                        self.leave_to_reader();
                    }
                    return Poll::Ready(Ok(sealed));
                }
                Err(Error::RekeyBlocked) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            // the key is worn out: nothing goes on before the peer's answer is found
            {
                let mut control = lock(&self.control);
                control.rekey_now(Instant::now(), &mut SysRng)?;
                self.note(&control);
            }
            self.transmit(&mut outbound)?;
            ready!(outbound.poll_drain(&mut self.writable.context()))?;
            if outbound.sender.may_send_data() {
                continue;
            }
            drop(outbound);
            match ahead {
                Ahead::Waiting | Ahead::Ending => {}
                Ahead::Barred => return Poll::Ready(Err(Error::RekeyBlocked.into())),
                Ahead::Ended => {
                    self.ended()?;
                    return Poll::Ready(Err(Error::Truncated.into()));
                }
            }
            ahead = self.read_ahead(cx);
            if matches!(ahead, Ahead::Waiting) && !self.due.load(Ordering::Acquire) {
                let outbound = lock(&self.outbound);
                if !outbound.sender.may_send_data() {
                    return Poll::Pending;
                }
            }
        }
    }

    /// The transport is full, and the writing half may not be polled again: a reader sends the rest.
    fn leave_to_reader(&self) {
        if !self.stuck.swap(true, Ordering::AcqRel) {
            self.readable.wake(Half::Reader);
        }
    }

    pub(in crate::stream) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ended()?;
        let mut outbound = lock(&self.outbound);
        self.transmit(&mut outbound)?;
        self.writable.register(Half::Writer, cx);
        outbound.poll_flush(&mut self.writable.context())
    }

    pub(in crate::stream) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ended()?;
        let over = {
            let mut outbound = lock(&self.outbound);
            self.transmit(&mut outbound)?;
            if outbound.sender.is_open() {
                outbound.prepare();
                let Outbound { sender, buffer, .. } = &mut *outbound;
                sender.close(buffer)?;
                let mut control = lock(&self.control);
                control.closed();
                self.note(&control);
            }
            self.writable.register(Half::Writer, cx);
            let flush = outbound.poll_flush(&mut self.writable.context());
            if flush.is_pending() {
                self.leave_to_reader();
            }
            ready!(flush)?;
            lock(&self.control).is_over()
        };
        if over {
            self.poll_over(Half::Writer, cx);
        }
        Poll::Ready(Ok(()))
    }
}
