//! The hellos, in the clear.

use super::frame::{FORM, HelloType, MAGIC};
use super::reader::{Extensions, Reader};
use super::writer;
use super::{HINTS_LEN, KEM_CIPHERTEXT_LEN, KEM_KEY_LEN, MAX_AEADS};
use crate::error::{Error, Malformed, Misbehaved, Refusal};

/// Extension types of the hellos.
const EXT_MLKEM768: u16 = 1;
const EXT_HOST_HINTS: u16 = 2;
const EXT_SERVER_NAME: u16 = 3;

/// A server name in the clear: 1 to 253 bytes of `a-z 0-9 . : _ -`, no dot at the end.
pub(crate) fn is_server_name(name: &[u8]) -> bool {
    (1..=253).contains(&name.len())
        && name.last() != Some(&b'.')
        && name.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b':' | b'_' | b'-'))
}

fn frame(
    out: &mut Vec<u8>,
    kind: HelloType,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[FORM, kind.id()]);
    writer::container16(out, body)
}

/// ClientHello's body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientHello<'a> {
    pub(crate) random: &'a [u8; 32],
    pub(crate) x25519: &'a [u8; 32],
    pub(crate) aeads: &'a [u8],
    pub(crate) mlkem: Option<&'a [u8; KEM_KEY_LEN]>,
    pub(crate) hints: Option<&'a [u8; HINTS_LEN]>,
    pub(crate) server_name: Option<&'a str>,
    /// An extension that no server knows, at the place that its type gives it.
    pub(crate) grease: Option<(u16, &'a [u8])>,
}

impl<'a> ClientHello<'a> {
    /// Reads a body. Extensions and AEAD ids that this version does not know are passed over.
    pub(crate) fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let random = reader.array("random")?;
        let x25519 = reader.array("x25519")?;
        let aeads = reader.bytes8("the AEAD list")?;
        if aeads.is_empty() {
            return Err(Malformed::Empty("the AEAD list"));
        }
        if aeads.len() > MAX_AEADS {
            return Err(Malformed::Long("the AEAD list"));
        }
        let mut seen = [false; 256];
        for &id in aeads {
            if let Some(seen) = seen.get_mut(usize::from(id))
                && core::mem::replace(seen, true)
            {
                return Err(Malformed::Order("the AEAD list"));
            }
        }
        let extensions = Extensions::read(&mut reader)?;
        reader.finish("the hello")?;
        let mut hello = Self {
            random,
            x25519,
            aeads,
            mlkem: None,
            hints: None,
            server_name: None,
            grease: None,
        };
        for (kind, body) in extensions.iter() {
            match kind {
                EXT_MLKEM768 => {
                    hello.mlkem = Some(body.try_into().map_err(|_| Malformed::Value("mlkem768"))?);
                }
                EXT_HOST_HINTS => {
                    hello.hints =
                        Some(body.try_into().map_err(|_| Malformed::Value("host_hints"))?);
                }
                EXT_SERVER_NAME => {
                    if !is_server_name(body) {
                        return Err(Malformed::Value("server_name"));
                    }
                    hello.server_name = core::str::from_utf8(body).ok();
                }
                _ => {}
            }
        }
        Ok(hello)
    }

    /// Appends the whole frame.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        frame(out, HelloType::Client, |out| {
            out.extend_from_slice(self.random);
            out.extend_from_slice(self.x25519);
            writer::bytes8(out, self.aeads)?;
            writer::container16(out, |out| {
                if let Some(key) = self.mlkem {
                    writer::extension(out, EXT_MLKEM768, key)?;
                }
                if let Some(hints) = self.hints {
                    writer::extension(out, EXT_HOST_HINTS, hints)?;
                }
                if let Some(name) = self.server_name {
                    writer::extension(out, EXT_SERVER_NAME, name.as_bytes())?;
                }
                // grease types are 0x0a0a and up: behind all that this version sends
                if let Some((kind, body)) = self.grease {
                    writer::extension(out, kind, body)?;
                }
                Ok(())
            })
        })
    }
}

/// ServerHello's body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerHello<'a> {
    pub(crate) random: &'a [u8; 32],
    pub(crate) x25519: &'a [u8; 32],
    pub(crate) aead: u8,
    pub(crate) mlkem: Option<&'a [u8; KEM_CIPHERTEXT_LEN]>,
}

impl<'a> ServerHello<'a> {
    /// Reads a body; `offered_mlkem` says whether the client offered that extension. Any other
    /// has no form in a ServerHello.
    pub(crate) fn decode(body: &'a [u8], offered_mlkem: bool) -> Result<Self, Error> {
        let malformed = |cause| Error::malformed("ServerHello", cause);
        let mut reader = Reader::new(body);
        let random = reader.array("random").map_err(malformed)?;
        let x25519 = reader.array("x25519").map_err(malformed)?;
        let aead = reader.u8("the AEAD id").map_err(malformed)?;
        let extensions = Extensions::read(&mut reader).map_err(malformed)?;
        reader.finish("the hello").map_err(malformed)?;
        let mut mlkem = None;
        for (kind, body) in extensions.iter() {
            if kind != EXT_MLKEM768 || !offered_mlkem {
                return Err(Error::Misbehaved(Misbehaved::NotOffered("an extension")));
            }
            mlkem = Some(body.try_into().map_err(|_| malformed(Malformed::Value("mlkem768")))?);
        }
        Ok(Self { random, x25519, aead, mlkem })
    }

    /// Appends the whole frame.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        frame(out, HelloType::Server, |out| {
            out.extend_from_slice(self.random);
            out.extend_from_slice(self.x25519);
            out.push(self.aead);
            writer::container16(out, |out| match self.mlkem {
                Some(ciphertext) => writer::extension(out, EXT_MLKEM768, ciphertext),
                None => Ok(()),
            })
        })
    }
}

/// A Refusal's whole frame.
pub(crate) const fn refusal(refusal: Refusal) -> [u8; 8] {
    let [a, b, c] = MAGIC;
    [a, b, c, FORM, HelloType::Refusal.id(), 0, 1, refusal.code()]
}

/// Reads a Refusal's body.
pub(crate) const fn decode_refusal(body: &[u8]) -> Result<Refusal, Malformed> {
    match body {
        [code] => Ok(Refusal::from_code(*code)),
        [] => Err(Malformed::Short("the code")),
        _ => Err(Malformed::Leftover("the code")),
    }
}
