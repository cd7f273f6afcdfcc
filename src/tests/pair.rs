//! Two honest ends without I/O, with fixed randomness and a clock that stands until it is moved.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rand::{TryCryptoRng, TryRng};

use crate::crypto::{Cipher, sha256};
use crate::error::Error;
use crate::handshake::client::{self, Answer, AwaitServerHello, AwaitWelcome, Welcomed};
use crate::handshake::server::{self, Authenticating};
use crate::handshake::{
    self, ClientConfig, ClientFresh, Established, Exchange, Identities, ServerConfig, ServerFresh,
    Target,
};
use crate::key::Identity;
use crate::session::{self, Event, Session};

/// Seeds of the keys that most tests use.
pub(super) const HOST: u8 = 1;
pub(super) const CLIENT: u8 = 2;

pub(super) fn identity(seed: u8) -> Identity {
    Identity::from_seed(&[seed; 32])
}

/// Noon, for every test of a run.
pub(super) fn noon() -> Instant {
    static NOON: OnceLock<Instant> = OnceLock::new();
    *NOON.get_or_init(Instant::now)
}

pub(super) fn after(seconds: f64) -> Instant {
    noon() + Duration::from_secs_f64(seconds)
}

/// The same bytes for the same seed, on every machine.
#[derive(Debug)]
pub(super) struct Rng {
    seed: u64,
    drawn: u64,
}

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let Ok(()) = self.try_fill_bytes(&mut out);
        out
    }
}

impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_be_bytes(self.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_be_bytes(self.bytes()))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(32) {
            let block = sha256(&[&self.seed.to_be_bytes(), &self.drawn.to_be_bytes()]);
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.drawn += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Rng {}

/// What two honest ends bring along.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) client: ClientConfig,
    pub(super) server: ServerConfig,
    pub(super) identity: Option<Identity>,
    pub(super) seed: u64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            client: ClientConfig {
                login: "alice".to_owned(),
                target: Target::new("host.example", 7000),
                ..ClientConfig::default()
            },
            server: ServerConfig::new(Identities::new(identity(HOST))),
            identity: Some(identity(CLIENT)),
            seed: 7,
        }
    }
}

impl Setup {
    pub(super) fn new(cipher: Cipher, exchange: Exchange) -> Self {
        let mut setup = Self::default();
        setup.client.ciphers = vec![cipher];
        setup.client.exchange = exchange;
        setup.server.ciphers = vec![cipher];
        setup.server.exchange = exchange;
        setup
    }

    /// Without ML-KEM, which makes no difference to most rules and saves time.
    pub(super) fn classical() -> Self {
        Self::new(Cipher::ChaCha20Poly1305, Exchange::Classical)
    }

    /// Every combination of cipher and exchange.
    pub(super) fn all() -> Vec<Self> {
        let ciphers = [Cipher::ChaCha20Poly1305, Cipher::Aes256Gcm];
        let exchanges = [Exchange::Hybrid, Exchange::Classical];
        ciphers.iter().flat_map(|c| exchanges.map(|x| Self::new(*c, x))).collect()
    }

    pub(super) fn eager(mut self) -> Self {
        self.client.eager = true;
        self
    }

    pub(super) fn rng(&self, stream: u64) -> Rng {
        Rng::new(self.seed.wrapping_mul(1000).wrapping_add(stream))
    }

    pub(super) fn start(&self) -> (AwaitServerHello, Vec<u8>) {
        let Ok(fresh) = ClientFresh::draw(&mut self.rng(1));
        client::start(Arc::new(self.client.clone()), fresh).unwrap()
    }

    pub(super) fn server_fresh(&self) -> ServerFresh {
        let Ok(fresh) = ServerFresh::draw(&mut self.rng(2));
        fresh
    }

    /// Up to the place where the server decides whether to admit the client.
    pub(super) fn authenticating(&self) -> (AwaitWelcome, Authenticating) {
        let (client, out) = self.start();
        let server = server::hello(&Arc::new(self.server.clone()), &out).unwrap();
        let (server, out) = server.accept(self.server_fresh()).unwrap();
        let (hello, mut auth) = split_hello(&out);
        let client = client.read(&hello).unwrap().read(&mut auth).unwrap();
        let (client, mut out) = client.trust(self.identity.as_ref()).unwrap();
        (client, server.read(&mut out).unwrap())
    }

