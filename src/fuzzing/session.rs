//! The established session; the fuzzer is the peer, and the application of the side under test.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::input::{Input, Script, seal};
use super::{Reached, fixed, peer};
use crate::crypto::Cipher;
use crate::error::{Error, ErrorCode, Misuse};
use crate::handshake::Established;
use crate::record::{Opener, Padding, RecordType, Sealer};
use crate::schedule::{Agreed, DirectionSecret, Generation, HandshakeSecrets};
use crate::session::{self, Event, MAX_DATA, Role, Session};
use crate::wire::rekey::{RekeyInit, RekeyReply};

/// Runs a session against a peer that says what `data` tells it to say.
pub fn session(data: &[u8]) -> Reached {
    let mut script = Script::new(data);
    let settings = script.u8();
    let role = if settings & 1 == 0 { Role::Client } else { Role::Server };
    let cipher = match settings & 2 {
        0 => Cipher::ChaCha20Poly1305,
        _ => Cipher::Aes256Gcm,
    };
    let hybrid = settings & 4 == 0;
    let generation = || {
        let agreed = Agreed {
            mlkem: None,
            x25519: fixed::CLIENT
                .x25519()
                .agree(&fixed::SERVER.x25519().public())
                .expect("the shares are good"),
        };
        HandshakeSecrets::derive(&agreed, &[0; 32])
            .expect("it is always possible")
            .into_generation([0; 32])
    };
    let peer_role = if role == Role::Client { Role::Server } else { Role::Client };
    // the session's keys are the peer's, the other way round
    let Peer { sealer, opener, .. } = Peer::new(role, cipher, hybrid, generation());
    let session = Session::new(role, cipher, hybrid, generation(), sealer, opener);
    let peer = Peer::new(peer_role, cipher, hybrid, generation());
    peer.run(Input::Scripted(Script::new(script.rest())), session)
}

/// The honest peer of the side under test: its keys, and what it knows to be under way.
#[derive(Debug)]
pub(super) struct Peer {
    role: Role,
    cipher: Cipher,
    hybrid: bool,
    generation: Generation,
    pub(super) sealer: Sealer,
    pub(super) opener: Opener,
    /// The RekeyInit that is not answered yet.
    init: Option<Vec<u8>>,
    /// The keys that count once RekeyDone was said.
    next_sealer: Option<Sealer>,
    next_opener: Option<Opener>,
    /// Pings of the peer that are not answered yet, the oldest first.
    pings: VecDeque<Vec<u8>>,
    /// Pings of the side under test that are not answered yet, the oldest first.
    pings_here: VecDeque<Vec<u8>>,
    closed: bool,
    /// Whether the side under test has sent Close.
    closed_here: bool,
    rekeyed: bool,
}

/// What the side under test was told to send; it must arrive whole and in order.
type Sent = VecDeque<Vec<u8>>;

/// The session goes on, or has come to its end.
type Step = Result<(), Ended>;

/// An end without a fault.
struct Ended;

fn direction(generation: &Generation, role: Role) -> DirectionSecret {
    let secret = generation.traffic().and_then(|traffic| match role {
        Role::Client => traffic.client(),
        Role::Server => traffic.server(),
    });
    secret.expect("it is always possible")
}

impl Peer {
    pub(super) fn new(role: Role, cipher: Cipher, hybrid: bool, generation: Generation) -> Self {
        let other = if role == Role::Client { Role::Server } else { Role::Client };
        Self {
            sealer: Sealer::new(cipher, &direction(&generation, role)).expect("it is there"),
            opener: Opener::new(cipher, &direction(&generation, other)).expect("it is there"),
            role,
            cipher,
            hybrid,
            generation,
            init: None,
            next_sealer: None,
            next_opener: None,
            pings: VecDeque::new(),
            pings_here: VecDeque::new(),
            closed: false,
            closed_here: false,
            rekeyed: false,
        }
    }

    /// Opens what the peer itself seals, as long as nothing was sealed yet.
    pub(super) fn mirror(&self) -> Opener {
        Opener::new(self.cipher, &direction(&self.generation, self.role)).expect("it is there")
    }

