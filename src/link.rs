//! What a handshake is driven over.
//!
//! The drivers of the handshake are written once, as futures. On tokio they wait as futures do. On
//! a transport that blocks, each of these calls blocks the thread; at a server a call that waits for
//! the client returns to its caller from time to time, so that the authenticator has its turns.

mod frames;

pub(crate) use frames::{CAPACITY, Frames, Gathered};

use std::io;
use std::time::{Duration, Instant};

use crate::error::Error;

/// A sender of last words reads and drops for so long,
pub(crate) const LINGER: Duration = Duration::from_secs(1);
/// or so many bytes.
pub(crate) const LINGER_BYTES: usize = 1 << 20;

/// Why something was not read or written.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The deadline passed.
    Late,
    /// The transport failed.
    Io(io::Error),
    /// The bytes are no frame, or the stream ended within one.
    Protocol(Error),
}

/// Work that may wait for a lock or the disk.
pub(crate) type Aside<T> = Box<dyn FnOnce() -> T + Send>;

/// Why work aside has no result.
#[cfg_attr(
    not(feature = "tokio"),
    expect(dead_code, reason = "a thread that blocks does such work itself, to its end")
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undone {
    /// The deadline passed; the work may go on.
    Late,
    /// The work panicked, or the runtime ends.
    Lost,
}

/// Tells a frame's length from its first bytes, as soon as that can be told.
pub(crate) type LenOf = fn(&[u8]) -> Result<Option<usize>, Error>;

/// What is read from the client while something else than the client is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expect {
    /// So many bytes, in all, that are kept for later.
    Bytes(usize),
    /// A frame, which the caller is told of as soon as it is whole.
    Frame(LenOf),
}

/// What waiting beside the client came to.
#[derive(Debug)]
pub(crate) enum Beside<T> {
    /// What was waited for.
    Done(T),
    /// A frame came from the client before that.
    Frame(Vec<u8>),
    /// The client has ended its direction.
    Gone,
}

/// A transport during the handshake.
pub(crate) trait Link: Send {
    /// The moment.
    fn now() -> Instant;

    /// Sends bytes, all of them.
    fn send(
        &mut self,
        bytes: &[u8],
        deadline: Instant,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Sends the handshake's last message, or leaves that to the stream that it becomes.
    fn send_last(
        &mut self,
        bytes: Vec<u8>,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Receives one frame.
    fn frame(
        &mut self,
        len_of: LenOf,
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<u8>, Fault>> + Send;

    /// Waits for something else than the peer, and reads meanwhile, so that a peer that goes away is
    /// noticed.
    fn beside<F: Future + Send>(
        &mut self,
        expect: Expect,
        deadline: Instant,
        future: F,
    ) -> impl Future<Output = Result<Beside<F::Output>, Fault>> + Send;

    /// Whether what was read and not used ends in a Close.
    fn ends_in_close(&self) -> bool;

    /// Waits for something else than the peer; `None` when it is too late.
    fn within<F: Future + Send>(
        deadline: Instant,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + Send;

    /// Does work that may wait for a lock or the disk, where that holds up nothing else.
    fn aside<T: Send + 'static>(
        deadline: Instant,
        work: Aside<T>,
    ) -> impl Future<Output = Result<T, Undone>> + Send;

    /// Sends `farewell`, if there is any, ends this side's direction, and reads and drops for a
    /// while, so that a peer that is still sending can read it.
    fn part(self, farewell: &[u8]) -> impl Future<Output = ()> + Send;

    /// Reads and drops until then, whatever the peer does.
    fn drain(self, until: Instant) -> impl Future<Output = ()> + Send;
}
