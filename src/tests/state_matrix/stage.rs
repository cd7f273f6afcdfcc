//! Ends in each state of the tables, the script opposite them, and what the script can say.

use std::sync::Arc;

use super::super::pair::{CLIENT, HOST, Rng, Setup, identity, noon, records, split_hello};
use super::super::script::{Auth, Client, Keys, Peer, Server, frame};
use super::end::{End, Outcome};
use crate::error::{Error, ErrorCode};
use crate::handshake::{self, Stealth};
use crate::record::Opener;
use crate::session::Session;

/// An input, as the columns of the tables name them; some columns have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    ClientHello,
    ServerHello,
    Refusal,
    BadHello,
    LongHello,
    Form,
    Foreign,
    ShortRecord,
    LongRecord,
    Garbled,
    Auth(u8),
    Record(u8),
    StrayPong,
    NoType,
}

impl Input {
    pub(super) fn of(column: &str) -> &'static [Self] {
        use Input::{Auth, Record};
        match column {
            "ClientHello" => &[Self::ClientHello],
            "ServerHello" => &[Self::ServerHello],
            "Refusal" => &[Self::Refusal],
            "bad hello" => &[Self::BadHello, Self::LongHello],
            "form" => &[Self::Form],
            "foreign" => &[Self::Foreign],
            "bad n" => &[Self::ShortRecord, Self::LongRecord],
            "garbled" => &[Self::Garbled],
            "ServerAuth" => &[Auth(1)],
            "ClientAuth" => &[Auth(2)],
            "AuthRequest" => &[Auth(3)],
            "AuthResponse" => &[Auth(4)],
            "Welcome" => &[Auth(5)],
            "Data" => &[Record(2)],
            "Close" => &[Record(3)],
            "Error" => &[Record(4)],
            "Ping" => &[Record(5)],
            "Pong" => &[Record(6)],
            "stray Pong" => &[Self::StrayPong],
            "RekeyAsk" => &[Record(7)],
            "RekeyInit" => &[Record(8)],
            "RekeyReply" => &[Record(9)],
            "RekeyDone" => &[Record(10)],
            "type 0" => &[Self::NoType],
            "11-127" => &[Record(11), Record(64), Record(127)],
            "128+" => &[Record(128), Record(200), Record(255)],
            _ => &[],
        }
    }
}

/// Who stands opposite.
enum Script {
    Clear(Vec<u8>),
    Keys(Box<Keys>),
    Peer(Box<Peer>),
}

/// An end in one of the states.
pub(super) struct Stage {
    pub(super) name: String,
    pub(super) end: Option<End>,
    pub(super) before_welcome: bool,
    script: Script,
    /// The content of a RekeyInit that waits for its reply.
    init: Option<Vec<u8>>,
}

fn transmit(session: &mut Session) -> Vec<u8> {
    let mut out = Vec::new();
    session.transmit(&mut out).unwrap();
    out
}

impl Stage {
    /// The state, once for each way that leads there.
    pub(super) fn make(state: &str) -> Vec<Self> {
        let setup = Setup::classical();
        let auth = Auth::of_client(identity(CLIENT));
        let stage = |end, script| {
            let name = state.to_owned();
            vec![Self { name, end: Some(end), before_welcome: true, script, init: None }]
        };
        let peer = |peer| Script::Peer(Box::new(peer));
        match state {
            "C-HELLO" => {
                let (client, hello) = setup.start();
                stage(End::ClientHello(client), Script::Clear(hello))
            }
            "C-AUTH" => {
                let (client, keys) = setup.client_awaits_auth();
                stage(End::ClientAuth(client), Script::Keys(Box::new(keys)))
            }
            "C-WELCOME" => {
                let (client, script) = setup.client_awaits_welcome();
                stage(End::ClientWelcome(client), peer(script))
            }
            "C-EAGER" | "C-EAGER-SENT" => {
                let (mut client, mut script) = setup.eager().client_awaits_welcome();
                if state == "C-EAGER-SENT" {
                    assert_eq!(script.hear(&client.eager_close().unwrap()), (3, Vec::new()));
                }
                stage(End::ClientWelcome(client), peer(script))
            }
            "S-HELLO" => stage(End::ServerHello(Arc::new(setup.server)), Script::Clear(Vec::new())),
            "S-STEALTH" => {
                let mut config = setup.server;
                config.stealth = Some(Stealth::new());
                stage(End::ServerHello(Arc::new(config)), Script::Clear(Vec::new()))
            }
            "S-AUTH" => {
                let (server, keys) = setup.server_awaits_auth();
                stage(End::ServerAuth(server), Script::Keys(Box::new(keys)))
            }
            "S-ASKED" => {
                let (server, mut script) = setup.server_authenticates(&auth);
                let (server, out) = server.ask_password("P").unwrap();
                assert_eq!(script.hear(&out).0, 1);
                stage(End::ServerAsked(server), peer(script))
            }
            _ if state.ends_with("-OVER") => {
                vec![Self::session(state, "closed"), Self::session(state, "error")]
            }
            _ => vec![Self::session(state, "")],
        }
    }

