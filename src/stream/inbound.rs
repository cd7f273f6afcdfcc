//! The receiving direction: bytes from the transport, opened in place.

use std::io;
use std::ops::Range;
use std::task::{Context, Poll};

use tokio::io::AsyncRead;

use super::ending::Ending;
use super::liveness::{Liveness, Watch};
use super::{pool, transport};
use crate::error::Error;
use crate::session::{ControlType, Incoming, Receiver, record_len};

/// What the transport gave and the application has not taken.
pub(super) struct Inbound<R> {
    io: R,
    pub(super) receiver: Receiver,
    /// From the pool, while there is something in it.
    buffer: Option<Box<[u8]>>,
    /// Bytes that were not opened yet.
    raw: Range<usize>,
    /// Data of the last record opened that was not read yet.
    data: Range<usize>,
    /// The transport has ended.
    pub(super) eof: bool,
    /// How far the end after an error has come.
    pub(super) ending: Option<Ending>,
    pub(super) watch: Watch,
    /// Something was read, opened or ended since this was laid where the other half finds it.
    pub(super) moved: bool,
}

impl<R: AsyncRead + Unpin> Inbound<R> {
    /// `early`: bytes that came behind the handshake.
    pub(super) fn new(io: R, receiver: Receiver, early: &[u8], liveness: Liveness) -> Self {
        let mut buffer = None;
        let mut raw = 0..0;
        if !early.is_empty() {
            let mut first = pool::read_buffer();
            if let Some(front) = first.get_mut(..early.len()) {
                front.copy_from_slice(early);
                raw = 0..early.len();
            }
            buffer = Some(first);
        }
        let watch = Watch::new(liveness);
        Self {
            io,
            receiver,
            buffer,
            raw,
            data: 0..0,
            eof: false,
            ending: None,
            watch,
            moved: false,
        }
    }

    /// Data that was not read yet.
    pub(super) fn data(&self) -> &[u8] {
        self.buffer.as_deref().and_then(|b| b.get(self.data.clone())).unwrap_or_default()
    }

    pub(super) fn consume(&mut self, amount: usize) {
        self.data.start = self.data.start.saturating_add(amount).min(self.data.end);
    }

    /// Opens the next record, if it is all there; Data is left to be read, anything else is handed
    /// to `control`.
    pub(super) fn open_next(
        &mut self,
        control: impl FnOnce(&mut Receiver, ControlType, &[u8]) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let Some(buffer) = self.buffer.as_deref_mut() else { return Ok(false) };
        let Some(bytes) = buffer.get_mut(self.raw.clone()) else { return Ok(false) };
        let len = record_len(bytes).inspect_err(|_| self.moved = true)?;
        let Some(len) = len else { return Ok(false) };
        let Some(record) = bytes.get_mut(..len) else { return Ok(false) };
        self.moved = true;
        let at = self.raw.start;
        self.raw.start = at.saturating_add(len);
        match self.receiver.open(record)? {
            Incoming::Data(data) => {
                self.watch.used();
                // the plaintext stands behind the record's length
                let start = at.saturating_add(2);
                self.data = start..start.saturating_add(data.len());
            }
            Incoming::Control(kind, content) => control(&mut self.receiver, kind, content)?,
        }
        Ok(true)
    }

    /// Reads more behind what is there; 0 at the end. All Data must have been read.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let buffer = self.buffer.get_or_insert_with(pool::read_buffer);
        if self.raw.start > 0 {
            buffer.copy_within(self.raw.clone(), 0);
            self.raw = 0..self.raw.len();
        }
        let room = buffer.get_mut(self.raw.end..).unwrap_or_default();
        let poll = transport::poll_read(&mut self.io, cx, room);
        match poll {
            Poll::Ready(Ok(len)) => {
                self.moved |= len > 0;
                self.watch.heard();
                self.raw.end = self.raw.end.saturating_add(len);
            }
            _ => self.release(),
        }
        poll
    }

    /// Gives an empty buffer back to the pool.
    pub(super) fn release(&mut self) {
        if self.raw.is_empty()
            && self.data.is_empty()
            && let Some(buffer) = self.buffer.take()
        {
            (self.raw, self.data) = (0..0, 0..0);
            pool::keep_read(buffer);
        }
    }

    /// The transport alone; what was not read is lost.
    pub(super) fn into_io(self) -> R {
        self.io
    }

    /// Drops all that was not read.
    pub(super) fn discard(&mut self) {
        (self.raw, self.data) = (0..0, 0..0);
        self.release();
    }

    /// Drops Data that nobody will read.
    pub(super) const fn discard_data(&mut self) {
        self.data = 0..0;
    }
}
