//! The connections of one listener that are alive.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
#[cfg(feature = "blocking")]
use std::time::Duration;

use crate::error::ErrorCode;

/// A connection that can be ended from outside.
pub(crate) trait End: Send + Sync {
    fn end(&self, code: ErrorCode);
}

/// Who is there.
#[derive(Default)]
pub(crate) struct Roll {
    live: Mutex<Live>,
    #[cfg(feature = "tokio")]
    left: tokio::sync::Notify,
    #[cfg(feature = "blocking")]
    gone: std::sync::Condvar,
}

#[derive(Default)]
struct Live {
    next: u64,
    connections: HashMap<u64, Weak<dyn End>>,
}

/// A connection's place on the roll; struck out on drop.
pub(crate) struct Entry {
    roll: Arc<Roll>,
    id: u64,
}

impl Roll {
    fn lock(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enter(self: &Arc<Self>, connection: Weak<dyn End>) -> Entry {
        let mut live = self.lock();
        let id = live.next;
        live.next = id.wrapping_add(1);
        live.connections.insert(id, connection);
        Entry { roll: Arc::clone(self), id }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().connections.len()
    }

    /// Waits until nobody is there.
    #[cfg(feature = "tokio")]
    pub(crate) async fn empty(&self) {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            if self.len() == 0 {
                return;
            }
            left.await;
        }
    }

    /// The same for a thread, for so long at most; how many are left.
    #[cfg(feature = "blocking")]
    pub(crate) fn block_until_empty(&self, limit: Duration) -> usize {
        let live = self.lock();
        let waited = self.gone.wait_timeout_while(live, limit, |l| !l.connections.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.connections.len()
    }

    /// Ends all that are there.
    pub(crate) fn end_all(&self, code: ErrorCode) {
        // the last reference to a connection may go here, and strikes it out: not under the lock
        let live: Vec<_> = self.lock().connections.values().filter_map(Weak::upgrade).collect();
        for connection in live {
            connection.end(code);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.roll.lock().connections.remove(&self.id);
        #[cfg(feature = "tokio")]
        self.roll.left.notify_waiters();
        #[cfg(feature = "blocking")]
        self.roll.gone.notify_all();
    }
}
