//! The receiving direction.

use super::{Direction, RecordType};
use crate::crypto::Cipher;
use crate::error::{Error, Misbehaved};
use crate::schedule::DirectionSecret;
use crate::wire::frame::RECORD_HEADER;

/// A record, opened in place.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    pub(crate) kind: RecordType,
    pub(crate) content: &'a mut [u8],
}

/// Opens records under one key.
#[derive(Debug)]
pub(crate) struct Opener(Direction);

impl Opener {
    pub(crate) fn new(cipher: Cipher, secret: &DirectionSecret) -> Result<Self, Error> {
        Direction::new(cipher, secret).map(Self)
    }

    /// Opens one whole record, header included; its length was checked when it was framed.
    pub(crate) fn open<'a>(&mut self, record: &'a mut [u8]) -> Result<Opened<'a>, Error> {
        let (header, body) =
            record.split_first_chunk_mut::<RECORD_HEADER>().ok_or(Error::Decrypt)?;
        let n = body.len();
        if !self.0.has_room(n, 0) {
            return Err(Error::Misbehaved(Misbehaved::KeyWornOut));
        }
        let inner = self.0.key.open(&self.0.nonce(), &*header, body).map_err(|_| Error::Decrypt)?;
        self.0.count(n);
        let at = inner
            .iter()
            .rposition(|&byte| byte != 0)
            .ok_or(Error::Misbehaved(Misbehaved::NoType))?;
        let (content, rest) = inner.split_at_mut(at);
        let id = rest.first().copied().ok_or(Error::Misbehaved(Misbehaved::NoType))?;
        Ok(Opened { kind: RecordType::from_id(id), content })
    }

    /// Bytes of ciphertext so far.
    pub(crate) const fn bytes(&self) -> u64 {
        self.0.bytes
    }

    /// Records opened so far.
    pub(crate) const fn records(&self) -> u64 {
        self.0.sequence
    }

    #[cfg(test)]
    pub(crate) fn wear(&mut self, records: u64, bytes: u64) {
        (self.0.sequence, self.0.bytes) = (records, bytes);
    }
}
