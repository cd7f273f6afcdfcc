//! Waking whoever uses a connection.
//!
//! Either half, and the driver, may poll either direction of the transport, which remembers one
//! waker for each direction. So the transport is always polled with a waker that finds out whom to
//! wake.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use atomic_waker::AtomicWaker;

/// Who acts on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Party {
    /// The half that reads.
    Reader,
    /// The half that writes.
    Writer,
    /// The task that looks after the connection while neither half does.
    Driver,
}

#[derive(Debug, Default)]
struct All {
    reader: AtomicWaker,
    writer: AtomicWaker,
    driver: AtomicWaker,
    /// Something was left behind that nobody may come back for.
    left: AtomicBool,
}

impl All {
    const fn of(&self, party: Party) -> &AtomicWaker {
        match party {
            Party::Reader => &self.reader,
            Party::Writer => &self.writer,
            Party::Driver => &self.driver,
        }
    }
}

impl Wake for All {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    /// Both halves; the driver where none of them waits or something was left behind, so that it
    /// costs nothing elsewhere. A half that waits may have been given up since.
    fn wake_by_ref(self: &Arc<Self>) {
        let halves = [self.reader.take(), self.writer.take()];
        if halves.iter().all(Option::is_none) || self.left.load(Ordering::Acquire) {
            self.driver.wake();
        }
        halves.into_iter().flatten().for_each(Waker::wake);
    }
}

/// The waker of one direction of the transport.
#[derive(Debug)]
pub(super) struct Wakers {
    all: Arc<All>,
    waker: Waker,
}

impl Wakers {
    pub(super) fn new() -> Self {
        let all = Arc::<All>::default();
        Self { waker: Waker::from(Arc::clone(&all)), all }
    }

    /// Notes that a party's task waits for this direction.
    pub(super) fn register(&self, party: Party, cx: &Context<'_>) {
        self.all.of(party).register(cx.waker());
    }

    /// A party waits no more.
    pub(super) fn forget(&self, party: Party) {
        self.all.of(party).take();
    }

    /// Notes whether something was left behind; whether that was so before.
    pub(super) fn leave(&self, left: bool) -> bool {
        self.all.left.swap(left, Ordering::AcqRel)
    }

    /// Whether something was left behind.
    pub(super) fn has_left(&self) -> bool {
        self.all.left.load(Ordering::Acquire)
    }

    /// What the transport is polled with.
    pub(super) fn context(&self) -> Context<'_> {
        Context::from_waker(&self.waker)
    }

    /// Wakes one party.
    pub(super) fn wake(&self, party: Party) {
        self.all.of(party).wake();
    }

    /// Wakes everybody.
    pub(super) fn wake_all(&self) {
        for party in [Party::Reader, Party::Writer, Party::Driver] {
            self.wake(party);
        }
    }
}
