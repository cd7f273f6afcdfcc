//! The messages that authenticate, and Welcome.
//!
//! Both Auth messages sign and authenticate prefixes of themselves; the decoded forms say where
//! these prefixes end.

use super::reader::{Extensions, Reader};
use super::{MAX_BLOB, MAX_HOST_KEYS, MAX_PASSWORD, MAX_PROTOCOLS, text, writer};
use crate::error::{Error, Malformed};

const SERVER_AUTH: u8 = 1;
const CLIENT_AUTH: u8 = 2;
const AUTH_REQUEST: u8 = 3;
const AUTH_RESPONSE: u8 = 4;
const WELCOME: u8 = 5;

const FLAG_EAGER: u8 = 1;
const EXT_TARGET: u16 = 1;
const EXT_HOST_KEYS: u16 = 1;

/// A MAC over the transcript, in bytes.
const MAC_LEN: usize = 32;
/// A password's method number.
pub(crate) const METHOD_PASSWORD: u8 = 1;
/// A prompt, at most.
pub(crate) const MAX_PROMPT: usize = 255;

/// What ends both Auth messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proof<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) signature: &'a [u8],
    pub(crate) mac: &'a [u8; MAC_LEN],
    /// How many bytes of the message are signed: all before the signature's length.
    pub(crate) signed_len: usize,
    /// How many bytes the MAC is over: all before it.
    pub(crate) maced_len: usize,
}

impl<'a> Proof<'a> {
    fn read(
        reader: &mut Reader<'a>,
        message_len: usize,
    ) -> Result<(Self, Extensions<'a>), Malformed> {
        let key = reader.bytes16(MAX_BLOB, "the key")?;
        let extensions = Extensions::read(reader)?;
        let signed_len = message_len.saturating_sub(reader.remaining());
        let signature = reader.bytes16(MAX_BLOB, "the signature")?;
        let maced_len = message_len.saturating_sub(reader.remaining());
        let mac = reader.array("the MAC")?;
        reader.finish("the MAC")?;
        Ok((Self { key, signature, mac, signed_len, maced_len }, extensions))
    }
}

fn expect(reader: &mut Reader<'_>, kind: u8) -> Result<(), Malformed> {
    if reader.u8("the type")? == kind { Ok(()) } else { Err(Malformed::Value("the type")) }
}

/// ServerAuth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerAuth<'a> {
    pub(crate) proof: Proof<'a>,
}

impl<'a> ServerAuth<'a> {
    pub(crate) fn decode(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(message);
        expect(&mut reader, SERVER_AUTH)?;
        let (proof, _) = Proof::read(&mut reader, message.len())?;
        if proof.key.is_empty() {
            return Err(Malformed::Empty("the key"));
        }
        if proof.signature.is_empty() {
            return Err(Malformed::Empty("the signature"));
        }
        Ok(Self { proof })
    }

    /// Appends all that is signed; [`writer::bytes16`] of the signature and the MAC follow.
    pub(crate) fn encode_signed(out: &mut Vec<u8>, key: &[u8]) -> Result<(), Error> {
        out.push(SERVER_AUTH);
        writer::bytes16(out, key)?;
        writer::bytes16(out, &[])
    }
}

/// ClientAuth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientAuth<'a> {
    pub(crate) eager: bool,
    pub(crate) login: &'a str,
    pub(crate) protocols: Protocols<'a>,
    pub(crate) target: (&'a str, u16),
    pub(crate) proof: Proof<'a>,
}

impl<'a> ClientAuth<'a> {
    pub(crate) fn decode(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(message);
        expect(&mut reader, CLIENT_AUTH)?;
        let flags = reader.u8("the flags")?;
        if flags & !FLAG_EAGER != 0 {
            return Err(Malformed::Value("the flags"));
        }
        let eager = flags & FLAG_EAGER != 0;
        let login = text::decode(reader.bytes8("the login")?, "the login")?;
        let protocols = Protocols::read(&mut reader)?;
        if eager && protocols.iter().nth(1).is_some() {
            return Err(Malformed::Value("the list of protocols of an eager client"));
        }
        let (proof, extensions) = Proof::read(&mut reader, message.len())?;
        if proof.key.is_empty() != proof.signature.is_empty() {
            return Err(Malformed::Missing("the key or its signature"));
        }
        let target = extensions.get(EXT_TARGET).ok_or(Malformed::Missing("the target"))?;
        let mut reader = Reader::new(target);
        let name = text::decode(reader.bytes8("the target")?, "the target")?;
        let port = reader.u16("the target")?;
        reader.finish("the target")?;
        Ok(Self { eager, login, protocols, target: (name, port), proof })
    }

    /// Appends all that is signed; the signature and the MAC follow.
    pub(crate) fn encode_signed(
        out: &mut Vec<u8>,
        eager: bool,
        login: &str,
        protocols: &[Vec<u8>],
        key: &[u8],
        (name, port): (&str, u16),
    ) -> Result<(), Error> {
        out.extend_from_slice(&[CLIENT_AUTH, if eager { FLAG_EAGER } else { 0 }]);
        writer::bytes8(out, login.as_bytes())?;
        writer::container16(out, |out| {
            protocols.iter().try_for_each(|name| writer::bytes8(out, name))
        })?;
        writer::bytes16(out, key)?;
        writer::container16(out, |out| {
            out.extend_from_slice(&EXT_TARGET.to_be_bytes());
            writer::container16(out, |out| {
                writer::bytes8(out, name.as_bytes())?;
                out.extend_from_slice(&port.to_be_bytes());
                Ok(())
            })
        })
    }
}

/// The application protocols that a client names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protocols<'a> {
    bytes: &'a [u8],
}

