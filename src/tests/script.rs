//! Peers by script: they know the keys and say whatever they are told, which no honest end would.

mod reach;

use super::pair::{Rng, split_hello};
use crate::crypto::secret::Secret;
use crate::crypto::{Cipher, KemKey, X25519Secret, encapsulate};
use crate::error::Farewell;
use crate::key::{Identity, sshsig};
use crate::record::{Opener, Padding, RecordType, Sealer};
use crate::schedule::{Agreed, DirectionSecret, Generation, HandshakeSecrets, Transcript};
use crate::session::Role;

pub(super) fn bytes8(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

pub(super) fn bytes16(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

pub(super) fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &bytes16(body)].concat()
}

/// The target that scripted clients name.
pub(super) fn target(name: &str) -> Vec<u8> {
    extension(1, &[bytes8(name.as_bytes()), 7000_u16.to_be_bytes().to_vec()].concat())
}

/// A frame in the clear.
pub(super) fn frame(form: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    [&b"\x89HF"[..], &[form, kind], &bytes16(body)].concat()
}

/// A ServerHello's or, with the list of ids behind its length, a ClientHello's body.
#[derive(Debug, Clone)]
pub(super) struct Hello {
    pub(super) random: [u8; 32],
    pub(super) x25519: [u8; 32],
    pub(super) aead: Vec<u8>,
    pub(super) extensions: Vec<(u16, Vec<u8>)>,
    pub(super) tail: Vec<u8>,
}

impl Hello {
    pub(super) fn body(&self) -> Vec<u8> {
        let extensions: Vec<u8> =
            self.extensions.iter().flat_map(|(kind, body)| extension(*kind, body)).collect();
        [&self.random[..], &self.x25519, &self.aead, &bytes16(&extensions), &self.tail].concat()
    }

    pub(super) fn set(&mut self, kind: u16, body: &[u8]) {
        self.extensions.retain(|(known, _)| *known != kind);
        self.extensions.push((kind, body.to_vec()));
        self.extensions.sort_by_key(|(kind, _)| *kind);
    }

    pub(super) fn drop(&mut self, kind: u16) {
        self.extensions.retain(|(known, _)| *known != kind);
    }
}

/// A client by script, before its hello.
pub(super) struct Client {
    x25519: X25519Secret,
    kem: KemKey,
    pub(super) hello: Hello,
}

impl Client {
    pub(super) fn new() -> Self {
        let mut rng = Rng::new(41);
        let x25519 = X25519Secret::from_bytes(Secret::new(rng.bytes()));
        let kem = KemKey::from_seed(&Secret::new(rng.bytes()));
        let hello = Hello {
            random: rng.bytes(),
            x25519: x25519.public(),
            aead: bytes8(&[1]),
            extensions: vec![(1, kem.encapsulation_key().to_vec()), (2, rng.bytes::<128>().into())],
            tail: Vec::new(),
        };
        Self { x25519, kem, hello }
    }

    pub(super) fn classical() -> Self {
        let mut client = Self::new();
        client.hello.drop(1);
        client
    }

    pub(super) fn frame(&self) -> Vec<u8> {
        frame(1, 1, &self.hello.body())
    }

    /// Follows the server's answer: ServerHello and ServerAuth.
    pub(super) fn follow(self, prologue: &[u8], answer: &[u8]) -> Keys {
        let (hello, mut auth) = split_hello(answer);
        let share: [u8; 32] = hello[39..71].try_into().unwrap();
        let cipher = Cipher::from_id(hello[71]).unwrap();
        let ciphertext: Option<&[u8; 1088]> = hello.get(78..).and_then(|c| c.try_into().ok());
        let agreed = Agreed {
            mlkem: ciphertext.map(|c| self.kem.decapsulate(c).unwrap()),
            x25519: self.x25519.agree(&share).unwrap(),
        };
        let mut keys = Keys::new(Role::Client, prologue, &self.frame(), &hello, cipher, &agreed);
        let content = keys.opener.open(&mut auth).unwrap().content.to_vec();
        keys.transcript.add(&content);
        keys
    }
}

/// A server by script, which has read a hello and not yet answered.
pub(super) struct Server {
    agreed: Agreed,
    client_hello: Vec<u8>,
    pub(super) hello: Hello,
}