    pub(super) fn established(&self) -> (Welcomed, Established) {
        let (client, server) = self.authenticating();
        let (server, mut out) = server.welcome().unwrap();
        (welcomed(client.read(&mut out).unwrap()), server)
    }

    pub(super) fn sessions(&self) -> Ends {
        let (client, server) = self.established();
        Ends {
            client: client.established.session,
            server: server.session,
            rng: self.rng(3),
            now: noon(),
        }
    }
}

#[track_caller]
pub(super) fn welcomed(answer: Answer) -> Welcomed {
    match answer {
        Answer::Welcome(welcomed) => *welcomed,
        Answer::Password(_) => panic!("a password is asked for"),
    }
}

/// A hello frame, and what is behind it.
#[track_caller]
pub(super) fn split_hello(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let len = handshake::hello_len(bytes).unwrap().unwrap();
    (bytes[..len].to_vec(), bytes[len..].to_vec())
}

/// The records in `bytes`, which end with a record's end.
#[track_caller]
pub(super) fn records(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let len = session::record_len(bytes).unwrap().unwrap();
        out.push(bytes[..len].to_vec());
        bytes = &bytes[len..];
    }
    out
}

/// What a record brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Data(Vec<u8>),
    Closed,
    Pong([u8; 8]),
    Nothing,
}

pub(super) fn data(text: &str) -> Seen {
    Seen::Data(text.as_bytes().to_vec())
}

/// Gives a session whole records.
pub(super) fn take(
    session: &mut Session,
    bytes: &[u8],
    now: Instant,
    rng: &mut Rng,
) -> Result<Vec<Seen>, Error> {
    let mut seen = Vec::new();
    for mut record in records(bytes) {
        seen.push(match session.receive(&mut record, now, rng)? {
            Event::Data(data) => Seen::Data(data.to_vec()),
            Event::Closed => Seen::Closed,
            Event::Pong(payload) => Seen::Pong(payload),
            Event::Nothing => Seen::Nothing,
        });
    }
    Ok(seen)
}

/// Two established ends.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) client: Session,
    pub(super) server: Session,
    pub(super) rng: Rng,
    pub(super) now: Instant,
}

impl Ends {
    pub(super) fn server_reads(&mut self, bytes: &[u8]) -> Result<Vec<Seen>, Error> {
        take(&mut self.server, bytes, self.now, &mut self.rng)
    }

    pub(super) fn client_reads(&mut self, bytes: &[u8]) -> Result<Vec<Seen>, Error> {
        take(&mut self.client, bytes, self.now, &mut self.rng)
    }

    pub(super) fn client_sends(&mut self, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        self.client.send(text.as_bytes(), &mut out).unwrap();
        out
    }

    pub(super) fn server_sends(&mut self, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        self.server.send(text.as_bytes(), &mut out).unwrap();
        out
    }

    pub(super) fn client_rekeys(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.client.rekey(self.now, &mut self.rng, &mut out).unwrap();
        out
    }

    pub(super) fn server_rekeys(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.server.rekey(self.now, &mut self.rng, &mut out).unwrap();
        out
    }

    /// What each side owes, to and fro, until neither owes anything.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        loop {
            let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
            self.client.transmit(&mut to_server)?;
            self.server.transmit(&mut to_client)?;
            if to_server.is_empty() && to_client.is_empty() {
                return Ok(());
            }
            self.server_reads(&to_server)?;
            self.client_reads(&to_client)?;
        }
    }

    /// Data in both directions arrives whole.
    #[track_caller]
    pub(super) fn talk(&mut self, text: &str) {
        let out = self.client_sends(text);
        assert_eq!(self.server_reads(&out), Ok(vec![data(text)]));
        let out = self.server_sends(text);
        assert_eq!(self.client_reads(&out), Ok(vec![data(text)]));
    }

    /// One whole rekey that the client begins; the RekeyInit is left to the caller's eyes.
    #[track_caller]
    pub(super) fn rekey(&mut self) {
        let init = self.client_rekeys();
        assert_ne!(init, Vec::<u8>::new(), "a RekeyInit went out");
        assert_eq!(self.server_reads(&init), Ok(vec![Seen::Nothing]));
        self.settle().unwrap();
    }
}