    fn session(state: &str, way: &str) -> Self {
        let setup = Setup::classical();
        let (mut session, mut peer) = match state.split_at(2).0 {
            "C-" => setup.client_open(),
            _ => setup.server_open(),
        };
        let mut rng = Rng::new(8);
        let (mut out, mut init, mut ended) = (Vec::new(), None, false);
        let mut say = |session: &mut Session, peer: &mut Peer, kind, content: &[u8]| {
            let mut record = peer.say(kind, content);
            session.receive(&mut record, noon(), &mut rng).map(|_| ()).err()
        };
        // one Ping is out everywhere, for the Pong that may answer it
        session.ping([7; 8], &mut out).unwrap();
        assert_eq!(peer.hear(&out), (5, vec![7; 8]));
        for part in state.split('-').skip(1) {
            out.clear();
            match (part, way) {
                ("SENT", _) => session.close(&mut out).unwrap(),
                ("RECV", _) => assert_eq!(say(&mut session, &mut peer, 3, b""), None),
                ("OVER", "closed") => {
                    session.close(&mut out).unwrap();
                    assert_eq!(say(&mut session, &mut peer, 3, b""), None);
                }
                ("OVER", _) => {
                    let told = say(&mut session, &mut peer, 4, &[0, 2, 0, 0]);
                    assert!(matches!(told, Some(Error::Ended(_))));
                }
                ("FAILED", _) => {
                    session.fail(ErrorCode::Internal, "", &mut out).unwrap();
                    ended = true;
                }
                ("INIT" | "ASK", _) => session.rekey(noon(), &mut Rng::new(9), &mut out).unwrap(),
                ("REPLY", _) => {
                    let share = peer.share().init;
                    assert_eq!(say(&mut session, &mut peer, 8, &share), None);
                    out = transmit(&mut session);
                }
                _ => assert_eq!(part, "OPEN"),
            }
            for record in records(&out) {
                let (kind, content) = peer.hear(&record);
                if kind == 8 {
                    init = Some(content);
                } else if kind == 9 {
                    let secret = session.generation().traffic().unwrap().server().unwrap();
                    peer.opener = Opener::new(peer.cipher, &secret).unwrap();
                }
            }
        }
        let over_by_error = way == "error";
        let name = state.to_owned();
        let end = End::Open(Box::new(session), ended || over_by_error);
        // an end that the peer's Error brought about is called FAILED by `open` as well
        let name = if over_by_error { name.replace("OVER", "FAILED") } else { name };
        let script = Script::Peer(Box::new(peer));
        Self { name, end: Some(end), before_welcome: false, script, init }
    }

    pub(super) fn opener(&mut self) -> &mut Opener {
        match &mut self.script {
            Script::Clear(_) => panic!("nothing is sealed yet"),
            Script::Keys(keys) => &mut keys.opener,
            Script::Peer(peer) => &mut peer.opener,
        }
    }

    /// A record under the keys of the moment; where there are none yet, under others.
    pub(super) fn seal(&mut self, kind: u8, content: &[u8]) -> Vec<u8> {
        match &mut self.script {
            Script::Clear(_) => Setup::classical().client_open().1.say(kind, content),
            Script::Keys(keys) => keys.seal(kind, content),
            Script::Peer(peer) => peer.say(kind, content),
        }
    }