impl Server {
    pub(super) fn new(client_hello: &[u8]) -> Self {
        let mut rng = Rng::new(42);
        let parsed = crate::wire::hello::ClientHello::decode(&client_hello[7..]).unwrap();
        let x25519 = X25519Secret::from_bytes(Secret::new(rng.bytes()));
        let random = rng.bytes();
        let mut extensions = Vec::new();
        let mut mlkem = None;
        if let Some(key) = parsed.mlkem {
            let (ciphertext, secret) = encapsulate(key, &Secret::new(rng.bytes())).unwrap();
            extensions.push((1, ciphertext.to_vec()));
            mlkem = Some(secret);
        }
        let agreed = Agreed { mlkem, x25519: x25519.agree(parsed.x25519).unwrap() };
        let aead = parsed.aeads.iter().find(|id| matches!(id, 1 | 2)).copied().unwrap();
        let hello = Hello {
            random,
            x25519: x25519.public(),
            aead: vec![aead],
            extensions,
            tail: Vec::new(),
        };
        Self { agreed, client_hello: client_hello.to_vec(), hello }
    }

    pub(super) fn frame(&self) -> Vec<u8> {
        frame(1, 2, &self.hello.body())
    }

    pub(super) fn keys(self, prologue: &[u8]) -> Keys {
        let cipher = Cipher::from_id(self.hello.aead[0]).unwrap();
        let hello = self.frame();
        Keys::new(Role::Server, prologue, &self.client_hello, &hello, cipher, &self.agreed)
    }
}

/// A peer under the handshake keys.
pub(super) struct Keys {
    role: Role,
    cipher: Cipher,
    hybrid: bool,
    pub(super) transcript: Transcript,
    secrets: HandshakeSecrets,
    pub(super) sealer: Sealer,
    pub(super) opener: Opener,
}

impl Keys {
    fn new(
        role: Role,
        prologue: &[u8],
        client_hello: &[u8],
        server_hello: &[u8],
        cipher: Cipher,
        agreed: &Agreed,
    ) -> Self {
        let mut transcript = Transcript::new(prologue).unwrap();
        transcript.add(client_hello);
        transcript.add(server_hello);
        let secrets = HandshakeSecrets::derive(agreed, &transcript.hash()).unwrap();
        let (own, other) = match role {
            Role::Client => (&secrets.client, &secrets.server),
            Role::Server => (&secrets.server, &secrets.client),
        };
        let sealer = Sealer::new(cipher, own).unwrap();
        let opener = Opener::new(cipher, other).unwrap();
        let hybrid = agreed.mlkem.is_some();
        Self { role, cipher, hybrid, transcript, secrets, sealer, opener }
    }

    /// An Auth message as the script wants it; the transcript waits for [`Self::traffic`].
    pub(super) fn message(&self, auth: &Auth) -> Vec<u8> {
        let own = match self.role {
            Role::Client => &self.secrets.client,
            Role::Server => &self.secrets.server,
        };
        auth.encode(&self.transcript, own)
    }

    pub(super) fn seal(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        sealed(&mut self.sealer, kind, content, Padding::AUTH)
    }

    /// Goes on to the traffic keys; `rest` is what the transcript lacks of the Auth messages.
    pub(super) fn traffic(mut self, rest: &[&[u8]]) -> Peer {
        for message in rest {
            self.transcript.add(message);
        }
        let generation = self.secrets.into_generation(self.transcript.hash());
        Peer::new(self.role, self.cipher, self.hybrid, generation)
    }
}

/// A ClientAuth or ServerAuth, with everything that can be wrong with it.
#[derive(Debug, Clone)]
pub(super) struct Auth {
    pub(super) kind: u8,
    /// All between the type and the key.
    pub(super) front: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) extensions: Vec<u8>,
    pub(super) signer: Identity,
    pub(super) namespace: &'static str,
    /// In the place of a signature by `signer`.
    pub(super) signature: Option<Vec<u8>>,
    pub(super) wrong_mac: bool,
    pub(super) tail: Vec<u8>,
}

impl Auth {
    pub(super) fn of_server(signer: Identity) -> Self {
        Self {
            kind: 1,
            front: Vec::new(),
            key: signer.public_key().blob().to_vec(),
            extensions: Vec::new(),
            signer,
            namespace: "handfast-v1-server",
            signature: None,
            wrong_mac: false,
            tail: Vec::new(),
        }
    }

