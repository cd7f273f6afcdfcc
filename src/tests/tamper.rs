//! Somebody between two honest ends alters, drops, repeats, swaps, reflects or cuts what they say.
//! Whatever is done, at least one of them ends in an error, and a known one.

use std::sync::Arc;

use super::pair::{Rng, Setup, noon, split_hello, welcomed};
use crate::crypto::Cipher;
use crate::error::{Error, ErrorCode, Misbehaved};
use crate::handshake::{self, Exchange, server};
use crate::session::{self, Event, Session};

/// The messages of a whole conversation, in their order.
const CLIENT_HELLO: usize = 0;
const SERVER_HELLO: usize = 1;
const SERVER_AUTH: usize = 2;
const CLIENT_AUTH: usize = 3;
const WELCOME: usize = 4;
const QUESTION: usize = 5;
const CLIENT_CLOSE: usize = 6;
const ANSWER: usize = 7;
const SERVER_CLOSE: usize = 8;
const ALL: std::ops::RangeInclusive<usize> = CLIENT_HELLO..=SERVER_CLOSE;

/// How an end finished: with what it read, and cleanly, or in an error.
type Finish = Result<Vec<u8>, Error>;

/// One direction of a stream that has ended.
struct Stream(Vec<u8>);

impl Stream {
    /// A whole frame or record, or none before the end.
    fn next(&mut self, len: Result<Option<usize>, Error>) -> Result<Vec<u8>, Error> {
        match len? {
            Some(len) if len <= self.0.len() => Ok(self.0.drain(..len).collect()),
            _ => Err(Error::Truncated),
        }
    }

    fn hello(&mut self) -> Result<Vec<u8>, Error> {
        self.next(handshake::hello_len(&self.0))
    }

    fn early_record(&mut self) -> Result<Vec<u8>, Error> {
        self.next(handshake::record_len(&self.0))
    }

    /// All Data up to Close.
    fn read_to_close(&mut self, session: &mut Session) -> Finish {
        let mut out = Vec::new();
        loop {
            let mut record = self.next(session::record_len(&self.0))?;
            match session.receive(&mut record, noon(), &mut Rng::new(1))? {
                Event::Data(data) => out.extend_from_slice(data),
                Event::Closed => return Ok(out),
                Event::Pong(_) | Event::Nothing => {}
            }
        }
    }
}

/// What becomes of a message: its number, and all messages so far.
type Hands<'a> = dyn Fn(usize, &[Vec<u8>]) -> Vec<u8> + 'a;

