//! Frames and messages of sections 4, 6 and 7, built and taken apart by hand.

use super::crypto::{key_blob, sha256, sign};

pub(crate) const CLIENT_HELLO: u8 = 1;
pub(crate) const SERVER_HELLO: u8 = 2;
pub(crate) const REFUSAL: u8 = 3;

pub(crate) const AUTH: u8 = 1;
pub(crate) const DATA: u8 = 2;
pub(crate) const CLOSE: u8 = 3;
pub(crate) const ERROR: u8 = 4;
pub(crate) const PING: u8 = 5;
pub(crate) const PONG: u8 = 6;
pub(crate) const REKEY_ASK: u8 = 7;
pub(crate) const REKEY_INIT: u8 = 8;
pub(crate) const REKEY_REPLY: u8 = 9;
pub(crate) const REKEY_DONE: u8 = 10;

pub(crate) const MLKEM: u16 = 1;
pub(crate) const HINTS: u16 = 2;
pub(crate) const SERVER_NAME: u16 = 3;
pub(crate) const TARGET: u16 = 1;

pub(crate) type Extensions = Vec<(u16, Vec<u8>)>;

pub(crate) fn bytes8(bytes: &[u8]) -> Vec<u8> {
    [&[bytes.len() as u8], bytes].concat()
}

pub(crate) fn bytes16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

pub(crate) fn extensions(list: &Extensions) -> Vec<u8> {
    list.iter()
        .flat_map(|(kind, body)| [kind.to_be_bytes().to_vec(), bytes16(body)].concat())
        .collect()
}

pub(crate) fn frame(form: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    [&[0x89, b'H', b'F', form, kind], bytes16(body).as_slice()].concat()
}

/// `content || type`, with no padding.
pub(crate) fn inner(kind: u8, content: &[u8]) -> Vec<u8> {
    [content, &[kind]].concat()
}

/// AUTH-1: padded to the next multiple of 512.
pub(crate) fn padded(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut inner = inner(kind, content);
    inner.resize(inner.len().div_ceil(512) * 512, 0);
    inner
}

/// REC-2: content and type.
pub(crate) fn unpad(inner: &[u8]) -> (u8, &[u8]) {
    let end = inner.iter().rposition(|byte| *byte != 0).unwrap();
    (inner[end], &inner[..end])
}

pub(crate) fn error(code: u16, text: &str) -> Vec<u8> {
    [code.to_be_bytes().to_vec(), bytes16(text.as_bytes())].concat()
}

/// Takes bytes apart.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n);
        self.0 = rest;
        taken
    }

    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().unwrap()
    }

    pub(crate) fn u8(&mut self) -> u8 {
        self.take(1)[0]
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    pub(crate) fn bytes8(&mut self) -> &'a [u8] {
        let n = usize::from(self.u8());
        self.take(n)
    }

    pub(crate) fn bytes16(&mut self) -> &'a [u8] {
        let n = usize::from(self.u16());
        self.take(n)
    }

    pub(crate) fn extensions(&mut self) -> Extensions {
        let mut list = Fields(self.bytes16());
        let mut out = Extensions::new();
        while !list.0.is_empty() {
            let kind = list.u16();
            assert!(out.last().is_none_or(|(last, _)| *last < kind), "types ascend");
            out.push((kind, list.bytes16().to_vec()));
        }
        out
    }
}

/// A hint of section 4.4.
pub(crate) fn hint(key: &[u8], random: &[u8; 32], x25519: &[u8; 32]) -> [u8; 16] {
    let secret = sha256(&[b"hf1 hint", key].concat());
    let mac = super::crypto::hmac(&secret, &[*random, *x25519].concat());
    *mac.first_chunk().unwrap()
}

