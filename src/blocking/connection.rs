//! What the two halves of a stream share.
//!
//! The receiving direction is held by whoever reads: the reading half while it reads or has unread
//! data, else it lies here, where a writer that must read ahead finds it. The sending direction is
//! locked for each write, also while it waits for room; so the reading half only ever tries the
//! lock, and what it finds no way to send is left to whoever holds it, who looks again after it has
//! let go. Locks are taken in the order outbound, control; control is never held across I/O.

mod end;
mod owing;
mod reading;
mod writing;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use rand::rngs::SysRng;

use super::inbound::Inbound;
use super::outbound::Outbound;
use super::transport::{Deadline, Transport};
use crate::agreement::Agreement;
use crate::buffer::{ReadBuffer, WriteBuffer};
use crate::error::Error;
use crate::liveness::{Liveness, Watch};
use crate::roll::{Entry, Roll};
use crate::session::{Control, ControlType, Receiver, RekeyPolicy, Session};

pub(super) use reading::Wait;

/// What a connection begins with.
pub(crate) struct Begin<IO: Transport> {
    pub(crate) read: IO::Read,
    pub(crate) write: IO::Write,
    pub(crate) session: Session,
    /// Bytes that came behind the handshake.
    pub(crate) early: Vec<u8>,
    pub(crate) agreement: Agreement,
    pub(crate) policy: RekeyPolicy,
    pub(crate) liveness: Liveness,
    /// Where the connection is entered, so that it can be ended from outside.
    pub(crate) roll: Option<Arc<Roll>>,
}

pub(super) struct Connection<IO: Transport> {
    inbound: Mutex<Place<IO::Read>>,
    /// Somebody laid the receiving direction down.
    parked: Condvar,
    outbound: Mutex<Outbound<IO::Write>>,
    control: Mutex<Control>,
    /// Control has something to transmit.
    due: AtomicBool,
    /// Something was sealed that the transport has not taken yet.
    stuck: AtomicBool,
    /// The transport's direction is to end behind all that was sealed.
    finish: AtomicBool,
    /// The code of an Error that is to be sealed; 0: none.
    farewell: AtomicU16,
    /// The peer is to be given time to read an Error of this side's.
    parting: AtomicBool,
    /// A rekey is under way.
    rekeying: AtomicBool,
    /// The reading half holds data that was not read.
    unread: AtomicBool,
    reader_gone: AtomicBool,
    /// The halves may be in different threads.
    split: AtomicBool,
    /// Why nothing more is sent or received.
    ended: OnceLock<Error>,
    policy: RekeyPolicy,
    /// Data records are padded to a multiple of so many bytes.
    padding: AtomicU16,
    began: Instant,
    /// When Data was sealed last, in milliseconds since then.
    wrote: AtomicU64,
    /// The application's time-outs in microseconds; 0: none.
    read_limit: AtomicU64,
    write_limit: AtomicU64,
    /// Whether the transport's directions keep time-outs.
    reads_in_time: bool,
    writes_in_time: bool,
    entry: OnceLock<Entry>,
    pub(super) agreement: Agreement,
}

