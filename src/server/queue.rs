//! Clients on their way from their handshake to the application that accepts them.

use std::collections::VecDeque;
#[cfg(feature = "blocking")]
use std::sync::Condvar;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::slots::Slot;

/// Clients that wait for the application and no longer count as not authenticated. Each one beyond
/// them keeps its place, so that no more can gather than there are places.
const FREE: usize = 32;

/// A queue that can be closed while others wait for it. No lock is held while anybody waits.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    #[cfg(feature = "tokio")]
    arrived: tokio::sync::Notify,
    #[cfg(feature = "blocking")]
    changed: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    /// The places of those behind the first [`FREE`], in the same order.
    places: VecDeque<Slot>,
    ended: bool,
}

impl<T> Queue<T> {
    pub(crate) const fn new() -> Self {
        let state = State { waiting: VecDeque::new(), places: VecDeque::new(), ended: false };
        Self {
            state: Mutex::new(state),
            #[cfg(feature = "tokio")]
            arrived: tokio::sync::Notify::const_new(),
            #[cfg(feature = "blocking")]
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes all that wait: one of them may never be polled again, so that waking one is not enough.
    fn wake(&self) {
        #[cfg(feature = "tokio")]
        self.arrived.notify_waiters();
        #[cfg(feature = "blocking")]
        self.changed.notify_all();
    }

    /// Lets a client wait, and its place go unless too many wait already; gives the client back
    /// once the queue has ended.
    pub(crate) fn push(&self, item: T, place: Slot) -> Result<(), T> {
        let mut state = self.lock();
        if state.ended {
            return Err(item);
        }
        let free = state.waiting.len() < FREE;
        state.waiting.push_back(item);
        if free {
            drop(state);
            drop(place);
        } else {
            state.places.push_back(place);
            drop(state);
        }
        self.wake();
        Ok(())
    }

    /// The next client; `Err` tells whether there can be one later.
    fn take(&self, state: &mut State<T>) -> Result<(T, Option<Slot>), bool> {
        match state.waiting.pop_front() {
            Some(item) => Ok((item, state.places.pop_front())),
            None => Err(!state.ended),
        }
    }

    /// Waits for a client; `None` once the queue has ended.
    #[cfg(feature = "tokio")]
    pub(crate) async fn pop(&self) -> Option<T> {
        // a task that always finds a client must leave others their turn
        tokio::task::coop::consume_budget().await;
        loop {
            let arrived = self.arrived.notified();
            tokio::pin!(arrived);
            // from here on no arrival is missed
            arrived.as_mut().enable();
            let taken = self.take(&mut self.lock());
            match taken {
                Ok((item, place)) => {
                    drop(place);
                    return Some(item);
                }
                Err(true) => arrived.await,
                Err(false) => return None,
            }
        }
    }

    /// The same for a thread.
    #[cfg(feature = "blocking")]
    pub(crate) fn block(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            match self.take(&mut state) {
                Ok((item, place)) => {
                    drop(state);
                    drop(place);
                    return Some(item);
                }
                Err(true) => {
                    let waited = self.changed.wait(state);
                    state = waited.unwrap_or_else(PoisonError::into_inner);
                }
                Err(false) => return None,
            }
        }
    }

    /// No more clients come; those that wait can still be taken.
    #[cfg(feature = "tokio")]
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.wake();
    }

    /// Ends the queue; gives the clients that the application has not taken.
    pub(crate) fn close(&self) -> VecDeque<T> {
        let (waiting, places) = {
            let mut state = self.lock();
            state.ended = true;
            (std::mem::take(&mut state.waiting), std::mem::take(&mut state.places))
        };
        drop(places);
        self.wake();
        waiting
    }

    #[cfg(feature = "blocking")]
    pub(crate) fn has_ended(&self) -> bool {
        self.lock().ended
    }
}
