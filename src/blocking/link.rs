//! A handshake over a transport that blocks.

use std::io::{self, ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use super::patience::{has_waited, is_timeout};
use super::{Deadline, Finish, Transport, wait};
use crate::error::Error;
use crate::link::{Fault, Frames, Gathered, LINGER, LINGER_BYTES, LenOf, Link};

/// A transport during the handshake.
pub(super) struct Handshaking<IO: Transport> {
    read: IO::Read,
    write: IO::Write,
    frames: Frames,
}

impl<IO: Transport> Handshaking<IO> {
    pub(super) fn new(io: IO) -> io::Result<Self> {
        let (read, write) = io.into_halves()?;
        Ok(Self { read, write, frames: Frames::default() })
    }

    /// The transport, and the bytes that were read behind the last frame.
    pub(super) fn into_parts(self) -> (IO::Read, IO::Write, Vec<u8>) {
        (self.read, self.write, self.frames.into_rest())
    }

    fn read(&mut self, into: &mut [u8], deadline: Instant) -> Result<usize, Fault> {
        by(&mut self.read, deadline, |io| io.read(into))
    }

    fn write_all(&mut self, mut bytes: &[u8], deadline: Instant) -> Result<(), Fault> {
        while !bytes.is_empty() {
            match by(&mut self.write, deadline, |io| io.write(bytes))? {
                0 => return Err(Fault::Io(ErrorKind::WriteZero.into())),
                len => bytes = bytes.get(len..).unwrap_or_default(),
            }
        }
        by(&mut self.write, deadline, Write::flush)
    }
}

/// Reads and drops, up to the end or as much as is put up with.
fn drop_all<R: Read + Deadline>(
    read: &mut R,
    mut left: usize,
    deadline: Instant,
) -> Result<(), Fault> {
    let mut scratch = [0; 1024];
    while left > 0 {
        match by(read, deadline, |io| io.read(&mut scratch))? {
            0 => break,
            len => left = left.saturating_sub(len),
        }
    }
    Ok(())
}

/// Does something that blocks, until then at most where the transport has time-outs.
fn by<D: Deadline, T>(
    io: &mut D,
    deadline: Instant,
    mut what: impl FnMut(&mut D) -> io::Result<T>,
) -> Result<T, Fault> {
    loop {
        let left = deadline.checked_duration_since(Instant::now()).ok_or(Fault::Late)?;
        // 0 would mean for ever
        io.set_timeout(Some(left.max(Duration::from_millis(1)))).map_err(Fault::Io)?;
        let began = Instant::now();
        match what(io) {
            Ok(done) => return Ok(done),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // a transport that does not wait at all must not be asked again and again
            Err(error) if is_timeout(&error) && has_waited(began, Some(left)) => {}
            Err(error) => return Err(Fault::Io(error)),
        }
    }
}

impl<IO: Transport> Link for Handshaking<IO> {
    fn now() -> Instant {
        Instant::now()
    }

    async fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Fault> {
        self.write_all(bytes, deadline)
    }

    async fn send_last(&mut self, bytes: Vec<u8>, deadline: Instant) -> Result<(), Fault> {
        self.write_all(&bytes, deadline)
    }

    async fn frame(&mut self, len_of: LenOf, deadline: Instant) -> Result<Vec<u8>, Fault> {
        let mut scratch = [0; 2048];
        loop {
            let more = match self.frames.gather(len_of).map_err(Fault::Protocol)? {
                Gathered::Frame(frame) => return Ok(frame),
                Gathered::More(more) => more.min(scratch.len()),
            };
            let room = scratch.get_mut(..more).unwrap_or_default();
            let len = self.read(room, deadline)?;
            if len == 0 {
                return Err(Fault::Protocol(Error::Truncated));
            }
            self.frames.bytes().extend_from_slice(room.get(..len).unwrap_or_default());
        }
    }

    async fn within<F: Future + Send>(deadline: Instant, future: F) -> Option<F::Output> {
        wait::until(deadline, future)
    }

    async fn part(mut self, farewell: &[u8]) {
        if farewell.is_empty() {
            return;
        }
        let deadline = Instant::now() + LINGER;
        // whether the peer takes it cannot be known, and changes nothing
        if self.write_all(farewell, deadline).is_ok() {
            let Self { mut read, write, .. } = self;
            if write.finish().is_ok() {
                let _ = drop_all(&mut read, LINGER_BYTES, deadline);
            }
        }
    }

    async fn drain(mut self, until: Instant) {
        // what was read goes at once
        drop(std::mem::take(&mut self.frames));
        // a client that ends its direction finds no difference either
        let _ = drop_all(&mut self.read, usize::MAX, until);
        if let Some(left) = until.checked_duration_since(Instant::now()) {
            std::thread::sleep(left);
        }
    }
}
