//! A handshake over a transport that blocks.

use std::io::{self, ErrorKind, Read, Write};
use std::pin::pin;
use std::time::{Duration, Instant};

use super::patience::{has_waited, is_timeout};
use super::{Deadline, Finish, Transport, wait};
use crate::error::Error;
use crate::link::{
    Aside, Beside, Expect, Fault, Frames, Gathered, LINGER, LINGER_BYTES, LenOf, Link, Undone,
};

/// A server that waits for a client sees so often to its authenticator, which may have timers.
const TURN: Duration = Duration::from_millis(50);
/// A server whose authenticator waits looks so often whether the client is still there,
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// and waits so long for what the client sends.
const LOOK: Duration = Duration::from_millis(1);
/// A server that closes at a deadline reads for so much longer what has come before it: a socket
/// that is closed with bytes unread shows that.
const LAST_LOOK: Duration = Duration::from_millis(10);

/// A transport during the handshake.
pub(super) struct Handshaking<IO: Transport> {
    read: IO::Read,
    write: IO::Write,
    frames: Frames,
    /// Whether whoever polls has something else to poll, too.
    in_turns: bool,
}

impl<IO: Transport> Handshaking<IO> {
    pub(super) fn new(io: IO) -> io::Result<Self> {
        let (read, write) = io.into_halves()?;
        Ok(Self { read, write, frames: Frames::default(), in_turns: false })
    }

    /// From here on a wait for the peer is interrupted from time to time, so that whoever polls can
    /// poll something else.
    pub(super) const fn in_turns(mut self) -> Self {
        self.in_turns = true;
        self
    }

    /// The transport, and the bytes that were read behind the last frame.
    pub(super) fn into_parts(self) -> (IO::Read, IO::Write, Vec<u8>) {
        (self.read, self.write, self.frames.into_rest())
    }

    fn turn(&self) -> Option<Duration> {
        self.in_turns.then_some(TURN)
    }

    async fn write_all(&mut self, mut bytes: &[u8], deadline: Instant) -> Result<(), Fault> {
        let turn = self.turn();
        while !bytes.is_empty() {
            match by(&mut self.write, deadline, turn, |io| io.write(bytes)).await? {
                0 => return Err(Fault::Io(ErrorKind::WriteZero.into())),
                len => bytes = bytes.get(len..).unwrap_or_default(),
            }
        }
        by(&mut self.write, deadline, turn, Write::flush).await
    }

    /// Looks whether the client has sent something while something else is waited for. It returns
    /// after a turn: bytes that trickle in must delay neither the authenticator nor the deadline.
    fn look<T>(&mut self, expect: Expect) -> Result<Option<Beside<T>>, Fault> {
        let mut scratch = [0; 2048];
        let began = Instant::now();
        loop {
            let room = match expect {
                Expect::Bytes(most) => self.frames.hold(most),
                Expect::Frame(len_of) => match self.frames.gather(len_of) {
                    Ok(Gathered::Frame(frame)) => return Ok(Some(Beside::Frame(frame))),
                    Ok(Gathered::More(more)) => more,
                    Err(error) => return Err(Fault::Protocol(error)),
                },
            };
            let room = room.min(scratch.len());
            let Some(room) = scratch.get_mut(..room).filter(|room| !room.is_empty()) else {
                return Ok(None);
            };
            if began.elapsed() >= TURN {
                return Ok(None);
            }
            self.read.set_timeout(Some(LOOK)).map_err(Fault::Io)?;
            match self.read.read(room) {
                Ok(0) => return Ok(Some(Beside::Gone)),
                Ok(len) => {
                    let read = room.get(..len).unwrap_or_default();
                    self.frames.bytes().extend_from_slice(read);
                }
                Err(error) if is_timeout(&error) => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::Io(error)),
            }
        }
    }
}

/// Reads and drops, up to the end or as much as is put up with.
async fn drop_all<R: Read + Deadline>(
    read: &mut R,
    mut left: usize,
    deadline: Instant,
) -> Result<(), Fault> {
    let mut scratch = [0; 1024];
    while left > 0 {
        match by(read, deadline, None, |io| io.read(&mut scratch)).await? {
            0 => break,
            len => left = left.saturating_sub(len),
        }
    }
    Ok(())
}

