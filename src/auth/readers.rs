//! Threads that read the files of logins, and how many of them there may be.
//!
//! A file can be long, and a folder can hang (a network file system whose server is gone), for far
//! longer than the handshake lasts that asked for it. So each reading has a thread of its own, which
//! nothing else needs, and a permit, which the thread gives back when it ends and not before: a
//! reading whose handshake is over still counts. Permits go to clients in their order, by network and
//! never by login.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::thread;

use super::PeerAddr;
use super::network::Network;

/// Readings at a time, in all and for clients of one network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limits {
    all: usize,
    from_one_network: usize,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    from: HashMap<Network, usize>,
    waiting: VecDeque<Waiting>,
    last: u64,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    network: Option<Network>,
    waker: Waker,
}

/// The threads that read, as many as there may be.
#[derive(Debug)]
pub(super) struct Readers {
    limits: Limits,
    state: Mutex<State>,
}

/// The right to read one file.
#[derive(Debug)]
pub(super) struct Permit {
    readers: Arc<Readers>,
    network: Option<Network>,
}

/// Those of all authenticators that have none of their own.
static SHARED: LazyLock<Arc<Readers>> = LazyLock::new(|| Readers::new(16, 4));

impl State {
    fn has_room(&self, limits: Limits, network: Option<Network>) -> bool {
        let count = network.and_then(|network| self.from.get(&network)).copied();
        self.taken < limits.all && count.unwrap_or_default() < limits.from_one_network
    }

    fn take(&mut self, network: Option<Network>) {
        self.taken = self.taken.saturating_add(1);
        if let Some(network) = network {
            let count = self.from.entry(network).or_default();
            *count = count.saturating_add(1);
        }
    }

    fn give_back(&mut self, network: Option<Network>) {
        self.taken = self.taken.saturating_sub(1);
        if let Some(network) = network
            && let Some(count) = self.from.get_mut(&network)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.from.remove(&network);
            }
        }
    }

    /// The first that waits and has room. Those of a network that has none hold up no other.
    fn next(&self, limits: Limits) -> Option<&Waiting> {
        self.waiting.iter().find(|waiting| self.has_room(limits, waiting.network))
    }
}

impl Readers {
    pub(super) fn new(all: usize, from_one_network: usize) -> Arc<Self> {
        // without any, all clients would wait for the deadline of the handshake
        let limits = Limits { all: all.max(1), from_one_network: from_one_network.max(1) };
        Arc::new(Self { limits, state: Mutex::default() })
    }

    pub(super) fn shared() -> Arc<Self> {
        Arc::clone(&SHARED)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn of a client from there.
    pub(super) async fn permit(self: &Arc<Self>, from: PeerAddr) -> Permit {
        // as with places for handshakes, loopback counts in the whole alone: it may be a proxy
        let network = from.ip().filter(|ip| !ip.is_loopback()).map(Network::from);
        let mut turn = Turn { readers: self, id: None };
        std::future::poll_fn(|cx| {
            let mut state = self.lock();
            let id = match turn.id {
                Some(id) => id,
                None => {
                    state.last = state.last.wrapping_add(1);
                    let id = state.last;
                    turn.id = Some(id);
                    let waker = cx.waker().clone();
                    state.waiting.push_back(Waiting { id, network, waker });
                    id
                }
            };
            if state.next(self.limits).is_none_or(|next| next.id != id) {
                if let Some(waiting) = state.waiting.iter_mut().find(|waiting| waiting.id == id) {
                    waiting.waker.clone_from(cx.waker());
                }
                return Poll::Pending;
            }
            state.waiting.retain(|waiting| waiting.id != id);
            state.take(network);
            turn.id = None;
            self.wake_next(state);
            Poll::Ready(Permit { readers: Arc::clone(self), network })
        })
        .await
    }

    /// Wakes the client whose turn it is, if there is one.
    fn wake_next(&self, state: MutexGuard<'_, State>) {
        let waker = state.next(self.limits).map(|next| next.waker.clone());
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// How many readings are under way.
    #[cfg(test)]
    fn under_way(&self) -> usize {
        self.lock().taken
    }
}

/// A place in the queue; given up on drop.
struct Turn<'a> {
    readers: &'a Readers,
    id: Option<u64>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            let mut state = self.readers.lock();
            state.waiting.retain(|waiting| waiting.id != id);
            self.readers.wake_next(state);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.readers.lock();
        state.give_back(self.network);
        self.readers.wake_next(state);
    }
}

#[derive(Debug)]
struct Outcome<T> {
    done: Option<T>,
    ended: bool,
    waker: Option<Waker>,
}

/// The thread's end: says that it has ended, also if it panics.
struct Ending<T>(Arc<Mutex<Outcome<T>>>);

impl<T> Ending<T> {
    fn outcome(&self) -> MutexGuard<'_, Outcome<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        let waker = {
            let mut outcome = self.outcome();
            outcome.ended = true;
            outcome.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Permit {
    /// Does the work on a thread of its own. If the future is dropped the work goes on, and counts
    /// until it is done. None if there is no thread to be had, or the work panics.
    pub(super) async fn work<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let outcome = Arc::new(Mutex::new(Outcome { done: None, ended: false, waker: None }));
        let ending = Ending(Arc::clone(&outcome));
        let run = move || {
            // dropped in the opposite order: the permit is back when the outcome is seen
            let ending = ending;
            let permit = self;
            let done = work();
            ending.outcome().done = Some(done);
            drop(permit);
        };
        // one that could not be started drops all of it, and so has ended
        let _ = thread::Builder::new().name("handfast reader".to_owned()).spawn(run);
        std::future::poll_fn(|cx| {
            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            if outcome.ended {
                return Poll::Ready(outcome.done.take());
            }
            outcome.waker = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests;
