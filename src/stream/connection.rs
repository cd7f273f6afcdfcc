//! What the two halves of a stream share.
//!
//! The receiving direction is held by whoever reads: the reading half while it has unread data,
//! else it lies here, where a writer that must read ahead finds it. The sending direction is locked
//! for each write; the reading half takes it only when the protocol owes the peer something.
//! Locks are taken in the order outbound, control, and never across an await.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use rand::rngs::SysRng;

use super::ending::Ending;
use super::inbound::Inbound;
use super::liveness::{Due, Liveness};
use super::outbound::Outbound;
use super::roll::{End, Entry, Roll};
use super::wakers::Wakers;
use super::{Agreement, Transport};
use crate::error::{Error, ErrorCode, Misuse};
use crate::session::{Control, ControlType, Receiver, RekeyPolicy, Session};

/// Which half of a stream acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Reader,
    Writer,
}

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
    inbound: Mutex<Option<Box<Inbound<IO::Read>>>>,
    outbound: Mutex<Outbound<IO::Write>>,
    control: Mutex<Control>,
    /// Control has something to transmit.
    due: AtomicBool,
    /// A rekey is under way.
    rekeying: AtomicBool,
    /// The reading half holds data that was not read.
    unread: AtomicBool,
    reader_gone: AtomicBool,
    /// Why nothing more is sent or received.
    ended: OnceLock<Error>,
    readable: Wakers,
    writable: Wakers,
    policy: RekeyPolicy,
    entry: OnceLock<Entry>,
    pub(super) agreement: Agreement,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<IO: Transport> Connection<IO> {
    pub(super) fn begin(mut begin: Begin<IO>) -> Arc<Self> {
        let roll = begin.roll.take();
        let connection = Arc::new(Self::new(begin));
        if let Some(roll) = roll {
            let weak: Weak<Self> = Arc::downgrade(&connection);
            let _ = connection.entry.set(roll.enter(weak));
        }
        connection
    }

    fn new(begin: Begin<IO>) -> Self {
        let (sender, receiver, control) = begin.session.into_parts();
        let inbound = Inbound::new(begin.read, receiver, &begin.early, begin.liveness);
        Self {
            inbound: Mutex::new(Some(Box::new(inbound))),
            outbound: Mutex::new(Outbound::new(begin.write, sender)),
            control: Mutex::new(control),
            due: AtomicBool::new(false),
            rekeying: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            reader_gone: AtomicBool::new(false),
            ended: OnceLock::new(),
            readable: Wakers::new(),
            writable: Wakers::new(),
            policy: begin.policy,
            entry: OnceLock::new(),
            agreement: begin.agreement,
        }
    }

    pub(super) fn take_inbound(&self) -> Option<Box<Inbound<IO::Read>>> {
        lock(&self.inbound).take()
    }

    pub(super) fn wait_for_inbound(&self, cx: &Context<'_>) {
        self.readable.register(Half::Reader, cx);
    }

    /// Lays the receiving direction where both halves find it.
    pub(super) fn park(&self, mut inbound: Box<Inbound<IO::Read>>) {
        inbound.release();
        *lock(&self.inbound) = Some(inbound);
        self.unread.store(false, Ordering::Release);
        self.readable.wake(Half::Writer);
    }

    /// The reading half keeps the receiving direction, with data that was not read.
    pub(super) fn keep(&self) {
        self.unread.store(true, Ordering::Release);
        self.readable.wake(Half::Writer);
    }

    pub(super) fn reader_is_gone(&self) {
        self.reader_gone.store(true, Ordering::Release);
        self.readable.wake(Half::Writer);
    }

    pub(super) fn writer_is_gone(&self) {
        lock(&self.outbound).abandon();
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
                if opened && self.policy.is_due(inbound.receiver.used()) {
                    self.want_rekey();
                }
                opened
            }
            Err(error) => {
                self.fail(inbound, error);
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
            let _ = self.rekey();
        }
    }

    pub(super) fn pad_to(&self, step: u16) {
        lock(&self.outbound).padding = step;
    }

    pub(super) fn rekey(&self) -> Result<(), Error> {
        let mut control = lock(&self.control);
        control.rekey(Instant::now(), &mut SysRng)?;
        self.note(&control);
        self.writable.wake(Half::Reader);
        Ok(())
    }

    /// Seals what control wants sent.
    fn transmit(&self, outbound: &mut Outbound<IO::Write>) -> Result<(), Error> {
        if self.due.load(Ordering::Acquire) {
            let mut control = lock(&self.control);
            outbound.transmit(&mut control)?;
            self.note(&control);
        }
        Ok(())
    }

    /// Sends what control wants sent, as far as the transport takes it now.
    fn poll_transmit(&self, half: Half, cx: &Context<'_>) {
        if self.due.load(Ordering::Acquire) {
            let mut outbound = lock(&self.outbound);
            let _ = self.transmit(&mut outbound);
            self.writable.register(half, cx);
            // an error shows to whoever writes or reads next
            let _ = outbound.poll_drain(&mut self.writable.context());
        }
    }

    /// Reads until there is Data to be read, or (for a reader) the end.
    pub(super) fn poll_inbound(
        &self,
        inbound: &mut Inbound<IO::Read>,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = self.poll_records(inbound, half, cx);
        self.poll_transmit(half, cx);
        poll
    }

    fn poll_records(
        &self,
        inbound: &mut Inbound<IO::Read>,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if !inbound.data().is_empty() {
                return Poll::Ready(Ok(()));
            }
            if self.ended.get().is_some() {
                ready!(self.poll_ending(inbound, half, cx))?;
                return Poll::Ready(self.ended());
            }
            if inbound.receiver.is_closed()
                && (half == Half::Reader || inbound.eof || self.poll_over(half, cx))
            {
                self.poll_over(half, cx);
                return Poll::Ready(Ok(()));
            }
            if self.open_next(inbound) || self.ended.get().is_some() {
                continue;
            }
            // what is owed goes out before this side waits for an answer to it
            self.poll_transmit(half, cx);
            self.readable.register(half, cx);
            let filled = match inbound.poll_fill(&mut self.readable.context()) {
                Poll::Ready(filled) => filled?,
                Poll::Pending => {
                    ready!(self.poll_liveness(inbound, half, cx));
                    continue;
                }
            };
            match filled {
                0 if inbound.receiver.is_closed() => inbound.eof = true,
                0 => self.fail(inbound, Error::Truncated),
                _ => {}
            }
        }
    }

    /// Waits until the time that has passed asks for something, and does it.
    fn poll_liveness(
        &self,
        inbound: &mut Inbound<IO::Read>,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if half == Half::Writer {
            return Poll::Pending;
        }
        let wrote = lock(&self.outbound).wrote;
        match ready!(inbound.watch.poll(wrote, cx)) {
            Due::Ping(payload) => {
                let mut control = lock(&self.control);
                // with eight out already there is nothing to add
                let _ = control.ping(payload);
                self.note(&control);
            }
            Due::End(error) => self.fail(inbound, error),
        }
        Poll::Ready(())
    }

    /// Whether both sides have closed; then this side's direction of the transport ends, too.
    fn poll_over(&self, half: Half, cx: &Context<'_>) -> bool {
        let over = lock(&self.control).is_over();
        if over {
            self.writable.register(half, cx);
            let _ = lock(&self.outbound).poll_end(&mut self.writable.context());
        }
        over
    }

    /// The connection ends with an error. What the peer did wrong it is told.
    fn fail(&self, inbound: &mut Inbound<IO::Read>, error: Error) {
        if let Some(code) = error.code() {
            let mut outbound = lock(&self.outbound);
            outbound.prepare();
            let Outbound { sender, buffer, .. } = &mut *outbound;
            if sender.error(code, "", buffer).is_ok() {
                inbound.ending = Some(Ending::new());
            }
        }
        let _ = self.ended.set(error);
        self.readable.wake(Half::Writer);
        self.writable.wake(Half::Writer);
    }

    pub(super) fn begin_abort(&self, code: ErrorCode, text: &str) -> Result<(), Error> {
        self.abort_with(code, text, Error::Misuse(Misuse::Ended))
    }

    fn abort_with(&self, code: ErrorCode, text: &str, error: Error) -> Result<(), Error> {
        let mut outbound = lock(&self.outbound);
        outbound.prepare();
        let Outbound { sender, buffer, .. } = &mut *outbound;
        sender.error(code, text, buffer)?;
        let _ = self.ended.set(error);
        if let Some(inbound) = lock(&self.inbound).as_mut() {
            inbound.ending = Some(Ending::new());
        }
        Ok(())
    }

    /// Sends the last record, ends this side's direction, reads and drops for a while.
    pub(super) fn poll_ending(
        &self,
        inbound: &mut Inbound<IO::Read>,
        half: Half,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(mut ending) = inbound.ending.take() else { return Poll::Ready(Ok(())) };
        self.writable.register(half, cx);
        let end = lock(&self.outbound).poll_end(&mut self.writable.context());
        self.readable.register(half, cx);
        let over = loop {
            inbound.discard();
            match inbound.poll_fill(&mut self.readable.context()) {
                Poll::Ready(Ok(len)) if len > 0 && ending.dropped(len) => {}
                Poll::Ready(_) => break true,
                Poll::Pending => break false,
            }
        };
        // the transport's own failure ends it as well
        let over = over && end.is_ready() || matches!(end, Poll::Ready(Err(_)));
        if over || ending.is_late(cx) {
            inbound.discard();
            return Poll::Ready(Ok(()));
        }
        inbound.ending = Some(ending);
        Poll::Pending
    }

    /// A writer looks for what the peer has sent, as far as the first Data.
    fn read_ahead(&self, cx: &mut Context<'_>) -> Ahead {
        self.readable.register(Half::Writer, cx);
        let Some(mut inbound) = self.take_inbound() else {
            return if self.unread.load(Ordering::Acquire) {
                Ahead::Barred
            } else {
                Ahead::Waiting
            };
        };
        let ahead = loop {
            if self.reader_gone.load(Ordering::Acquire) {
                inbound.discard_data();
            }
            match self.poll_inbound(&mut inbound, Half::Writer, cx) {
                Poll::Pending => break Ahead::Waiting,
                Poll::Ready(Err(_)) => break Ahead::Ended,
                Poll::Ready(Ok(())) if inbound.data().is_empty() => break Ahead::Ended,
                Poll::Ready(Ok(())) if self.reader_gone.load(Ordering::Acquire) => {}
                Poll::Ready(Ok(())) => break Ahead::Barred,
            }
        };
        self.park(inbound);
        self.readable.wake(Half::Reader);
        ahead
    }

    pub(super) fn poll_write(&self, data: &[u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut ahead = Ahead::Waiting;
        if self.rekeying.load(Ordering::Acquire) || lock(&self.outbound).is_ahead_due() {
            ahead = self.read_ahead(cx);
        }
        loop {
            self.ended()?;
            let mut outbound = lock(&self.outbound);
            self.writable.register(Half::Writer, cx);
            ready!(outbound.poll_drain(&mut self.writable.context()))?;
            if self.policy.is_due(outbound.sender.used())
                || outbound.key_age() >= self.policy.interval
            {
                self.want_rekey();
            }
            self.transmit(&mut outbound)?;
            match outbound.seal(data) {
                Ok(sealed) => {
                    // what the transport does not take now goes with the next write or flush
                    let _ = outbound.poll_drain(&mut self.writable.context())?;
                    return Poll::Ready(Ok(sealed));
                }
                Err(Error::RekeyBlocked) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            // the key is worn out: nothing goes on before the peer's answer is found
            {
                let mut control = lock(&self.control);
                control.rekey_now(Instant::now(), &mut SysRng)?;
                self.note(&control);
            }
            self.transmit(&mut outbound)?;
            ready!(outbound.poll_drain(&mut self.writable.context()))?;
            if outbound.sender.may_send_data() {
                continue;
            }
            drop(outbound);
            match ahead {
                Ahead::Waiting => {}
                Ahead::Barred => return Poll::Ready(Err(Error::RekeyBlocked.into())),
                Ahead::Ended => {
                    self.ended()?;
                    return Poll::Ready(Err(Error::Truncated.into()));
                }
            }
            ahead = self.read_ahead(cx);
            if matches!(ahead, Ahead::Waiting) && !self.due.load(Ordering::Acquire) {
                let outbound = lock(&self.outbound);
                if !outbound.sender.may_send_data() {
                    return Poll::Pending;
                }
            }
        }
    }

    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ended()?;
        let mut outbound = lock(&self.outbound);
        self.transmit(&mut outbound)?;
        self.writable.register(Half::Writer, cx);
        outbound.poll_flush(&mut self.writable.context())
    }

    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ended()?;
        let over = {
            let mut outbound = lock(&self.outbound);
            self.transmit(&mut outbound)?;
            if outbound.sender.is_open() {
                outbound.prepare();
                let Outbound { sender, buffer, .. } = &mut *outbound;
                sender.close(buffer)?;
                let mut control = lock(&self.control);
                control.closed();
                self.note(&control);
            }
            self.writable.register(Half::Writer, cx);
            ready!(outbound.poll_flush(&mut self.writable.context()))?;
            lock(&self.control).is_over()
        };
        if over {
            self.poll_over(Half::Writer, cx);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: Transport> End for Connection<IO> {
    fn end(&self, code: ErrorCode) {
        if self.ended.get().is_some() || self.abort_with(code, "", Error::Stopped).is_err() {
            return;
        }
        // the halves may not be polled any more, so what can go out goes now
        let _ = lock(&self.outbound).poll_end(&mut self.writable.context());
        for half in [Half::Reader, Half::Writer] {
            self.readable.wake(half);
            self.writable.wake(half);
        }
    }
}

/// What a writer found that read ahead.
#[derive(Debug, Clone, Copy)]
enum Ahead {
    /// Nothing more has come.
    Waiting,
    /// Data that the application has not read.
    Barred,
    /// The end.
    Ended,
}

impl<IO: Transport> std::fmt::Debug for Connection<IO> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