    /// Both sides derive the same secrets and know what they agreed on.
    pub(super) fn check_established(&self, established: &Established) {
        assert_eq!(established.cipher, self.cipher, "both sides have the same AEAD");
        assert_eq!(
            established.exchange == crate::handshake::Exchange::Hybrid,
            self.hybrid,
            "both sides have the same exchange"
        );
        let (mut here, mut there) = ([0; 32], [0; 32]);
        established.export("fuzzing", b"x", &mut here).expect("the label is free");
        let exporter = self
            .generation
            .traffic()
            .and_then(|traffic| traffic.exporter())
            .expect("it is always possible");
        exporter.export("fuzzing", b"x", &mut there).expect("the label is free");
        assert_eq!(here, there, "both sides export the same");
    }

    /// What an eager client sends before Welcome.
    pub(super) fn hear_early(&mut self, out: &[u8], data: &[u8]) {
        let mut sent = Sent::from([data.to_vec()]);
        assert!(self.read(out, &mut sent).is_ok() && sent.is_empty(), "Data arrives whole");
    }

    /// Plays the session to its end, or to that of the input.
    pub(super) fn run(self, input: Input<'_>, session: Session) -> Reached {
        match input {
            Input::Raw(rest) => raw(rest, session),
            Input::Scripted(script) => {
                Play { peer: self, session, sent: Sent::new(), now: Instant::now(), over: false }
                    .run(script)
            }
        }
    }

    /// What the peer finds in the bytes of the side under test.
    fn read(&mut self, mut out: &[u8], sent: &mut Sent) -> Step {
        while !out.is_empty() {
            let len = session::record_len(out).expect("it is a record").expect("and whole");
            let (record, rest) = out.split_at_checked(len).expect("and whole");
            out = rest;
            let (kind, content) = peer::open(&mut self.opener, record);
            self.read_record(kind, content, sent)?;
        }
        Ok(())
    }

    fn read_record(&mut self, kind: RecordType, content: Vec<u8>, sent: &mut Sent) -> Step {
        match kind {
            RecordType::Data => {
                assert!(!self.closed_here, "no Data follows Close");
                assert_eq!(Some(content), sent.pop_front(), "Data arrives whole and in order");
            }
            RecordType::Close => {
                assert!(!std::mem::replace(&mut self.closed_here, true), "there is one Close");
                assert!(content.is_empty(), "Close is empty");
            }
            RecordType::Error => return Err(Ended),
            RecordType::Ping => {
                self.pings_here.push_back(content);
                assert!(self.pings_here.len() <= 8, "at most 8 Pings are out");
            }
            RecordType::Pong => {
                assert_eq!(Some(content), self.pings.pop_front(), "Pongs come in order");
            }
            RecordType::RekeyAsk => assert_eq!(self.role, Role::Client, "a server asks"),
            RecordType::RekeyInit => {
                assert_eq!(self.role, Role::Server, "a client begins");
                assert!(self.init.replace(content).is_none(), "there is one rekey at a time");
            }
            RecordType::RekeyReply => {
                assert_eq!(self.role, Role::Client, "a server answers");
                let init = self.init.take().expect("it answers a RekeyInit");
                let next = self.next_for_client(&init, &content).ok_or(Ended)?;
                self.opener = self.opens(&next);
                self.next_sealer = Some(self.seals(&next));
                self.generation = next;
            }
            RecordType::RekeyDone => {
                assert_eq!(self.role, Role::Server, "a client ends it");
                self.opener = self.next_opener.take().expect("there is a rekey to end");
                self.rekeyed = true;
            }
            RecordType::Auth | RecordType::Later(_) | RecordType::Unknown(_) => {
                panic!("a session sends no {}", kind.name())
            }
        }
        Ok(())
    }

    fn seals(&self, next: &Generation) -> Sealer {
        Sealer::new(self.cipher, &direction(next, self.role)).expect("it is there")
    }

