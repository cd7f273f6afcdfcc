//! What the two halves of a stream share.
//!
//! The receiving direction is held by whoever reads: the reading half while it has unread data,
//! else it lies here, where a writer that must read ahead finds it. The sending direction is locked
//! for each write; the reading half takes it only when the protocol owes the peer something.
//! Locks are taken in the order outbound, control, and never across an await.

mod driving;
mod end;
pub(super) mod reading;
#[cfg(test)]
mod tests;
mod writing;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Instant;

use rand::rngs::SysRng;
use tokio::task::AbortHandle;

use super::inbound::Inbound;
use super::link::Left;
use super::outbound::Outbound;
use super::wakers::{Party, Wakers};
use super::{Transport, driver};
use crate::agreement::Agreement;
use crate::buffer::{ReadBuffer, WriteBuffer};
use crate::error::Error;
use crate::liveness::Liveness;
use crate::roll::{Entry, Roll};
use crate::session::{Control, ControlType, Receiver, RekeyPolicy, Session};

/// What a connection begins with.
pub(crate) struct Begin<IO: Transport> {
    pub(crate) transport: Left<IO>,
    pub(crate) session: Session,
    pub(crate) agreement: Agreement,
    pub(crate) policy: RekeyPolicy,
    pub(crate) liveness: Liveness,
    /// Where the connection is entered, so that it can be ended from outside.
    pub(crate) roll: Option<Arc<Roll>>,
}

pub(super) struct Connection<IO: Transport> {
    inbound: Mutex<Place<IO::Read>>,
    outbound: Mutex<Outbound<IO::Write>>,
    control: Mutex<Control>,
    /// Control has something to transmit.
    due: AtomicBool,
    /// A rekey is under way.
    rekeying: AtomicBool,
    /// The reading half holds data that was not read.
    unread: AtomicBool,
    reader_gone: AtomicBool,
    /// An Error of this side's was sealed, and the peer is to be given time to read it.
    said: AtomicBool,
    /// Why nothing more is sent or received.
    ended: OnceLock<Box<Error>>,
    readable: Wakers,
    writable: Wakers,
    policy: RekeyPolicy,
    entry: OnceLock<Entry>,
    driver: OnceLock<AbortHandle>,
    pub(super) agreement: Agreement,
}

/// Where the receiving direction lies while nobody holds it.
struct Place<R> {
    inbound: Option<Box<Inbound<R>>>,
    missed: Missed,
}

/// Who looked for it while somebody else held it.
#[derive(Default)]
struct Missed {
    reader: bool,
    writer: bool,
    driver: bool,
}

impl Missed {
    const fn of(&mut self, party: Party) -> &mut bool {
        match party {
            Party::Reader => &mut self.reader,
            Party::Writer => &mut self.writer,
            Party::Driver => &mut self.driver,
        }
    }
}

