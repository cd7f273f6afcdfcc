//! The receiving direction, and how far it has come to its end.

use std::io;
use std::task::{Context, Poll};

use tokio::io::AsyncRead;
use tokio::time::Instant;

use super::ending::Ending;
use super::transport;
use crate::buffer::{Kind, ReadBuffer, Room};
use crate::error::Error;
use crate::session::{ControlType, Receiver};

/// What the transport gave and the application has not taken.
pub(super) struct Inbound<R> {
    io: R,
    pub(super) buffer: ReadBuffer,
    /// The transport has ended.
    pub(super) eof: bool,
    /// Why the transport gives nothing more, whoever found out.
    failed: Option<io::ErrorKind>,
    /// How far the end after an error has come.
    pub(super) ending: Option<Ending>,
    /// When anything was received last.
    pub(super) heard: Instant,
    /// When Data was received last.
    pub(super) used: Instant,
    /// Something was read, opened or ended since this was laid where the other half finds it.
    pub(super) moved: bool,
}

impl<R: AsyncRead + Unpin> Inbound<R> {
    pub(super) fn new(io: R, buffer: ReadBuffer) -> Self {
        let now = Instant::now();
        Self {
            io,
            buffer,
            eof: false,
            failed: None,
            ending: None,
            heard: now,
            used: now,
            moved: false,
        }
    }

    /// Opens the next record, if it is all there; Data is left to be read, anything else is handed
    /// to `control`.
    pub(super) fn open_next(
        &mut self,
        control: impl FnOnce(&mut Receiver, ControlType, &[u8]) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let opened = self.buffer.open_next(control);
        self.moved |= !matches!(opened, Ok(None));
        if matches!(opened, Ok(Some(Kind::Data))) {
            self.used = self.heard;
        }
        Ok(opened?.is_some())
    }

    /// Reads more behind what is there; 0 at the end, `None` where a record stands in front that
    /// is too long for `room`. All Data must have been read.
    pub(super) fn poll_fill(
        &mut self,
        room: Room,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Option<usize>>> {
        if let Some(kind) = self.failed {
            return Poll::Ready(Err(kind.into()));
        }
        let room = self.buffer.room(room);
        if room.is_empty() {
            return Poll::Ready(Ok(None));
        }
        let poll = transport::poll_read(&mut self.io, cx, room);
        match poll {
            Poll::Ready(Ok(len)) => {
                self.moved |= len > 0;
                self.heard = Instant::now();
                self.buffer.filled(len);
            }
            _ => self.buffer.release(),
        }
        if let Poll::Ready(Err(error)) = &poll {
            self.failed = Some(error.kind());
            self.moved = true;
        }
        poll.map_ok(Some)
    }

    /// The transport is given up.
    pub(super) fn fail(&mut self, why: io::ErrorKind) {
        if self.failed.is_none() {
            self.failed = Some(why);
            self.moved = true;
        }
    }

    /// The transport alone; what was not read is lost.
    pub(super) fn into_io(self) -> R {
        self.io
    }
}
