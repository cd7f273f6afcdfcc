//! The sending half.

use crate::error::{Error, ErrorCode, Farewell, Misuse};
use crate::record::{MAX_CONTENT, Padding, RecordType, Sealer};
use crate::wire::text;

/// Seals what this side sends.
#[derive(Debug)]
pub struct Sender {
    sealer: Sealer,
    end: End,
}

/// How far the sending direction has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Closed,
    /// Error was the last record, of this side or of the peer.
    Failed,
}

impl Sender {
    pub(super) const fn new(sealer: Sealer) -> Self {
        Self { sealer, end: End::Open }
    }

    /// Seals 1 to 65,518 bytes into one Data record behind `out`, without padding.
    ///
    /// # Errors
    ///
    /// [`Error::RekeyBlocked`] while the key in use has no room for Data; [`Error::Misuse`] after
    /// Close or Error, and for a length that no record has.
    pub fn data(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.padded_data(data, Padding::None, out)
    }

    /// The same, padded so that the plaintext's length is a multiple of `step`, as far as a
    /// record goes: the length that an observer sees says that much less. A `step` of 0 pads
    /// nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::data`].
    pub fn data_padded_to(
        &mut self,
        step: u16,
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.padded_data(data, Padding::Multiple(step), out)
    }

    fn padded_data(
        &mut self,
        data: &[u8],
        padding: Padding,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match self.end {
            End::Open => {}
            End::Closed => return Err(Error::Misuse(Misuse::AfterClose)),
            End::Failed => return Err(Error::Misuse(Misuse::Ended)),
        }
        if data.is_empty() || data.len() > MAX_CONTENT {
            return Err(Error::Misuse(Misuse::Setting("a Data record carries 1 to 65,518 bytes")));
        }
        if !self.sealer.may_send_data() {
            return Err(Error::RekeyBlocked);
        }
        self.sealer.seal(RecordType::Data, data, padding, out)
    }

    /// Whether the key in use has room for Data.
    #[must_use]
    pub fn may_send_data(&self) -> bool {
        self.sealer.may_send_data()
    }

    /// Whether Data may still be sent as far as Close and Error go.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.end == End::Open
    }

    /// Whether Close was the last that this side has said.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.end == End::Closed
    }

    /// Seals Close, once; [`super::Control::closed`] must be told.
    ///
    /// # Errors
    ///
    /// The key in use is worn out.
    pub fn close(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.end == End::Open {
            self.sealer.seal(RecordType::Close, &[], Padding::None, out)?;
            self.end = End::Closed;
        }
        Ok(())
    }

    /// Seals Error, the last record; a second one is left out.
    ///
    /// # Errors
    ///
    /// The text is longer than 255 bytes or no text, or the key in use is worn out.
    pub fn error(&mut self, code: ErrorCode, text: &str, out: &mut Vec<u8>) -> Result<(), Error> {
        if !text::is_plain(text) || text.len() > crate::wire::rekey::MAX_ERROR_TEXT {
            return Err(Error::Misuse(Misuse::Setting(
                "an error's text is at most 255 bytes without control characters",
            )));
        }
        if self.end != End::Failed {
            let mut content = Vec::new();
            Farewell::encode(code, text, &mut content)?;
            self.sealer.seal(RecordType::Error, &content, Padding::None, out)?;
            self.end = End::Failed;
        }
        Ok(())
    }

    /// Seals a control record; nothing follows an Error.
    pub(super) fn control(
        &mut self,
        kind: RecordType,
        content: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if self.end == End::Failed {
            return Ok(());
        }
        self.sealer.seal(kind, content, Padding::None, out)
    }

    /// Close went out before this half was made.
    pub(super) fn closed_early(&mut self) {
        self.end = End::Closed;
    }

    /// Nothing more is sent: the peer has ended the connection.
    pub(super) fn end(&mut self) {
        self.end = End::Failed;
    }

    /// What follows is under the next key.
    pub(super) fn switch(&mut self, next: Sealer) {
        self.sealer = next;
    }

    /// Records and bytes of ciphertext under the key in use.
    #[must_use]
    pub fn used(&self) -> (u64, u64) {
        (self.sealer.records(), self.sealer.bytes())
    }

    #[cfg(test)]
    pub(super) fn wear(&mut self, records: u64, bytes: u64) {
        self.sealer.wear(records, bytes);
    }
}
