//! Sending, for the writing half.

use std::io;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use rand::rngs::SysRng;

use super::reading::Ahead;
use super::{Connection, lock, now};
use crate::error::Error;
use crate::stream::Transport;
use crate::stream::wakers::Party;

impl<IO: Transport> Connection<IO> {
    pub(in crate::stream) fn poll_write(
        &self,
        data: &[u8],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let poll = self.poll_seal(data, cx);
        if poll.is_ready() {
            self.stop_looking(Party::Writer);
        }
        poll
    }

    fn poll_seal(&self, data: &[u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut ahead = Ahead::Waiting;
        let mut outbound = lock(&self.outbound);
        let look = self.ended.get().is_some() || self.rekeying.load(Ordering::Acquire);
        if look || outbound.buffer.is_ahead_due() {
            drop(outbound);
            ahead = self.read_ahead(Party::Writer, cx);
            outbound = lock(&self.outbound);
        }
        loop {
            // whoever writes alone gives the peer the time to read why it ends
            if matches!(ahead, Ahead::Ending) {
                return Poll::Pending;
            }
            self.ended()?;
            outbound.check()?;
            let now = now();
            let used = outbound.buffer.sender.used();
            if self.policy.is_due(used) || outbound.buffer.key_age(now) >= self.policy.interval {
                self.want_rekey();
            }
            self.transmit(&mut outbound)?;
            if outbound.buffer.is_full() {
                ready!(self.poll_drain(&mut outbound, Party::Writer, cx))?;
            }
            let gathered = outbound.buffer.gather(data, now)?;
            if gathered > 0 {
                self.leave_to_others();
                return Poll::Ready(Ok(gathered));
            }
            if !outbound.buffer.has_little() {
                ready!(self.poll_drain(&mut outbound, Party::Writer, cx))?;
            }
            match outbound.buffer.seal(data, now) {
                Ok(sealed) => {
                    // what the transport does not take now, it asks the driver for
                    let _ = self.poll_drain(&mut outbound, Party::Writer, cx)?;
                    return Poll::Ready(Ok(sealed));
                }
                Err(Error::RekeyBlocked) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            // the key is worn out: nothing goes on before the peer's answer is found
            self.writable.register(Party::Writer, cx);
            {
                let mut control = lock(&self.control);
                control.rekey_now(now, &mut SysRng)?;
                self.note(&control);
            }
            self.transmit(&mut outbound)?;
            ready!(self.poll_drain(&mut outbound, Party::Writer, cx))?;
            if outbound.buffer.sender.may_send_data() {
                continue;
            }
            drop(outbound);
            match ahead {
                Ahead::Waiting | Ahead::Busy | Ahead::Ending => {}
                Ahead::Barred => return Poll::Ready(Err(Error::RekeyBlocked.into())),
                Ahead::Ended => {
                    self.ended()?;
                    return Poll::Ready(Err(Error::Truncated.into()));
                }
            }
            ahead = self.read_ahead(Party::Writer, cx);
            outbound = lock(&self.outbound);
            if matches!(ahead, Ahead::Waiting | Ahead::Busy)
                && !self.due.load(Ordering::Acquire)
                && !outbound.buffer.sender.may_send_data()
            {
                return Poll::Pending;
            }
        }
    }

    pub(in crate::stream) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stop_looking(Party::Writer);
        self.ended()?;
        let mut outbound = lock(&self.outbound);
        outbound.check()?;
        outbound.buffer.seal_gathered()?;
        self.transmit(&mut outbound)?;
        outbound.buffer.end_row();
        self.poll_flush_all(&mut outbound, Party::Writer, cx)
    }

    pub(in crate::stream) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stop_looking(Party::Writer);
        let over = {
            let mut outbound = lock(&self.outbound);
            // the driver may have sent the Close, and the peer, who has it all, may be gone
            let cut_off = matches!(self.ended.get().map(|error| &**error), Some(Error::Truncated));
            if cut_off && outbound.is_closed_and_sent() {
                return Poll::Ready(Ok(()));
            }
            self.ended()?;
            self.transmit(&mut outbound)?;
            if outbound.buffer.sender.is_open() {
                let mut control = lock(&self.control);
                outbound.buffer.close(&mut control)?;
                self.note(&control);
            }
            ready!(self.poll_flush_all(&mut outbound, Party::Writer, cx))?;
            lock(&self.control).is_over()
        };
        if over {
            self.poll_over(Party::Writer, cx);
        }
        Poll::Ready(Ok(()))
    }
}