/// Runs a conversation through hands that may change each message: client's finish, server's.
fn run(setup: &Setup, hands: &Hands<'_>) -> (Finish, Finish) {
    let mut said: Vec<Vec<u8>> = Vec::new();
    let (mut to_client, mut to_server) = (Stream(Vec::new()), Stream(Vec::new()));
    let mut pass = |stream: &mut Stream, message: Vec<u8>| {
        said.push(message);
        stream.0.extend(hands(said.len() - 1, &said));
    };
    // each step fails alone; what the other side still does with its bytes comes behind
    let (client, hello) = setup.start();
    pass(&mut to_server, hello);
    let config = Arc::new(setup.server.clone());
    let answer = to_server.hello().and_then(|hello| {
        server::hello(&config, &hello).and_then(|read| read.accept(setup.server_fresh())).map_err(
            |refused| {
                to_client.0.extend(refused.frame());
                refused.error
            },
        )
    });
    let server = match answer {
        Err(error) => {
            let frame = to_client.hello();
            let client = frame.and_then(|frame| client.read(&frame)).map(|_| Vec::new());
            return (client, Err(error));
        }
        Ok((server, out)) => {
            let (hello, auth) = split_hello(&out);
            pass(&mut to_client, hello);
            pass(&mut to_client, auth);
            server
        }
    };
    let verified = to_client.hello().and_then(|hello| client.read(&hello)).and_then(|client| {
        let mut record = to_client.early_record()?;
        client.read(&mut record).map_err(|failure| {
            to_server.0.extend(failure.farewell);
            failure.error
        })
    });
    let client = verified.map(|client| {
        let (client, out) = client.trust(setup.identity.as_ref()).unwrap();
        pass(&mut to_server, out);
        client
    });
    let admitted = to_server.early_record().and_then(|mut record| {
        server.read(&mut record).map_err(|failure| {
            to_client.0.extend(failure.farewell);
            failure.error
        })
    });
    let server = admitted.map(|server| {
        let (established, out) = server.welcome().unwrap();
        pass(&mut to_client, out);
        established.session
    });
    let client = client.and_then(|client| {
        let mut record = to_client.early_record()?;
        let answer = client.read(&mut record).map_err(|failure| failure.error)?;
        Ok(welcomed(answer).established.session)
    });
    let (mut client, mut server) = match (client, server) {
        (Ok(client), Ok(server)) => (client, server),
        (client, server) => {
            return (
                client.map(|_| Vec::new()),
                server.and_then(|mut server| to_server.read_to_close(&mut server)),
            );
        }
    };
    let (mut question, mut close) = (Vec::new(), Vec::new());
    client.send(b"question", &mut question).unwrap();
    client.close(&mut close).unwrap();
    pass(&mut to_server, question);
    pass(&mut to_server, close);
    let server_finish = to_server.read_to_close(&mut server);
    let (mut answer, mut close) = (Vec::new(), Vec::new());
    if server_finish.is_ok() {
        server.send(b"answer", &mut answer).unwrap();
        server.close(&mut close).unwrap();
    } else {
        server.fail(ErrorCode::Protocol, "", &mut answer).unwrap();
    }
    pass(&mut to_client, answer);
    pass(&mut to_client, close);
    (to_client.read_to_close(&mut client), server_finish)
}

fn last(said: &[Vec<u8>]) -> Vec<u8> {
    said.last().unwrap().clone()
}

/// Changes message `which`, and lets all others through.
fn change(setup: &Setup, which: usize, how: impl Fn(Vec<u8>) -> Vec<u8>) -> (Finish, Finish) {
    run(setup, &|at, said| if at == which { how(last(said)) } else { last(said) })
}

/// Which end reads a message.
fn reader(which: usize, (client, server): (Finish, Finish)) -> Finish {
    match which {
        CLIENT_HELLO | CLIENT_AUTH | QUESTION | CLIENT_CLOSE => server,
        _ => client,
    }
}

fn length(n: u16) -> Error {
    Error::Misbehaved(Misbehaved::RecordLength(n))
}

/// [REC-1]
#[test]
fn untouched_both_ends_are_content() {
    for setup in Setup::all() {
        let finish = run(&setup, &|_, said| last(said));
        assert_eq!(finish, (Ok(b"answer".to_vec()), Ok(b"question".to_vec())));
    }
}

/// [SCHED-1] [SIG-2] [REC-1] [REC-3]
#[test]
fn any_flipped_bit_of_a_record_is_found_by_its_reader() {
    for setup in [Setup::classical(), Setup::new(Cipher::Aes256Gcm, Exchange::Classical)] {
        for which in SERVER_AUTH..=SERVER_CLOSE {
            let len = if which <= WELCOME { 530 } else { 19 };
            let step = if which <= WELCOME { 23 } else { 1 };
            for at in (0..2).chain((2..len).step_by(step)) {
                for bit in [0x01, 0x80] {
                    let finish = change(&setup, which, |mut message| {
                        message[at] ^= bit;
                        message
                    });
                    let error = reader(which, finish).unwrap_err();
                    let n = if which <= WELCOME { 528_u16 } else { 17 };
                    let n_flipped = match at {
                        0 => n ^ (u16::from(bit) << 8),
                        _ => n ^ u16::from(bit),
                    };
                    let early = which <= WELCOME && n_flipped > 16_384;
                    match error {
                        Error::Decrypt => {}
                        // a changed length: out of bounds, or longer than what comes
                        Error::Truncated if at < 2 => {}
                        Error::Misbehaved(Misbehaved::RecordLength(_)) if early && at == 0 => {}
                        Error::Misbehaved(Misbehaved::RecordLength(16)) if at == 1 => {}
                        other => panic!("message {which}, byte {at}: {other}"),
                    }
                }
            }
        }
    }
}

