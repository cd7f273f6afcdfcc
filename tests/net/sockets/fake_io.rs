//! A transport that makes trouble: few bytes at a time, waiting before each, and an end or an error
//! wherever the test wants it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// What happens behind the last byte that is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Reading finds the end.
    Eof,
    /// Reading fails.
    ReadError,
    /// Writing fails.
    WriteError,
}

#[derive(Debug)]
pub(crate) struct FakeIo {
    inner: DuplexStream,
    /// Bytes that one call moves, at most.
    step: usize,
    /// Waits once before each call that moves bytes.
    pending: bool,
    read_waited: bool,
    write_waited: bool,
    cut: Option<(Cut, usize)>,
    pub(crate) read: usize,
    pub(crate) written: usize,
}

impl FakeIo {
    /// Moves everything at once.
    pub(crate) const fn new(inner: DuplexStream) -> Self {
        Self {
            inner,
            step: usize::MAX,
            pending: false,
            read_waited: false,
            write_waited: false,
            cut: None,
            read: 0,
            written: 0,
        }
    }

    /// So many bytes a call, and Pending before each.
    pub(crate) const fn slow(mut self, step: usize) -> Self {
        (self.step, self.pending) = (step, true);
        self
    }

    pub(crate) const fn cut(mut self, cut: Cut, at: usize) -> Self {
        self.cut = Some((cut, at));
        self
    }

    fn left(&self, cuts: &[Cut], moved: usize) -> Option<(Cut, usize)> {
        self.cut.filter(|(cut, _)| cuts.contains(cut)).map(|(cut, at)| (cut, at - moved.min(at)))
    }
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::HostUnreachable, "pulled out")
}

impl AsyncRead for FakeIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut most = self.step.min(buf.remaining());
        match self.left(&[Cut::Eof, Cut::ReadError], self.read) {
            Some((Cut::Eof, 0)) => return Poll::Ready(Ok(())),
            Some((_, 0)) => return Poll::Ready(Err(broken())),
            Some((_, left)) => most = most.min(left),
            None => {}
        }
        if self.pending && !self.read_waited {
            self.read_waited = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut bytes = vec![0; most];
        let mut part = ReadBuf::new(&mut bytes);
        std::task::ready!(Pin::new(&mut self.inner).poll_read(cx, &mut part))?;
        buf.put_slice(part.filled());
        self.read += part.filled().len();
        self.read_waited = false;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for FakeIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut most = self.step.min(data.len());
        match self.left(&[Cut::WriteError], self.written) {
            Some((_, 0)) => return Poll::Ready(Err(broken())),
            Some((_, left)) => most = most.min(left),
            None => {}
        }
        if self.pending && !self.write_waited {
            self.write_waited = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let len = std::task::ready!(Pin::new(&mut self.inner).poll_write(cx, &data[..most]))?;
        self.written += len;
        self.write_waited = false;
        Poll::Ready(Ok(len))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
