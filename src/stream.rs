//! Streams on tokio.
//!
//! A [`Stream`] is what the application holds of a connection: [`AsyncRead`], [`AsyncBufRead`] and
//! [`AsyncWrite`]. It is made by [`Client::connect`](crate::Client::connect) or
//! [`Listener::accept`](crate::Listener::accept).
//!
//! # Its end
//!
//! [`shutdown`](tokio::io::AsyncWriteExt::shutdown) sends Close: the peer reads what was written
//! before it and then the end of the stream. Reading goes on until the peer's own Close. A stream
//! that is dropped without `shutdown` is *truncated* to the peer, who reads
//! [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof) in the place of the end, as it does when
//! somebody cuts the connection. [`Stream::abort`] ends it with an error code.
//!
//! A stream that is dropped behind its `shutdown` is drained in the background, for up to 30 s or
//! until the peer ends its direction, so that what was written last reaches a peer that reads slowly.
//! A program that ends its runtime sooner should [`close`](Stream::close) its streams.
//!
//! # Cancel safety
//!
//! Every read and write is cancel-safe: a future that is dropped has taken no byte that it did not
//! report. Written bytes go out without a `flush`, small writes in a row as soon as the runtime has
//! a moment, and so what a transport keeps that buffers (a [`BufWriter`](tokio::io::BufWriter));
//! [`flush`](tokio::io::AsyncWriteExt::flush) waits until all are with the operating system.
//! A program that is about to stop its runtime, or to block it, should flush.
//!
//! # One way for long
//!
//! The two halves need not be polled both. Whichever is polled sends what the protocol owes the
//! peer (Pong, the answers of a rekey). Where neither is, a task does, on the runtime that made the
//! stream and as long as that runs: each stream has one, which answers within 5 s, sends Pings as
//! [`Liveness`] asks, and renews old keys. A half that only writes reads ahead, as far as the first
//! Data that the application has not read; if that Data bars the way to the answer of a rekey
//! until the key in use is worn out (2^24 records or 2^38 bytes), writing fails with
//! [`Error::RekeyBlocked`] rather than waiting for ever.

pub(crate) mod aside;
mod connection;
mod driver;
mod ending;
mod inbound;
mod link;
mod outbound;
mod transport;
mod wakers;

pub use crate::liveness::Liveness;
pub use transport::{Any, Transport};

pub(crate) use connection::Begin;
pub(crate) use link::Handshaking;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::crypto::Cipher;
use crate::error::{Error, ErrorCode};
use crate::handshake::Exchange;
use crate::key::PublicKey;
use connection::Connection;
use connection::reading::Found;
use inbound::Inbound;
use wakers::Party;

/// An established connection over `IO`; see the [module](self) for its end and its halves.
#[derive(Debug)]
pub struct Stream<IO: Transport = TcpStream> {
    reader: ReadHalf<IO>,
    writer: WriteHalf<IO>,
}

/// The half that reads.
pub struct ReadHalf<IO: Transport = TcpStream> {
    connection: Arc<Connection<IO>>,
    /// Held while it has something that was not read yet; else it lies in the connection, where
    /// the other half can find it.
    inbound: Option<Box<Inbound<IO::Read>>>,
}

/// The half that writes.
pub struct WriteHalf<IO: Transport = TcpStream> {
    connection: Arc<Connection<IO>>,
}

impl<IO: Transport> Stream<IO> {
    pub(crate) fn begin(begin: Begin<IO>) -> Self {
        let connection = Connection::begin(begin);
        Self {
            reader: ReadHalf { connection: Arc::clone(&connection), inbound: None },
            writer: WriteHalf { connection },
        }
    }

