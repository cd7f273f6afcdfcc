//! Waking both halves of a connection.
//!
//! Either half may poll either direction of the transport, which remembers one waker for each
//! direction. So the transport is always polled with a waker that wakes both halves.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use atomic_waker::AtomicWaker;

/// Which half of a stream acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Reader,
    Writer,
}

impl Half {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Reader => Self::Writer,
            Self::Writer => Self::Reader,
        }
    }
}

#[derive(Debug, Default)]
struct Both {
    reader: AtomicWaker,
    writer: AtomicWaker,
}

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.reader.wake();
        self.writer.wake();
    }
}

/// The waker of one direction of the transport.
#[derive(Debug)]
pub(super) struct Wakers {
    both: Arc<Both>,
    waker: Waker,
}

impl Wakers {
    pub(super) fn new() -> Self {
        let both = Arc::<Both>::default();
        Self { waker: Waker::from(Arc::clone(&both)), both }
    }

    /// Notes that a half's task waits for this direction.
    pub(super) fn register(&self, half: Half, cx: &Context<'_>) {
        match half {
            Half::Reader => self.both.reader.register(cx.waker()),
            Half::Writer => self.both.writer.register(cx.waker()),
        }
    }

    /// What the transport is polled with.
    pub(super) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    /// Wakes one half.
    pub(super) fn wake(&self, half: Half) {
        match half {
            Half::Reader => self.both.reader.wake(),
            Half::Writer => self.both.writer.wake(),
        }
    }
}
