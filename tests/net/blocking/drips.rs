//! Peers that are always just in time for the next read or write, and never for the whole.
//!
//! The transport is such a peer: it moves one byte, after a while, whatever time-out it was given.
//! A time limit that began anew with each byte would hold for as long as there are bytes.

#![expect(clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use handfast::auth::{Authenticator, Password, PeerAddr, password};
use handfast::blocking::{Client, Deadline, Finish, Server};
use handfast::handshake::client::{self, Answer};
use handfast::handshake::server::{self, Authenticating};
use handfast::handshake::{
    ClientConfig, ClientFresh, Identities, ServerConfig, ServerFresh, hello_len, record_len,
};
use handfast::key::Identity;
use handfast::{AcceptError, ConnectError, Deadlines, Error};
use rand::rngs::SysRng;

use super::{Ends, host, soon};

/// What one byte takes.
const STEP: Duration = Duration::from_millis(10);
/// The limits of these tests. The shortest message, 530 bytes, takes 5.3 s at this pace.
const LIMIT: Duration = Duration::from_millis(300);
/// Ten times that.
const LATEST: Duration = Duration::from_secs(3);

/// What a peer says next.
enum Say {
    AtOnce(Vec<u8>),
    /// A byte at a time.
    Dripping(Vec<u8>),
}

use Say::{AtOnce, Dripping};

/// Decides what a peer says next by all that it has heard.
type Script = Box<dyn FnMut(&[u8]) -> Say + Send>;

struct PeerRead {
    said: VecDeque<u8>,
    step: Duration,
    heard: Arc<Mutex<Vec<u8>>>,
    script: Script,
}

impl Read for PeerRead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.said.is_empty() {
            let say = (self.script)(&self.heard.lock().unwrap());
            (self.said, self.step) = match say {
                AtOnce(bytes) => (bytes.into(), Duration::ZERO),
                Dripping(bytes) => (bytes.into(), STEP),
            };
        }
        thread::sleep(self.step);
        let len = if self.step.is_zero() { buf.len() } else { buf.len().min(1) };
        self.said.read(&mut buf[..len])
    }
}

struct PeerWrite {
    heard: Arc<Mutex<Vec<u8>>>,
    /// It takes a byte at a time.
    slow: bool,
}

