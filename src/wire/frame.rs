//! Where a hello or a record ends, found in bytes that may not all be there yet.

use super::{MAX_HELLO_BODY, MIN_RECORD};
use crate::error::{Error, Foreign, Malformed, Misbehaved};

/// The first three bytes of every hello.
pub(crate) const MAGIC: [u8; 3] = *b"\x89HF";
/// The form of the hello; it stays 1 for ever.
pub(crate) const FORM: u8 = 1;
/// Magic, form, type and length.
pub(crate) const HELLO_HEADER: usize = 7;
/// A record's length field.
pub(crate) const RECORD_HEADER: usize = 2;

/// The types of frames in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HelloType {
    Client,
    Server,
    Refusal,
}

impl HelloType {
    pub(crate) const fn id(self) -> u8 {
        match self {
            Self::Client => 1,
            Self::Server => 2,
            Self::Refusal => 3,
        }
    }

    const fn from_id(id: u8) -> Option<Self> {
        match id {
            1 => Some(Self::Client),
            2 => Some(Self::Server),
            3 => Some(Self::Refusal),
            _ => None,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Client => "ClientHello",
            Self::Server => "ServerHello",
            Self::Refusal => "Refusal",
        }
    }
}

/// The type and whole length of the hello frame at the front of `bytes`; `None` while its header
/// is not there. Foreign bytes are told by the first three, a wrong form by the fourth.
pub(crate) fn hello(bytes: &[u8]) -> Result<Option<(HelloType, usize)>, Error> {
    let Some((magic, rest)) = bytes.split_first_chunk::<3>() else { return Ok(None) };
    if *magic != MAGIC {
        return Err(Error::Foreign(foreign(*magic)));
    }
    let Some((&form, rest)) = rest.split_first() else { return Ok(None) };
    if form != FORM {
        return Err(Error::Misbehaved(Misbehaved::Version(form)));
    }
    let Some((&kind, rest)) = rest.split_first() else { return Ok(None) };
    let kind = HelloType::from_id(kind).ok_or(Error::Misbehaved(Misbehaved::Unexpected {
        got: "an unknown frame",
        state: "awaiting a hello",
    }))?;
    let Some(len) = rest.first_chunk() else { return Ok(None) };
    let len = usize::from(u16::from_be_bytes(*len));
    if len > MAX_HELLO_BODY {
        return Err(Error::malformed(kind.name(), Malformed::Long("the body")));
    }
    Ok(Some((kind, HELLO_HEADER.saturating_add(len))))
}

/// What three bytes that are no hello's seem to be.
fn foreign(first: [u8; 3]) -> Foreign {
    match &first {
        // handshake or alert records of TLS 1.0 to 1.3
        [0x15 | 0x16, 3, _] => Foreign::Tls,
        b"SSH" => Foreign::Ssh,
        b"HTT" | b"GET" | b"POS" | b"PUT" | b"HEA" | b"OPT" | b"DEL" | b"PAT" | b"CON" | b"TRA"
        | b"PRI" => Foreign::Http,
        _ => Foreign::Other,
    }
}

/// The whole length of the record at the front of `bytes`, header included; `None` while its
/// header is not there. `max` bounds n.
pub(crate) fn record(bytes: &[u8], max: usize) -> Result<Option<usize>, Error> {
    let Some(header) = bytes.first_chunk() else { return Ok(None) };
    let n = u16::from_be_bytes(*header);
    let len = usize::from(n);
    if len < MIN_RECORD || len > max {
        return Err(Error::Misbehaved(Misbehaved::RecordLength(n)));
    }
    Ok(Some(RECORD_HEADER.saturating_add(len)))
}
