//! The established connection without I/O: Data, Close, Ping, rekey.
//!
//! A [`Session`] is three parts that can be used apart, so that two threads or tasks can send and
//! receive without waiting for each other:
//!
//! - [`Sender`] seals Data; it is all that a writer needs as long as nothing else is to be said;
//! - [`Receiver`] opens records in place; it is all that a reader needs as long as Data comes;
//! - [`Control`] holds the rules for every other record, and what the halves owe each other.
//!
//! Time and randomness are arguments.

mod control;
mod fresh;
mod receiver;
mod rekey;
mod sender;

pub use control::{Control, Outcome};
pub use receiver::{ControlType, Incoming, Receiver};
pub use rekey::RekeyPolicy;
pub use sender::Sender;

use std::time::Instant;

use rand::TryCryptoRng;

use crate::crypto::Cipher;
use crate::error::{Error, ErrorCode};
use crate::record::{Opener, Sealer};
use crate::schedule::Generation;
use crate::wire::frame;

/// Which side of the connection this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The side that opened the connection.
    Client,
    /// The side that accepted it.
    Server,
}

/// How many bytes the record at the front of `bytes` has, once that can be told: at most 65,537.
///
/// # Errors
///
/// The length is no record's.
pub fn record_len(bytes: &[u8]) -> Result<Option<usize>, Error> {
    frame::record(bytes, crate::record::MAX_RECORD)
}

/// Data that one record carries, at most, in bytes.
pub const MAX_DATA: usize = crate::record::MAX_CONTENT;

/// What a record brought.
#[derive(Debug)]
pub enum Event<'a> {
    /// Application data, at least 1 byte.
    Data(&'a mut [u8]),
    /// The peer sends no more Data.
    Closed,
    /// The answer to a Ping.
    Pong([u8; 8]),
    /// Nothing that the application needs to know; [`Session::transmit`] may have something to
    /// send.
    Nothing,
}

/// An established connection, both directions.
#[derive(Debug)]
pub struct Session {
    sender: Sender,
    receiver: Receiver,
    control: Control,
    /// An error was received or found: nothing that arrives counts any more.
    ended: bool,
}

impl Session {
    pub(crate) fn new(
        role: Role,
        cipher: Cipher,
        hybrid: bool,
        generation: Generation,
        sealer: Sealer,
        opener: Opener,
    ) -> Self {
        Self {
            sender: Sender::new(sealer),
            receiver: Receiver::new(opener),
            control: Control::new(role, cipher, hybrid, generation),
            ended: false,
        }
    }

    /// Of an eager client that sent Close before Welcome.
    pub(crate) fn closed_early(mut self) -> Self {
        self.sender.closed_early();
        self.control.closed();
        self
    }

    /// The three parts.
    #[must_use]
    pub fn into_parts(self) -> (Sender, Receiver, Control) {
        (self.sender, self.receiver, self.control)
    }

    /// Takes one whole record, header included, and opens it in place. Nothing comes of it once
    /// the connection is over, be it through an error.
    ///
    /// # Errors
    ///
    /// The peer broke the protocol ([`Self::fail`] says so to it), or ended the connection.
    pub fn receive<'a, R: TryCryptoRng>(
        &mut self,
        record: &'a mut [u8],
        now: Instant,
        rng: &mut R,
    ) -> Result<Event<'a>, Error> {
        if self.control.is_over() || self.ended {
            return Ok(Event::Nothing);
        }
        let event = self.receiver.open(record).and_then(|incoming| match incoming {
            Incoming::Data(data) => Ok(Event::Data(data)),
            Incoming::Control(kind, content) => {
                Ok(match self.control.receive(&mut self.receiver, kind, content, now, rng)? {
                    Outcome::Nothing => Event::Nothing,
                    Outcome::Closed => Event::Closed,
                    Outcome::Pong(payload) => Event::Pong(payload),
                })
            }
        });
        if let Err(error) = &event {
            self.ended = true;
            if matches!(error, Error::Ended(_)) {
                // an Error is not answered
                self.sender.end();
            }
        }
        event
    }

    /// Seals up to [`MAX_DATA`] bytes into one record behind `out`, and whatever control records
    /// are due before it.
    ///
    /// # Errors
    ///
    /// [`Error::RekeyBlocked`] until a rekey is done; [`Error::Misuse`] after [`Self::close`] or
    /// for a length that no record has.
    pub fn send(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.transmit(out)?;
        self.sender.data(data, out)
    }

    /// Seals the control records that are due: Pong, and what a rekey needs.
    ///
    /// # Errors
    ///
    /// The key in use is worn out.
    pub fn transmit(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.control.transmit(&mut self.sender, out)
    }

    /// Sends a Ping.
    ///
    /// # Errors
    ///
    /// Eight are out already.
    pub fn ping(&mut self, payload: [u8; 8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.control.ping(payload)?;
        self.transmit(out)
    }

    /// Begins a rekey (client) or asks for one (server), unless one is under way or 60 were begun
    /// in the last minute; a key without room for Data is no reason to wait.
    ///
    /// # Errors
    ///
    /// Randomness failed.
    pub fn rekey<R: TryCryptoRng>(
        &mut self,
        now: Instant,
        rng: &mut R,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if self.sender.may_send_data() {
            self.control.rekey(now, rng)?;
        } else {
            self.control.rekey_now(now, rng)?;
        }
        self.transmit(out)
    }

    /// Sends Close: no more Data follows.
    ///
    /// # Errors
    ///
    /// The key in use is worn out.
    pub fn close(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.transmit(out)?;
        self.sender.close(out)?;
        self.control.closed();
        Ok(())
    }

    /// Ends the connection with an Error record; does nothing where the peer has ended it so.
    ///
    /// # Errors
    ///
    /// The text is longer than 255 bytes or no text.
    pub fn fail(&mut self, code: ErrorCode, text: &str, out: &mut Vec<u8>) -> Result<(), Error> {
        self.sender.error(code, text, out)?;
        self.ended = true;
        Ok(())
    }

    /// Whether both sides have sent Close.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.control.is_over()
    }

    #[cfg(test)]
    pub(crate) const fn role(&self) -> Role {
        self.control.role()
    }

    #[cfg(test)]
    pub(crate) fn wear(&mut self, records: u64, bytes: u64) {
        self.sender.wear(records, bytes);
        self.receiver.wear(records, bytes);
    }

    #[cfg(test)]
    pub(crate) fn wear_receiver(&mut self, records: u64, bytes: u64) {
        self.receiver.wear(records, bytes);
    }

    #[cfg(test)]
    pub(crate) fn generation(&self) -> &Generation {
        self.control.generation()
    }
}
