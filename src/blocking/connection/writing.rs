//! Sending, for the writing half.

use std::io;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rand::rngs::SysRng;

use super::reading::Ahead;
use super::{Connection, Wait, lock};
use crate::blocking::outbound::Outbound;
use crate::blocking::patience::{GRACE, LOOK_EVERY, RETRY, SLICE, time_is_up, until};
use crate::blocking::transport::Transport;
use crate::deadlines::after;
use crate::error::Error;

impl<IO: Transport> Connection<IO> {
    /// When the application's own time-out for what begins now is over.
    fn write_deadline(&self) -> Option<Instant> {
        self.write_limit().map(|limit| after(Instant::now(), limit))
    }

    pub(in crate::blocking) fn write(&self, data: &[u8]) -> io::Result<usize> {
        if data.is_empty() {
            return Ok(0);
        }
        let now = Instant::now();
        let deadline = self.write_limit().map(|limit| after(now, limit));
        self.still_open()?;
        self.look_if_due(now)?;
        loop {
            let mut outbound = self.drained(deadline)?;
            let used = outbound.buffer.sender.used();
            if self.policy.is_due(used) || outbound.buffer.key_age(now) >= self.policy.interval {
                self.want_rekey();
            }
            self.transmit(&mut outbound)?;
            outbound.buffer.padding = self.padding.load(Ordering::Acquire);
            match outbound.buffer.seal(data, now) {
                Ok(sealed) => {
                    self.note_written(outbound.buffer.wrote());
                    drop(outbound);
                    return self.send_sealed(deadline).map(|()| sealed);
                }
                Err(Error::RekeyBlocked) => {}
                Err(error) => return Err(error.into()),
            }
            // the key is worn out: nothing goes on before the peer's answer is found
            {
                let mut control = lock(&self.control);
                control.rekey_now(Instant::now(), &mut SysRng)?;
                self.note(&control);
            }
            self.transmit(&mut outbound)?;
            drop(outbound);
            let worn = !self.drained(deadline)?.buffer.sender.may_send_data();
            self.settle();
            if worn {
                self.await_answer(deadline)?;
            }
        }
    }

    /// Lays down where a reader finds it without the lock when Data was sealed last.
    fn note_written(&self, then: Instant) {
        let millis = then.saturating_duration_since(self.began).as_millis();
        self.wrote.store(u64::try_from(millis).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Sends what was sealed: what the transport does not take in time goes out first the next
    /// time, so that this is no failure of the write.
    fn send_sealed(&self, deadline: Option<Instant>) -> io::Result<()> {
        let sent = self.drained(deadline).map(drop);
        self.settle();
        match sent {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            sent => sent,
        }
    }

    /// The sending direction once all that was sealed is with the transport.
    fn drained(
        &self,
        deadline: Option<Instant>,
    ) -> io::Result<MutexGuard<'_, Outbound<IO::Write>>> {
        loop {
            let rest = deadline.map(|deadline| until(deadline, Instant::now()));
            let limit = rest.map_or(SLICE, |rest| rest.min(SLICE));
            let mut outbound = lock(&self.outbound);
            let drained = outbound.drain(Some(limit));
            self.stuck.store(!matches!(drained, Ok(true)), Ordering::Release);
            if drained? {
                return Ok(outbound);
            }
            drop(outbound);
            self.still_open()?;
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return time_is_up();
            }
            // the peer may say why it takes nothing, or wait for this side to take something
            self.look(Wait::Look);
            self.still_open()?;
        }
    }

    /// Fails once the connection has ended. Whoever writes alone gives the peer the time to read
    /// why.
    fn still_open(&self) -> io::Result<()> {
        if self.ended.get().is_none() {
            return Ok(());
        }
        if self.parting.load(Ordering::Acquire)
            && let Some(mut inbound) = self.take_for_writer()
        {
            self.part(&mut inbound);
            self.lay_down(inbound);
        }
        self.settle();
        self.ended()
    }

    /// Nobody may be reading: then the answer to a rekey, and Pings, are found by who writes.
    fn look_if_due(&self, now: Instant) -> io::Result<()> {
        let often =
            self.rekeying.load(Ordering::Acquire) || self.reader_gone.load(Ordering::Acquire);
        {
            let mut outbound = lock(&self.outbound);
            let long_ago = now.saturating_duration_since(outbound.looked) >= LOOK_EVERY;
            if !(long_ago || often && outbound.buffer.is_ahead_due()) {
                return Ok(());
            }
            outbound.looked = now;
        }
        self.settle();
        self.look(Wait::Look);
        self.still_open()
    }

    /// Waits for the answer to a rekey without which nothing more can be sealed.
    fn await_answer(&self, deadline: Option<Instant>) -> io::Result<()> {
        let mut barred = Duration::ZERO;
        loop {
            let ahead = self.look(Wait::Worn);
            self.still_open()?;
            let may_send = lock(&self.outbound).buffer.sender.may_send_data();
            self.settle();
            if may_send || self.due.load(Ordering::Acquire) {
                return Ok(());
            }
            match ahead {
                Ahead::Waiting => barred = Duration::ZERO,
                Ahead::Busy => {
                    barred = Duration::ZERO;
                    self.wait_for_reader(RETRY);
                }
                Ahead::Barred if self.split.load(Ordering::Acquire) && barred < GRACE => {
                    let began = Instant::now();
                    self.wait_for_reader(RETRY);
                    barred = barred.saturating_add(began.elapsed());
                }
                Ahead::Barred => return Err(Error::RekeyBlocked.into()),
                Ahead::Ended => return Err(Error::Truncated.into()),
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return time_is_up();
            }
            // too many rekeys in a minute: another try
            if !self.rekeying.load(Ordering::Acquire) {
                return Ok(());
            }
        }
    }

    pub(in crate::blocking) fn flush(&self) -> io::Result<()> {
        self.still_open()?;
        let flushed = self.try_flush();
        self.settle();
        flushed
    }

    fn try_flush(&self) -> io::Result<()> {
        let deadline = self.write_deadline();
        let mut outbound = self.drained(deadline)?;
        self.transmit(&mut outbound)?;
        drop(outbound);
        self.drained(deadline).map(drop)
    }

    /// Seals Close, and leaves it to be sent.
    pub(in crate::blocking) fn begin_close(&self) -> io::Result<()> {
        self.still_open()?;
        {
            let mut outbound = lock(&self.outbound);
            self.transmit(&mut outbound)?;
            if outbound.buffer.sender.is_open() {
                let mut control = lock(&self.control);
                outbound.buffer.close(&mut control)?;
                self.note(&control);
                self.stuck.store(true, Ordering::Release);
            }
        }
        if self.writes_in_time {
            self.settle();
        }
        Ok(())
    }

    pub(in crate::blocking) fn shutdown(&self) -> io::Result<()> {
        self.begin_close()?;
        let flushed = self.try_flush();
        self.end_if_over();
        self.settle();
        flushed
    }
}