    fn opens(&self, next: &Generation) -> Opener {
        let other = if self.role == Role::Client { Role::Server } else { Role::Client };
        Opener::new(self.cipher, &direction(next, other)).expect("it is there")
    }

    /// The next secrets, from what a server under test has drawn. None where its library draws for
    /// itself.
    fn next_for_client(&self, init: &[u8], reply: &[u8]) -> Option<Generation> {
        let (ours, theirs) = (
            RekeyInit::decode(init).expect("it was taken"),
            RekeyReply::decode(reply).expect("it is well formed"),
        );
        let mlkem = match (ours.mlkem, theirs.mlkem) {
            (Some(key), Some(ciphertext)) => {
                Some(fixed::LOCAL.encapsulated(fixed::PEER, key, ciphertext)?)
            }
            (None, None) => None,
            _ => panic!("one share has ML-KEM, the other has not"),
        };
        let x25519 = fixed::LOCAL.x25519().agree(ours.x25519).expect("it was taken");
        self.generation.next(&Agreed { mlkem, x25519 }, init, reply).ok()
    }

    /// The next secrets, from what a client under test has drawn.
    fn next_for_server(&self, init: &[u8], reply: &[u8]) -> Generation {
        let theirs = RekeyReply::decode(reply).expect("it was taken");
        let kem = fixed::LOCAL.kem();
        let mlkem = theirs.mlkem.map(|it| kem.decapsulate(it).expect("it always gives a secret"));
        let x25519 = fixed::LOCAL.x25519().agree(theirs.x25519).expect("it was taken");
        self.generation.next(&Agreed { mlkem, x25519 }, init, reply).expect("it is always possible")
    }

    fn honest_init(&self) -> Vec<u8> {
        let kem = self.hybrid.then(|| fixed::PEER.kem());
        let mut init = Vec::new();
        RekeyInit {
            x25519: &fixed::PEER.x25519().public(),
            mlkem: kem.map(|kem| kem.encapsulation_key()),
        }
        .encode(&mut init)
        .expect("it is short");
        init
    }

    fn honest_reply(&self, init: &[u8]) -> Vec<u8> {
        let init = RekeyInit::decode(init).expect("it is well formed");
        let ciphertext = init.mlkem.and_then(|key| fixed::PEER.encapsulate(key));
        let mut reply = Vec::new();
        RekeyReply {
            x25519: &fixed::PEER.x25519().public(),
            mlkem: ciphertext.as_ref().map(|(ciphertext, _)| ciphertext),
        }
        .encode(&mut reply)
        .expect("it is short");
        reply
    }
}

/// Records as they come, without a model of what they say.
fn raw(mut rest: &[u8], mut session: Session) -> Reached {
    let mut out = Vec::new();
    while !rest.is_empty() {
        let mut record = Input::raw_record(&mut rest);
        if session::record_len(&record) != Ok(Some(record.len())) {
            break;
        }
        match session.receive(&mut record, Instant::now(), &mut fixed::LOCAL.clone()) {
            Ok(_) => session.transmit(&mut out).expect("the keys are new"),
            Err(_) => {
                session.fail(ErrorCode::Protocol, "", &mut out).expect("the keys are new");
                break;
            }
        }
    }
    Reached::Established
}

struct Play {
    peer: Peer,
    session: Session,
    sent: Sent,
    now: Instant,
    over: bool,
}

impl Play {
    fn run(mut self, mut script: Script<'_>) -> Reached {
        while !script.is_over() {
            if self.step(&mut script).is_err() {
                break;
            }
            self.over |= self.session.is_over();
        }
        if self.over {
            Reached::Over
        } else if self.peer.rekeyed {
            Reached::Rekeyed
        } else {
            Reached::Established
        }
    }

