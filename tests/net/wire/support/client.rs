//! The client's role.

use super::crypto::{
    CHACHA, Direction, Secrets, decapsulate, encapsulate, kem_key, random, sha256, verify, x25519,
    x25519_public,
};
use super::link::{Channel, Io, Link};
use super::messages::{
    AUTH, CLIENT_HELLO, Extensions, Fields, HINTS, MLKEM, Proof, REKEY_DONE, REKEY_INIT,
    REKEY_REPLY, SERVER_HELLO, bytes8, bytes16, extensions, frame, hint, padded,
};

/// A ClientHello, with every field as the script wants it.
#[derive(Clone)]
pub(crate) struct Hello {
    pub(crate) form: u8,
    pub(crate) kind: u8,
    pub(crate) random: [u8; 32],
    pub(crate) secret: [u8; 32],
    /// Sent in the place of the public half of `secret`.
    pub(crate) x25519: Option<[u8; 32]>,
    pub(crate) kem: [u8; 64],
    pub(crate) aeads: Vec<u8>,
    pub(crate) extensions: Extensions,
    pub(crate) tail: Vec<u8>,
    pub(crate) prologue: Vec<u8>,
}

impl Hello {
    pub(crate) fn new() -> Self {
        let kem = random();
        Self {
            form: 1,
            kind: CLIENT_HELLO,
            random: random(),
            secret: random(),
            x25519: None,
            kem,
            aeads: vec![0x3a, CHACHA],
            extensions: vec![
                (MLKEM, kem_key(&kem).to_vec()),
                (HINTS, random::<128>().to_vec()),
                (0x4a4a, vec![1, 2, 3]),
            ],
            tail: Vec::new(),
            prologue: Vec::new(),
        }
    }

    pub(crate) fn aeads(mut self, aeads: &[u8]) -> Self {
        self.aeads = aeads.to_vec();
        self
    }

    pub(crate) fn without(mut self, kind: u16) -> Self {
        self.extensions.retain(|(k, _)| *k != kind);
        self
    }

    pub(crate) fn with(self, kind: u16, body: Vec<u8>) -> Self {
        let mut hello = self.without(kind);
        hello.extensions.push((kind, body));
        hello.extensions.sort();
        hello
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.x25519.unwrap_or_else(|| x25519_public(&self.secret))
    }

    /// With a real hint at a key, in the place `at` of 8.
    pub(crate) fn hinting(self, key: &[u8], at: usize) -> Self {
        let hint = hint(key, &self.random, &self.public());
        let mut hints: [u8; 128] = random();
        hints[at * 16..][..16].copy_from_slice(&hint);
        self.with(HINTS, hints.to_vec())
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let parts = [
            self.random.to_vec(),
            self.public().to_vec(),
            bytes8(&self.aeads),
            bytes16(&extensions(&self.extensions)),
            self.tail.clone(),
        ];
        parts.concat()
    }

    pub(crate) fn frame(&self) -> Vec<u8> {
        frame(self.form, self.kind, &self.body())
    }
}

/// Sends a hello and reads the server's.
pub(crate) async fn say_hello(io: impl Io + 'static, hello: &Hello) -> Channel {
    let mut link = Link::new(io);
    link.send(&hello.frame()).await;
    let (sent, kind, body) = link.frame().await;
    assert_eq!(kind, SERVER_HELLO, "not a Refusal");
    let mut fields = Fields(&body);
    let _random: [u8; 32] = fields.array();
    let public = fields.array();
    let aead = fields.u8();
    let extensions = fields.extensions();
    assert!(fields.0.is_empty());
    assert!(hello.aeads.contains(&aead), "an AEAD that was listed");
    let mut ikm = Vec::new();
    for (kind, body) in &extensions {
        assert_eq!(*kind, MLKEM, "only what was offered and has a form");
        ikm.extend(decapsulate(&hello.kem, body.as_slice().try_into().unwrap()));
    }
    let hybrid = !ikm.is_empty();
    ikm.extend(x25519(&hello.secret, &public));
    let transcript = [Secrets::begin(&hello.prologue), hello.frame(), sent].concat();
    let secrets = Secrets::handshake(transcript, &ikm);
    let tx = Direction::new(aead, &secrets.c_hs);
    let rx = Direction::new(aead, &secrets.s_hs);
    Channel { link, aead, hybrid, secrets, tx, rx }
}

impl Channel {
    /// Reads ServerAuth and checks its proofs; the server's key.
    pub(crate) async fn server_auth(&mut self) -> Vec<u8> {
        let record = self.next().await.expect("ServerAuth");
        assert_eq!((record.kind, record.inner % 512), (AUTH, 0));
        let mut fields = Fields(&record.content);
        assert_eq!(fields.u8(), 1);
        let key = fields.bytes16().to_vec();
        assert_eq!(fields.extensions(), []);
        let upto = record.content.len() - fields.0.len();
        let start = self.secrets.transcript.len();
        self.secrets.transcript.extend_from_slice(&record.content[..upto]);
        let signature = fields.bytes16();
        assert!(verify(&key, signature, "handfast-v1-server", &self.secrets.th()), "signature");
        self.secrets.transcript.extend(bytes16(signature));
        let mac = self.secrets.finished(&self.secrets.s_hs);
        assert_eq!(fields.0, mac, "mac");
        self.secrets.transcript.extend_from_slice(&mac);
        assert_eq!(&self.secrets.transcript[start..], record.content);
        key
    }

