//! A handshake over a transport of tokio's.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep_until, timeout, timeout_at};

use super::{Transport, aside};
use crate::error::Error;
use crate::link::{
    Aside, Beside, Expect, Fault, Frames, Gathered, LINGER, LINGER_BYTES, LenOf, Link, Undone,
};

/// A transport during the handshake.
pub(crate) struct Handshaking<IO: Transport> {
    read: IO::Read,
    write: IO::Write,
    frames: Frames,
    last: Vec<u8>,
}

/// What is left of a transport behind its handshake.
pub(crate) struct Left<IO: Transport> {
    pub(crate) read: IO::Read,
    pub(crate) write: IO::Write,
    /// Bytes that were read behind the last frame.
    pub(crate) early: Vec<u8>,
    /// The last message, where it has not been sent.
    pub(crate) last: Vec<u8>,
}

impl<IO: Transport> Handshaking<IO> {
    pub(crate) fn new(io: IO) -> Self {
        let (read, write) = io.into_halves();
        Self { read, write, frames: Frames::default(), last: Vec::new() }
    }

    pub(crate) fn into_left(self) -> Left<IO> {
        let early = self.frames.into_rest();
        Left { read: self.read, write: self.write, early, last: self.last }
    }

    /// Cancel-safe: bytes that were read stay here.
    async fn gather(&mut self, len_of: LenOf) -> Result<Vec<u8>, Fault> {
        loop {
            let more = match self.frames.gather(len_of).map_err(Fault::Protocol)? {
                Gathered::Frame(frame) => return Ok(frame),
                Gathered::More(more) => u64::try_from(more).unwrap_or(0),
            };
            let mut limited = (&mut self.read).take(more);
            if limited.read_buf(self.frames.bytes()).await.map_err(Fault::Io)? == 0 {
                return Err(Fault::Protocol(Error::Truncated));
            }
        }
    }
}

impl<IO: Transport> Handshaking<IO> {
    /// Reads what comes while something else is waited for.
    fn poll_beside<T>(
        &mut self,
        expect: Expect,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Beside<T>, Fault>> {
        loop {
            let room = match expect {
                Expect::Bytes(most) => self.frames.hold(most),
                Expect::Frame(len_of) => match self.frames.gather(len_of) {
                    Ok(Gathered::Frame(frame)) => return Poll::Ready(Ok(Beside::Frame(frame))),
                    Ok(Gathered::More(more)) => more,
                    Err(error) => return Poll::Ready(Err(Fault::Protocol(error))),
                },
            };
            if room == 0 {
                return Poll::Pending;
            }
            let mut limited = (&mut self.read).take(u64::try_from(room).unwrap_or(0));
            match ready!(pin!(limited.read_buf(self.frames.bytes())).poll(cx)) {
                Ok(0) => return Poll::Ready(Ok(Beside::Gone)),
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(Fault::Io(error))),
            }
        }
    }
}

impl<IO: Transport> Link for Handshaking<IO> {
    fn now() -> Instant {
        tokio::time::Instant::now().into_std()
    }

    async fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Fault> {
        let write = &mut self.write;
        let sent = async {
            write.write_all(bytes).await?;
            write.flush().await
        };
        let sent = timeout_at(deadline.into(), sent).await;
        sent.map_err(|_| Fault::Late)?.map_err(Fault::Io)
    }

    /// Kept: it goes with what the application writes at once, or else by the stream's driver.
    async fn send_last(&mut self, bytes: Vec<u8>, _: Instant) -> Result<(), Fault> {
        self.last = bytes;
        Ok(())
    }

    async fn frame(&mut self, len_of: LenOf, deadline: Instant) -> Result<Vec<u8>, Fault> {
        timeout_at(deadline.into(), self.gather(len_of)).await.map_err(|_| Fault::Late)?
    }

    async fn beside<F: Future + Send>(
        &mut self,
        expect: Expect,
        deadline: Instant,
        future: F,
    ) -> Result<Beside<F::Output>, Fault> {
        let mut future = pin!(future);
        let met = poll_fn(|cx| {
            if let Poll::Ready(done) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(Beside::Done(done)));
            }
            self.poll_beside(expect, cx)
        });
        timeout_at(deadline.into(), met).await.map_err(|_| Fault::Late)?
    }

    fn ends_in_close(&self) -> bool {
        self.frames.ends_in_close()
    }

    async fn within<F: Future + Send>(deadline: Instant, future: F) -> Option<F::Output> {
        timeout_at(deadline.into(), future).await.ok()
    }

    async fn aside<T: Send + 'static>(deadline: Instant, work: Aside<T>) -> Result<T, Undone> {
        let done = timeout_at(deadline.into(), aside::run(work)).await;
        done.map_err(|_| Undone::Late)?.ok_or(Undone::Lost)
    }

    async fn part(self, farewell: &[u8]) {
        if farewell.is_empty() {
            return;
        }
        let (mut read, mut write) = (self.read, self.write);
        let say = async {
            write.write_all(farewell).await?;
            write.shutdown().await
        };
        let hear = drop_all(&mut read, LINGER_BYTES);
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
        let _ = timeout(LINGER, last_words).await;
    }

    async fn drain(mut self, until: Instant) {
        // what was read goes at once
        drop(std::mem::take(&mut self.frames));
        let drain = async {
            // a client that ends its direction finds no difference either
            let _ = drop_all(&mut self.read, usize::MAX).await;
            sleep_until(until.into()).await;
        };
        let _ = timeout_at(until.into(), drain).await;
    }
}

/// Reads and drops, up to the end or as much as is put up with.
async fn drop_all<R: AsyncRead + Unpin>(read: &mut R, mut left: usize) -> io::Result<()> {
    let mut scratch = [0; 1024];
    while left > 0 {
        match read.read(&mut scratch).await? {
            0 => break,
            len => left = left.saturating_sub(len),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;
    use crate::handshake::record_len;

    /// [LIM-2]
    #[tokio::test]
    async fn the_largest_record_of_a_stranger_takes_its_own_length_and_no_more() {
        const LARGEST: usize = 16_386;
        let (mut near, far) = tokio::io::duplex(1 << 16);
        let mut record = vec![7; LARGEST];
        record[..2].copy_from_slice(&16_384_u16.to_be_bytes());
        // in pieces, and with more behind it
        let sent = record.clone();
        let send = tokio::spawn(async move {
            for piece in sent.chunks(1000) {
                near.write_all(piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            near.write_all(&[0; 20_000]).await.unwrap();
            near
        });
        let mut link = Handshaking::new(far);
        let frame = link.gather(record_len).await.unwrap();
        assert!(frame == record, "the record is whole");
        assert!(frame.capacity() <= LARGEST, "{} bytes taken", frame.capacity());
        let kept = link.frames.bytes().capacity();
        assert!(kept <= LARGEST, "{kept} bytes kept");
        send.await.unwrap();
    }
}
