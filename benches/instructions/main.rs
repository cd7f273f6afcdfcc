//! One case at a time for `compare.py`, which counts the instructions inside [`counted`].
//!
//! `--list` names the cases, each with how often it is run; without a name every case is run.
//! Keys and randomness are the same in each run, so that the counts are.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails")]
#![expect(clippy::panic, reason = "a bench that finds something else fails")]

mod ping_pong;

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;

use handfast::Cipher;
use handfast::handshake::client::{self, Answer};
use handfast::handshake::server;
use handfast::handshake::{
    ClientConfig, ClientFresh, Established, Exchange, Identities, ServerConfig, ServerFresh,
    hello_len,
};
use handfast::key::Identity;
use handfast::session::{Incoming, MAX_DATA, Receiver, Sender, record_len};
use rand::{TryCryptoRng, TryRng};

use Cipher::{Aes256Gcm, ChaCha20Poly1305};
use Exchange::{Classical, Hybrid};
use Side::{Client, Server};
use Work::PingPong;
use Work::{Handshake, Open, Seal};

/// As many as even out what differs from key to key.
const HANDSHAKES: u64 = 8;

/// Messages there and back again.
const ROUND_TRIPS: u64 = 500;

const MIB: usize = 1 << 20;
const SMALL: usize = 64;

#[derive(Clone, Copy)]
enum Work {
    Handshake(Side, Exchange),
    /// So many bytes, in records of so many at most.
    Seal(Cipher, usize, usize),
    Open(Cipher, usize, usize),
    /// One small message there and one back, over streams.
    PingPong(Cipher),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

const CASES: &[(&str, Work)] = &[
    ("client-hybrid", Handshake(Client, Hybrid)),
    ("client-classical", Handshake(Client, Classical)),
    ("server-hybrid", Handshake(Server, Hybrid)),
    ("server-classical", Handshake(Server, Classical)),
    ("seal-chacha20-poly1305-1MiB", Seal(ChaCha20Poly1305, MIB, MAX_DATA)),
    ("seal-aes-256-gcm-1MiB", Seal(Aes256Gcm, MIB, MAX_DATA)),
    ("open-chacha20-poly1305-1MiB", Open(ChaCha20Poly1305, MIB, MAX_DATA)),
    ("open-aes-256-gcm-1MiB", Open(Aes256Gcm, MIB, MAX_DATA)),
    // a thousand records, where what each costs by itself is seen
    ("seal-chacha20-poly1305-1000x64B", Seal(ChaCha20Poly1305, 1000 * SMALL, SMALL)),
    ("seal-aes-256-gcm-1000x64B", Seal(Aes256Gcm, 1000 * SMALL, SMALL)),
    ("open-chacha20-poly1305-1000x64B", Open(ChaCha20Poly1305, 1000 * SMALL, SMALL)),
    ("open-aes-256-gcm-1000x64B", Open(Aes256Gcm, 1000 * SMALL, SMALL)),
    ("ping-pong-chacha20-poly1305-64B", PingPong(ChaCha20Poly1305)),
    ("ping-pong-aes-256-gcm-64B", PingPong(Aes256Gcm)),
];

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if given.iter().any(|word| word == "--list") {
        return list();
    }
    // cargo gives options of its own
    let names: Vec<&String> = given.iter().filter(|word| !word.starts_with('-')).collect();
    for &(name, work) in CASES {
        if names.is_empty() || names.iter().any(|wanted| *wanted == name) {
            run(work);
        }
    }
}

#[expect(clippy::print_stdout, reason = "the list is what was asked for")]
fn list() {
    for &(name, work) in CASES {
        let times = match work {
            Handshake(..) => HANDSHAKES,
            PingPong(_) => ROUND_TRIPS,
            Seal(..) | Open(..) => 1,
        };
        println!("{name} {times}");
    }
}

