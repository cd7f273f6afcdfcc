//! The server's role.

use super::crypto::{
    CHACHA, Direction, Secrets, encapsulate, key_blob, random, verify, x25519, x25519_public,
};
use super::link::{Channel, Io, Link};
use super::messages::{
    AUTH, CLIENT_HELLO, ClientWords, Extensions, Fields, HINTS, MLKEM, Proof, SERVER_HELLO, bytes8,
    bytes16, extensions, frame, hint, padded,
};

/// What a client's hello said.
#[derive(Clone)]
pub(crate) struct Heard {
    pub(crate) frame: Vec<u8>,
    pub(crate) random: [u8; 32],
    pub(crate) x25519: [u8; 32],
    pub(crate) aeads: Vec<u8>,
    pub(crate) extensions: Extensions,
}

impl Heard {
    pub(crate) fn extension(&self, kind: u16) -> Option<&[u8]> {
        self.extensions.iter().find(|(k, _)| *k == kind).map(|(_, body)| body.as_slice())
    }

    /// How many of its hints name this key.
    pub(crate) fn hints_at(&self, seed: &[u8; 32]) -> usize {
        let hint = hint(&key_blob(seed), &self.random, &self.x25519);
        self.extension(HINTS).unwrap().chunks(16).filter(|h| *h == hint).count()
    }
}

/// A ServerHello, with every field as the script wants it.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) form: u8,
    pub(crate) kind: u8,
    pub(crate) x25519: Option<[u8; 32]>,
    pub(crate) aead: u8,
    pub(crate) hybrid: bool,
    /// In the place of the ciphertext.
    pub(crate) ciphertext: Option<Vec<u8>>,
    pub(crate) more: Extensions,
    pub(crate) tail: Vec<u8>,
    pub(crate) prologue: Vec<u8>,
}

impl Answer {
    pub(crate) fn new() -> Self {
        Self {
            form: 1,
            kind: SERVER_HELLO,
            x25519: None,
            aead: CHACHA,
            hybrid: true,
            ciphertext: None,
            more: Vec::new(),
            tail: Vec::new(),
            prologue: Vec::new(),
        }
    }
}

/// Reads a ClientHello and checks what every one must hold.
pub(crate) async fn hear_hello(link: &mut Link) -> Heard {
    let (sent, kind, body) = link.frame().await;
    assert_eq!(kind, CLIENT_HELLO);
    let mut fields = Fields(&body);
    let heard = Heard {
        random: fields.array(),
        x25519: fields.array(),
        aeads: fields.bytes8().to_vec(),
        extensions: fields.extensions(),
        frame: sent,
    };
    assert!(fields.0.is_empty());
    heard
}

/// Answers a hello.
pub(crate) async fn answer_hello(mut link: Link, heard: &Heard, answer: &Answer) -> Channel {
    let secret = random();
    let (mut ikm, mut list) = (Vec::new(), answer.more.clone());
    if answer.hybrid {
        let key = heard.extension(MLKEM).unwrap();
        let (ciphertext, shared) = encapsulate(key.try_into().unwrap(), random());
        ikm.extend(shared);
        list.push((MLKEM, answer.ciphertext.clone().unwrap_or(ciphertext.to_vec())));
        list.sort();
    }
    ikm.extend(x25519(&secret, &heard.x25519));
    let body = [
        random::<32>().to_vec(),
        answer.x25519.unwrap_or_else(|| x25519_public(&secret)).to_vec(),
        vec![answer.aead],
        bytes16(&extensions(&list)),
        answer.tail.clone(),
    ];
    let sent = frame(answer.form, answer.kind, &body.concat());
    link.send(&sent).await;
    let transcript = [Secrets::begin(&answer.prologue), heard.frame.clone(), sent].concat();
    let secrets = Secrets::handshake(transcript, &ikm);
    let tx = Direction::new(answer.aead, &secrets.s_hs);
    let rx = Direction::new(answer.aead, &secrets.c_hs);
    Channel { link, aead: answer.aead, hybrid: answer.hybrid, secrets, tx, rx }
}

