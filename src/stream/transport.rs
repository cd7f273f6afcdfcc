//! What a stream runs over.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;

/// A two-way byte stream whose directions can be used apart.
pub trait Transport: Send + 'static {
    /// The direction that is read.
    type Read: AsyncRead + Send + Unpin + 'static;
    /// The direction that is written.
    type Write: AsyncWrite + Send + Unpin + 'static;

    /// Whether the direction that is written may keep bytes to itself until it is flushed, as a
    /// [`BufWriter`](tokio::io::BufWriter) does. Then a stream flushes it whenever its writer has
    /// nothing more to give at once. `false` saves a socket, which keeps nothing, the trouble.
    const BUFFERS: bool = true;

    /// Takes the stream apart.
    fn into_halves(self) -> (Self::Read, Self::Write);
}

impl Transport for TcpStream {
    type Read = tokio::net::tcp::OwnedReadHalf;
    type Write = tokio::net::tcp::OwnedWriteHalf;

    const BUFFERS: bool = false;

    fn into_halves(self) -> (Self::Read, Self::Write) {
        self.into_split()
    }
}

#[cfg(unix)]
impl Transport for tokio::net::UnixStream {
    type Read = tokio::net::unix::OwnedReadHalf;
    type Write = tokio::net::unix::OwnedWriteHalf;

    const BUFFERS: bool = false;

    fn into_halves(self) -> (Self::Read, Self::Write) {
        self.into_split()
    }
}

impl Transport for DuplexStream {
    type Read = tokio::io::ReadHalf<Self>;
    type Write = tokio::io::WriteHalf<Self>;

    const BUFFERS: bool = false;

    fn into_halves(self) -> (Self::Read, Self::Write) {
        tokio::io::split(self)
    }
}

/// A reader and a writer that belong together, such as a child's output and input.
impl<R, W> Transport for (R, W)
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Read = R;
    type Write = W;

    fn into_halves(self) -> (R, W) {
        self
    }
}

/// Any other two-way stream. Its directions share a lock, as [`tokio::io::split`] makes them.
#[derive(Debug)]
pub struct Any<IO>(pub IO);

impl<IO> Transport for Any<IO>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    type Read = tokio::io::ReadHalf<IO>;
    type Write = tokio::io::WriteHalf<IO>;

    fn into_halves(self) -> (Self::Read, Self::Write) {
        tokio::io::split(self.0)
    }
}

/// One read into `buf`; the number of bytes, 0 at the end.
pub(super) fn poll_read<R: AsyncRead + Unpin>(
    io: &mut R,
    cx: &mut Context<'_>,
    buf: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buf = ReadBuf::new(buf);
    Pin::new(io).poll_read(cx, &mut buf).map_ok(|()| buf.filled().len())
}