impl Write for PeerWrite {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut len = buf.len();
        if self.slow {
            thread::sleep(STEP);
            len = len.min(1);
        }
        self.heard.lock().unwrap().extend_from_slice(&buf[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn kept(limit: Option<Duration>) -> io::Result<()> {
    assert_ne!(limit, None, "a handshake never waits without a limit");
    Ok(())
}

impl Deadline for PeerRead {
    fn set_timeout(&mut self, limit: Option<Duration>) -> io::Result<()> {
        kept(limit)
    }
}

impl Deadline for PeerWrite {
    fn set_timeout(&mut self, limit: Option<Duration>) -> io::Result<()> {
        kept(limit)
    }
}

impl Finish for PeerWrite {}

fn peer(script: impl FnMut(&[u8]) -> Say + Send + 'static) -> (PeerRead, PeerWrite) {
    let heard = Arc::<Mutex<Vec<u8>>>::default();
    let read = PeerRead {
        said: VecDeque::new(),
        step: Duration::ZERO,
        heard: Arc::clone(&heard),
        script: Box::new(script),
    };
    (read, PeerWrite { heard, slow: false })
}

/// Reads slowly and says nothing.
fn slow_reader() -> (PeerRead, PeerWrite) {
    let (read, mut write) = peer(|_| Dripping(vec![0; 1000]));
    write.slow = true;
    (read, write)
}

/// Runs one side against such a peer; gives what came of it, which comes soon enough.
#[track_caller]
fn in_time<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let start = Instant::now();
    let out = soon(what);
    let took = start.elapsed();
    assert!(took >= LIMIT / 2, "{took:?}: the peer is given its time");
    assert!(took < LATEST, "{took:?}: the limit begins anew with every byte");
    out
}

#[track_caller]
fn server_ends<A>(server: Server<A>, io: (PeerRead, PeerWrite)) -> AcceptError
where
    A: Authenticator + 'static,
{
    in_time(move || server.accept_over(io, PeerAddr::Unknown).map(drop).unwrap_err())
}

#[track_caller]
fn server_gives_up<A>(server: Server<A>, io: (PeerRead, PeerWrite), what: &str)
where
    A: Authenticator + 'static,
{
    match server_ends(server, io) {
        AcceptError::TimedOut { waiting_for } => assert_eq!(waiting_for, what),
        other => panic!("{other}"),
    }
}

#[track_caller]
fn client_gives_up(client: Client, io: (PeerRead, PeerWrite), what: &str) {
    match in_time(move || client.connect_over(io, &host()).map(drop).unwrap_err()) {
        ConnectError::TimedOut { waiting_for } => assert_eq!(waiting_for, what),
        other => panic!("{other}"),
    }
}

fn limits(set: fn(&mut Deadlines)) -> Deadlines {
    let mut deadlines = Deadlines::default();
    set(&mut deadlines);
    deadlines
}

fn hello() -> (client::AwaitServerHello, Vec<u8>) {
    let fresh = ClientFresh::draw(&mut SysRng).unwrap();
    client::start(Arc::new(ClientConfig::default()), fresh).unwrap()
}

/// What a client by hand says to ServerHello and ServerAuth, and where the server's bytes go on.
fn proof(state: client::AwaitServerHello, heard: &[u8]) -> (client::AwaitWelcome, Vec<u8>, usize) {
    let split = hello_len(heard).unwrap().unwrap();
    let (hello, record) = heard.split_at(split);
    let len = record_len(record).unwrap().unwrap();
    let verify = state.read(hello).unwrap().read(&mut record[..len].to_vec()).unwrap();
    let (state, out) = verify.trust(Some(&Identity::generate().unwrap())).unwrap();
    (state, out, split + len)
}

/// [LIM-3]
#[test]
fn a_hello_that_drips_is_late() {
    for set in [|d: &mut Deadlines| d.hello = LIMIT, |d: &mut Deadlines| d.handshake = LIMIT] {
        let server = Ends::new().server.deadlines(limits(set));
        server_gives_up(server, peer(|_| Dripping(hello().1)), "ClientHello");
    }
}

/// [LIM-3]
#[test]
fn a_client_auth_that_drips_is_late() {
    for set in [|d: &mut Deadlines| d.client_auth = LIMIT, |d: &mut Deadlines| d.handshake = LIMIT]
    {
        let server = Ends::new().server.deadlines(limits(set));
        let mut said = None;
        let client = peer(move |heard| match said.take() {
            None => {
                let (state, hello) = hello();
                said = Some(state);
                AtOnce(hello)
            }
            Some(state) => Dripping(proof(state, heard).1),
        });
        server_gives_up(server, client, "ClientAuth");
    }
}

/// A client that is asked for a password and has its answer dripping.
fn slow_to_answer() -> (PeerRead, PeerWrite) {
    enum Said {
        Nothing,
        Hello(Box<client::AwaitServerHello>),
        Proof(Box<client::AwaitWelcome>, usize),
    }
    let mut said = Some(Said::Nothing);
    peer(move |heard| match said.take() {
        Some(Said::Nothing) => {
            let (state, hello) = hello();
            said = Some(Said::Hello(Box::new(state)));
            AtOnce(hello)
        }
        Some(Said::Hello(state)) => {
            let (state, out, so_far) = proof(*state, heard);
            said = Some(Said::Proof(Box::new(state), so_far));
            AtOnce(out)
        }
        Some(Said::Proof(state, so_far)) => {
            let mut asked = heard[so_far..].to_vec();
            let Answer::Password(question) = state.read(&mut asked).unwrap() else { panic!() };
            Dripping(question.answer("secret").unwrap().1)
        }
        // the server has ended
        None => AtOnce(Vec::new()),
    })
}

/// [LIM-3]
#[test]
fn an_answer_that_drips_is_late() {
    for set in [|d: &mut Deadlines| d.response = LIMIT, |d: &mut Deadlines| d.handshake = LIMIT] {
        let asks = password(|_: String, _: Password| async move { Some(()) });
        let server = Ends::new().server.authenticator(asks).deadlines(limits(set));
        server_gives_up(server, slow_to_answer(), "the answer to a request for a password");
    }
}

/// [LIM-3]
#[test]
fn a_peer_that_takes_a_byte_at_a_time_is_late() {
    let limits = limits(|d| d.handshake = LIMIT);
    client_gives_up(Ends::new().client.deadlines(limits), slow_reader(), "the server to read");
    let (_, mut write) = slow_reader();
    let (read, fast) = peer(|_| AtOnce(hello().1));
    write.heard = fast.heard;
    let server = Ends::new().server.deadlines(limits);
    server_gives_up(server, (read, write), "the client to read");
}

/// A server by hand with the host's key.
fn answer(host: &Identity, heard: &[u8]) -> (server::AwaitClientAuth, Vec<u8>, Vec<u8>) {
    let config = Arc::new(ServerConfig::new(Identities::new(host.clone())));
    let fresh = ServerFresh::draw(&mut SysRng).unwrap();
    let (state, mut out) = server::hello(&config, heard).unwrap().accept(fresh).unwrap();
    let auth = out.split_off(hello_len(&out).unwrap().unwrap());
    (state, out, auth)
}

/// [LIM-3]
#[test]
fn a_server_hello_or_server_auth_that_drips_is_late() {
    for set in [|d: &mut Deadlines| d.server_auth = LIMIT, |d: &mut Deadlines| d.handshake = LIMIT]
    {
        let ends = Ends::new();
        let key = ends.host.clone();
        let server = peer(move |heard| Dripping(answer(&key, heard).1));
        client_gives_up(ends.client.deadlines(limits(set)), server, "ServerHello");

        let ends = Ends::new();
        let mut behind = None;
        let server = peer(move |heard| match behind.take() {
            None => {
                let (_, hello, auth) = answer(&ends.host, heard);
                behind = Some(auth);
                AtOnce(hello)
            }
            Some(auth) => Dripping(auth),
        });
        client_gives_up(ends.client.deadlines(limits(set)), server, "ServerAuth");
    }
}

/// [LIM-3]
#[test]
fn a_welcome_that_drips_is_late() {
    let ends = Ends::new();
    let mut waiting = None;
    let server = peer(move |heard| match waiting.take() {
        None => {
            let (state, mut hello, auth) = answer(&ends.host, heard);
            waiting = Some((state, heard.len()));
            hello.extend(auth);
            AtOnce(hello)
        }
        Some((state, so_far)) => {
            let decided: Authenticating = state.read(&mut heard[so_far..].to_vec()).unwrap();
            Dripping(decided.welcome().unwrap().1)
        }
    });
    client_gives_up(ends.client.deadlines(limits(|d| d.handshake = LIMIT)), server, "Welcome");
}

/// [LIM-3] [ERR-2]
#[test]
fn a_client_that_is_refused_and_drips_on_is_left_after_a_second() {
    let mut said = false;
    let client = peer(move |_| match std::mem::replace(&mut said, true) {
        false => AtOnce(b"\x89HF\x01\x01\x00\x01\x00".to_vec()),
        true => Dripping(vec![0; 1000]),
    });
    let error = server_ends(Ends::new().server, client);
    assert!(matches!(error, AcceptError::Handshake(Error::Malformed { .. })), "{error}");
}

/// [LIM-3] [STEALTH-2]
#[test]
fn a_stealth_server_reads_what_drips_until_the_deadline_and_no_longer() {
    let (read, write) = peer(|_| Dripping(vec![7; 1000]));
    let heard = Arc::clone(&write.heard);
    let server = Ends::new().server.stealth().deadlines(limits(|d| d.hello = LIMIT));
    server_ends(server, (read, write));
    assert_eq!(*heard.lock().unwrap(), b"", "and says nothing");
}