fn run(work: Work) {
    match work {
        Handshake(side, exchange) => {
            let ends = Ends::new(ChaCha20Poly1305, exchange);
            // what is looked up once in a process is not counted
            ends.handshake(None, 0);
            for seed in 1..=HANDSHAKES {
                black_box(ends.handshake(Some(side), seed));
            }
        }
        Seal(cipher, total, size) => {
            let (mut sender, _) = session(cipher);
            let mut wire = Vec::with_capacity(2 * total);
            sender.data(&[7; SMALL], &mut wire).unwrap();
            let data = vec![7; total];
            counted(|| seal(&mut sender, &data, size, &mut wire));
        }
        Open(cipher, total, size) => {
            let (mut sender, mut receiver) = session(cipher);
            let mut wire = Vec::new();
            sender.data(&[7; SMALL], &mut wire).unwrap();
            open(&mut receiver, &mut wire);
            wire.clear();
            seal(&mut sender, &vec![7; total], size, &mut wire);
            let opened = counted(|| open(&mut receiver, &mut wire));
            assert_eq!(opened, total);
        }
        PingPong(cipher) => ping_pong::run(cipher),
    }
}

/// What is done in here is counted, by this function's name.
#[inline(never)]
fn counted<T>(work: impl FnOnce() -> T) -> T {
    // not by a jump at the end, which would leave this function before the work is done
    black_box(work())
}

fn session(cipher: Cipher) -> (Sender, Receiver) {
    let (client, server) = Ends::new(cipher, Classical).handshake(None, 0);
    (client.session.into_parts().0, server.session.into_parts().1)
}

fn seal(sender: &mut Sender, data: &[u8], size: usize, wire: &mut Vec<u8>) {
    for chunk in data.chunks(size) {
        sender.data(chunk, wire).unwrap();
    }
}

/// How much data was in it.
fn open(receiver: &mut Receiver, wire: &mut [u8]) -> usize {
    let (mut rest, mut opened) = (wire, 0);
    while !rest.is_empty() {
        let len = record_len(rest).unwrap().unwrap();
        let (record, behind) = rest.split_at_mut(len);
        match receiver.open(record).unwrap() {
            Incoming::Data(data) => opened += data.len(),
            Incoming::Control(kind, _) => panic!("{kind:?}"),
        }
        rest = behind;
    }
    opened
}

/// Two ends that both prove a key.
struct Ends {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    identity: Identity,
}

impl Ends {
    fn new(cipher: Cipher, exchange: Exchange) -> Self {
        let mut client = ClientConfig::default();
        client.ciphers = vec![cipher];
        client.exchange = exchange;
        let mut server = ServerConfig::new(Identities::new(Identity::from_seed(&[1; 32])));
        server.ciphers = vec![cipher];
        server.exchange = exchange;
        // the fast way of a client that knows the server
        client.expected = server.identities.iter().map(|host| host.public_key().clone()).collect();
        let identity = Identity::from_seed(&[2; 32]);
        Self { client: Arc::new(client), server: Arc::new(server), identity }
    }

    /// Counts what one side does, all but drawing what is fresh.
    fn handshake(&self, side: Option<Side>, seed: u64) -> (Established, Established) {
        let is = |which| side == Some(which);
        let mut rng = Rng(seed);
        let Ok(fresh) = ClientFresh::draw(&mut rng);
        let (client, hello) =
            step(is(Client), || client::start(Arc::clone(&self.client), fresh).unwrap());
        let Ok(fresh) = ServerFresh::draw(&mut rng);
        let (server, mut out) = step(is(Server), || {
            server::hello(&self.server, &hello).unwrap().accept(fresh).unwrap()
        });
        let (client, mut out) = step(is(Client), || {
            let len = hello_len(&out).unwrap().unwrap();
            let (hello, auth) = out.split_at_mut(len);
            let verify = client.read(hello).unwrap().read(auth).unwrap();
            assert!(self.client.expected.contains(verify.host_key()));
            verify.trust(Some(&self.identity)).unwrap()
        });
        let (server, mut out) = step(is(Server), || {
            let server = server.read(&mut out).unwrap();
            assert!(server.claims().key.is_some());
            server.welcome().unwrap()
        });
        let client = step(is(Client), || match client.read(&mut out).unwrap() {
            Answer::Welcome(welcomed) => welcomed.established,
            Answer::Password(_) => panic!("no password is asked for"),
        });
        (client, server)
    }
}

fn step<T>(count: bool, work: impl FnOnce() -> T) -> T {
    if count { counted(work) } else { work() }
}

/// The same bytes for the same seed; nobody's secret.
struct Rng(u64);

impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let [a, b, c, d, ..] = self.try_next_u64()?.to_le_bytes();
        Ok(u32::from_le_bytes([a, b, c, d]))
    }

    /// SplitMix64.
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(mixed ^ (mixed >> 31))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(8) {
            let drawn = self.try_next_u64()?.to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(drawn) {
                *to = from;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Rng {}
