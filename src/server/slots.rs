//! Places for connections that are not authenticated yet.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
#[cfg(feature = "blocking")]
use std::time::Instant;

use super::Limits;
use crate::auth::PeerAddr;
use crate::auth::network::Network;

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    from: HashMap<Network, usize>,
}

#[derive(Debug)]
pub(crate) struct Slots {
    limits: Limits,
    taken: Mutex<Taken>,
    #[cfg(feature = "tokio")]
    freed: tokio::sync::Notify,
    #[cfg(feature = "blocking")]
    given_back: std::sync::Condvar,
}

/// A place; given back on drop, whatever happens.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    network: Option<Network>,
}

impl Slots {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            taken: Mutex::default(),
            #[cfg(feature = "tokio")]
            freed: tokio::sync::Notify::new(),
            #[cfg(feature = "blocking")]
            given_back: std::sync::Condvar::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a client is counted under, besides the whole.
    fn network(&self, from: PeerAddr) -> Option<Network> {
        let ip = from.ip()?;
        if ip.is_loopback() && !self.limits.count_loopback {
            return None;
        }
        Some(ip.into())
    }

    /// A place for a client, if there is one now.
    pub(crate) fn take(self: &Arc<Self>, from: PeerAddr) -> Option<Slot> {
        self.take_from(&mut self.lock(), from)
    }

    fn take_from(self: &Arc<Self>, taken: &mut Taken, from: PeerAddr) -> Option<Slot> {
        let network = self.network(from);
        if taken.all >= self.limits.unauthenticated {
            return None;
        }
        if let Some(network) = network {
            let count = taken.from.get(&network).copied().unwrap_or_default();
            if count >= self.limits.from_one_network {
                return None;
            }
            taken.from.insert(network, count.saturating_add(1));
        }
        taken.all = taken.all.saturating_add(1);
        Some(Slot { slots: Arc::clone(self), network })
    }

    /// Waits for a place.
    #[cfg(feature = "tokio")]
    pub(crate) async fn wait(self: &Arc<Self>, from: PeerAddr) -> Slot {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // from here on no release is missed
            freed.as_mut().enable();
            if let Some(slot) = self.take(from) {
                return slot;
            }
            freed.await;
        }
    }

    /// The same for a thread, until then at most.
    #[cfg(feature = "blocking")]
    pub(crate) fn block(self: &Arc<Self>, from: PeerAddr, until: Instant) -> Option<Slot> {
        let mut taken = self.lock();
        loop {
            if let Some(slot) = self.take_from(&mut taken, from) {
                return Some(slot);
            }
            let left = until.checked_duration_since(Instant::now())?;
            let waited = self.given_back.wait_timeout(taken, left);
            taken = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.lock();
        taken.all = taken.all.saturating_sub(1);
        if let Some(network) = self.network
            && let Some(count) = taken.from.get_mut(&network)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.from.remove(&network);
            }
        }
        drop(taken);
        #[cfg(feature = "tokio")]
        self.slots.freed.notify_waiters();
        #[cfg(feature = "blocking")]
        self.slots.given_back.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn from(ip: &str) -> PeerAddr {
        PeerAddr::Ip((ip.parse::<IpAddr>().unwrap(), 1).into())
    }

    /// [LIM-4]
    #[test]
    fn networks_are_counted_apart_and_places_come_back() {
        let limits = Limits { unauthenticated: 5, from_one_network: 2, count_loopback: false };
        let slots = Slots::new(limits);
        let a = slots.take(from("192.0.2.1")).unwrap();
        let _b = slots.take(from("::ffff:192.0.2.1")).unwrap();
        assert!(slots.take(from("192.0.2.1")).is_none(), "two from one address");
        let _c = slots.take(from("2001:db8::1")).unwrap();
        let _d = slots.take(from("2001:db8::2")).unwrap();
        assert!(slots.take(from("2001:db8::3")).is_none(), "two from one /64");
        drop(a);
        let _a = slots.take(from("192.0.2.1")).unwrap();
        let _e = slots.take(from("127.0.0.1")).unwrap();
        assert!(slots.take(from("127.0.0.1")).is_none(), "five in all");
        assert!(slots.take(PeerAddr::Unix).is_none(), "five in all");
        drop(_e);
        assert!(slots.take(PeerAddr::Unix).is_some(), "a place came back");
    }

    /// [LIM-4]
    #[test]
    fn loopback_counts_in_the_whole_alone_unless_set() {
        let limits = Limits { unauthenticated: 9, from_one_network: 1, count_loopback: false };
        let slots = Slots::new(limits);
        let _held: Vec<_> = (0..9).map(|_| slots.take(from("::1")).unwrap()).collect();
        let slots = Slots::new(Limits { count_loopback: true, ..limits });
        let _held = slots.take(from("::1")).unwrap();
        assert!(slots.take(from("::1")).is_none(), "one from loopback");
    }
}
