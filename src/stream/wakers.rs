//! Waking whoever uses a connection.
//!
//! Either half, and the driver, may poll either direction of the transport, which remembers one
//! waker for each direction. So the transport is always polled with a waker that finds out whom to
//! wake.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

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
    #[inline]
    pub(super) fn has_left(&self) -> bool {
        self.all.left.load(Ordering::Acquire)
    }

    /// Polls the transport to take something. Where that takes longer, the party's task waits for
    /// it, and it is noted that something is left behind. Only who holds the sending direction calls
    /// this.
    pub(super) fn poll_or_wait<T>(
        &self,
        party: Party,
        cx: &Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut polled = poll(&mut self.context());
        if polled.is_pending() {
            self.register(party, cx);
            self.leave(true);
            // room that came before that has woken neither the party nor the driver
            polled = poll(&mut self.context());
        }
        if polled.is_ready() && self.has_left() {
            self.leave(false);
        }
        polled
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Count {
        fn new() -> Arc<Self> {
            Arc::default()
        }
    }

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn room_that_comes_before_something_is_left_is_used_or_wakes_the_driver() {
        for second in [Poll::Ready(()), Poll::Pending] {
            let (wakers, driver, writer) = (Wakers::new(), Count::new(), Count::new());
            let (looks_after, task) = (Arc::clone(&driver).into(), Arc::clone(&writer).into());
            wakers.register(Party::Driver, &Context::from_waker(&looks_after));
            let mut polls = 0;
            let cx = Context::from_waker(&task);
            let polled = wakers.poll_or_wait(Party::Writer, &cx, |cx| {
                polls += 1;
                if polls == 1 {
                    cx.waker().wake_by_ref();
                    wakers.register(Party::Driver, &Context::from_waker(&looks_after));
                    return Poll::Pending;
                }
                second
            });
            assert_eq!((polls, polled), (2, second));
            assert_eq!(wakers.has_left(), second.is_pending());
            wakers.context().waker().wake_by_ref();
            assert_eq!(writer.0.load(Ordering::Relaxed), 1);
            let left = usize::from(second.is_pending());
            assert_eq!(driver.0.load(Ordering::Relaxed), 1 + left);
        }
    }
}