/// Where the receiving direction lies.
struct Place<R> {
    inbound: Option<Box<Inbound<R>>>,
    reader_waits: bool,
    writer_waits: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<IO: Transport> Connection<IO> {
    pub(super) fn begin(begin: Begin<IO>) -> Arc<Self> {
        let now = Instant::now();
        let (reads_in_time, writes_in_time) =
            (begin.read.has_timeouts(), begin.write.has_timeouts());
        let (sender, receiver, control) = begin.session.into_parts();
        let watch = Watch::new(begin.liveness, now);
        let buffer = ReadBuffer::new(receiver, &begin.early);
        let inbound = Some(Box::new(Inbound::new(begin.read, buffer, watch, now)));
        let outbound = Outbound::new(begin.write, WriteBuffer::new(sender, now), now);
        let connection = Arc::new(Self {
            inbound: Mutex::new(Place { inbound, reader_waits: false, writer_waits: false }),
            parked: Condvar::new(),
            outbound: Mutex::new(outbound),
            control: Mutex::new(control),
            due: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            finish: AtomicBool::new(false),
            farewell: AtomicU16::new(0),
            parting: AtomicBool::new(false),
            rekeying: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            reader_gone: AtomicBool::new(false),
            split: AtomicBool::new(false),
            ended: OnceLock::new(),
            policy: begin.policy,
            padding: AtomicU16::new(0),
            began: now,
            wrote: AtomicU64::new(0),
            read_limit: AtomicU64::new(0),
            write_limit: AtomicU64::new(0),
            reads_in_time,
            writes_in_time,
            entry: OnceLock::new(),
            agreement: begin.agreement,
        });
        if let Some(roll) = begin.roll {
            let weak: Weak<Self> = Arc::downgrade(&connection);
            let _ = connection.entry.set(roll.enter(weak));
        }
        connection
    }

    /// Takes the receiving direction, for the reading half; the other one has it for a moment only.
    pub(super) fn take_for_reader(&self) -> Box<Inbound<IO::Read>> {
        let mut place = lock(&self.inbound);
        loop {
            if let Some(inbound) = place.inbound.take() {
                place.reader_waits = false;
                return inbound;
            }
            place.reader_waits = true;
            place = self.parked.wait(place).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The same for the writing half, unless the reading half has it or waits for it.
    fn take_for_writer(&self) -> Option<Box<Inbound<IO::Read>>> {
        let mut place = lock(&self.inbound);
        if place.reader_waits { None } else { place.inbound.take() }
    }

    /// Waits until the reading half has laid the receiving direction down, or so long.
    fn wait_for_reader(&self, limit: Duration) {
        let mut place = lock(&self.inbound);
        place.writer_waits = true;
        let waited = self.parked.wait_timeout(place, limit);
        waited.unwrap_or_else(PoisonError::into_inner).0.writer_waits = false;
    }

    fn lay_down(&self, mut inbound: Box<Inbound<IO::Read>>) {
        inbound.buffer.release();
        let mut place = lock(&self.inbound);
        place.inbound = Some(inbound);
        if place.reader_waits || place.writer_waits {
            self.parked.notify_all();
        }
    }

    /// Lays the receiving direction where both halves find it, from the reading half.
    pub(super) fn park(&self, inbound: Box<Inbound<IO::Read>>) {
        self.unread.store(false, Ordering::Release);
        self.lay_down(inbound);
    }

    /// The reading half keeps the receiving direction, with data that was not read.
    pub(super) fn keep(&self) {
        self.unread.store(true, Ordering::Release);
    }

    pub(super) fn split(&self) {
        self.split.store(true, Ordering::Release);
    }

    pub(super) fn reader_is_gone(&self) {
        self.reader_gone.store(true, Ordering::Release);
    }

    pub(super) fn writer_is_gone(&self) {
        if self.farewell.load(Ordering::Acquire) == 0 {
            lock(&self.outbound).abandon();
        }
        self.settle();
    }

    fn ended(&self) -> io::Result<()> {
        match self.ended.get() {
            Some(error) => Err(error.clone().into()),
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
        let mut control = lock(&self.control);
        control.receive(receiver, kind, content, Instant::now(), &mut SysRng)?;
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

    fn begin_rekey(&self) -> Result<(), Error> {
        let mut control = lock(&self.control);
        control.rekey(Instant::now(), &mut SysRng)?;
        self.note(&control);
        Ok(())
    }

    pub(super) fn rekey(&self) -> Result<(), Error> {
        self.begin_rekey()?;
        self.settle();
        Ok(())
    }

    pub(super) fn pad_to(&self, step: u16) {
        self.padding.store(step, Ordering::Release);
    }

    pub(super) fn set_read_limit(&self, limit: Option<Duration>) -> io::Result<()> {
        set_limit(&self.read_limit, limit, self.reads_in_time)
    }

    pub(super) fn set_write_limit(&self, limit: Option<Duration>) -> io::Result<()> {
        set_limit(&self.write_limit, limit, self.writes_in_time)
    }

    /// Whether neither direction of the transport can block for ever.
    pub(super) const fn is_in_time(&self) -> bool {
        self.reads_in_time && self.writes_in_time
    }

    pub(super) fn read_limit(&self) -> Option<Duration> {
        limit(&self.read_limit)
    }

    pub(super) fn write_limit(&self) -> Option<Duration> {
        limit(&self.write_limit)
    }

    #[cfg(test)]
    pub(crate) fn rekeys(&self) -> usize {
        lock(&self.control).inits()
    }
}

fn set_limit(place: &AtomicU64, limit: Option<Duration>, kept: bool) -> io::Result<()> {
    let micros = match limit {
        None => 0,
        Some(Duration::ZERO) => return Err(io::ErrorKind::InvalidInput.into()),
        Some(_) if !kept => return Err(io::ErrorKind::Unsupported.into()),
        Some(limit) => u64::try_from(limit.as_micros()).unwrap_or(u64::MAX).max(1),
    };
    place.store(micros, Ordering::Release);
    Ok(())
}

fn limit(place: &AtomicU64) -> Option<Duration> {
    match place.load(Ordering::Acquire) {
        0 => None,
        micros => Some(Duration::from_micros(micros)),
    }
}

impl<IO: Transport> std::fmt::Debug for Connection<IO> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
