//! What is done to a disk, in order, for tests to look at.

/// Something that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trust) enum Trace {
    Created,
    Written,
    Synced,
    Placed,
    FolderSynced,
}

#[cfg(test)]
thread_local! {
    static TRACES: std::cell::RefCell<Vec<Trace>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Notes what the calling thread does; in tests only.
pub(in crate::trust) fn trace(done: Trace) {
    #[cfg(test)]
    TRACES.with_borrow_mut(|traces| traces.push(done));
    #[cfg(not(test))]
    let _ = done;
}

/// What the calling thread has done since this was asked last.
#[cfg(test)]
pub(in crate::trust) fn traces() -> Vec<Trace> {
    TRACES.take()
}
