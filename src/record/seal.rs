//! The sending direction.

use super::{Direction, MAX_CONTENT, MAX_RECORD, RESERVE_RECORDS, RecordType};
use crate::crypto::{Cipher, TAG_LEN};
use crate::error::{Error, Misuse};
use crate::schedule::DirectionSecret;
use crate::wire::frame::RECORD_HEADER;

/// Bytes that are copied at once.
const COPY: usize = 2048;

/// How far a record is padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Padding {
    /// Not at all.
    None,
    /// Until *inner* is a multiple of this many bytes, or the record is full.
    Multiple(u16),
}

impl Padding {
    /// Before Welcome, Auth and Error records hide their length this far.
    pub(crate) const AUTH: Self = Self::Multiple(512);

    fn inner_len(self, content: usize) -> usize {
        let plain = content.saturating_add(1);
        match self {
            Self::None => plain,
            // a step of 0 has no multiples: no padding
            Self::Multiple(step) => plain
                .checked_next_multiple_of(usize::from(step))
                .unwrap_or(plain)
                .min(MAX_RECORD - TAG_LEN)
                .max(plain),
        }
    }
}

/// Seals records under one key.
#[derive(Debug)]
pub(crate) struct Sealer(Direction);

impl Sealer {
    pub(crate) fn new(cipher: Cipher, secret: &DirectionSecret) -> Result<Self, Error> {
        Direction::new(cipher, secret).map(Self)
    }

    /// Appends one record to `out`.
    pub(crate) fn seal(
        &mut self,
        kind: RecordType,
        content: &[u8],
        padding: Padding,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        const TOO_LONG: Error = Error::Misuse(Misuse::Setting("a record's content is too long"));
        if content.len() > MAX_CONTENT {
            return Err(TOO_LONG);
        }
        let inner = padding.inner_len(content.len());
        let n = inner.saturating_add(TAG_LEN);
        if !self.0.has_room(n, 0) {
            return Err(Error::RekeyBlocked);
        }
        let header = u16::try_from(n).map_err(|_| TOO_LONG)?.to_be_bytes();
        let start = out.len().saturating_add(RECORD_HEADER);
        out.reserve(RECORD_HEADER.saturating_add(n));
        out.extend_from_slice(&header);
        // a long copy that ends a few bytes ahead of where it reads, in terms of a page, is slow on
        // many processors; short ones are not
        for piece in content.chunks(COPY) {
            out.extend_from_slice(piece);
        }
        out.push(kind.id());
        out.resize(start.saturating_add(inner), 0);
        let sealed = out
            .get_mut(start..)
            .ok_or(())
            .and_then(|body| self.0.key.seal(&self.0.nonce(), &header, body).map_err(|_| ()));
        if let Ok(tag) = sealed {
            out.extend_from_slice(&tag);
            self.0.count(n);
            Ok(())
        } else {
            // whatever stands there is not sealed, so it must not go out
            out.truncate(start.saturating_sub(RECORD_HEADER));
            Err(Error::Internal("sealing a record failed"))
        }
    }

    /// Whether Data may still be sent: 64 records must be left for the rekey and the end.
    pub(crate) fn may_send_data(&self) -> bool {
        self.0.has_room(MAX_RECORD, RESERVE_RECORDS)
    }

    /// Records sealed so far.
    pub(crate) const fn records(&self) -> u64 {
        self.0.sequence
    }

    /// Bytes of ciphertext so far.
    pub(crate) const fn bytes(&self) -> u64 {
        self.0.bytes
    }

    /// Stands in for the years that using up a key takes.
    #[cfg(test)]
    pub(crate) fn wear(&mut self, records: u64, bytes: u64) {
        (self.0.sequence, self.0.bytes) = (records, bytes);
    }
}
