//! The receiving half.

use crate::error::{Error, Malformed, Misbehaved};
use crate::record::{Opened, Opener, RecordType};

/// Records of unknown later types in a row that are put up with.
const MAX_IGNORED: u16 = 1024;

/// A record, opened.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// Application data, at least 1 byte.
    Data(&'a mut [u8]),
    /// Anything else, for [`super::Control::receive`].
    Control(ControlType, &'a [u8]),
}

/// The type of a control record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlType(pub(super) RecordType);

/// Opens what the peer sends.
#[derive(Debug)]
pub struct Receiver {
    opener: Opener,
    ignored: u16,
    closed: bool,
}

impl Receiver {
    pub(super) const fn new(opener: Opener) -> Self {
        Self { opener, ignored: 0, closed: false }
    }

    /// Opens one whole record, header included, in place.
    ///
    /// # Errors
    ///
    /// The record does not decrypt, has no type, is empty Data or Data behind Close, or is one too
    /// many that this version does not know.
    pub fn open<'a>(&mut self, record: &'a mut [u8]) -> Result<Incoming<'a>, Error> {
        let Opened { kind, content } = self.opener.open(record)?;
        match kind {
            RecordType::Later(_) => {
                self.ignored = self.ignored.saturating_add(1);
                if self.ignored > MAX_IGNORED {
                    return Err(Error::Misbehaved(Misbehaved::TooMany(
                        "records of unknown types in a row",
                    )));
                }
            }
            _ => self.ignored = 0,
        }
        if kind != RecordType::Data {
            return Ok(Incoming::Control(ControlType(kind), content));
        }
        if self.closed {
            return Err(Error::Misbehaved(Misbehaved::AfterClose("Data")));
        }
        if content.is_empty() {
            return Err(Error::malformed("Data", Malformed::Empty("the content")));
        }
        Ok(Incoming::Data(content))
    }

    /// Notes the peer's Close; a second one is an error.
    pub(super) fn close(&mut self) -> Result<(), Error> {
        if core::mem::replace(&mut self.closed, true) {
            return Err(Error::Misbehaved(Misbehaved::AfterClose("a second Close")));
        }
        Ok(())
    }

    /// Whether the peer has sent Close: no Data follows.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// What follows is under the next key.
    pub(super) fn switch(&mut self, next: Opener) {
        self.opener = next;
    }

    /// Records and bytes of ciphertext under the key in use.
    #[must_use]
    pub fn used(&self) -> (u64, u64) {
        (self.opener.records(), self.opener.bytes())
    }

    #[cfg(test)]
    pub(super) fn wear(&mut self, records: u64, bytes: u64) {
        self.opener.wear(records, bytes);
    }
}
