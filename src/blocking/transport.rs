//! What a stream runs over.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A two-way byte stream whose directions two threads can use at once.
///
/// TCP and Unix sockets are such; so is a reader with a writer, as a pair, and within limits anything
/// that is both, as [`Any`](super::Any). Each says through [`Deadline`] whether it has time-outs;
/// [`NoDeadline`] stands around what has none.
pub trait Transport: Send + 'static {
    /// The direction that is read.
    type Read: Read + Deadline + Send + 'static;
    /// The direction that is written.
    type Write: Write + Deadline + Finish + Send + 'static;

    /// Takes the stream apart.
    ///
    /// # Errors
    ///
    /// The system's.
    fn into_halves(self) -> io::Result<(Self::Read, Self::Write)>;
}

/// The time-outs of one direction.
pub trait Deadline {
    /// From here on an operation that has waited so long fails with
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) or [`TimedOut`](io::ErrorKind::TimedOut) and has
    /// moved no byte; one that has moved some returns how many. `None`: it waits for ever.
    ///
    /// # Errors
    ///
    /// The system's.
    fn set_timeout(&mut self, limit: Option<Duration>) -> io::Result<()>;

    /// Whether time-outs are kept at all.
    fn has_timeouts(&self) -> bool {
        true
    }
}

/// How the direction that is written ends.
pub trait Finish: Sized {
    /// Ends the direction, so that whoever reads it comes to the end. Dropping it is enough for a
    /// pipe, and is all that is done by default; a socket has to be shut down.
    ///
    /// # Errors
    ///
    /// The system's.
    fn finish(self) -> io::Result<()> {
        Ok(())
    }
}

/// A reader or writer without time-outs, such as a child's output and input.
///
/// A stream over one does without all that needs them: a server's handshake does not notice a client
/// that goes away while an authenticator waits, nor an authenticator's timer while it waits for the
/// client; a stream sends no Pings and notices no dead peer, does not read ahead while it writes, does not linger behind its last word, and its reading half
/// may wait in a write for a peer that does not read, as dropping the stream may.
#[derive(Debug)]
pub struct NoDeadline<IO>(pub IO);

impl<IO> Deadline for NoDeadline<IO> {
    fn set_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn has_timeouts(&self) -> bool {
        false
    }
}

impl<IO> Finish for NoDeadline<IO> {}

impl<IO: Read> Read for NoDeadline<IO> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl<IO: Write> Write for NoDeadline<IO> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A reader and a writer that belong together.
impl<R, W> Transport for (R, W)
where
    R: Read + Deadline + Send + 'static,
    W: Write + Deadline + Finish + Send + 'static,
{
    type Read = R;
    type Write = W;

    fn into_halves(self) -> io::Result<(R, W)> {
        Ok(self)
    }
}

/// The direction of a socket that is read; both directions share one descriptor.
#[derive(Debug)]
pub struct ReadSide<S>(Arc<S>);

/// The direction of a socket that is written.
#[derive(Debug)]
pub struct WriteSide<S>(Arc<S>);

fn sides<S>(socket: S) -> (ReadSide<S>, WriteSide<S>) {
    let socket = Arc::new(socket);
    (ReadSide(Arc::clone(&socket)), WriteSide(socket))
}

impl<S> Read for ReadSide<S>
where
    for<'a> &'a S: Read,
{
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buf)
    }
}

impl<S> Write for WriteSide<S>
where
    for<'a> &'a S: Write,
{
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self.0).write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.0).flush()
    }
}

/// A socket has no time-out of nothing; it would mean none.
fn some(limit: Option<Duration>) -> Option<Duration> {
    limit.map(|limit| limit.max(Duration::from_millis(1)))
}

macro_rules! socket {
    ($socket:ty) => {
        impl Transport for $socket {
            type Read = ReadSide<Self>;
            type Write = WriteSide<Self>;

            fn into_halves(self) -> io::Result<(Self::Read, Self::Write)> {
                self.set_nonblocking(false)?;
                Ok(sides(self))
            }
        }

        impl Deadline for ReadSide<$socket> {
            fn set_timeout(&mut self, limit: Option<Duration>) -> io::Result<()> {
                self.0.set_read_timeout(some(limit))
            }
        }

        impl Deadline for WriteSide<$socket> {
            fn set_timeout(&mut self, limit: Option<Duration>) -> io::Result<()> {
                self.0.set_write_timeout(some(limit))
            }
        }

        impl Finish for WriteSide<$socket> {
            fn finish(self) -> io::Result<()> {
                self.0.shutdown(Shutdown::Write)
            }
        }
    };
}

socket!(TcpStream);
#[cfg(unix)]
socket!(std::os::unix::net::UnixStream);