/// ServerAuth (`client` is none) or ClientAuth, with every field as the script wants it.
#[derive(Clone)]
pub(crate) struct Proof {
    pub(crate) client: Option<ClientWords>,
    pub(crate) kind: u8,
    pub(crate) key: Vec<u8>,
    pub(crate) extensions: Extensions,
    /// The raw bytes of the list, in the place of `extensions`.
    pub(crate) raw_extensions: Option<Vec<u8>>,
    /// Signs with this seed under this namespace.
    pub(crate) signer: Option<([u8; 32], String)>,
    /// The signature blob as it is sent, whatever was signed.
    pub(crate) signature: Option<Vec<u8>>,
    /// Is laid over the mac.
    pub(crate) mac_flip: [u8; 32],
    /// Comes behind the mac.
    pub(crate) tail: Vec<u8>,
}

#[derive(Clone, Default)]
pub(crate) struct ClientWords {
    pub(crate) flags: u8,
    pub(crate) login: Vec<u8>,
    /// The list as it stands in the message.
    pub(crate) protocols: Vec<u8>,
}

pub(crate) fn target(name: &str, port: u16) -> Vec<u8> {
    [bytes8(name.as_bytes()).as_slice(), &port.to_be_bytes()].concat()
}

impl Proof {
    pub(crate) fn of_server(seed: &[u8; 32]) -> Self {
        Self {
            client: None,
            kind: 1,
            key: key_blob(seed),
            extensions: Vec::new(),
            raw_extensions: None,
            signer: Some((*seed, "handfast-v1-server".into())),
            signature: None,
            mac_flip: [0; 32],
            tail: Vec::new(),
        }
    }

    pub(crate) fn of_client(seed: &[u8; 32]) -> Self {
        Self {
            client: Some(ClientWords::default()),
            kind: 2,
            extensions: vec![(TARGET, target("localhost", 0))],
            signer: Some((*seed, "handfast-v1-client".into())),
            ..Self::of_server(seed)
        }
    }

    /// A client that proves nothing: AUTH-9.
    pub(crate) fn of_nobody() -> Self {
        let mut proof = Self::of_client(&[1; 32]);
        proof.key.clear();
        proof.signer = None;
        proof
    }

    pub(crate) fn login(mut self, login: &str) -> Self {
        self.words().login = login.into();
        self
    }

    pub(crate) fn eager(mut self) -> Self {
        self.words().flags |= 1;
        self
    }

    pub(crate) fn protocols(mut self, names: &[&str]) -> Self {
        self.words().protocols = names.iter().flat_map(|n| bytes8(n.as_bytes())).collect();
        self
    }

    pub(crate) fn words(&mut self) -> &mut ClientWords {
        self.client.as_mut().unwrap()
    }

    /// The message; `secret` is `c_hs` or `s_hs`. The transcript grows by what was made.
    pub(crate) fn encode(
        &self,
        secrets: &mut super::crypto::Secrets,
        secret: &[u8; 32],
    ) -> Vec<u8> {
        let start = secrets.transcript.len();
        let out = &mut secrets.transcript;
        out.push(self.kind);
        if let Some(words) = &self.client {
            out.push(words.flags);
            out.extend(bytes8(&words.login));
            out.extend(bytes16(&words.protocols));
        }
        out.extend(bytes16(&self.key));
        let list = self.raw_extensions.clone();
        out.extend(bytes16(&list.unwrap_or_else(|| extensions(&self.extensions))));
        let th = sha256(out);
        let signature = match (&self.signature, &self.signer) {
            (Some(raw), _) => raw.clone(),
            (None, Some((seed, namespace))) => sign(seed, namespace, &th),
            (None, None) => Vec::new(),
        };
        secrets.transcript.extend(bytes16(&signature));
        let mac = secrets.finished(secret);
        secrets.transcript.extend(mac.iter().zip(self.mac_flip).map(|(mac, flip)| mac ^ flip));
        secrets.transcript.extend_from_slice(&self.tail);
        secrets.transcript[start..].to_vec()
    }
}
