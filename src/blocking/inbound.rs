//! The receiving direction.

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use super::patience::{Limit, has_waited, is_timeout};
use super::transport::Deadline;
use crate::buffer::{Kind, ReadBuffer, Room};
use crate::error::Error;
use crate::liveness::Watch;
use crate::session::{ControlType, Receiver};

/// What reading came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    Some(usize),
    /// Nothing came in time.
    Late,
    /// A record stands in front that is too long for the room there is.
    TooLong,
    /// The transport has ended.
    End,
}

/// What the transport gave and the application has not taken.
pub(super) struct Inbound<R> {
    io: R,
    limit: Limit,
    pub(super) buffer: ReadBuffer,
    /// The transport has ended.
    pub(super) eof: bool,
    pub(super) watch: Watch,
    /// Until when somebody listened.
    listened: Instant,
}

impl<R: Read + Deadline> Inbound<R> {
    pub(super) fn new(io: R, buffer: ReadBuffer, watch: Watch, now: Instant) -> Self {
        Self { io, limit: Limit::default(), buffer, eof: false, watch, listened: now }
    }

    /// Opens the next record, if it is all there; Data is left to be read, anything else is handed
    /// to `control`.
    pub(super) fn open_next(
        &mut self,
        control: impl FnOnce(&mut Receiver, ControlType, &[u8]) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let opened = self.buffer.open_next(control)?;
        if opened == Some(Kind::Data) {
            self.watch.used(self.listened);
        }
        Ok(opened.is_some())
    }

    pub(super) fn has_timeouts(&self) -> bool {
        self.io.has_timeouts()
    }

    /// Notes that somebody listens again.
    pub(super) fn listen(&mut self, now: Instant) {
        self.watch.absent(now.saturating_duration_since(self.listened));
        self.listened = now;
    }

    /// Reads more behind what is there, and waits for it no longer than `limit`. All Data must have
    /// been read.
    pub(super) fn fill(&mut self, room: Room, limit: Option<Duration>) -> io::Result<Fill> {
        let limit = self.limit.set(&mut self.io, limit)?;
        let began = Instant::now();
        let room = self.buffer.room(room);
        if room.is_empty() {
            return Ok(Fill::TooLong);
        }
        let read = loop {
            match self.io.read(room) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.listened = Instant::now();
        match read {
            Ok(0) => {
                self.buffer.release();
                Ok(Fill::End)
            }
            Ok(len) => {
                self.watch.heard(self.listened);
                self.buffer.filled(len);
                Ok(Fill::Some(len))
            }
            Err(error) => {
                self.buffer.release();
                if is_timeout(&error) && has_waited(began, limit) {
                    Ok(Fill::Late)
                } else if is_timeout(&error) {
                    Err(ErrorKind::WouldBlock.into())
                } else {
                    Err(error)
                }
            }
        }
    }
}