/// What a ClientAuth said.
#[derive(Clone)]
pub(crate) struct Claims {
    pub(crate) words: ClientWords,
    pub(crate) key: Vec<u8>,
    pub(crate) extensions: Extensions,
}

impl Channel {
    /// Everything up to the hellos.
    pub(crate) async fn hellos(io: impl Io + 'static, answer: &Answer) -> Self {
        let mut link = Link::new(io);
        let heard = hear_hello(&mut link).await;
        answer_hello(link, &heard, answer).await
    }

    pub(crate) async fn send_server_auth(&mut self, proof: &Proof) {
        let secret = self.secrets.s_hs;
        let content = proof.encode(&mut self.secrets, &secret);
        self.send_padded(AUTH, &content).await;
    }

    /// Reads ClientAuth and checks its proofs; the traffic keys are in use then.
    pub(crate) async fn read_client_auth(&mut self) -> Claims {
        let record = self.next().await.expect("ClientAuth");
        assert_eq!((record.kind, record.inner % 512), (AUTH, 0), "{record:?}");
        let smallest = padded(AUTH, &record.content).len();
        assert_eq!(record.inner, smallest, "AUTH-1: the smallest that fits");
        let mut fields = Fields(&record.content);
        assert_eq!(fields.u8(), 2);
        let words = ClientWords {
            flags: fields.u8(),
            login: fields.bytes8().to_vec(),
            protocols: fields.bytes16().to_vec(),
        };
        let key = fields.bytes16().to_vec();
        let extensions = fields.extensions();
        let upto = record.content.len() - fields.0.len();
        self.secrets.transcript.extend_from_slice(&record.content[..upto]);
        let signature = fields.bytes16();
        if key.is_empty() {
            assert!(signature.is_empty(), "AUTH-9");
        } else {
            assert!(verify(&key, signature, "handfast-v1-client", &self.secrets.th()));
        }
        self.secrets.transcript.extend(bytes16(signature));
        let mac = self.secrets.finished(&self.secrets.c_hs);
        assert_eq!(fields.0, mac, "mac");
        self.secrets.transcript.extend_from_slice(&mac);
        self.use_traffic_keys(false);
        Claims { words, key, extensions }
    }

    pub(crate) async fn ask(&mut self, method: u8, body: &[u8]) {
        let content = [&[3, method], bytes16(body).as_slice()].concat();
        self.send_padded(AUTH, &content).await;
    }

    /// The body of an AuthResponse for method 1.
    pub(crate) async fn answered(&mut self) -> Vec<u8> {
        let record = self.next().await.expect("AuthResponse");
        assert_eq!((record.kind, record.inner % 512), (AUTH, 0), "{record:?}");
        let mut fields = Fields(&record.content);
        assert_eq!((fields.u8(), fields.u8()), (4, 1));
        let body = fields.bytes16().to_vec();
        assert!(fields.0.is_empty());
        body
    }

    pub(crate) async fn send_welcome(&mut self, protocol: &[u8], list: &Extensions) {
        let content = [vec![5], bytes8(protocol), bytes16(&extensions(list))].concat();
        self.send_padded(AUTH, &content).await;
    }

    /// Everything up to ClientAuth.
    pub(crate) async fn receive(io: impl Io + 'static, seed: &[u8; 32]) -> (Self, Claims) {
        let mut channel = Self::hellos(io, &Answer::new()).await;
        channel.send_server_auth(&Proof::of_server(seed)).await;
        let claims = channel.read_client_auth().await;
        (channel, claims)
    }

    /// Everything up to Welcome.
    pub(crate) async fn accept(io: impl Io + 'static, seed: &[u8; 32]) -> Self {
        let (mut channel, _) = Self::receive(io, seed).await;
        channel.send_welcome(b"", &Vec::new()).await;
        channel
    }
}
