//! The end after an Error: what was said must reach a peer that is still sending.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Sleep;

/// A sender of Error reads and drops for so long,
const LINGER: Duration = Duration::from_secs(1);
/// or so many bytes.
const LINGER_BYTES: usize = 1 << 20;

/// How long a stream that was dropped behind its Close waits for the end of its peer's direction.
const OUTLIVE: Duration = Duration::from_secs(30);

/// A connection that ends with an Error of this side's.
pub(super) struct Ending {
    deadline: Pin<Box<Sleep>>,
    left: usize,
}

impl Ending {
    pub(super) fn new() -> Self {
        Self { deadline: Box::pin(tokio::time::sleep(LINGER)), left: LINGER_BYTES }
    }

    /// Whether the time is over.
    pub(super) fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        self.deadline.as_mut().poll(cx).is_ready()
    }

    /// Notes bytes that were dropped; whether there may be more.
    pub(super) const fn dropped(&mut self, len: usize) -> bool {
        self.left = self.left.saturating_sub(len);
        self.left > 0
    }
}

/// The same for a stream that was dropped behind its Close: a socket that is closed with bytes
/// unread takes back what its peer has not read yet.
pub(super) async fn outlive<R, W>(mut read: R, mut write: W)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    // its own direction stays open for a peer that has not closed yet, but not as long as that:
    // two ends that are both dropped would wait for each other
    let end = async {
        let mut scratch = [0; 1024];
        while read.read(&mut scratch).await? > 0 {}
        io::Result::Ok(())
    };
    let mut end = pin!(end);
    if tokio::time::timeout(LINGER, end.as_mut()).await.is_err() {
        let _ = write.shutdown().await;
        let _ = tokio::time::timeout(OUTLIVE, end).await;
    }
}

/// Reads and drops, up to the end or as much as is put up with.
async fn drop_all<R: AsyncRead + Unpin>(read: &mut R) -> io::Result<()> {
    let mut scratch = [0; 1024];
    let mut left = LINGER_BYTES;
    while left > 0 {
        match read.read(&mut scratch).await? {
            0 => break,
            len => left = left.saturating_sub(len),
        }
    }
    Ok(())
}

/// The same for a handshake: sends `farewell`, ends this side's direction, reads and drops.
pub(crate) async fn part<R, W>(mut read: R, mut write: W, farewell: &[u8])
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    if farewell.is_empty() {
        return;
    }
    let say = async {
        write.write_all(farewell).await?;
        write.shutdown().await
    };
    let hear = drop_all(&mut read);
    // both at once: a peer that is still sending may read only then
    let (mut say, mut hear) = (pin!(say), pin!(hear));
    let (mut said, mut heard) = (false, false);
    let last_words = poll_fn(|cx| {
        if !said && let Poll::Ready(result) = say.as_mut().poll(cx) {
            said = true;
            // nobody is there to be told
            heard |= result.is_err();
        }
        heard = heard || hear.as_mut().poll(cx).is_ready();
        if said && heard { Poll::Ready(()) } else { Poll::Pending }
    });
    // whether the peer took it cannot be known, and changes nothing
    let _ = tokio::time::timeout(LINGER, last_words).await;
}
