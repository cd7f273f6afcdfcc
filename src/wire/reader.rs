//! A cursor over bytes that a peer sent.

use crate::error::Malformed;

/// Reads fields off the front; every length is checked before it is used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Malformed::Short(field))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<&'a [u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed::Short(field))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, Malformed> {
        let [byte] = self.array(field)?;
        Ok(*byte)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(*self.array(field)?))
    }

    /// `bytes8`: bytes behind their length as u8.
    pub(crate) fn bytes8(&mut self, field: &'static str) -> Result<&'a [u8], Malformed> {
        let len = self.u8(field)?;
        self.take(usize::from(len), field)
    }

    /// `bytes16`: at most `max` bytes behind their length as u16.
    pub(crate) fn bytes16(
        &mut self,
        max: usize,
        field: &'static str,
    ) -> Result<&'a [u8], Malformed> {
        let len = usize::from(self.u16(field)?);
        if len > max {
            return Err(Malformed::Long(field));
        }
        self.take(len, field)
    }

    /// Refuses leftovers.
    pub(crate) const fn finish(self, container: &'static str) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Leftover(container)) }
    }
}

/// The extensions of one message: ascending types, none twice, at most 16.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extensions<'a> {
    bytes: &'a [u8],
}

impl<'a> Extensions<'a> {
    /// Reads and checks `bytes16(extensions)`.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let bytes = reader.bytes16(usize::from(u16::MAX), "the extensions")?;
        let all = Self { bytes };
        let mut last = None;
        let mut inner = Reader::new(bytes);
        let mut count = 0_usize;
        while !inner.is_empty() {
            let (kind, _) = Self::next(&mut inner)?;
            if last.is_some_and(|last| kind <= last) {
                return Err(Malformed::Order("the extensions"));
            }
            last = Some(kind);
            count = count.saturating_add(1);
            if count > super::MAX_EXTENSIONS {
                return Err(Malformed::Long("the extensions"));
            }
        }
        Ok(all)
    }

    fn next(reader: &mut Reader<'a>) -> Result<(u16, &'a [u8]), Malformed> {
        let kind = reader.u16("an extension")?;
        let body = reader.bytes16(usize::from(u16::MAX), "an extension")?;
        Ok((kind, body))
    }

    /// Type and body of each, in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut reader = Reader::new(self.bytes);
        core::iter::from_fn(move || Self::next(&mut reader).ok())
    }

    pub(crate) fn get(self, wanted: u16) -> Option<&'a [u8]> {
        self.iter().find_map(|(kind, body)| (kind == wanted).then_some(body))
    }
}