    pub(super) fn of_client(signer: Identity) -> Self {
        let mut auth = Self::of_server(signer);
        auth.kind = 2;
        auth.front = client_front(0, b"alice", &[]);
        auth.extensions = target("host.example");
        auth.namespace = "handfast-v1-client";
        auth
    }

    fn encode(&self, transcript: &Transcript, own: &DirectionSecret) -> Vec<u8> {
        let mut transcript = transcript.clone();
        let front =
            [&[self.kind][..], &self.front, &bytes16(&self.key), &bytes16(&self.extensions)]
                .concat();
        transcript.add(&front);
        let signature = self.signature.clone().unwrap_or_else(|| {
            let signed = sshsig::signed_data(self.namespace, &transcript.hash());
            sshsig::signature_blob(&self.signer.sign(&signed)).to_vec()
        });
        let signature = bytes16(&signature);
        transcript.add(&signature);
        let mut mac = Vec::new();
        own.mac(&transcript.hash()).unwrap().append_to(&mut mac);
        mac[31] ^= u8::from(self.wrong_mac);
        [&front[..], &signature, &mac, &self.tail].concat()
    }
}

/// Flags, login and protocols of a ClientAuth.
pub(super) fn client_front(flags: u8, login: &[u8], protocols: &[&[u8]]) -> Vec<u8> {
    let protocols: Vec<u8> = protocols.iter().flat_map(|name| bytes8(name)).collect();
    [&[flags][..], &bytes8(login), &bytes16(&protocols)].concat()
}

fn sealed(sealer: &mut Sealer, kind: u8, content: &[u8], padding: Padding) -> Vec<u8> {
    let mut out = Vec::new();
    // Unknown takes every number as it is
    sealer.seal(RecordType::Unknown(kind), content, padding, &mut out).unwrap();
    out
}

/// What an Error record says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) code: u16,
    pub(super) text: String,
    /// The length of `inner`.
    pub(super) inner: usize,
}

/// Opens the one record in `bytes`, which is an Error.
#[track_caller]
pub(super) fn said(opener: &mut Opener, bytes: &[u8]) -> Said {
    let len = crate::session::record_len(bytes).unwrap();
    assert_eq!(len, Some(bytes.len()), "one record, and nothing behind it");
    let mut record = bytes.to_vec();
    let opened = opener.open(&mut record).unwrap();
    assert_eq!(opened.kind, RecordType::Error);
    let Farewell { code, text } = Farewell::decode(opened.content).unwrap();
    Said { code: code.number(), text, inner: bytes.len() - 2 - 16 }
}

/// The Error that a side sends before Welcome.
pub(super) fn padded(code: u16) -> Said {
    Said { code, text: String::new(), inner: 512 }
}

/// The Error that a side sends after Welcome: code, the text's length, and the type.
pub(super) fn plain(code: u16) -> Said {
    Said { code, text: String::new(), inner: 5 }
}

/// A peer under the traffic keys.
pub(super) struct Peer {
    pub(super) cipher: Cipher,
    pub(super) hybrid: bool,
    pub(super) generation: Generation,
    pub(super) sealer: Sealer,
    pub(super) opener: Opener,
    pub(super) rng: Rng,
}

impl Peer {
    fn new(role: Role, cipher: Cipher, hybrid: bool, generation: Generation) -> Self {
        let (sealer, opener) = pair(role, cipher, &generation);
        Self { cipher, hybrid, generation, sealer, opener, rng: Rng::new(43) }
    }

    pub(super) fn say(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        sealed(&mut self.sealer, kind, content, Padding::None)
    }

    /// Type and content of the one record in `bytes`.
    #[track_caller]
    pub(super) fn hear(&mut self, bytes: &[u8]) -> (u8, Vec<u8>) {
        let mut record = bytes.to_vec();
        let opened = self.opener.open(&mut record).unwrap();
        (opened.kind.id(), opened.content.to_vec())
    }
}

fn pair(role: Role, cipher: Cipher, generation: &Generation) -> (Sealer, Opener) {
    let (client, server) = (
        generation.traffic().unwrap().client().unwrap(),
        generation.traffic().unwrap().server().unwrap(),
    );
    let (own, other) = match role {
        Role::Client => (client, server),
        Role::Server => (server, client),
    };
    (Sealer::new(cipher, &own).unwrap(), Opener::new(cipher, &other).unwrap())
}
