//! The sending direction, and the end of it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::AsyncWrite;

use crate::buffer::WriteBuffer;

/// What was sealed and the transport has not taken.
pub(super) struct Outbound<W> {
    /// Gone once the writing half was dropped without a Close.
    io: Option<W>,
    /// Why the transport takes nothing more, whoever found out.
    failed: Option<io::ErrorKind>,
    /// Whether the transport may keep bytes to itself until it is flushed.
    buffers: bool,
    /// It may be keeping some now.
    unflushed: bool,
    pub(super) buffer: WriteBuffer,
}

impl<W: AsyncWrite + Unpin> Outbound<W> {
    pub(super) const fn new(io: W, buffers: bool, buffer: WriteBuffer) -> Self {
        Self { io: Some(io), failed: None, buffers, unflushed: false, buffer }
    }

    /// Whether the transport may keep bytes to itself that it has taken.
    #[inline]
    pub(super) const fn is_unflushed(&self) -> bool {
        self.unflushed
    }

    /// Whether the transport still takes something.
    pub(super) fn check(&self) -> io::Result<()> {
        self.failed.map_or(Ok(()), |kind| Err(kind.into()))
    }

    /// Why the transport takes nothing more, unless this side gave it up itself.
    pub(super) fn broken(&self) -> Option<io::ErrorKind> {
        self.failed.filter(|_| self.io.is_some())
    }

    /// Hands all that was sealed to the transport.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = self.poll_write_all(cx);
        if let Poll::Ready(Err(error)) = &poll {
            self.failed = Some(error.kind());
        }
        poll
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.buffer.pending() {
            let io = self.io.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
            match ready!(Pin::new(io).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                len => {
                    self.unflushed = self.buffers;
                    self.buffer.taken(len);
                }
            }
        }
        self.buffer.release();
        Poll::Ready(Ok(()))
    }

    /// Waits until the operating system has it all.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        let poll = match &mut self.io {
            Some(io) => Pin::new(io).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        };
        match &poll {
            Poll::Ready(Ok(())) => self.unflushed = false,
            Poll::Ready(Err(error)) => {
                // what the transport kept is lost
                self.failed = Some(error.kind());
                self.unflushed = false;
            }
            Poll::Pending => {}
        }
        poll
    }

    /// Ends the transport's direction behind all that was sealed.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        match &mut self.io {
            Some(io) => Pin::new(io).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Whether the transport has taken all up to the Close.
    pub(super) fn is_closed_and_sent(&self) -> bool {
        self.buffer.sender.is_closed() && self.buffer.pending().is_none()
    }

    /// The transport of a stream that was closed, for what is left to do with it.
    pub(super) fn take_closed(&mut self) -> Option<W> {
        if self.buffer.sender.is_closed() { self.io.take() } else { None }
    }

    /// The writing half is gone. Without a Close the peer shall find the stream cut off, and not
    /// wait for ever.
    pub(super) fn abandon(&mut self) {
        if !self.buffer.sender.is_open() {
            return;
        }
        // what was written goes as far as it can
        let _ = self.buffer.seal_gathered();
        let _ = self.poll_drain(&mut Context::from_waker(Waker::noop()));
        if let Some(mut io) = self.io.take() {
            // halves that share their transport do not end it when one of them is dropped
            let _ = Pin::new(&mut io).poll_shutdown(&mut Context::from_waker(Waker::noop()));
        }
    }
}
