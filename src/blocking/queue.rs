//! Clients on their way from their handshake to whoever accepts them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A queue that can be closed while others wait at either end.
pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    capacity: usize,
}

struct State<T> {
    waiting: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(super) const fn new(capacity: usize) -> Self {
        let state = State { waiting: VecDeque::new(), closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), capacity }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for room; gives the item back once the queue is closed.
    pub(super) fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.lock();
        while state.waiting.len() >= self.capacity && !state.closed {
            state = self.wait(state);
        }
        if state.closed {
            return Err(item);
        }
        state.waiting.push_back(item);
        self.changed.notify_all();
        Ok(())
    }

    /// Waits for an item; `None` once the queue is closed.
    pub(super) fn pop(&self) -> Option<T> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(item) = state.waiting.pop_front() {
                self.changed.notify_all();
                return Some(item);
            }
            state = self.wait(state);
        }
    }

    /// Closes the queue; gives what nobody took.
    pub(super) fn close(&self) -> VecDeque<T> {
        let mut state = self.lock();
        state.closed = true;
        self.changed.notify_all();
        std::mem::take(&mut state.waiting)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }
}
