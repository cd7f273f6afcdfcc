//! The sending direction: sealed records on their way to the transport.

use std::time::{Duration, Instant};

use super::pool;
use crate::error::{Error, ErrorCode};
use crate::session::{Control, Sender};

/// Data of one record. Smaller records let the peer open the first while the last are on their
/// way; larger ones save little.
const RECORD: usize = 16 << 10;
/// Data that is sealed before the transport is asked to take it: little enough to lie in the
/// processor's near cache still.
const BATCH: usize = 32 << 10;
/// Small writes in a row are sealed and handed over once they have come to so much ciphertext.
#[cfg(feature = "tokio")]
const GATHER: usize = 32 << 10;
/// What waits at most while the next record joins it: the end of a handshake.
#[cfg(feature = "tokio")]
const LITTLE: usize = 1 << 10;
/// Data after which a writer looks for what the peer has sent, should nobody read.
const AHEAD: usize = 256 << 10;

/// What was sealed and the transport has not taken.
#[derive(Debug)]
pub(crate) struct WriteBuffer {
    pub(crate) sender: Sender,
    bytes: Vec<u8>,
    sent: usize,
    /// Data of small writes that have not made a record yet. It is sealed before anything else is.
    gathered: Vec<u8>,
    /// The last write was a small one, and nobody has waited for it to go out.
    in_a_row: bool,
    since_ahead: usize,
    keyed: Instant,
    /// When Data was sealed last.
    wrote: Instant,
    /// Data records are padded to a multiple of so many bytes; 0: not at all.
    pub(crate) padding: u16,
}

impl WriteBuffer {
    pub(crate) const fn new(sender: Sender, now: Instant) -> Self {
        Self {
            sender,
            bytes: Vec::new(),
            sent: 0,
            gathered: Vec::new(),
            in_a_row: false,
            since_ahead: 0,
            keyed: now,
            wrote: now,
            padding: 0,
        }
    }

    /// The same with something that was to be sent before: a handshake's last message.
    #[cfg(feature = "tokio")]
    pub(crate) fn behind(mut self, last: Vec<u8>) -> Self {
        self.bytes = last;
        self
    }

    /// Whether what waits is so little that the next record should go with it.
    #[cfg(feature = "tokio")]
    pub(crate) fn has_little(&self) -> bool {
        self.pending().is_none_or(|waiting| waiting.len() <= LITTLE)
    }

    /// Where records are sealed to.
    fn prepare(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes = pool::write_buffer();
        }
    }

    /// Seals what control wants sent.
    pub(crate) fn transmit(&mut self, control: &mut Control, now: Instant) -> Result<(), Error> {
        self.seal_gathered()?;
        self.prepare();
        let (before, _) = self.sender.used();
        control.transmit(&mut self.sender, &mut self.bytes)?;
        let (after, _) = self.sender.used();
        if after < before {
            self.keyed = now;
        }
        Ok(())
    }

    /// How long the key in use has been in use.
    pub(crate) fn key_age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.keyed)
    }

    /// When Data was sealed last.
    pub(crate) const fn wrote(&self) -> Instant {
        self.wrote
    }

    /// Whether a writer should look for what the peer has sent; then it counts anew.
    pub(crate) const fn is_ahead_due(&mut self) -> bool {
        let due = self.since_ahead >= AHEAD;
        if due {
            self.since_ahead = 0;
        }
        due
    }

    /// Takes a small write that follows another, to be sealed with the next; how much of it was
    /// taken, 0 where it should be sealed at once.
    ///
    /// A single small write goes out at once, since an answer may be waited for. Those behind it
    /// wait until a record is full or somebody has the time to send them, which takes a stream that
    /// somebody looks after: one on tokio.
    #[cfg(feature = "tokio")]
    pub(crate) fn gather(&mut self, data: &[u8], now: Instant) -> Result<usize, Error> {
        if data.len() >= RECORD || !self.in_a_row || !self.sender.is_open() {
            return Ok(0);
        }
        if self.gathered.is_empty() {
            if !self.sender.may_send_data() {
                return Ok(0);
            }
            self.gathered = pool::write_buffer();
        }
        self.wrote = now;
        let len = data.len().min(RECORD.saturating_sub(self.gathered.len()));
        self.gathered.extend_from_slice(data.get(..len).unwrap_or_default());
        if self.gathered.len() >= RECORD {
            self.seal_gathered()?;
        }
        Ok(len)
    }

    /// Whether the transport should be asked to take what small writes have come to.
    #[cfg(feature = "tokio")]
    pub(crate) const fn is_full(&self) -> bool {
        self.bytes.len() >= GATHER
    }

    /// Makes a record of what small writes have left.
    #[inline]
    pub(crate) fn seal_gathered(&mut self) -> Result<(), Error> {
        if self.gathered.is_empty() { Ok(()) } else { self.seal_all_gathered() }
    }

    fn seal_all_gathered(&mut self) -> Result<(), Error> {
        self.prepare();
        let gathered = std::mem::take(&mut self.gathered);
        let sealed = self.sender.data_padded_to(self.padding, &gathered, &mut self.bytes);
        self.since_ahead = self.since_ahead.saturating_add(gathered.len());
        pool::keep_write(gathered);
        sealed
    }

    /// Somebody sees to it that all goes out: the next small write is a first one.
    #[cfg(feature = "tokio")]
    pub(crate) const fn end_row(&mut self) {
        self.in_a_row = false;
    }

    /// Seals as much of `data` as one batch takes; how much it was.
    pub(crate) fn seal(&mut self, data: &[u8], now: Instant) -> Result<usize, Error> {
        self.seal_gathered()?;
        self.prepare();
        self.wrote = now;
        self.in_a_row = data.len() < RECORD;
        let mut sealed = 0_usize;
        for chunk in data.get(..data.len().min(BATCH)).unwrap_or_default().chunks(RECORD) {
            match self.sender.data_padded_to(self.padding, chunk, &mut self.bytes) {
                Ok(()) => sealed = sealed.saturating_add(chunk.len()),
                Err(_) if sealed > 0 => break,
                Err(error) => return Err(error),
            }
        }
        self.since_ahead = self.since_ahead.saturating_add(sealed);
        Ok(sealed)
    }

    /// Seals Close, once.
    pub(crate) fn close(&mut self, control: &mut Control) -> Result<(), Error> {
        self.seal_gathered()?;
        self.prepare();
        self.sender.close(&mut self.bytes)?;
        control.closed();
        Ok(())
    }

    /// Seals Error, the last record.
    pub(crate) fn error(&mut self, code: ErrorCode, text: &str) -> Result<(), Error> {
        self.seal_gathered()?;
        self.prepare();
        self.sender.error(code, text, &mut self.bytes)
    }

    /// What the transport is to take next; [`Self::taken`] says how much it took.
    #[inline]
    pub(crate) fn pending(&self) -> Option<&[u8]> {
        self.bytes.get(self.sent..).filter(|rest| !rest.is_empty())
    }

    /// The transport took so much.
    pub(crate) const fn taken(&mut self, len: usize) {
        self.sent = self.sent.saturating_add(len);
    }

    /// Gives the buffer back to the pool; all of it must have been taken.
    #[inline]
    pub(crate) fn release(&mut self) {
        self.sent = 0;
        if self.bytes.capacity() > 0 {
            pool::keep_write(std::mem::take(&mut self.bytes));
        }
    }
}
