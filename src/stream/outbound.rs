//! The sending direction: sealed records on their way to the transport.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::pool;
use crate::error::Error;
use crate::session::{Control, Sender};

/// Data of one record. Smaller records let the peer open the first while the last are on their
/// way; larger ones save little.
const RECORD: usize = 16 << 10;
/// Data that is sealed before the transport is asked to take it.
const BATCH: usize = 128 << 10;
/// Data after which a writer looks for what the peer has sent, should nobody read.
const AHEAD: usize = 256 << 10;

/// What was sealed and the transport has not taken.
pub(super) struct Outbound<W> {
    /// Gone once the writing half was dropped without a Close.
    io: Option<W>,
    pub(super) sender: Sender,
    pub(super) buffer: Vec<u8>,
    sent: usize,
    since_ahead: usize,
    keyed: Instant,
    /// When Data was sealed last.
    pub(super) wrote: Instant,
    /// Data records are padded to a multiple of so many bytes; 0: not at all.
    pub(super) padding: u16,
}

impl<W: AsyncWrite + Unpin> Outbound<W> {
    pub(super) fn new(io: W, sender: Sender) -> Self {
        Self {
            io: Some(io),
            sender,
            buffer: Vec::new(),
            sent: 0,
            since_ahead: 0,
            keyed: Instant::now(),
            wrote: Instant::now(),
            padding: 0,
        }
    }

    /// Where records are sealed to.
    pub(super) fn prepare(&mut self) {
        if self.buffer.capacity() == 0 {
            self.buffer = pool::write_buffer();
        }
    }

    /// Seals what control wants sent.
    pub(super) fn transmit(&mut self, control: &mut Control) -> Result<(), Error> {
        self.prepare();
        let (before, _) = self.sender.used();
        control.transmit(&mut self.sender, &mut self.buffer)?;
        let (after, _) = self.sender.used();
        if after < before {
            self.keyed = Instant::now();
        }
        Ok(())
    }

    /// Notes that Data is about to be sealed; how long the key in use has been in use.
    pub(super) fn key_age(&mut self) -> Duration {
        self.wrote = Instant::now();
        self.wrote.saturating_duration_since(self.keyed)
    }

    /// Whether a writer should look for what the peer has sent; then it counts anew.
    pub(super) const fn is_ahead_due(&mut self) -> bool {
        let due = self.since_ahead >= AHEAD;
        if due {
            self.since_ahead = 0;
        }
        due
    }

    /// Seals as much of `data` as one batch takes; how much it was.
    pub(super) fn seal(&mut self, data: &[u8]) -> Result<usize, Error> {
        self.prepare();
        let mut sealed = 0_usize;
        for chunk in data.get(..data.len().min(BATCH)).unwrap_or_default().chunks(RECORD) {
            match self.sender.data_padded_to(self.padding, chunk, &mut self.buffer) {
                Ok(()) => sealed = sealed.saturating_add(chunk.len()),
                Err(_) if sealed > 0 => break,
                Err(error) => return Err(error),
            }
        }
        self.since_ahead = self.since_ahead.saturating_add(sealed);
        Ok(sealed)
    }

    /// Hands all that was sealed to the transport.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.buffer.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let io = self.io.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
            match ready!(Pin::new(io).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                len => self.sent = self.sent.saturating_add(len),
            }
        }
        self.sent = 0;
        pool::keep_write(std::mem::take(&mut self.buffer));
        Poll::Ready(Ok(()))
    }

    /// Waits until the operating system has it all.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        match &mut self.io {
            Some(io) => Pin::new(io).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Ends the transport's direction behind all that was sealed.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        match &mut self.io {
            Some(io) => Pin::new(io).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// The transport of a stream that was closed, for what is left to do with it.
    pub(super) fn take_closed(&mut self) -> Option<W> {
        if self.sender.is_closed() { self.io.take() } else { None }
    }

    /// The writing half is gone. Without a Close the peer shall find the stream cut off, and not
    /// wait for ever.
    pub(super) fn abandon(&mut self) {
        if self.sender.is_open()
            && let Some(mut io) = self.io.take()
        {
            // halves that share their transport do not end it when one of them is dropped
            let _ = Pin::new(&mut io).poll_shutdown(&mut Context::from_waker(Waker::noop()));
        }
    }
}
