//! The sending direction, and the end of it.

use std::io::{self, ErrorKind, Write};
use std::time::{Duration, Instant};

use super::patience::{Limit, has_waited, is_timeout};
use super::transport::{Deadline, Finish};
use crate::buffer::WriteBuffer;

/// What was sealed and the transport has not taken.
pub(super) struct Outbound<W> {
    /// Or why there is none any more.
    io: Result<W, ErrorKind>,
    limit: Limit,
    /// The transport was not flushed since it took something.
    unflushed: bool,
    pub(super) buffer: WriteBuffer,
    /// When the writing half last looked for what the peer has sent.
    pub(super) looked: Instant,
}

impl<W: Write + Deadline + Finish> Outbound<W> {
    pub(super) fn new(io: W, buffer: WriteBuffer, now: Instant) -> Self {
        Self { io: Ok(io), limit: Limit::default(), unflushed: false, buffer, looked: now }
    }

    pub(super) fn has_timeouts(&self) -> bool {
        self.io.as_ref().is_ok_and(Deadline::has_timeouts)
    }

    /// Hands what was sealed to the transport, which passes on what it may keep to itself, and waits
    /// for that no longer than `limit`; whether that was all. A transport that fails is given up.
    ///
    /// Sockets keep nothing: to flush one costs nothing.
    pub(super) fn drain(&mut self, limit: Option<Duration>) -> io::Result<bool> {
        if self.buffer.pending().is_none() && !self.unflushed {
            self.buffer.release();
            return Ok(true);
        }
        let drained = self.write_pending(limit);
        if let Err(error) = &drained
            && error.kind() != ErrorKind::WouldBlock
        {
            self.io = Err(error.kind());
        }
        drained
    }

    fn write_pending(&mut self, limit: Option<Duration>) -> io::Result<bool> {
        let io = self.io.as_mut().map_err(|kind| *kind)?;
        let limit = self.limit.set(io, limit)?;
        let began = Instant::now();
        while let Some(rest) = self.buffer.pending() {
            match io.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(len) => {
                    let whole = len >= rest.len();
                    self.unflushed = true;
                    self.buffer.taken(len);
                    // a transport that takes little by little must not hold anybody for longer
                    if !whole && limit.is_some_and(|limit| began.elapsed() >= limit) {
                        return Ok(false);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    return if has_waited(began, limit) {
                        Ok(false)
                    } else {
                        Err(ErrorKind::WouldBlock.into())
                    };
                }
                Err(error) => return Err(error),
            }
        }
        self.buffer.release();
        loop {
            match io.flush() {
                Ok(()) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_timeout(&error) => {
                    return if has_waited(began, limit) {
                        Ok(false)
                    } else {
                        Err(ErrorKind::WouldBlock.into())
                    };
                }
                Err(error) => return Err(error),
            }
        }
        self.unflushed = false;
        Ok(true)
    }

    /// Ends the transport's direction. All that was sealed must have been taken.
    pub(super) fn finish(&mut self) {
        if let Ok(io) = std::mem::replace(&mut self.io, Err(ErrorKind::BrokenPipe)) {
            // a peer that is gone already needs no end
            let _ = io.finish();
        }
    }

    /// The writing half is gone. Without a Close the peer shall find the stream cut off, and not
    /// wait for ever.
    pub(super) fn abandon(&mut self) {
        if self.buffer.sender.is_open() {
            self.finish();
        }
    }
}