    fn step(&mut self, script: &mut Script<'_>) -> Step {
        let mut out = Vec::new();
        match script.u8() % 12 {
            0 => {
                let (kind, padding) = (script.u8(), script.u8());
                return self.hear(kind, script.chunk(), padding);
            }
            1 => return self.hear(RecordType::Data.id(), script.chunk(), 0),
            2 => return self.hear_rekey(),
            3 => {
                let Some(ping) = self.peer.pings_here.front().cloned() else { return Ok(()) };
                return self.hear(RecordType::Pong.id(), &ping, 0);
            }
            4 => {
                let mut record = script.chunk().to_vec();
                if session::record_len(&record) != Ok(Some(record.len())) {
                    return Ok(());
                }
                let heard = self.session.receive(&mut record, self.now, &mut { fixed::LOCAL });
                if self.over {
                    assert!(matches!(heard, Ok(Event::Nothing)), "what is over hears nothing");
                    return Ok(());
                }
                assert_eq!(heard.err(), Some(Error::Decrypt), "nobody has sealed this");
                return self.fail(Error::Decrypt);
            }
            5 => {
                let data = vec![b'x'; script.u16().into()];
                let sent = self.session.send(&data, &mut out);
                let fits = (1..=MAX_DATA).contains(&data.len());
                match sent {
                    Ok(()) => {
                        assert!(fits, "a record has a length");
                        self.sent.push_back(data);
                    }
                    Err(Error::Misuse(Misuse::AfterClose)) => {
                        assert!(self.peer.closed_here, "it is open");
                    }
                    Err(error) => assert!(!fits, "Data can be sent: {error}"),
                }
            }
            6 => {
                let full = self.peer.pings_here.len() >= 8;
                let sent = self.session.ping([script.u8(); 8], &mut out);
                assert_eq!(sent.is_err(), full, "8 Pings may be out");
            }
            7 => self
                .session
                .rekey(self.now, &mut { fixed::LOCAL }, &mut out)
                .expect("randomness never fails"),
            8 => self.session.close(&mut out).expect("the keys are new"),
            9 => self.session.transmit(&mut out).expect("the keys are new"),
            10 => {
                let seconds = Duration::from_secs(script.u8().into());
                self.now = self.now.checked_add(seconds).expect("the clock has room");
            }
            _ => {
                let code = ErrorCode::from_number(script.u16());
                self.session.fail(code, "because", &mut out).expect("the keys are new");
                assert!(self.peer.read(&out, &mut self.sent).is_err(), "the last is an Error");
                return self.check_ended();
            }
        }
        self.peer.read(&out, &mut self.sent)
    }

    /// The side under test hears a record.
    fn hear(&mut self, kind: u8, content: &[u8], padding: u8) -> Step {
        let padding = Padding::Multiple(u16::from(padding));
        let mut mirror = content.get(..MAX_DATA).unwrap_or(content).to_vec();
        mirror.push(kind);
        let mut record = seal(&mut self.peer.sealer, kind, content, padding);
        let heard = self.session.receive(&mut record, self.now, &mut { fixed::LOCAL });
        if self.over {
            assert!(matches!(heard, Ok(Event::Nothing)), "what is over hears nothing");
            return Ok(());
        }
        let event = match heard {
            Ok(event) => event,
            Err(error) => {
                let honest =
                    kind == RecordType::Data.id() && !content.is_empty() && !self.peer.closed;
                assert!(!honest, "honest Data: {error}");
                return self.fail(error);
            }
        };
        // the last byte that is not zero is the type, whatever it was meant to be
        let end = mirror.iter().rposition(|&byte| byte != 0).expect("a record has a type");
        let content = mirror.get(..end).unwrap_or_default().to_vec();
        let kind = mirror.get(end).copied().unwrap_or_default();
        self.heard(event, kind, content)
    }