/// The moment, by tokio's clock, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<IO: Transport> Connection<IO> {
    pub(super) fn begin(mut begin: Begin<IO>) -> Arc<Self> {
        let (roll, liveness) = (begin.roll.take(), begin.liveness);
        let connection = Arc::new(Self::new(begin));
        if let Some(roll) = roll {
            let weak: Weak<Self> = Arc::downgrade(&connection);
            let _ = connection.entry.set(roll.enter(weak));
        }
        let _ = connection.driver.set(driver::start(&connection, liveness));
        connection
    }

    fn new(begin: Begin<IO>) -> Self {
        let (sender, receiver, control) = begin.session.into_parts();
        let Left { read, write, early, last } = begin.transport;
        let inbound = Inbound::new(read, ReadBuffer::new(receiver, &early));
        let writable = Wakers::new();
        writable.leave(!last.is_empty());
        let outbound = WriteBuffer::new(sender, now()).behind(last);
        Self {
            inbound: Mutex::new(Place {
                inbound: Some(Box::new(inbound)),
                missed: Missed::default(),
            }),
            outbound: Mutex::new(Outbound::new(write, IO::BUFFERS, outbound)),
            control: Mutex::new(control),
            due: AtomicBool::new(false),
            rekeying: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            reader_gone: AtomicBool::new(false),
            said: AtomicBool::new(false),
            ended: OnceLock::new(),
            readable: Wakers::new(),
            writable,
            policy: begin.policy,
            entry: OnceLock::new(),
            driver: OnceLock::new(),
            agreement: begin.agreement,
        }
    }

    pub(super) fn take_inbound(&self, party: Party) -> Option<Box<Inbound<IO::Read>>> {
        let mut place = lock(&self.inbound);
        let inbound = place.inbound.take();
        *place.missed.of(party) = inbound.is_none();
        inbound
    }

    pub(super) fn wait_for_inbound(&self, cx: &Context<'_>) {
        self.readable.register(Party::Reader, cx);
    }

    /// Lays the receiving direction where all find it. The others are woken if there is something
    /// new for them; were they woken each time, two that wait would wake each other without end.
    pub(super) fn park(&self, mut inbound: Box<Inbound<IO::Read>>, party: Party) {
        inbound.buffer.release();
        let moved = std::mem::take(&mut inbound.moved);
        let mut missed = {
            let mut place = lock(&self.inbound);
            place.inbound = Some(inbound);
            std::mem::take(&mut place.missed)
        };
        if party == Party::Reader {
            self.unread.store(false, Ordering::Release);
        }
        for other in [Party::Reader, Party::Writer, Party::Driver] {
            // the driver sees to what is new by itself
            let concerned = *missed.of(other) || moved && other != Party::Driver;
            if other != party && concerned {
                self.readable.wake(other);
            }
        }
    }

    /// The reading half keeps the receiving direction, with data that was not read.
    pub(super) fn keep(&self) {
        self.unread.store(true, Ordering::Release);
        self.readable.wake(Party::Writer);
    }

    pub(super) fn reader_is_gone(&self) {
        self.reader_gone.store(true, Ordering::Release);
        self.readable.wake(Party::Writer);
    }

    pub(super) fn writer_is_gone(&self) {
        lock(&self.outbound).abandon();
    }

    fn ended(&self) -> io::Result<()> {
        match self.ended.get() {
            Some(error) => Err(Error::clone(error).into()),
            None => Ok(()),
        }
    }

    /// Opens the next record if it is all there; `false` if it is not, or if it broke the rules.
    pub(super) fn open_next(&self, inbound: &mut Inbound<IO::Read>) -> bool {
        let opened =
            inbound.open_next(|receiver, kind, content| self.control(receiver, kind, content));
        match opened {
            Ok(opened) => {
                if opened && self.policy.is_due(inbound.buffer.receiver.used()) {
                    self.want_rekey();
                }
                opened
            }
            Err(error) => {
                self.fail(error);
                false
            }
        }
    }

    /// Takes a control record.
    fn control(
        &self,
        receiver: &mut Receiver,
        kind: ControlType,
        content: &[u8],
    ) -> Result<(), Error> {
        // Data that was written before goes before what answers the record
        let mut outbound = lock(&self.outbound);
        outbound.buffer.seal_gathered()?;
        let mut control = lock(&self.control);
        control.receive(receiver, kind, content, now(), &mut SysRng)?;
        self.note(&control);
        Ok(())
    }

    /// Keeps the flags that tell without a lock what control wants.
    fn note(&self, control: &Control) {
        self.due.store(control.has_due(), Ordering::Release);
        self.rekeying.store(control.is_rekeying(), Ordering::Release);
    }

    /// A rekey is due; it begins unless one is under way.
    fn want_rekey(&self) {
        if !self.rekeying.load(Ordering::Acquire) {
            // without randomness the keys in use serve on, up to their limit
            let _ = self.begin_rekey();
        }
    }

    pub(super) fn pad_to(&self, step: u16) {
        lock(&self.outbound).buffer.padding = step;
    }

    /// Whoever calls this transmits afterwards.
    fn begin_rekey(&self) -> Result<(), Error> {
        let mut control = lock(&self.control);
        control.rekey(now(), &mut SysRng)?;
        self.note(&control);
        Ok(())
    }

    pub(super) fn rekey(&self) -> Result<(), Error> {
        self.begin_rekey()?;
        self.writable.wake(Party::Driver);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn rekeys(&self) -> usize {
        lock(&self.control).inits()
    }

    /// Seals what control wants sent.
    fn transmit(&self, outbound: &mut Outbound<IO::Write>) -> Result<(), Error> {
        if self.due.load(Ordering::Acquire) {
            let mut control = lock(&self.control);
            outbound.buffer.transmit(&mut control, now())?;
            self.note(&control);
        }
        Ok(())
    }

    /// Hands what was sealed to the transport, and notes whether something is left.
    fn poll_drain(
        &self,
        outbound: &mut Outbound<IO::Write>,
        party: Party,
        cx: &Context<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = self.poll_outbound(party, cx, |cx| outbound.poll_drain(cx));
        if matches!(polled, Poll::Ready(Ok(()))) && outbound.is_unflushed() {
            self.leave_to_others();
        }
        polled
    }

    /// Something waits to be sealed, or to be flushed. Whoever is polled next sees to it, since the
    /// writing half may not be polled again; a writer that has more to give at once comes first.
    fn leave_to_others(&self) {
        if !self.writable.leave(true) {
            self.writable.wake(Party::Driver);
        }
    }

    /// The same until the operating system has it all.
    fn poll_flush_all(
        &self,
        outbound: &mut Outbound<IO::Write>,
        party: Party,
        cx: &Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_outbound(party, cx, |cx| outbound.poll_flush(cx))
    }

    fn poll_outbound(
        &self,
        party: Party,
        cx: &Context<'_>,
        poll: impl FnMut(&mut Context<'_>) -> Poll<io::Result<()>>,
    ) -> Poll<io::Result<()>> {
        let polled = self.writable.poll_or_wait(party, cx, poll);
        if polled.is_pending() && party == Party::Writer && self.ended.get().is_some() {
            // whoever ended it since the writer looked found nobody to wake
            cx.waker().wake_by_ref();
        }
        polled
    }

    /// Sends what control wants sent and what a writer left, as far as the transport takes it now.
    fn poll_transmit(&self, party: Party, cx: &Context<'_>) {
        if self.due.load(Ordering::Acquire) || self.writable.has_left() {
            let mut outbound = lock(&self.outbound);
            // an error shows to whoever writes next
            let drain = self.poll_outbound(party, cx, |cx| outbound.poll_drain(cx));
            // nothing more is sealed for a peer that does not read: what is owed is counted
            if matches!(drain, Poll::Ready(Ok(()))) {
                if outbound.buffer.seal_gathered().is_ok() && self.transmit(&mut outbound).is_ok() {
                    outbound.buffer.end_row();
                }
                let _ = self.poll_flush_all(&mut outbound, party, cx);
            }
        }
    }
}

impl<IO: Transport> std::fmt::Debug for Connection<IO> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
