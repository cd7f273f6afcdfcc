//! Ending a listener from another thread than the one that accepts.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A listener, whatever it accepts.
pub(super) trait ShutDown: Send + Sync {
    fn shutdown(&self, grace: Duration) -> usize;

    fn has_ended(&self) -> bool;

    fn progress(&self) -> &Progress;
}

/// How far the shutting down of a listener has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Calls that are under way.
    under_way: usize,
    /// One has come to its end.
    over: bool,
    /// Connections that they ended.
    cut: usize,
}

/// A call that is under way.
pub(super) struct UnderWay<'a> {
    progress: &'a Progress,
    pub(super) cut: usize,
}

impl Progress {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self) -> UnderWay<'_> {
        let mut state = self.lock();
        state.under_way = state.under_way.saturating_add(1);
        UnderWay { progress: self, cut: 0 }
    }

    fn wait_while(&self, waits: impl FnMut(&mut State) -> bool) -> usize {
        let waited = self.changed.wait_while(self.lock(), waits);
        waited.unwrap_or_else(PoisonError::into_inner).cut
    }

    /// The listener is dropped: waits for a call that is under way, if there is one, and ends all
    /// waits for a later one.
    pub(super) fn finish(&self) {
        self.wait_while(|state| state.under_way > 0);
        self.lock().over = true;
        self.changed.notify_all();
    }

    /// Waits until a call has come to its end.
    fn wait(&self) -> usize {
        self.wait_while(|state| !state.over || state.under_way > 0)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut state = self.progress.lock();
        state.under_way = state.under_way.saturating_sub(1);
        state.over = true;
        state.cut = state.cut.saturating_add(self.cut);
        drop(state);
        self.progress.changed.notify_all();
    }
}

/// Ends a listener from any thread, and says when that is done. Cheap to clone; made by
/// [`Listener::shutdown_handle`](super::Listener::shutdown_handle).
///
/// The thread that accepts needs no care: the [`Listener`](super::Listener) that it drops waits for
/// a shutdown that is under way. So a `main` that accepts until there are no more clients does not
/// return, and end the program, before its clients have had their grace:
///
/// ```no_run
/// # use std::{io, thread, time::Duration};
/// # fn wait_for_a_signal() {}
/// # fn serve<A, B>(_: A, _: B) {}
/// # fn main() -> io::Result<()> {
/// # let server = handfast::blocking::Server::new(handfast::key::Identity::load("host_ed25519").map_err(io::Error::other)?);
/// let listener = server.listen("0.0.0.0:7000")?;
/// let handle = listener.shutdown_handle();
/// thread::spawn(move || {
///     wait_for_a_signal();
///     handle.shutdown(Duration::from_secs(10));
/// });
/// while let Ok((stream, peer)) = listener.accept() {
///     thread::spawn(move || serve(stream, peer));
/// }
/// Ok(())
/// # }
/// ```
///
/// Where other threads accept, `main` calls [`wait`](Self::wait). The example
/// `shutdown_threads` is a whole server with its signals.
#[derive(Clone)]
pub struct ShutdownHandle(pub(super) Arc<dyn ShutDown>);

impl ShutdownHandle {
    /// As [`Listener::shutdown`](super::Listener::shutdown): stops listening, waits until the
    /// streams that were accepted are gone, ends those that are still there after `grace`, and gives
    /// their number. It takes no longer than `grace` and a second.
    pub fn shutdown(&self, grace: Duration) -> usize {
        self.0.shutdown(grace)
    }

    /// Waits until the listener was shut down, by whichever thread, and that has come to its end, or
    /// until it is dropped; gives the number of connections that were ended because they outlived the
    /// grace.
    #[must_use]
    pub fn wait(&self) -> usize {
        self.0.progress().wait()
    }

    /// Whether the listener accepts no more clients: a thread that serves one can finish what it is
    /// doing and close.
    #[must_use]
    pub fn is_shutting_down(&self) -> bool {
        self.0.has_ended()
    }
}

impl std::fmt::Debug for ShutdownHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShutdownHandle").finish_non_exhaustive()
    }
}
