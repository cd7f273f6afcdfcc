//! A stream that is one thing, read and written.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::transport::{Deadline, Finish, Transport};

/// Any other two-way stream, such as a serial line. `Any(NoDeadline(io))` takes everything that is
/// [`Read`] and [`Write`].
///
/// Its directions share a lock, which is held while either waits: a stream over it is for one thread
/// that reads and writes in turn. Split among two threads, one that reads would keep the other from
/// writing. Where a stream has two ends of its own, give them as a pair.
#[derive(Debug)]
pub struct Any<IO>(pub IO);

/// One direction of an [`Any`].
#[derive(Debug)]
pub struct AnySide<IO> {
    io: Arc<Mutex<IO>>,
    limit: Option<Duration>,
}

impl<IO: Deadline> AnySide<IO> {
    /// The stream, with this direction's time-out.
    fn io(&self) -> io::Result<MutexGuard<'_, IO>> {
        let mut io = self.lock();
        io.set_timeout(self.limit)?;
        Ok(io)
    }

    fn lock(&self) -> MutexGuard<'_, IO> {
        self.io.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<IO> Transport for Any<IO>
where
    IO: Read + Write + Deadline + Send + 'static,
{
    type Read = AnySide<IO>;
    type Write = AnySide<IO>;

    fn into_halves(self) -> io::Result<(Self::Read, Self::Write)> {
        let io = Arc::new(Mutex::new(self.0));
        let side = |io| AnySide { io, limit: None };
        Ok((side(Arc::clone(&io)), side(io)))
    }
}

impl<IO: Read + Deadline> Read for AnySide<IO> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.io()?.read(buf)
    }
}

impl<IO: Write + Deadline> Write for AnySide<IO> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.io()?.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.io()?.flush()
    }
}

impl<IO: Deadline> Deadline for AnySide<IO> {
    fn set_timeout(&mut self, limit: Option<Duration>) -> io::Result<()> {
        self.limit = limit;
        Ok(())
    }

    fn has_timeouts(&self) -> bool {
        self.lock().has_timeouts()
    }
}

/// The stream ends when both directions are gone.
impl<IO> Finish for AnySide<IO> {}