    /// The two halves, for two tasks. They share no lock on the data path.
    #[must_use]
    pub fn into_split(self) -> (ReadHalf<IO>, WriteHalf<IO>) {
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

    #[cfg(test)]
    pub(crate) fn rekeys(&self) -> usize {
        self.connection().rekeys()
    }

    /// Begins a rekey (client) or asks for one (server); it goes on while the stream is used.
    ///
    /// # Errors
    ///
    /// The system's randomness failed.
    pub fn rekey(&self) -> Result<(), Error> {
        self.connection().rekey()
    }

    /// Ends the connection with an error: 128 and up are the application's own codes, the text is
    /// at most 255 bytes. Data that was written before is sent first. Waits up to a second for the
    /// peer to take it.
    ///
    /// # Errors
    ///
    /// The text is too long or holds control characters, or the transport failed.
    pub async fn abort(mut self, code: ErrorCode, text: &str) -> io::Result<()> {
        self.reader.connection.begin_abort(code, text)?;
        std::future::poll_fn(|cx| self.reader.poll_ended(cx)).await
    }

    /// Sends Close, reads and drops what the peer still sends, and returns when the peer has
    /// closed too: afterwards both ends know that nothing was lost.
    ///
    /// # Errors
    ///
    /// The connection ended in another way.
    pub async fn close(mut self) -> io::Result<()> {
        let mut sent = false;
        // both at once: a peer that does the same reads nothing more of what it is sent before
        std::future::poll_fn(|cx| {
            if !sent {
                sent = Pin::new(&mut self.writer).poll_shutdown(cx)?.is_ready();
            }
            let reader = &mut self.reader;
            while let len @ 1.. = ready!(Pin::new(&mut *reader).poll_fill_buf(cx))?.len() {
                Pin::new(&mut *reader).consume(len);
            }
            if sent { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }
}

impl<IO: Transport> ReadHalf<IO> {
    /// The receiving direction; where somebody is reading ahead this very moment, that says when it
    /// is done.
    fn take_inbound(&mut self, cx: &Context<'_>) -> Option<Box<Inbound<IO::Read>>> {
        let found = self.inbound.take().or_else(|| self.connection.take_inbound(Party::Reader));
        found.or_else(|| {
            self.connection.wait_for_inbound(cx);
            self.connection.take_inbound(Party::Reader)
        })
    }

    /// Finds Data, or the end; what it holds then is not empty unless the end is there.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<&mut Inbound<IO::Read>>> {
        let Some(mut inbound) = self.take_inbound(cx) else { return Poll::Pending };
        let poll = self.connection.poll_inbound(&mut inbound, Party::Reader, cx);
        if poll.is_ready() {
            self.connection.stop_looking(Party::Reader);
        }
        match poll {
            Poll::Ready(Ok(found)) => {
                if found == Found::End {
                    self.connection.leave_to_driver();
                }
                Poll::Ready(Ok(self.inbound.insert(inbound)))
            }
            Poll::Ready(Err(error)) => {
                self.connection.park(inbound, Party::Reader);
                Poll::Ready(Err(error))
            }
            Poll::Pending => {
                self.connection.park(inbound, Party::Reader);
                Poll::Pending
            }
        }
    }

    /// Gives back what was read to its end, so that the other half can read ahead; else lets it
    /// know that it cannot.
    fn park_if_empty(&mut self) {
        match self.inbound.take() {
            Some(inbound) if !inbound.buffer.has_data() => {
                self.connection.park(inbound, Party::Reader)
            }
            Some(inbound) => {
                self.inbound = Some(inbound);
                self.connection.keep();
            }
            None => {}
        }
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(mut inbound) = self.take_inbound(cx) else { return Poll::Pending };
        let poll = self.connection.poll_ending(&mut inbound, Party::Reader, cx);
        self.connection.park(inbound, Party::Reader);
        poll
    }
}

impl<IO: Transport> AsyncRead for ReadHalf<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        ready!(this.poll_data(cx))?;
        let Some(inbound) = &mut this.inbound else { return Poll::Ready(Ok(())) };
        // one call takes as many records as have come and fit
        loop {
            let data = inbound.buffer.data();
            let len = data.len().min(buf.remaining());
            buf.put_slice(data.get(..len).unwrap_or_default());
            inbound.buffer.consume(len);
            if len == 0 || buf.remaining() == 0 || !this.connection.open_next(inbound) {
                break;
            }
        }
        this.park_if_empty();
        Poll::Ready(Ok(()))
    }
}

impl<IO: Transport> AsyncBufRead for ReadHalf<IO> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        std::task::ready!(this.poll_data(cx))?;
        this.park_if_empty();
        Poll::Ready(Ok(this.inbound.as_ref().map_or(&[][..], |inbound| inbound.buffer.data())))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        if let Some(inbound) = &mut this.inbound {
            inbound.buffer.consume(amount);
        }
        this.park_if_empty();
    }
}

impl<IO: Transport> Drop for ReadHalf<IO> {
    fn drop(&mut self) {
        if let Some(inbound) = self.inbound.take() {
            self.connection.park(inbound, Party::Reader);
        }
        self.connection.reader_is_gone();
    }
}

impl<IO: Transport> Drop for WriteHalf<IO> {
    fn drop(&mut self) {
        self.connection.writer_is_gone();
    }
}

impl<IO: Transport> AsyncWrite for WriteHalf<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.connection.poll_write(data, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.poll_shutdown(cx)
    }
}

impl<IO: Transport> AsyncRead for Stream<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().reader).poll_read(cx, buf)
    }
}

impl<IO: Transport> AsyncBufRead for Stream<IO> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut self.get_mut().reader).poll_fill_buf(cx)
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        Pin::new(&mut self.get_mut().reader).consume(amount);
    }
}

impl<IO: Transport> AsyncWrite for Stream<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().writer).poll_write(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().writer).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().writer).poll_shutdown(cx)
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