/// [SCHED-1] [HELLO-2] [HELLO-13]
#[test]
fn any_flipped_bit_of_a_hello_leaves_nobody_content() {
    for (setup, step) in [(Setup::classical(), 1), (Setup::default(), 13)] {
        for which in [CLIENT_HELLO, SERVER_HELLO] {
            let len = match which {
                CLIENT_HELLO => setup.start().1.len(),
                _ => 7 + 32 + 32 + 1 + 2 + if step == 1 { 0 } else { 4 + 1088 },
            };
            for at in (0..len).step_by(step) {
                for bit in [0x01, 0x80] {
                    let flip = |mut message: Vec<u8>| {
                        message[at] ^= bit;
                        message
                    };
                    let (client, server) = change(&setup, which, flip);
                    let (client, server) = (client.unwrap_err(), server.unwrap_err());
                    // behind the header and the two fields of 32 bytes all is length or list
                    let expected = match (which, at) {
                        (_, 0..7) => None,
                        (CLIENT_HELLO, 7..39) | (SERVER_HELLO, 7..71) => Some(Error::Decrypt),
                        (SERVER_HELLO, 71) => {
                            Some(Error::Misbehaved(Misbehaved::NotOffered("a cipher")))
                        }
                        _ => None,
                    };
                    if let Some(expected) = expected {
                        assert_eq!(client, expected, "message {which}, byte {at}");
                    }
                    let never = |error: &Error| {
                        matches!(error, Error::Internal(_) | Error::Misuse(_) | Error::Ended(_))
                    };
                    assert!(!never(&client) && !never(&server), "{at}: {client}, {server}");
                }
            }
        }
    }
}

/// [REC-3] [ERR-5]
#[test]
fn a_message_cut_or_dropped_is_a_truncated_stream_or_does_not_decrypt() {
    for which in ALL {
        let whole = run_length(which);
        for keep in (0..whole).step_by(if whole > 40 { 29 } else { 1 }) {
            let cut_off = run(&Setup::classical(), &|at, said| match at.cmp(&which) {
                std::cmp::Ordering::Less => last(said),
                std::cmp::Ordering::Equal => last(said)[..keep].to_vec(),
                // and nothing more in either direction
                std::cmp::Ordering::Greater => Vec::new(),
            });
            let error = reader(which, cut_off).unwrap_err();
            assert_eq!(error, Error::Truncated, "message {which}, {keep} bytes");
        }
    }
    // dropped, with all that follows let through
    let dropped = |which| reader(which, change(&Setup::classical(), which, |_| Vec::new()));
    assert_eq!(dropped(CLIENT_HELLO), Err(Error::Truncated));
    let foreign = Error::Foreign(crate::error::Foreign::Other);
    assert_eq!(dropped(SERVER_HELLO), Err(foreign));
    assert_eq!(dropped(SERVER_AUTH), Err(Error::Truncated));
    assert_eq!(dropped(CLIENT_AUTH), Err(Error::Truncated));
    assert_eq!(dropped(WELCOME), Err(Error::Truncated));
    assert_eq!(dropped(QUESTION), Err(Error::Decrypt));
    assert_eq!(dropped(CLIENT_CLOSE), Err(Error::Truncated));
    assert_eq!(dropped(ANSWER), Err(Error::Decrypt));
    assert_eq!(dropped(SERVER_CLOSE), Err(Error::Truncated));
}

