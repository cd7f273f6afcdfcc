//! New keys: both ways of beginning, crossings, Data all the while, and what is refused.

mod faults;
mod minute;

use super::pair::{Ends, Seen, Setup, data, records, take};
use super::script::Peer;
use crate::crypto::secret::Secret;
use crate::crypto::{KemKey, X25519Secret, encapsulate};
use crate::error::Error;
use crate::record::{Opener, Sealer};
use crate::schedule::Agreed;
use crate::session::Session;
use crate::wire::rekey::{RekeyInit, RekeyReply};

/// The client's share of a rekey by script.
pub(super) struct Share {
    x25519: X25519Secret,
    kem: Option<KemKey>,
    pub(super) init: Vec<u8>,
}

impl Peer {
    pub(super) fn share(&mut self) -> Share {
        let x25519 = X25519Secret::from_bytes(Secret::new(self.rng.bytes()));
        let kem = self.hybrid.then(|| KemKey::from_seed(&Secret::new(self.rng.bytes())));
        let mut init = Vec::new();
        let public = x25519.public();
        let mlkem = kem.as_ref().map(KemKey::encapsulation_key);
        RekeyInit { x25519: &public, mlkem }.encode(&mut init).unwrap();
        Share { x25519, kem, init }
    }

    /// A client's script: what the server sends is under its next key from here on.
    fn read_reply(&mut self, share: &Share, reply: &[u8]) {
        let parsed = RekeyReply::decode(reply).unwrap();
        let agreed = Agreed {
            mlkem: share.kem.as_ref().map(|kem| kem.decapsulate(parsed.mlkem.unwrap()).unwrap()),
            x25519: share.x25519.agree(parsed.x25519).unwrap(),
        };
        self.generation = self.generation.next(&agreed, &share.init, reply).unwrap();
        let secret = self.generation.traffic().unwrap().server().unwrap();
        self.opener = Opener::new(self.cipher, &secret).unwrap();
    }

    /// A client's script: RekeyDone, and the next key behind it.
    fn done(&mut self) -> Vec<u8> {
        let out = self.say(10, b"");
        let secret = self.generation.traffic().unwrap().client().unwrap();
        self.sealer = Sealer::new(self.cipher, &secret).unwrap();
        out
    }

    /// A server's script: RekeyReply to a RekeyInit, and the next key behind it.
    pub(super) fn reply(&mut self, init: &[u8]) -> Vec<u8> {
        let parsed = RekeyInit::decode(init).unwrap();
        let x25519 = X25519Secret::from_bytes(Secret::new(self.rng.bytes()));
        let m = Secret::new(self.rng.bytes());
        let kem = parsed.mlkem.map(|key| encapsulate(key, &m).unwrap());
        let mut reply = Vec::new();
        RekeyReply { x25519: &x25519.public(), mlkem: kem.as_ref().map(|(c, _)| c) }
            .encode(&mut reply)
            .unwrap();
        let agreed = Agreed {
            mlkem: kem.map(|(_, secret)| secret),
            x25519: x25519.agree(parsed.x25519).unwrap(),
        };
        self.generation = self.generation.next(&agreed, init, &reply).unwrap();
        let out = self.say(9, &reply);
        let secret = self.generation.traffic().unwrap().server().unwrap();
        self.sealer = Sealer::new(self.cipher, &secret).unwrap();
        out
    }

    /// A server's script: what the client sends is under its next key from here on.
    fn read_done(&mut self) {
        let secret = self.generation.traffic().unwrap().client().unwrap();
        self.opener = Opener::new(self.cipher, &secret).unwrap();
    }
}

fn transmit(session: &mut Session) -> Vec<u8> {
    let mut out = Vec::new();
    session.transmit(&mut out).unwrap();
    out
}

fn mains(ends: &Ends) -> (Vec<u8>, Vec<u8>) {
    let main = |session: &Session| session.generation().expose_main().to_vec();
    (main(&ends.client), main(&ends.server))
}

const NOTHING: Result<Vec<Seen>, Error> = Ok(Vec::new());

fn nothing() -> Result<Vec<Seen>, Error> {
    Ok(vec![Seen::Nothing])
}

