//! The contents of RekeyInit, RekeyReply and Error records.

use super::reader::Reader;
use super::{KEM_CIPHERTEXT_LEN, KEM_KEY_LEN, text, writer};
use crate::error::{Error, ErrorCode, Farewell, Malformed};

/// RekeyInit (`N` = 1,184) or RekeyReply (`N` = 1,088): a share and, where the hellos used
/// ML-KEM, its key or ciphertext.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share<'a, const N: usize> {
    pub(crate) x25519: &'a [u8; 32],
    pub(crate) mlkem: Option<&'a [u8; N]>,
}

pub(crate) type RekeyInit<'a> = Share<'a, KEM_KEY_LEN>;
pub(crate) type RekeyReply<'a> = Share<'a, KEM_CIPHERTEXT_LEN>;

impl<'a, const N: usize> Share<'a, N> {
    pub(crate) fn decode(content: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(content);
        let x25519 = reader.array("x25519")?;
        let mlkem = match reader.bytes16(N, "mlkem768")? {
            [] => None,
            body => Some(body.try_into().map_err(|_| Malformed::Value("mlkem768"))?),
        };
        reader.finish("the share")?;
        Ok(Self { x25519, mlkem })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice(self.x25519);
        writer::bytes16(out, self.mlkem.map_or(&[][..], |body| &body[..]))
    }
}

/// An Error record's text, at most.
pub(crate) const MAX_ERROR_TEXT: usize = 255;

impl Farewell {
    pub(crate) fn decode(content: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(content);
        let code = ErrorCode::from_number(reader.u16("the code")?);
        let text = text::decode(reader.bytes16(MAX_ERROR_TEXT, "the text")?, "the text")?;
        reader.finish("the text")?;
        Ok(Self { code, text: text.to_owned() })
    }

    pub(crate) fn encode(code: ErrorCode, text: &str, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice(&code.number().to_be_bytes());
        writer::bytes16(out, text.as_bytes())
    }
}