    /// The record of ClientAuth; afterwards the traffic keys are in use.
    pub(crate) fn client_auth_record(&mut self, proof: &Proof) -> Vec<u8> {
        let secret = self.secrets.c_hs;
        let content = proof.encode(&mut self.secrets, &secret);
        let record = self.tx.seal(&padded(AUTH, &content));
        self.use_traffic_keys(true);
        record
    }

    pub(crate) fn use_traffic_keys(&mut self, client: bool) {
        self.secrets.authenticated();
        let c = Direction::new(self.aead, &self.secrets.c_ap());
        let s = Direction::new(self.aead, &self.secrets.s_ap());
        (self.tx, self.rx) = if client { (c, s) } else { (s, c) };
    }

    pub(crate) async fn client_auth(&mut self, proof: &Proof) {
        let record = self.client_auth_record(proof);
        self.link.send(&record).await;
    }

    /// The content of an AuthRequest's body for method 1.
    pub(crate) async fn asked(&mut self) -> Vec<u8> {
        let record = self.next().await.expect("AuthRequest");
        assert_eq!((record.kind, record.inner), (AUTH, 512));
        let mut fields = Fields(&record.content);
        assert_eq!((fields.u8(), fields.u8()), (3, 1));
        let prompt = fields.bytes16().to_vec();
        assert!(fields.0.is_empty());
        prompt
    }

    pub(crate) async fn answer(&mut self, method: u8, body: &[u8]) {
        let content = [&[4, method], bytes16(body).as_slice()].concat();
        self.send_padded(AUTH, &content).await;
    }

    /// The protocol and extensions of Welcome.
    pub(crate) async fn welcome(&mut self) -> (Vec<u8>, Extensions) {
        let record = self.next().await.expect("Welcome");
        assert_eq!((record.kind, record.inner % 512), (AUTH, 0), "{record:?}");
        let mut fields = Fields(&record.content);
        assert_eq!(fields.u8(), 5);
        let welcome = (fields.bytes8().to_vec(), fields.extensions());
        assert!(fields.0.is_empty());
        welcome
    }

    /// Everything up to ClientAuth.
    pub(crate) async fn prove(io: impl Io + 'static, proof: &Proof) -> Self {
        let mut channel = say_hello(io, &Hello::new()).await;
        channel.server_auth().await;
        channel.client_auth(proof).await;
        channel
    }

    /// Everything up to Welcome.
    pub(crate) async fn connect(io: impl Io + 'static, proof: &Proof) -> Self {
        let mut channel = Self::prove(io, proof).await;
        channel.welcome().await;
        channel
    }

    /// RekeyInit, with what answers it.
    pub(crate) fn rekey_init(&self) -> Init {
        let (secret, kem): ([u8; 32], [u8; 64]) = (random(), random());
        let key = if self.hybrid { kem_key(&kem).to_vec() } else { Vec::new() };
        let content = [x25519_public(&secret).to_vec(), bytes16(&key)].concat();
        Init { secret, kem, content }
    }

    /// A RekeyReply came: RekeyDone goes out, both directions switch.
    pub(crate) async fn finish_rekey(&mut self, init: &Init, reply: &[u8]) {
        self.take_reply(init, reply);
        self.send(REKEY_DONE, b"").await;
        self.tx = Direction::new(self.aead, &self.secrets.c_ap());
    }

    pub(crate) fn take_reply(&mut self, init: &Init, reply: &[u8]) {
        let mut fields = Fields(reply);
        let public = fields.array();
        let ciphertext = fields.bytes16();
        assert!(fields.0.is_empty());
        assert_eq!(!ciphertext.is_empty(), self.hybrid, "REKEY-2");
        let mut ikm = Vec::new();
        if self.hybrid {
            ikm.extend(decapsulate(&init.kem, ciphertext.try_into().unwrap()));
        }
        ikm.extend(x25519(&init.secret, &public));
        self.secrets.rekeyed(&init.content, reply, &ikm);
        self.rx = Direction::new(self.aead, &self.secrets.s_ap());
    }

    /// A whole rekey that the client begins, with nothing between.
    pub(crate) async fn rekey(&mut self) {
        let init = self.rekey_init();
        self.send(REKEY_INIT, &init.content).await;
        let reply = self.expect(REKEY_REPLY).await;
        self.finish_rekey(&init, &reply).await;
    }

    /// The server's part: RekeyReply goes out and the sending direction switches; gives the
    /// direction that receives behind RekeyDone.
    pub(crate) async fn reply_rekey(&mut self, init: &[u8]) -> Direction {
        let mut fields = Fields(init);
        let public = fields.array();
        let key = fields.bytes16();
        assert!(fields.0.is_empty());
        assert_eq!(!key.is_empty(), self.hybrid, "REKEY-2");
        let (mut ikm, mut field) = (Vec::new(), Vec::new());
        if self.hybrid {
            let (ciphertext, shared) = encapsulate(key.try_into().unwrap(), random());
            field = ciphertext.to_vec();
            ikm.extend(shared);
        }
        let secret = random();
        ikm.extend(x25519(&secret, &public));
        let reply = [x25519_public(&secret).to_vec(), bytes16(&field)].concat();
        self.send(REKEY_REPLY, &reply).await;
        self.secrets.rekeyed(init, &reply, &ikm);
        self.tx = Direction::new(self.aead, &self.secrets.s_ap());
        Direction::new(self.aead, &self.secrets.c_ap())
    }
}

pub(crate) struct Init {
    pub(crate) secret: [u8; 32],
    pub(crate) kem: [u8; 64],
    pub(crate) content: Vec<u8>,
}

/// The hash that OPP-1 makes of both plaintexts.
pub(crate) fn prologue(client: &[u8], server: &[u8]) -> Vec<u8> {
    [sha256(client), sha256(server)].concat()
}
