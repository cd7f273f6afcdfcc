//! Bytes of a handshake that were read and not used.

use super::LenOf;
use crate::error::Error;
use crate::session::record_len;

/// Bytes that are held during a handshake, at most: one record of a peer that is not
/// authenticated. No more is read until that was taken. A longer one is read where its `len_of`
/// admits it.
pub(crate) const CAPACITY: usize = 16_386;
/// A record without content: its length, its type and the tag.
const CLOSE: usize = 2 + 1 + 16;

/// Gathers the frames of a handshake.
#[derive(Debug, Default)]
pub(crate) struct Frames(Vec<u8>);

/// What gathering came to.
#[derive(Debug)]
pub(crate) enum Gathered {
    /// A whole frame.
    Frame(Vec<u8>),
    /// Up to so many bytes more may be read behind these; there is capacity for them.
    More(usize),
}

impl Frames {
    /// Takes the frame in front, if it is all there.
    pub(crate) fn gather(&mut self, len_of: LenOf) -> Result<Gathered, Error> {
        let wanted = len_of(&self.0)?;
        if let Some(len) = wanted
            && len <= self.0.len()
        {
            let rest = self.0.split_off(len);
            return Ok(Gathered::Frame(std::mem::replace(&mut self.0, rest)));
        }
        let capacity = wanted.map_or(CAPACITY, |len| len.max(CAPACITY));
        let room = capacity.saturating_sub(self.0.len());
        // no more is taken than is wanted: growing by halves would double it
        let want = wanted.map_or(2048, |len| len.saturating_sub(self.0.len()));
        if self.0.len() == self.0.capacity() || wanted.is_some() {
            self.0.reserve_exact(want.min(room));
        }
        Ok(Gathered::More(self.0.capacity().saturating_sub(self.0.len()).min(room)))
    }

    /// Makes room for bytes that nothing is done with yet, `most` in all; how many more may be read
    /// now.
    pub(crate) fn hold(&mut self, most: usize) -> usize {
        let room = most.saturating_sub(self.0.len());
        if self.0.len() == self.0.capacity() {
            self.0.reserve_exact(room.min(2048));
        }
        self.0.capacity().saturating_sub(self.0.len()).min(room)
    }

    /// Whether what is held are whole records of which the last has no content, as a Close has: an
    /// eager client that has sent one has said all that it has to say. Data has content.
    pub(crate) fn ends_in_close(&self) -> bool {
        let mut rest = self.0.as_slice();
        let mut last = 0;
        while let Ok(Some(len)) = record_len(rest) {
            let Some(behind) = rest.get(len..) else { return false };
            (rest, last) = (behind, len);
        }
        rest.is_empty() && last == CLOSE
    }

    /// Where what is read goes, behind all that is there.
    pub(crate) const fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// What was read behind the last frame.
    pub(crate) fn into_rest(self) -> Vec<u8> {
        self.0
    }
}
