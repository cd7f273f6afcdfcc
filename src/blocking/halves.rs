//! The two halves of a stream.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::{Connection, Wait};
use super::inbound::Inbound;
use super::transport::Transport;
use crate::deadlines::after;

/// The half that reads.
pub struct ReadHalf<IO: Transport = TcpStream> {
    pub(super) connection: Arc<Connection<IO>>,
    /// Held while it has something that was not read yet; else it lies in the connection, where
    /// the other half can find it.
    pub(super) inbound: Option<Box<Inbound<IO::Read>>>,
}

/// The half that writes.
pub struct WriteHalf<IO: Transport = TcpStream> {
    pub(super) connection: Arc<Connection<IO>>,
}

impl<IO: Transport> ReadHalf<IO> {
    /// From here on a read that has found no Data for so long fails with
    /// [`WouldBlock`](io::ErrorKind::WouldBlock), on every system. It has lost nothing and can be
    /// repeated. `None`, the default: it waits for ever.
    ///
    /// # Errors
    ///
    /// A time-out of nothing, or a transport that has none
    /// ([`Unsupported`](io::ErrorKind::Unsupported)).
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.connection.set_read_limit(limit)
    }

    /// Finds Data, or the end; what it holds then is not empty unless the end is there.
    fn data(&mut self) -> io::Result<&mut Inbound<IO::Read>> {
        let inbound = self.inbound.take();
        let mut inbound = inbound.unwrap_or_else(|| self.connection.take_for_reader());
        if !inbound.buffer.has_data() {
            let deadline = self.connection.read_limit().map(|limit| after(Instant::now(), limit));
            if let Err(error) = self.connection.find(&mut inbound, Wait::Reader(deadline)) {
                self.connection.park(inbound);
                return Err(error);
            }
        }
        Ok(self.inbound.insert(inbound))
    }

    #[cfg(test)]
    pub(crate) fn rekeys(&self) -> usize {
        self.connection.rekeys()
    }

    /// Gives back what was read to its end, so that the other half can read ahead; else lets it
    /// know that it cannot.
    fn park_if_empty(&mut self) {
        match self.inbound.take() {
            Some(inbound) if !inbound.buffer.has_data() => self.connection.park(inbound),
            Some(inbound) => {
                self.inbound = Some(inbound);
                self.connection.keep();
            }
            None => {}
        }
    }
}

impl<IO: Transport> Read for ReadHalf<IO> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.data()?;
        let Some(inbound) = &mut self.inbound else { return Ok(0) };
        let mut filled = 0_usize;
        // one call takes as many records as have come and fit
        while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let data = inbound.buffer.data();
            let len = data.len().min(rest.len());
            if let (Some(rest), Some(data)) = (rest.get_mut(..len), data.get(..len)) {
                rest.copy_from_slice(data);
            }
            inbound.buffer.consume(len);
            filled = filled.saturating_add(len);
            if len == 0 || filled == buf.len() || !self.connection.open_next(inbound) {
                break;
            }
        }
        self.park_if_empty();
        Ok(filled)
    }
}

impl<IO: Transport> BufRead for ReadHalf<IO> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.data()?;
        self.park_if_empty();
        Ok(self.inbound.as_ref().map_or(&[][..], |inbound| inbound.buffer.data()))
    }

    fn consume(&mut self, amount: usize) {
        if let Some(inbound) = &mut self.inbound {
            inbound.buffer.consume(amount);
        }
        self.park_if_empty();
    }
}

impl<IO: Transport> WriteHalf<IO> {
    /// From here on a write that the transport takes nothing of for so long fails with
    /// [`WouldBlock`](io::ErrorKind::WouldBlock), on every system. What a write has reported goes
    /// out with the next write or [`flush`](Write::flush), or while the stream is read. `None`, the
    /// default: they wait for ever.
    ///
    /// # Errors
    ///
    /// A time-out of nothing, or a transport that has none
    /// ([`Unsupported`](io::ErrorKind::Unsupported)).
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.connection.set_write_limit(limit)
    }

    /// Sends Close: the peer reads what was written and then the end.
    ///
    /// # Errors
    ///
    /// The connection has ended, or the transport failed; after a time-out it can be called again.
    pub fn shutdown(&mut self) -> io::Result<()> {
        self.connection.shutdown()
    }
}

impl<IO: Transport> Write for WriteHalf<IO> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.connection.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.connection.flush()
    }
}

impl<IO: Transport> Drop for ReadHalf<IO> {
    fn drop(&mut self) {
        if let Some(inbound) = self.inbound.take() {
            self.connection.park(inbound);
        }
        self.connection.reader_is_gone();
    }
}

impl<IO: Transport> Drop for WriteHalf<IO> {
    fn drop(&mut self) {
        self.connection.writer_is_gone();
    }
}

impl<IO: Transport> std::fmt::Debug for ReadHalf<IO> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadHalf").finish_non_exhaustive()
    }
}

impl<IO: Transport> std::fmt::Debug for WriteHalf<IO> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteHalf").finish_non_exhaustive()
    }
}