    /// What arrives; none where the input makes no sense: REC-4 does not apply everywhere.
    pub(super) fn bytes(&mut self, input: Input) -> Option<Vec<u8>> {
        let in_the_clear = matches!(self.script, Script::Clear(_));
        let rec_4 = matches!(self.name.as_str(), "C-AUTH" | "S-AUTH")
            || self.name.starts_with("C-WELCOME")
            || self.name.starts_with("C-EAGER");
        let whole = |mut bytes: Vec<u8>| {
            if !in_the_clear {
                bytes.resize(2 + usize::from(u16::from_be_bytes([bytes[0], bytes[1]])), 0);
            }
            bytes
        };
        let awaited = if self.name.starts_with("C-") { 2 } else { 1 };
        Some(match input {
            Input::ClientHello if self.name == "S-STEALTH" => {
                let mut setup = Setup::classical();
                setup.client.expected = vec![identity(HOST).public_key().clone()];
                setup.start().1
            }
            Input::ClientHello => whole(Client::classical().frame()),
            Input::ServerHello => match &self.script {
                Script::Clear(hello) if !hello.is_empty() => Server::new(hello).frame(),
                _ => whole(Server::new(&Client::classical().frame()).frame()),
            },
            Input::Refusal => whole(frame(1, 3, &[2])),
            Input::BadHello => whole(frame(1, awaited, &[0; 9])),
            Input::LongHello => whole(frame(1, awaited, &[0; 4097])),
            Input::Form => whole(frame(2, awaited, &[0; 9])),
            // n = 5,635, which is within all bounds
            Input::Foreign => whole(b"\x16\x03\x01\x02\x00\x01\x00".to_vec()),
            Input::ShortRecord => [&[0, 16][..], &[0; 16]].concat(),
            Input::LongRecord if rec_4 || in_the_clear => [&[0x40, 1][..], &[0; 16_385]].concat(),
            Input::LongRecord => return None,
            Input::Garbled => {
                let mut record = self.seal(2, b"text");
                record[4] ^= 1;
                record
            }
            Input::Auth(kind) => {
                let content = self.auth(kind);
                self.seal(1, &content)
            }
            Input::Record(kind) => {
                let content = self.content(kind);
                match (&mut self.script, kind, &self.init) {
                    (Script::Peer(peer), 9, Some(init)) => peer.reply(init),
                    _ => self.seal(kind, &content),
                }
            }
            Input::StrayPong => self.seal(6, &[8; 8]),
            Input::NoType => self.seal(0, &[0; 20]),
        })
    }

    fn auth(&self, kind: u8) -> Vec<u8> {
        match (kind, &self.script) {
            (1, Script::Keys(keys)) => keys.message(&Auth::of_server(identity(HOST))),
            (2, Script::Keys(keys)) => keys.message(&Auth::of_client(identity(CLIENT))),
            (1, _) => Setup::classical().client_verifies().2,
            (2, _) => {
                let (_, keys) = Setup::classical().server_awaits_auth();
                keys.message(&Auth::of_client(identity(CLIENT)))
            }
            (3, _) => vec![3, 1, 0, 0],
            (4, _) => vec![4, 1, 0, 1, b'x'],
            _ => vec![5, 0, 0, 0],
        }
    }

    fn content(&mut self, kind: u8) -> Vec<u8> {
        match kind {
            2 => b"text".to_vec(),
            4 => vec![0, 2, 0, 0],
            5 | 6 => vec![7; 8],
            8 | 9 => [&[9; 32][..], &[0, 0]].concat(),
            _ => Vec::new(),
        }
    }

    /// What an accepted input is answered with, by the notes below the tables.
    pub(super) fn answered(&mut self, input: Input, outcome: &Outcome) -> Result<(), String> {
        let ignored = outcome.next == self.name && outcome.sent.is_empty();
        let expected = match input {
            _ if outcome.error.is_some() => return Ok(()),
            Input::Record(7) if ignored => return Ok(()),
            _ if self.name.ends_with("-OVER") || self.name.ends_with("-FAILED") => None,
            Input::Auth(3) => Some(1),
            Input::Record(5) => Some(6),
            Input::Record(7) => Some(8),
            Input::Record(8) => Some(9),
            Input::Record(9) => Some(10),
            Input::ClientHello => return Ok(()),
            _ => None,
        };
        let mut kinds = Vec::new();
        for record in records(&outcome.sent) {
            let opened = self.opener().open(&mut record.clone()).unwrap().kind.id();
            kinds.push(opened);
        }
        if kinds == expected.into_iter().collect::<Vec<u8>>() {
            Ok(())
        } else {
            Err(format!("answered with {kinds:?}, not {expected:?}"))
        }
    }
}

/// A frame in front of a record is not mistaken for one.
#[test]
fn a_hello_and_a_record_cannot_be_confused() {
    let hello = Client::classical().frame();
    let (first, rest) = split_hello(&hello);
    assert_eq!((first.len(), rest.len()), (hello.len(), 0));
    assert_eq!(u16::from_be_bytes([hello[0], hello[1]]), 35_144, "beyond REC-4");
    assert!(handshake::record_len(&hello).is_err());
}