/// [REKEY-1] [REKEY-2] [REKEY-3] [REKEY-4] [KEX-1]
#[test]
fn several_rekeys_in_a_row_change_every_key_each_time() {
    for setup in Setup::all() {
        let mut ends = setup.sessions();
        let mut seen = vec![mains(&ends).0];
        for round in 0..4 {
            ends.talk("before");
            if round % 2 == 0 {
                ends.rekey();
            } else {
                let ask = ends.server_rekeys();
                assert_eq!(records(&ask).len(), 1);
                assert_eq!(ends.client_reads(&ask), nothing());
                ends.settle().unwrap();
            }
            let (client, server) = mains(&ends);
            assert_eq!(client, server);
            assert!(!seen.contains(&client), "round {round}");
            seen.push(client);
            ends.talk("behind");
        }
    }
}

/// [REKEY-3] [REKEY-4]
#[test]
fn the_old_keys_open_nothing_behind_the_switch() {
    for setup in Setup::all() {
        let (mut client, mut peer) = setup.client_open();
        let mut rng = setup.rng(5);
        let mut init = Vec::new();
        client.rekey(super::pair::noon(), &mut rng, &mut init).unwrap();
        let (kind, init) = peer.hear(&init);
        assert_eq!(kind, 8);
        let (old_client, old_server) = (
            peer.generation.traffic().unwrap().client().unwrap(),
            peer.generation.traffic().unwrap().server().unwrap(),
        );
        let mut old_sealer = Sealer::new(peer.cipher, &old_server).unwrap();
        old_sealer.wear(peer.sealer.records() + 1, 0);
        let reply = peer.reply(&init);
        assert_eq!(take(&mut client, &reply, super::pair::noon(), &mut rng), nothing());
        let mut out = transmit(&mut client);
        assert_eq!(peer.hear(&out), (10, Vec::new()), "RekeyDone is the next record");
        out.clear();
        client.send(b"new", &mut out).unwrap();
        let mut under_old = Opener::new(peer.cipher, &old_client).unwrap();
        under_old.wear(peer.opener.records(), 0);
        assert_eq!(under_old.open(&mut out.clone()).unwrap_err(), Error::Decrypt);
        peer.read_done();
        assert_eq!(peer.hear(&out), (2, b"new".to_vec()));
        // and a server that went on under its old key is not believed
        let mut old = Vec::new();
        let padding = crate::record::Padding::None;
        old_sealer.seal(crate::record::RecordType::Data, b"old", padding, &mut old).unwrap();
        let refused = take(&mut client, &old, super::pair::noon(), &mut rng);
        assert_eq!(refused, Err(Error::Decrypt));
    }
}

/// [REKEY-3] [REKEY-4]
#[test]
fn a_client_that_goes_on_under_its_old_key_is_not_believed() {
    for setup in Setup::all() {
        let (mut server, mut peer) = setup.server_open();
        let mut rng = setup.rng(5);
        let now = super::pair::noon();
        let share = peer.share();
        let init = peer.say(8, &share.init);
        assert_eq!(take(&mut server, &init, now, &mut rng), nothing());
        let reply = transmit(&mut server);
        let (kind, reply) = peer.hear(&reply);
        assert_eq!(kind, 9);
        // Data may still come under the old key, up to RekeyDone
        let old = peer.say(2, b"old");
        assert_eq!(take(&mut server, &old, now, &mut rng), Ok(vec![data("old")]));
        let mut out = Vec::new();
        server.send(b"new", &mut out).unwrap();
        assert_eq!(peer.opener.open(&mut out.clone()).unwrap_err(), Error::Decrypt);
        peer.read_reply(&share, &reply);
        assert_eq!(peer.hear(&out), (2, b"new".to_vec()));
        let done = peer.say(10, b"");
        assert_eq!(take(&mut server, &done, now, &mut rng), nothing());
        let old = peer.say(2, b"old");
        assert_eq!(take(&mut server, &old, now, &mut rng), Err(Error::Decrypt));
    }
}

