//! What a stealth server remembers.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// Hellos that are remembered.
const CAPACITY: usize = 65_536;

/// The mark of a stealth server, with its memory of the last 65,536 hellos that named one of its
/// keys (up to 6 MiB): a second use of a hello is no match. Clones share the memory.
#[derive(Debug, Clone, Default)]
pub struct Stealth(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    known: HashSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

impl Stealth {
    /// A stealth server that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a hello; `false` if it was noted before.
    pub(crate) fn first_use(&self, random: &[u8; 32]) -> bool {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !memory.known.insert(*random) {
            return false;
        }
        memory.order.push_back(*random);
        if memory.order.len() > CAPACITY
            && let Some(oldest) = memory.order.pop_front()
        {
            memory.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_as_many_hellos_as_promised_and_no_more() {
        let stealth = Stealth::new();
        let random = |n: usize| {
            let mut random = [0; 32];
            random[..8].copy_from_slice(&n.to_be_bytes());
            random
        };
        for n in 0..CAPACITY {
            assert!(stealth.first_use(&random(n)), "{n} is new");
        }
        assert!(!stealth.first_use(&random(0)), "the first is still known");
        assert!(stealth.first_use(&random(CAPACITY)), "one more is new");
        assert!(stealth.first_use(&random(0)), "and pushed the first out");
        assert!(!stealth.first_use(&random(CAPACITY)), "the newest is known");
    }
}