impl<'a> Protocols<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let all = Self { bytes: reader.bytes16(usize::from(u16::MAX), "the protocols")? };
        let mut inner = Reader::new(all.bytes);
        let mut names: [&[u8]; MAX_PROTOCOLS] = [&[]; MAX_PROTOCOLS];
        let mut slots = names.iter_mut();
        while !inner.is_empty() {
            let name = inner.bytes8("a protocol")?;
            if name.is_empty() {
                return Err(Malformed::Empty("a protocol"));
            }
            *slots.next().ok_or(Malformed::Long("the list of protocols"))? = name;
        }
        let named = MAX_PROTOCOLS.saturating_sub(slots.len());
        let mut rest = names.get(..named).unwrap_or_default();
        while let Some((name, behind)) = rest.split_first() {
            if behind.contains(name) {
                return Err(Malformed::Order("the list of protocols"));
            }
            rest = behind;
        }
        Ok(all)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        let mut reader = Reader::new(self.bytes);
        core::iter::from_fn(move || reader.bytes8("a protocol").ok())
    }
}

/// AuthRequest: another factor is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AuthRequest<'a> {
    /// Method 1: the prompt.
    Password(&'a str),
    /// A method that this version does not know.
    Unknown,
}

impl<'a> AuthRequest<'a> {
    fn read(mut reader: Reader<'a>) -> Result<Self, Malformed> {
        let method = reader.u8("the method")?;
        let body = reader.bytes16(usize::from(u16::MAX), "the request")?;
        reader.finish("the request")?;
        if method != METHOD_PASSWORD {
            return Ok(Self::Unknown);
        }
        if body.len() > MAX_PROMPT {
            return Err(Malformed::Long("the prompt"));
        }
        Ok(Self::Password(text::decode(body, "the prompt")?))
    }

    pub(crate) fn encode_password(out: &mut Vec<u8>, prompt: &str) -> Result<(), Error> {
        out.extend_from_slice(&[AUTH_REQUEST, METHOD_PASSWORD]);
        writer::bytes16(out, prompt.as_bytes())
    }
}

/// AuthResponse to a request for a password: the password's bytes.
pub(crate) fn decode_password(message: &[u8]) -> Result<&str, Malformed> {
    let mut reader = Reader::new(message);
    expect(&mut reader, AUTH_RESPONSE)?;
    if reader.u8("the method")? != METHOD_PASSWORD {
        return Err(Malformed::Value("the method"));
    }
    let body = reader.bytes16(MAX_PASSWORD, "the password")?;
    reader.finish("the password")?;
    if body.is_empty() {
        return Err(Malformed::Empty("the password"));
    }
    core::str::from_utf8(body).map_err(|_| Malformed::Text("the password"))
}

/// Appends an AuthResponse with a password.
pub(crate) fn encode_password(out: &mut Vec<u8>, password: &str) -> Result<(), Error> {
    out.extend_from_slice(&[AUTH_RESPONSE, METHOD_PASSWORD]);
    writer::bytes16(out, password.as_bytes())
}

/// Welcome.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Welcome<'a> {
    /// The protocol chosen; empty for none.
    pub(crate) protocol: &'a [u8],
    host_keys: &'a [u8],
}

impl<'a> Welcome<'a> {
    fn read(mut reader: Reader<'a>) -> Result<Self, Malformed> {
        let protocol = reader.bytes8("the protocol")?;
        let extensions = Extensions::read(&mut reader)?;
        reader.finish("the extensions")?;
        let host_keys = extensions.get(EXT_HOST_KEYS);
        if let Some(body) = host_keys {
            let mut reader = Reader::new(body);
            let mut count = 0_usize;
            while !reader.is_empty() {
                Self::host_key(&mut reader)?;
                count = count.saturating_add(1);
            }
            if count == 0 {
                return Err(Malformed::Empty("host_keys"));
            }
            if count > MAX_HOST_KEYS {
                return Err(Malformed::Long("host_keys"));
            }
        }
        Ok(Self { protocol, host_keys: host_keys.unwrap_or_default() })
    }

    fn host_key(reader: &mut Reader<'a>) -> Result<(&'a [u8], &'a [u8]), Malformed> {
        let key = reader.bytes16(MAX_BLOB, "a host key")?;
        let signature = reader.bytes16(MAX_BLOB, "a host key's proof")?;
        Ok((key, signature))
    }

    /// The server's other host keys, each with its proof.
    pub(crate) fn host_keys(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut reader = Reader::new(self.host_keys);
        core::iter::from_fn(move || Self::host_key(&mut reader).ok())
    }

    pub(crate) fn encode(
        out: &mut Vec<u8>,
        protocol: &[u8],
        host_keys: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<(), Error> {
        out.push(WELCOME);
        writer::bytes8(out, protocol)?;
        writer::container16(out, |out| {
            if host_keys.is_empty() {
                return Ok(());
            }
            out.extend_from_slice(&EXT_HOST_KEYS.to_be_bytes());
            writer::container16(out, |out| {
                host_keys.iter().try_for_each(|(key, signature)| {
                    writer::bytes16(out, key)?;
                    writer::bytes16(out, signature)
                })
            })
        })
    }
}

/// What a server says in an Auth record under the traffic keys.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FromServer<'a> {
    Request(AuthRequest<'a>),
    Welcome(Welcome<'a>),
}

impl<'a> FromServer<'a> {
    pub(crate) fn decode(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(message);
        match reader.u8("the type")? {
            AUTH_REQUEST => AuthRequest::read(reader).map(Self::Request),
            WELCOME => Welcome::read(reader).map(Self::Welcome),
            _ => Err(Malformed::Value("the type")),
        }
    }
}