/// [REKEY-5] [REKEY-4]
#[test]
fn data_flows_in_both_directions_at_every_step() {
    for setup in Setup::all() {
        let mut ends = setup.sessions();
        let mut to_server = ends.client_sends("1");
        to_server.extend(ends.client_rekeys());
        to_server.extend(ends.client_sends("2"));
        let mut to_client = ends.server_sends("a");
        let seen = ends.server_reads(&to_server);
        assert_eq!(seen, Ok(vec![data("1"), Seen::Nothing, data("2")]));
        // the server's next record carries RekeyReply ahead of it
        let reply_and_data = ends.server_sends("b");
        assert_eq!(records(&reply_and_data).len(), 2);
        to_client.extend(reply_and_data);
        let crossing = ends.client_sends("3");
        assert_eq!(ends.client_reads(&to_client), Ok(vec![data("a"), Seen::Nothing, data("b")]));
        let done_and_data = ends.client_sends("4");
        assert_eq!(records(&done_and_data).len(), 2);
        let late = ends.server_sends("c");
        assert_eq!(ends.server_reads(&crossing), Ok(vec![data("3")]));
        assert_eq!(ends.server_reads(&done_and_data), Ok(vec![Seen::Nothing, data("4")]));
        assert_eq!(ends.client_reads(&late), Ok(vec![data("c")]));
        let (client, server) = mains(&ends);
        assert_eq!(client, server);
        ends.talk("5");
    }
}

/// [REKEY-7] [REKEY-8] [REKEY-6]
#[test]
fn a_rekey_ask_that_crosses_a_rekey_init_is_answered_by_it() {
    let mut ends = Setup::classical().sessions();
    let ask = ends.server_rekeys();
    let init = ends.client_rekeys();
    assert_eq!((records(&ask).len(), records(&init).len()), (1, 1));
    assert_eq!(ends.client_reads(&ask), nothing());
    assert_eq!(transmit(&mut ends.client), Vec::<u8>::new(), "it is dropped");
    assert_eq!(ends.server_reads(&init), nothing());
    ends.settle().unwrap();
    let (client, server) = mains(&ends);
    assert_eq!(client, server);
    // the ask was answered, so the next one may go out
    assert_eq!(records(&ends.server_rekeys()).len(), 1);
}

/// [REKEY-8]
#[test]
fn a_rekey_ask_is_answered_before_the_next_data() {
    let (mut client, mut peer) = Setup::classical().client_open();
    let mut rng = Setup::classical().rng(5);
    let ask = peer.say(7, b"");
    let now = super::pair::noon();
    assert_eq!(take(&mut client, &ask, now, &mut rng), nothing());
    let mut out = Vec::new();
    client.send(b"data", &mut out).unwrap();
    let kinds: Vec<u8> = records(&out).iter().map(|record| peer.hear(record).0).collect();
    assert_eq!(kinds, [8, 2]);
    let again = peer.say(7, b"");
    assert_eq!(take(&mut client, &again, now, &mut rng), nothing());
    assert_eq!(transmit(&mut client), Vec::<u8>::new(), "a rekey is under way");
}

/// [REKEY-6] [REKEY-7]
#[test]
fn there_is_one_rekey_at_a_time_and_one_ask() {
    let mut ends = Setup::classical().sessions();
    let init = ends.client_rekeys();
    assert_eq!(ends.client_rekeys(), Vec::<u8>::new());
    assert_eq!(ends.server_reads(&init), nothing());
    assert_eq!(ends.server_rekeys().len(), transmit_len(), "RekeyReply, no RekeyAsk");
    assert_eq!(ends.server_rekeys(), Vec::<u8>::new(), "RekeyDone is awaited");
    let mut ends = Setup::classical().sessions();
    assert_eq!(records(&ends.server_rekeys()).len(), 1);
    assert_eq!(ends.server_rekeys(), Vec::<u8>::new(), "the first still waits");
    assert_eq!(ends.client_reads(b""), NOTHING);
}

/// A RekeyReply without ML-KEM: share, empty field, type, tag, header.
fn transmit_len() -> usize {
    2 + 32 + 2 + 1 + 16
}

