//! The whole stream.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use super::connection::{Begin, Connection};
use super::halves::{ReadHalf, WriteHalf};
use super::transport::Transport;
use crate::crypto::Cipher;
use crate::error::{Error, ErrorCode};
use crate::handshake::Exchange;
use crate::key::PublicKey;

/// An established connection over `IO`; see the [module](super) for its end and its halves.
#[derive(Debug)]
pub struct Stream<IO: Transport = TcpStream> {
    reader: ReadHalf<IO>,
    writer: WriteHalf<IO>,
}

impl<IO: Transport> Stream<IO> {
    pub(crate) fn begin(begin: Begin<IO>) -> Self {
        let connection = Connection::begin(begin);
        Self {
            reader: ReadHalf { connection: Arc::clone(&connection), inbound: None },
            writer: WriteHalf { connection },
        }
    }

    /// The two halves, for two threads. Neither waits for the other on the data path.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf<IO>, WriteHalf<IO>) {
        self.connection().split();
        (self.reader, self.writer)
    }

    fn connection(&self) -> &Connection<IO> {
        &self.writer.connection
    }

    /// The AEAD of the records.
    #[must_use]
    pub fn cipher(&self) -> Cipher {
        self.connection().agreement.cipher
    }

    /// The exchange of keys that was run.
    #[must_use]
    pub fn exchange(&self) -> Exchange {
        self.connection().agreement.exchange
    }

    /// The application protocol chosen, if both sides named some.
    #[must_use]
    pub fn protocol(&self) -> Option<&[u8]> {
        let protocol = &self.connection().agreement.protocol;
        (!protocol.is_empty()).then_some(protocol)
    }

    /// The server's host key.
    #[must_use]
    pub fn host_key(&self) -> &PublicKey {
        &self.connection().agreement.host_key
    }

    /// The other host keys that the server proved to hold, at the client's end: 8 at most, and none
    /// unless it has several. [`KnownHostsFile::learn`](crate::trust::KnownHostsFile::learn) writes
    /// them down.
    #[must_use]
    pub fn other_host_keys(&self) -> &[PublicKey] {
        &self.connection().agreement.other_host_keys
    }

    /// Fills `out` with a value that both ends of this connection share and nobody else knows.
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`]: the label is `opaque` or `host key`, or longer than 251 bytes, or more
    /// than 8,160 bytes are asked for.
    pub fn export(&self, label: &str, context: &[u8], out: &mut [u8]) -> Result<(), Error> {
        self.connection().agreement.exporter.export(label, context, out)
    }

    /// A value of this connection alone, the same at both ends, to bind other proofs to it.
    ///
    /// # Errors
    ///
    /// None in practice; the primitive's.
    pub fn channel_binding(&self) -> Result<[u8; 32], Error> {
        let mut out = [0; 32];
        self.export("channel binding", b"", &mut out)?;
        Ok(out)
    }

    /// From here on pads Data records so that each one's plaintext is a multiple of `step` bytes
    /// long, as far as a record goes: lengths that an observer sees say that much less. 0 ends it,
    /// which is the default.
    pub fn pad_to(&self, step: u16) {
        self.connection().pad_to(step);
    }

    /// Begins a rekey (client) or asks for one (server); it goes on while the stream is used.
    ///
    /// # Errors
    ///
    /// The system's randomness failed.
    pub fn rekey(&self) -> Result<(), Error> {
        self.connection().rekey()
    }

    /// As [`ReadHalf::set_read_timeout`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.reader.set_read_timeout(limit)
    }

    /// As [`WriteHalf::set_write_timeout`].
    ///
    /// # Errors
    ///
    /// The same.
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.writer.set_write_timeout(limit)
    }

    /// The time-out of reads.
    #[must_use]
    pub fn read_timeout(&self) -> Option<Duration> {
        self.connection().read_limit()
    }

    /// The time-out of writes.
    #[must_use]
    pub fn write_timeout(&self) -> Option<Duration> {
        self.connection().write_limit()
    }

    /// Sends Close: the peer reads what was written and then the end. Reading goes on.
    ///
    /// # Errors
    ///
    /// The connection has ended, or the transport failed; after a time-out it can be called again.
    pub fn shutdown(&mut self) -> io::Result<()> {
        self.writer.shutdown()
    }

    /// Ends the connection with an error: 128 and up are the application's own codes, the text is
    /// at most 255 bytes. Data that was written before is sent first. Waits up to a second for the
    /// peer to take it.
    ///
    /// # Errors
    ///
    /// The text is too long or holds control characters.
    pub fn abort(mut self, code: ErrorCode, text: &str) -> io::Result<()> {
        let connection = &self.writer.connection;
        let inbound = self.reader.inbound.take();
        let mut inbound = inbound.unwrap_or_else(|| connection.take_for_reader());
        let aborted = connection.abort(&mut inbound, code, text);
        connection.park(inbound);
        Ok(aborted?)
    }

    /// Sends Close, reads and drops what the peer still sends, and returns when the peer has
    /// closed too: afterwards both ends know that nothing was lost.
    ///
    /// # Errors
    ///
    /// The connection ended in another way, or a time-out was over.
    pub fn close(mut self) -> io::Result<()> {
        let connection = &self.writer.connection;
        connection.begin_close()?;
        if !connection.is_in_time() {
            connection.shutdown()?;
        }
        // both at once: a peer that does the same reads nothing more of what it is sent before
        while let len @ 1.. = self.reader.fill_buf()?.len() {
            self.reader.consume(len);
        }
        self.writer.shutdown()
    }

    #[cfg(test)]
    pub(crate) fn rekeys(&self) -> usize {
        self.connection().rekeys()
    }
}

impl<IO: Transport> Read for Stream<IO> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }
}

impl<IO: Transport> BufRead for Stream<IO> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.reader.consume(amount);
    }
}

impl<IO: Transport> Write for Stream<IO> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.writer.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
