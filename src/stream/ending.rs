//! The end after an Error: what was said must reach a peer that is still sending.

use std::io;
use std::pin::{Pin, pin};
use std::task::Context;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Sleep;

use crate::link::{LINGER, LINGER_BYTES};

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