/// [REKEY-7]
#[test]
fn an_ask_still_unsent_is_dropped_when_the_client_comes_first() {
    let (server, mut peer) = Setup::classical().server_open();
    let (mut sender, mut receiver, mut control) = server.into_parts();
    let (now, mut rng) = (super::pair::noon(), Setup::classical().rng(5));
    control.rekey(now, &mut rng).unwrap();
    let share = peer.share();
    let mut init = peer.say(8, &share.init);
    let crate::session::Incoming::Control(kind, content) = receiver.open(&mut init).unwrap() else {
        panic!("RekeyInit is a control record");
    };
    let content = content.to_vec();
    control.receive(&mut receiver, kind, &content, now, &mut rng).unwrap();
    let mut out = Vec::new();
    control.transmit(&mut sender, &mut out).unwrap();
    let kinds: Vec<u8> = records(&out).iter().map(|record| peer.hear(record).0).collect();
    assert_eq!(kinds, [9], "RekeyReply alone");
}

/// [REKEY-4] [PING-1]
#[test]
fn rekey_done_goes_ahead_of_pongs_that_wait() {
    let (mut client, mut peer) = Setup::classical().client_open();
    let (now, mut rng) = (super::pair::noon(), Setup::classical().rng(5));
    let mut init = Vec::new();
    client.rekey(now, &mut rng, &mut init).unwrap();
    let init = peer.hear(&init).1;
    let ping = peer.say(5, &[1; 8]);
    assert_eq!(take(&mut client, &ping, now, &mut rng), nothing());
    let reply = peer.reply(&init);
    assert_eq!(take(&mut client, &reply, now, &mut rng), nothing());
    let out = records(&transmit(&mut client));
    assert_eq!(out.len(), 2);
    assert_eq!(peer.hear(&out[0]), (10, Vec::new()));
    peer.read_done();
    assert_eq!(peer.hear(&out[1]), (6, vec![1; 8]), "under the new key");
}

/// [CLOSE-1] [CLOSE-3] [REKEY-6]
#[test]
fn closing_during_a_rekey_lets_it_finish_or_drops_it_once_both_have_closed() {
    let mut ends = Setup::classical().sessions();
    let mut to_server = ends.client_rekeys();
    ends.client.close(&mut to_server).unwrap();
    assert_eq!(ends.server_reads(&to_server), Ok(vec![Seen::Nothing, Seen::Closed]));
    let to_client = ends.server_sends("under the new key");
    let seen = ends.client_reads(&to_client);
    assert_eq!(seen, Ok(vec![Seen::Nothing, data("under the new key")]));
    ends.settle().unwrap();
    let (client, server) = mains(&ends);
    assert_eq!(client, server, "it finished behind the client's Close");

    let mut ends = Setup::classical().sessions();
    let mut to_server = ends.client_rekeys();
    ends.client.close(&mut to_server).unwrap();
    let mut close = Vec::new();
    ends.server.close(&mut close).unwrap();
    assert_eq!(ends.client_reads(&close), Ok(vec![Seen::Closed]));
    assert_eq!(transmit(&mut ends.client), Vec::<u8>::new());
    assert_eq!(ends.server_reads(&to_server), Ok(vec![Seen::Nothing, Seen::Closed]));
    assert_eq!(transmit(&mut ends.server), Vec::<u8>::new(), "the reply is dropped");
    assert!(ends.client.is_over() && ends.server.is_over());
    assert_eq!(ends.client_rekeys(), Vec::<u8>::new(), "and none begins any more");
}

/// [SCHED-6]
#[test]
fn a_rekey_leaves_the_exporter_alone() {
    let (welcomed, server) = Setup::classical().established();
    let client = welcomed.established;
    let mut ends = {
        let again = Setup::classical().sessions();
        Ends { client: client.session, server: server.session, ..again }
    };
    let exporter = client.exporter;
    let value = || {
        let mut out = [0; 32];
        exporter.export("channel binding", b"", &mut out).unwrap();
        out
    };
    let before = value();
    ends.rekey();
    assert_eq!(value(), before);
    let mut at_server = [0; 32];
    server.exporter.export("channel binding", b"", &mut at_server).unwrap();
    assert_eq!(at_server, before);
}