    /// The side under test took a record. Was it right to?
    fn heard(&mut self, event: Event<'_>, kind: u8, content: Vec<u8>) -> Step {
        let peer = &mut self.peer;
        match (kind, event) {
            (2, Event::Data(data)) => {
                assert_eq!(data, content, "Data arrives whole");
                assert!(!data.is_empty() && !peer.closed, "it may be sent");
            }
            (3, Event::Closed) => {
                assert!(content.is_empty(), "Close is empty");
                assert!(!std::mem::replace(&mut peer.closed, true), "there is one Close");
            }
            (5, Event::Nothing) => {
                assert_eq!(content.len(), 8, "a Ping has 8 bytes");
                peer.pings.push_back(content);
                assert!(peer.pings.len() <= 8, "at most 8 Pongs are owed");
            }
            (6, Event::Pong(pong)) => {
                assert_eq!(pong.as_slice(), content, "a Pong arrives whole");
                assert_eq!(peer.pings_here.pop_front(), Some(content), "it answers the oldest");
            }
            (7, Event::Nothing) => {
                assert_eq!(peer.role, Role::Server, "a server asks");
                assert!(content.is_empty(), "RekeyAsk is empty");
            }
            (8, Event::Nothing) => {
                assert_eq!(peer.role, Role::Client, "a client begins");
                let init = RekeyInit::decode(&content).expect("it was taken");
                assert_eq!(init.mlkem.is_some(), peer.hybrid, "the exchange stays the same");
                assert!(peer.next_sealer.is_none(), "the last rekey is done");
                assert!(peer.init.replace(content).is_none(), "there is one rekey at a time");
            }
            (9, Event::Nothing) => {
                assert_eq!(peer.role, Role::Server, "a server answers");
                let init = peer.init.take().expect("there is a rekey");
                let reply = RekeyReply::decode(&content).expect("it was taken");
                assert_eq!(reply.mlkem.is_some(), peer.hybrid, "the exchange stays the same");
                let next = peer.next_for_server(&init, &content);
                peer.sealer = peer.seals(&next);
                peer.next_opener = Some(peer.opens(&next));
                peer.generation = next;
            }
            (10, Event::Nothing) => {
                assert!(content.is_empty(), "RekeyDone is empty");
                peer.sealer = peer.next_sealer.take().expect("there is a rekey to end");
                peer.rekeyed = true;
            }
            (128.., Event::Nothing) => {}
            (kind, event) => panic!("a record of type {kind} came through as {event:?}"),
        }
        Ok(())
    }

    /// The peer's next honest step in a rekey; the side under test must take it.
    fn hear_rekey(&mut self) -> Step {
        let (kind, content) = match (self.peer.role, &self.peer.init) {
            (Role::Client, _) if self.peer.next_sealer.is_some() => {
                (RecordType::RekeyDone, Vec::new())
            }
            (Role::Client, Some(_)) => return Ok(()),
            (Role::Client, None) => (RecordType::RekeyInit, self.peer.honest_init()),
            (Role::Server, Some(init)) => (RecordType::RekeyReply, self.peer.honest_reply(init)),
            (Role::Server, None) => (RecordType::RekeyAsk, Vec::new()),
        };
        self.hear(kind.id(), &content, 0).inspect_err(|_| {
            // only the 65th within a minute is refused
            assert_eq!(kind, RecordType::RekeyInit, "an honest {}", kind.name());
        })
    }

    /// The side under test has found a fault, or the peer has: it says so, unless the peer did, and
    /// nothing counts any more.
    fn fail(&mut self, error: Error) -> Step {
        let mut out = Vec::new();
        self.session.fail(ErrorCode::Protocol, "", &mut out).expect("the keys are new");
        if matches!(error, Error::Ended(_)) {
            assert!(out.is_empty(), "an Error is not answered");
        } else {
            assert!(self.peer.read(&out, &mut self.sent).is_err(), "the last is an Error");
        }
        self.check_ended()
    }

    fn check_ended(&mut self) -> Step {
        let mut out = Vec::new();
        let ended = self.session.send(b"more", &mut out);
        assert_eq!(ended, Err(Error::Misuse(Misuse::Ended)), "nothing follows an Error");
        self.session.close(&mut out).expect("there is nothing to say");
        assert!(out.is_empty(), "nothing follows an Error");
        let mut record = seal(&mut self.peer.sealer, RecordType::Data.id(), b"x", Padding::None);
        let heard = self.session.receive(&mut record, self.now, &mut { fixed::LOCAL });
        assert!(matches!(heard, Ok(Event::Nothing)), "what has failed hears nothing");
        Err(Ended)
    }
}
