//! The fuzzer's bytes, read as a stream or as a script.

use crate::handshake;
use crate::record::{MAX_CONTENT, Padding, RecordType, Sealer};
use crate::wire::frame::{FORM, HELLO_HEADER, HelloType, MAGIC};

/// A script: what is missing at its end reads as zero, which stands for honesty.
#[derive(Debug)]
pub(super) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn u8(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&byte, rest)) => {
                self.0 = rest;
                byte
            }
            None => 0,
        }
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.u8(), self.u8()])
    }

    /// As many bytes as a length of two bytes says, or as there are.
    pub(super) fn chunk(&mut self) -> &'a [u8] {
        let len = usize::from(self.u16());
        let (chunk, rest) = self.0.split_at_checked(len).unwrap_or((self.0, &[]));
        self.0 = rest;
        chunk
    }

    pub(super) const fn rest(&mut self) -> &'a [u8] {
        let rest = self.0;
        self.0 = &[];
        rest
    }

    /// `honest`, with some of its bytes replaced or more behind it.
    pub(super) fn patch(&mut self, honest: &[u8]) -> Vec<u8> {
        let at = usize::from(self.u16()).min(honest.len());
        let patch = self.chunk();
        let (front, back) = honest.split_at_checked(at).unwrap_or((honest, &[]));
        let back = back.get(patch.len()..).unwrap_or_default();
        [front, patch, back].concat()
    }
}

/// What the peer of the side under test does.
#[derive(Debug)]
pub(super) enum Input<'a> {
    /// It sends these bytes.
    Raw(&'a [u8]),
    /// It seals, signs and authenticates what it is told to say.
    Scripted(Script<'a>),
}

impl<'a> Input<'a> {
    /// The first byte selects.
    pub(super) fn read(script: &mut Script<'a>, raw: bool) -> Self {
        let rest = script.rest();
        if raw { Self::Raw(rest) } else { Self::Scripted(Script::new(rest)) }
    }

    /// The next frame in the clear, and whether it is the honest one.
    pub(super) fn hello(
        &mut self,
        kind: HelloType,
        honest: impl FnOnce() -> Vec<u8>,
    ) -> (Vec<u8>, bool) {
        match self {
            Self::Raw(rest) => {
                let len = handshake::hello_len(rest).ok().flatten().unwrap_or(rest.len());
                (Self::take(rest, len), false)
            }
            Self::Scripted(script) => match script.u8() % 4 {
                0 => (honest(), true),
                1 => (script.patch(&honest()), false),
                2 => {
                    let body = script.chunk();
                    let len = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
                    ([&MAGIC[..], &[FORM, kind.id()], &len, body].concat(), false)
                }
                _ => (script.chunk().to_vec(), false),
            },
        }
    }

    /// The next record of a stream, or all that is left of it.
    pub(super) fn raw_record(rest: &mut &'a [u8]) -> Vec<u8> {
        let len = crate::session::record_len(rest).ok().flatten().unwrap_or(rest.len());
        Self::take(rest, len)
    }

    /// The next record under traffic keys, and whether it is the honest one.
    pub(super) fn record(
        &mut self,
        sealer: &mut Sealer,
        kind: RecordType,
        honest: &[u8],
    ) -> (Vec<u8>, bool) {
        match self {
            Self::Raw(rest) => (Self::raw_record(rest), false),
            Self::Scripted(script) => match script.u8() % 4 {
                0 => (seal(sealer, kind.id(), honest, Padding::AUTH), true),
                1 => (seal(sealer, kind.id(), &script.patch(honest), Padding::AUTH), false),
                2 => (said(script, sealer), false),
                _ => (script.chunk().to_vec(), false),
            },
        }
    }

    fn take(rest: &mut &'a [u8], len: usize) -> Vec<u8> {
        let (taken, behind) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        *rest = behind;
        taken.to_vec()
    }
}

/// A record whose type, padding and content the script says.
pub(super) fn said(script: &mut Script<'_>, sealer: &mut Sealer) -> Vec<u8> {
    let (kind, padding) = (script.u8(), Padding::Multiple(u16::from(script.u8())));
    seal(sealer, kind, script.chunk(), padding)
}

/// A record of any type, also 0, which is none.
pub(super) fn seal(sealer: &mut Sealer, kind: u8, content: &[u8], padding: Padding) -> Vec<u8> {
    let content = content.get(..MAX_CONTENT).unwrap_or(content);
    let mut out = Vec::new();
    sealer.seal(RecordType::Unknown(kind), content, padding, &mut out).expect("it seals");
    out
}

/// The whole hello at the front of `bytes`, as whoever reads a stream finds it.
pub(super) fn whole_hello(bytes: &[u8]) -> Result<Option<&[u8]>, crate::error::Error> {
    let Some(len) = handshake::hello_len(bytes)? else { return Ok(None) };
    for short in 0..HELLO_HEADER {
        let found = handshake::hello_len(bytes.get(..short).unwrap_or_default());
        assert_eq!(found, Ok(None), "the first {short} bytes of a hello say as much as all");
    }
    Ok(bytes.get(..len))
}

/// The whole early record at the front of `bytes`, as whoever reads a stream finds it.
pub(super) fn whole_record(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let len = handshake::record_len(&bytes).ok()??;
    (len <= bytes.len()).then(|| {
        bytes.truncate(len);
        bytes
    })
}
