//! The receiving direction: bytes from the transport, opened in place.

use std::ops::Range;

use super::pool;
use crate::error::Error;
use crate::session::{ControlType, Incoming, Receiver, record_len};

/// Room for who looks ahead of a reader that is not there: many control records, and no more memory
/// than a connection may keep whose application does not read.
const AHEAD: usize = 4 << 10;

/// How much is read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// As much as fits, for a reader.
    Full,
    /// Control records only: nothing once a longer record stands in front.
    Ahead,
}

/// What a record turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Data,
    Control,
}

/// What the transport gave and the application has not taken.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    pub(crate) receiver: Receiver,
    /// From the pool, while there is something in it.
    bytes: Option<Box<[u8]>>,
    /// Bytes that were not opened yet.
    raw: Range<usize>,
    /// Data of the last record opened that was not read yet.
    data: Range<usize>,
}

impl ReadBuffer {
    /// `early`: bytes that came behind the handshake.
    pub(crate) fn new(receiver: Receiver, early: &[u8]) -> Self {
        let mut this = Self { receiver, bytes: None, raw: 0..0, data: 0..0 };
        if !early.is_empty()
            && let Some(front) = this.room(Room::Full).get_mut(..early.len())
        {
            front.copy_from_slice(early);
            this.filled(early.len());
        }
        this
    }

    /// Data that was not read yet.
    pub(crate) fn data(&self) -> &[u8] {
        self.bytes.as_deref().and_then(|b| b.get(self.data.clone())).unwrap_or_default()
    }

    /// Whether there is Data that was not read yet.
    #[inline]
    pub(crate) fn has_data(&self) -> bool {
        !self.data.is_empty()
    }

    pub(crate) fn consume(&mut self, amount: usize) {
        self.data.start = self.data.start.saturating_add(amount).min(self.data.end);
    }

    /// Opens the next record, if it is all there; Data is left to be read, anything else is handed
    /// to `control`. All Data must have been read.
    pub(crate) fn open_next(
        &mut self,
        control: impl FnOnce(&mut Receiver, ControlType, &[u8]) -> Result<(), Error>,
    ) -> Result<Option<Kind>, Error> {
        let Some(bytes) = self.bytes.as_deref_mut().and_then(|b| b.get_mut(self.raw.clone()))
        else {
            return Ok(None);
        };
        let Some(len) = record_len(bytes)? else { return Ok(None) };
        let Some(record) = bytes.get_mut(..len) else { return Ok(None) };
        let at = self.raw.start;
        self.raw.start = at.saturating_add(len);
        match self.receiver.open(record)? {
            Incoming::Data(data) => {
                // the plaintext stands behind the record's length
                let start = at.saturating_add(2);
                self.data = start..start.saturating_add(data.len());
                Ok(Some(Kind::Data))
            }
            Incoming::Control(kind, content) => {
                control(&mut self.receiver, kind, content)?;
                Ok(Some(Kind::Control))
            }
        }
    }

    /// Where the transport's next bytes go; [`Self::filled`] says how many they were. All Data must
    /// have been read. Empty where the record in front is too long for `room`.
    pub(crate) fn room(&mut self, room: Room) -> &mut [u8] {
        if self.raw.is_empty() {
            self.raw = 0..0;
        }
        let fits = match (&self.bytes, room) {
            (Some(bytes), Room::Full) => bytes.len() >= pool::LEN,
            (Some(bytes), Room::Ahead) => self.front().is_none_or(|len| len <= bytes.len()),
            (None, _) => false,
        };
        if fits {
            if self.raw.start > 0
                && let Some(bytes) = &mut self.bytes
            {
                bytes.copy_within(self.raw.clone(), 0);
            }
        } else if self.bytes.is_some() && room == Room::Ahead {
            return &mut [];
        } else {
            let mut larger = match room {
                Room::Full => pool::read_buffer(),
                Room::Ahead => vec![0; AHEAD].into_boxed_slice(),
            };
            let raw = self.bytes.as_deref().and_then(|b| b.get(self.raw.clone()));
            let raw = raw.unwrap_or_default();
            if let Some(front) = larger.get_mut(..raw.len()) {
                front.copy_from_slice(raw);
            }
            self.bytes = Some(larger);
        }
        self.raw = 0..self.raw.len();
        self.bytes.as_deref_mut().and_then(|b| b.get_mut(self.raw.end..)).unwrap_or_default()
    }

    /// The length of the record in front, if its header is there.
    fn front(&self) -> Option<usize> {
        let raw = self.bytes.as_deref()?.get(self.raw.clone())?;
        record_len(raw).ok().flatten()
    }

    /// So many bytes of [`Self::room`] were filled.
    pub(crate) fn filled(&mut self, len: usize) {
        self.raw.end = self.raw.end.saturating_add(len);
    }

    /// Gives an empty buffer back to the pool.
    #[inline]
    pub(crate) fn release(&mut self) {
        if self.raw.is_empty()
            && self.data.is_empty()
            && let Some(bytes) = self.bytes.take()
        {
            (self.raw, self.data) = (0..0, 0..0);
            pool::keep_read(bytes);
        }
    }

    /// Drops all that was not read.
    pub(crate) fn discard(&mut self) {
        (self.raw, self.data) = (0..0, 0..0);
        self.release();
    }

    /// Drops Data that nobody will read.
    pub(crate) const fn discard_data(&mut self) {
        self.data = 0..0;
    }
}
