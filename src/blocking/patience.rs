//! How long is waited for what.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

use super::transport::Deadline;

/// A reader waits so long for the transport to take what is owed to the peer,
pub(super) const BRIEF: Duration = Duration::from_millis(1);
/// and tries again when it has read in vain for so long.
pub(super) const RETRY: Duration = Duration::from_millis(20);
/// A writer that looks for what the peer has sent waits so long for it,
pub(super) const LOOK: Duration = Duration::from_millis(1);
/// and looks at least so often.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A writer that waits for room sees so often to what else has happened.
pub(super) const SLICE: Duration = Duration::from_millis(200);
/// Without the peer's answer a worn-out writer gives a reader of another thread so long to take
/// the Data that bars the way to it.
pub(super) const GRACE: Duration = Duration::from_secs(1);
/// A sender of Error reads and drops for so long,
pub(super) const LINGER: Duration = Duration::from_secs(1);
/// or so many bytes.
pub(super) const LINGER_BYTES: usize = 1 << 20;

/// The time-out that one direction of a transport has at present, which is told of changes alone.
#[derive(Debug, Default)]
pub(super) struct Limit(Option<Option<Duration>>);

impl Limit {
    /// Sets a time-out of `limit` or somewhat less: rounded down, so that the same serves for many
    /// operations although the time that is left shrinks from one to the next.
    pub(super) fn set(
        &mut self,
        io: &mut impl Deadline,
        limit: Option<Duration>,
    ) -> io::Result<Option<Duration>> {
        if !io.has_timeouts() {
            return Ok(None);
        }
        let limit = limit.map(round_down);
        if self.0 != Some(limit) {
            self.0 = None;
            io.set_timeout(limit)?;
            self.0 = Some(limit);
        }
        Ok(limit)
    }
}

fn round_down(limit: Duration) -> Duration {
    let millis = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(1 << millis.ilog2().min(40))
}

/// Whether an operation failed because its time was up.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Whether a time-out of `limit` that began at `since` can have been the cause: a transport that
/// does not wait at all must not be asked again and again.
pub(super) fn has_waited(since: Instant, limit: Option<Duration>) -> bool {
    limit.is_some_and(|limit| since.elapsed() >= limit / 2)
}

/// The answer to an application whose own time-out is over.
pub(super) fn time_is_up<T>() -> io::Result<T> {
    Err(ErrorKind::WouldBlock.into())
}

/// What is left until then.
pub(super) fn until(then: Instant, now: Instant) -> Duration {
    then.saturating_duration_since(now)
}