fn run_length(which: usize) -> usize {
    let len = std::cell::Cell::new(0);
    let finish = run(&Setup::classical(), &|at, said| {
        if at == which {
            len.set(last(said).len());
        }
        last(said)
    });
    assert!(finish.0.is_ok());
    len.get()
}

/// [REC-1] [REC-3] [REC-4]
#[test]
fn a_message_said_twice_is_found() {
    for which in ALL {
        let twice = change(&Setup::classical(), which, |message| message.repeat(2));
        let finish = reader(which, twice);
        match which {
            // a hello's first bytes are too large a length for what follows it
            CLIENT_HELLO | SERVER_HELLO => assert_eq!(finish, Err(length(35_144))),
            // behind both Closes bytes are ignored; the server has not sent its own yet
            SERVER_CLOSE => assert_eq!(finish, Ok(b"answer".to_vec())),
            CLIENT_CLOSE => assert_eq!(finish, Ok(b"question".to_vec())),
            _ => assert_eq!(finish, Err(Error::Decrypt), "message {which}"),
        }
    }
}

/// [REC-1] [REC-3]
#[test]
fn messages_of_one_direction_in_another_order_are_found() {
    for (first, error) in [
        (SERVER_HELLO, Error::Foreign(crate::error::Foreign::Other)),
        (QUESTION, Error::Decrypt),
        (ANSWER, Error::Decrypt),
    ] {
        let swapped = run(&Setup::classical(), &|at, said| {
            if at == first {
                Vec::new()
            } else if at == first + 1 {
                [&said[at][..], &said[first]].concat()
            } else {
                last(said)
            }
        });
        assert_eq!(reader(first, swapped), Err(error), "message {first}");
    }
}

/// [SCHED-2] [SIG-1] [REC-1]
#[test]
fn a_side_that_hears_its_own_words_does_not_believe_them() {
    let reflected = |which: usize, source: usize| {
        let hands = |at: usize, said: &[Vec<u8>]| {
            if at == which { said[source].clone() } else { last(said) }
        };
        reader(which, run(&Setup::classical(), &hands))
    };
    let state = "awaiting ServerHello";
    let unexpected = Misbehaved::Unexpected { got: "ClientHello", state };
    assert_eq!(reflected(SERVER_HELLO, CLIENT_HELLO), Err(Error::Misbehaved(unexpected)));
    assert_eq!(reflected(SERVER_AUTH, CLIENT_HELLO), Err(length(35_144)));
    assert_eq!(reflected(CLIENT_AUTH, SERVER_HELLO), Err(length(35_144)));
    assert_eq!(reflected(CLIENT_AUTH, SERVER_AUTH), Err(Error::Decrypt));
    assert_eq!(reflected(WELCOME, CLIENT_AUTH), Err(Error::Decrypt));
    assert_eq!(reflected(QUESTION, WELCOME), Err(Error::Decrypt));
    assert_eq!(reflected(ANSWER, QUESTION), Err(Error::Decrypt));
    assert_eq!(reflected(SERVER_CLOSE, CLIENT_CLOSE), Err(Error::Decrypt));
}

/// [SIG-1] [SCHED-1] [KEX-1]
#[test]
fn words_of_another_connection_are_not_believed() {
    let recorded = std::cell::RefCell::new(Vec::new());
    let other = Setup { seed: 99, ..Setup::classical() };
    let finish = run(&other, &|_, said| {
        *recorded.borrow_mut() = said.to_vec();
        last(said)
    });
    assert!(finish.0.is_ok() && finish.1.is_ok());
    for which in ALL {
        let replayed = change(&Setup::classical(), which, |_| recorded.borrow()[which].clone());
        let (client, server) = replayed;
        if which == CLIENT_HELLO {
            // the server answers a replay; the client of today has other keys
            assert_eq!((client, server), (Err(Error::Decrypt), Err(Error::Decrypt)));
        } else {
            assert_eq!(reader(which, (client, server)), Err(Error::Decrypt), "message {which}");
        }
    }
}