/// Does something that blocks, until then at most where the transport has time-outs. Where there are
/// turns, whoever polls this has one after each of them.
async fn by<D: Deadline, T>(
    io: &mut D,
    deadline: Instant,
    turn: Option<Duration>,
    mut what: impl FnMut(&mut D) -> io::Result<T>,
) -> Result<T, Fault> {
    loop {
        let left = deadline.checked_duration_since(Instant::now()).ok_or(Fault::Late)?;
        // 0 would mean for ever
        let left = turn.map_or(left, |turn| left.min(turn)).max(Duration::from_millis(1));
        io.set_timeout(Some(left)).map_err(Fault::Io)?;
        let began = Instant::now();
        match what(io) {
            Ok(done) => return Ok(done),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // a transport that does not wait at all must not be asked again and again
            Err(error) if is_timeout(&error) && has_waited(began, Some(left)) => {
                if turn.is_some() {
                    wait::turn().await;
                }
            }
            Err(error) => return Err(Fault::Io(error)),
        }
    }
}

impl<IO: Transport> Link for Handshaking<IO> {
    fn now() -> Instant {
        Instant::now()
    }

    async fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Fault> {
        self.write_all(bytes, deadline).await
    }

    async fn send_last(&mut self, bytes: Vec<u8>, deadline: Instant) -> Result<(), Fault> {
        self.write_all(&bytes, deadline).await
    }

    async fn frame(&mut self, len_of: LenOf, deadline: Instant) -> Result<Vec<u8>, Fault> {
        let mut scratch = [0; 2048];
        loop {
            let more = match self.frames.gather(len_of).map_err(Fault::Protocol)? {
                Gathered::Frame(frame) => return Ok(frame),
                Gathered::More(more) => more.min(scratch.len()),
            };
            let room = scratch.get_mut(..more).unwrap_or_default();
            let turn = self.turn();
            let len = by(&mut self.read, deadline, turn, |io| io.read(room)).await?;
            if len == 0 {
                return Err(Fault::Protocol(Error::Truncated));
            }
            self.frames.bytes().extend_from_slice(room.get(..len).unwrap_or_default());
            if self.in_turns {
                // a client that trickles must not keep the authenticator from its turns
                wait::turn().await;
            }
        }
    }

    async fn beside<F: Future + Send>(
        &mut self,
        expect: Expect,
        deadline: Instant,
        future: F,
    ) -> Result<Beside<F::Output>, Fault> {
        if !self.read.has_timeouts() {
            let done = wait::until(deadline, future);
            return done.map(Beside::Done).ok_or(Fault::Late);
        }
        let mut future = pin!(future);
        loop {
            let look = deadline.min(Instant::now() + LOOK_EVERY);
            if let Some(done) = wait::until(look, future.as_mut()) {
                return Ok(Beside::Done(done));
            }
            if let Some(met) = self.look(expect)? {
                return Ok(met);
            }
            if deadline <= Instant::now() {
                return Err(Fault::Late);
            }
        }
    }

    fn ends_in_close(&self) -> bool {
        self.frames.ends_in_close()
    }

    async fn within<F: Future + Send>(deadline: Instant, future: F) -> Option<F::Output> {
        wait::until(deadline, future)
    }

    /// The thread is the caller's own, who waits for it anyway.
    async fn aside<T: Send + 'static>(_: Instant, work: Aside<T>) -> Result<T, Undone> {
        Ok(work())
    }

    async fn part(mut self, farewell: &[u8]) {
        if farewell.is_empty() {
            return;
        }
        let deadline = Instant::now() + LINGER;
        // whether the peer takes it cannot be known, and changes nothing
        if self.write_all(farewell, deadline).await.is_ok() {
            let Self { mut read, write, .. } = self;
            if write.finish().is_ok() {
                let _ = drop_all(&mut read, LINGER_BYTES, deadline).await;
            }
        }
    }

    async fn drain(mut self, until: Instant) {
        // what was read goes at once
        drop(std::mem::take(&mut self.frames));
        // a client that ends its direction finds no difference either
        let last = until.max(Instant::now() + LAST_LOOK);
        let _ = drop_all(&mut self.read, usize::MAX, last).await;
        if let Some(left) = until.checked_duration_since(Instant::now()) {
            std::thread::sleep(left);
        }
    }
}
