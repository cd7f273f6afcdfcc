//! What a process holds.

use std::alloc::System;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use rustix::process::{Resource, getrlimit, setrlimit};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::runtime::{Builder, Runtime};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) descriptors: usize,
    /// Of the runtime, alive.
    pub(crate) tasks: usize,
    /// Bytes that were allocated and not freed.
    pub(crate) heap: usize,
    /// Accepted and alive; none at a client.
    pub(crate) connections: usize,
}

impl Figures {
    /// Of this process.
    pub(crate) fn here(runtime: &Runtime) -> Self {
        let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
        let heap = ALLOCATOR.stats();
        Self {
            descriptors,
            tasks: runtime.metrics().num_alive_tasks(),
            heap: heap.bytes_allocated.wrapping_sub(heap.bytes_deallocated),
            connections: 0,
        }
    }

    /// Whether nothing is left but some bytes of the heap.
    pub(crate) fn is_back_at(&self, before: &Self, slack: usize) -> bool {
        self.descriptors == before.descriptors
            && self.tasks == before.tasks
            && self.connections == before.connections
            && self.heap <= before.heap.saturating_add(slack)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { descriptors, tasks, heap, connections } = self;
        write!(
            f,
            "{descriptors} descriptors, {tasks} tasks, {heap} bytes, {connections} connections"
        )
    }
}

/// As it is shown.
impl FromStr for Figures {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let mut numbers = text.split(' ').filter_map(|word| word.parse().ok());
        let mut next = || numbers.next().unwrap();
        Ok(Self { descriptors: next(), tasks: next(), heap: next(), connections: next() })
    }
}

/// Two threads, whatever the machine has: the buffers that threads keep count.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Lets this process have so many descriptors.
pub(crate) fn make_room(descriptors: usize) {
    let wanted = u64::try_from(descriptors).unwrap();
    let mut limit = getrlimit(Resource::Nofile);
    if let Some(most) = limit.maximum {
        assert!(
            most >= wanted,
            "this test needs {wanted} descriptors and may have {most}: raise the hard limit \
             (ulimit -Hn, or LimitNOFILE= of the service that runs it)"
        );
    }
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        setrlimit(Resource::Nofile, limit).unwrap();
    }
}
