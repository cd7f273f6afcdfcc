//! Rekey records that get Error 1.

use super::super::pair::{Rng, Seen, Setup, noon, take};
use super::super::script::{Peer, bytes16, plain, said};
use super::{nothing, transmit};
use crate::crypto::Cipher;
use crate::error::{Error, ErrorCode, Malformed, Misbehaved};
use crate::handshake::Exchange;
use crate::record::{Padding, RecordType, Sealer};
use crate::session::Session;

fn rekey(fault: &'static str) -> Error {
    Error::Misbehaved(Misbehaved::Rekey(fault))
}

fn malformed(message: &'static str, cause: Malformed) -> Error {
    Error::Malformed { message, cause }
}

const OTHER: &str = "it uses ML-KEM where the hellos did not, or the other way round";

fn receive(session: &mut Session, record: &[u8]) -> Result<Vec<Seen>, Error> {
    take(session, record, noon(), &mut Rng::new(6))
}

/// One record gets this error, and the peer Error 1.
#[track_caller]
fn refused(session: &mut Session, peer: &mut Peer, kind: u8, content: &[u8], error: Error) {
    let record = peer.say(kind, content);
    assert_eq!(receive(session, &record), Err(error));
    let mut out = Vec::new();
    session.fail(ErrorCode::Protocol, "", &mut out).unwrap();
    assert_eq!(said(&mut peer.opener, &out), plain(1));
}

fn hybrid() -> Setup {
    Setup::new(Cipher::Aes256Gcm, Exchange::Hybrid)
}

/// [REKEY-9] [WIRE-10]
#[test]
fn a_rekey_record_in_the_wrong_direction_gets_error_1() {
    for setup in [Setup::classical(), hybrid()] {
        let (mut client, mut peer) = setup.client_open();
        let init = peer.share().init;
        let fault = rekey("RekeyInit came from the server");
        refused(&mut client, &mut peer, 8, &init, fault);
        let (mut client, mut peer) = setup.client_open();
        let fault = rekey("RekeyDone came out of turn");
        refused(&mut client, &mut peer, 10, b"", fault);
        let (mut server, mut peer) = setup.server_open();
        let fault = rekey("RekeyAsk came from the client");
        refused(&mut server, &mut peer, 7, b"", fault);
        let (mut server, mut peer) = setup.server_open();
        let fault = rekey("RekeyReply came without a RekeyInit before it");
        refused(&mut server, &mut peer, 9, &init, fault);
    }
}

/// [REKEY-9] [REKEY-6]
#[test]
fn a_rekey_record_out_of_turn_gets_error_1() {
    let setup = Setup::classical();
    let (mut client, mut peer) = setup.client_open();
    let reply = [&[9; 32][..], &[0, 0]].concat();
    let fault = rekey("RekeyReply came without a RekeyInit before it");
    refused(&mut client, &mut peer, 9, &reply, fault.clone());

    // a reply to a RekeyInit that is queued and not sent
    let (mut client, mut peer) = setup.client_open();
    let ask = peer.say(7, b"");
    assert_eq!(receive(&mut client, &ask), nothing());
    refused(&mut client, &mut peer, 9, &reply, fault.clone());

    // a second reply to one RekeyInit
    let (mut client, mut peer) = setup.client_open();
    let mut out = Vec::new();
    client.rekey(noon(), &mut Rng::new(6), &mut out).unwrap();
    let init = peer.hear(&out).1;
    let answer = peer.reply(&init);
    assert_eq!(receive(&mut client, &answer), nothing());
    let record = peer.say(9, &reply);
    assert_eq!(receive(&mut client, &record), Err(fault));

    let done = || rekey("RekeyDone came out of turn");
    let (mut server, mut peer) = setup.server_open();
    refused(&mut server, &mut peer, 10, b"", done());

    // RekeyDone before RekeyReply was sent
    let (mut server, mut peer) = setup.server_open();
    let share = peer.share();
    let init = peer.say(8, &share.init);
    assert_eq!(receive(&mut server, &init), nothing());
    let record = peer.say(10, b"");
    assert_eq!(receive(&mut server, &record), Err(done()));

    // RekeyDone twice
    let (mut server, mut peer) = setup.server_open();
    let share = peer.share();
    let init = peer.say(8, &share.init);
    assert_eq!(receive(&mut server, &init), nothing());
    let reply = peer.hear(&transmit(&mut server)).1;
    peer.read_reply(&share, &reply);
    let record = peer.done();
    assert_eq!(receive(&mut server, &record), nothing());
    refused(&mut server, &mut peer, 10, b"", done());

    // a second RekeyInit before RekeyDone, before and behind the reply
    for replied in [false, true] {
        let (mut server, mut peer) = setup.server_open();
        let share = peer.share();
        let init = peer.say(8, &share.init);
        assert_eq!(receive(&mut server, &init), nothing());
        if replied {
            assert_eq!(peer.hear(&transmit(&mut server)).0, 9);
        }
        let record = peer.say(8, &share.init);
        let fault = rekey("RekeyInit came before the last rekey was done");
        assert_eq!(receive(&mut server, &record), Err(fault), "replied: {replied}");
    }
}

/// [REKEY-9] [WIRE-2]
#[test]
fn content_in_rekey_ask_or_rekey_done_gets_error_1() {
    let left = |message| malformed(message, Malformed::Leftover("the type"));
    let (mut client, mut peer) = Setup::classical().client_open();
    refused(&mut client, &mut peer, 7, b"x", left("RekeyAsk"));
    // also where the ask would be dropped
    let (mut client, mut peer) = Setup::classical().client_open();
    let mut out = Vec::new();
    client.rekey(noon(), &mut Rng::new(6), &mut out).unwrap();
    assert_eq!(peer.hear(&out).0, 8);
    refused(&mut client, &mut peer, 7, b"x", left("RekeyAsk"));
    let (mut server, mut peer) = Setup::classical().server_open();
    refused(&mut server, &mut peer, 10, b"x", left("RekeyDone"));
}

/// [REKEY-2] [REKEY-9] [KEX-2] [KEX-6] [WIRE-1] [WIRE-2]
#[test]
fn a_rekey_init_of_wrong_form_gets_error_1() {
    let share = [9; 32];
    let with = |field: &[u8]| [&share[..], &bytes16(field)].concat();
    let bad = |cause| malformed("RekeyInit", cause);
    let unusable = || Error::Misbehaved(Misbehaved::KeyShare);
    let weak = |field: &[u8]| [&[0; 32][..], &bytes16(field)].concat();
    let good_key = hybrid().server_open().1.share().init[34..].to_vec();
    let cases = [
        (Setup::classical(), with(&[0; 1184]), rekey(OTHER)),
        (Setup::classical(), with(&[0; 1]), bad(Malformed::Value("mlkem768"))),
        (Setup::classical(), weak(b""), unusable()),
        (Setup::classical(), share[..31].to_vec(), bad(Malformed::Short("x25519"))),
        (Setup::classical(), share.to_vec(), bad(Malformed::Short("mlkem768"))),
        (
            Setup::classical(),
            [&with(b"")[..], &[0]].concat(),
            bad(Malformed::Leftover("the share")),
        ),
        (hybrid(), with(b""), rekey(OTHER)),
        (hybrid(), with(&[0; 1183]), bad(Malformed::Value("mlkem768"))),
        (hybrid(), with(&[0; 1185]), bad(Malformed::Long("mlkem768"))),
        (hybrid(), with(&[0; 1088]), bad(Malformed::Value("mlkem768"))),
        (hybrid(), with(&[0xff; 1184]), unusable()),
        (hybrid(), weak(&good_key), unusable()),
    ];
    for (at, (setup, content, error)) in cases.into_iter().enumerate() {
        let (mut server, mut peer) = setup.server_open();
        println!("case {at}");
        refused(&mut server, &mut peer, 8, &content, error);
    }
}

/// [REKEY-2] [REKEY-9] [KEX-2] [WIRE-1] [WIRE-2]
#[test]
fn a_rekey_reply_of_wrong_form_gets_error_1() {
    let with = |field: &[u8]| [&[9; 32][..], &bytes16(field)].concat();
    let bad = |cause| malformed("RekeyReply", cause);
    let unusable = || Error::Misbehaved(Misbehaved::KeyShare);
    let weak = |field: &[u8]| [&[0; 32][..], &bytes16(field)].concat();
    let cases = [
        (Setup::classical(), with(&[0; 1088]), rekey(OTHER)),
        (Setup::classical(), with(&[0; 2]), bad(Malformed::Value("mlkem768"))),
        (Setup::classical(), weak(b""), unusable()),
        (Setup::classical(), vec![], bad(Malformed::Short("x25519"))),
        (
            Setup::classical(),
            [&with(b"")[..], &[0]].concat(),
            bad(Malformed::Leftover("the share")),
        ),
        (hybrid(), with(b""), rekey(OTHER)),
        (hybrid(), with(&[0; 1087]), bad(Malformed::Value("mlkem768"))),
        (hybrid(), with(&[0; 1184]), bad(Malformed::Long("mlkem768"))),
        (hybrid(), weak(&[0; 1088]), unusable()),
    ];
    for (at, (setup, content, error)) in cases.into_iter().enumerate() {
        println!("case {at}");
        let (mut client, mut peer) = setup.client_open();
        let mut out = Vec::new();
        client.rekey(noon(), &mut Rng::new(6), &mut out).unwrap();
        assert_eq!(peer.hear(&out).0, 8);
        refused(&mut client, &mut peer, 9, &content, error);
    }
}

/// [KEX-7] [REKEY-4]
#[test]
fn a_wrong_ciphertext_in_a_rekey_shows_as_records_that_do_not_decrypt() {
    let (mut client, mut peer) = hybrid().client_open();
    let mut out = Vec::new();
    client.rekey(noon(), &mut Rng::new(6), &mut out).unwrap();
    let init = peer.hear(&out).1;
    let fresh =
        Sealer::new(peer.cipher, &peer.generation.traffic().unwrap().server().unwrap()).unwrap();
    let mut keys = std::mem::replace(&mut peer.sealer, fresh);
    let _unsent = peer.reply(&init);
    let reply = [&[9; 32][..], &bytes16(&[7; 1088])].concat();
    out.clear();
    keys.seal(RecordType::RekeyReply, &reply, Padding::None, &mut out).unwrap();
    assert_eq!(receive(&mut client, &out), nothing());
    let record = peer.say(2, b"x");
    assert_eq!(receive(&mut client, &record), Err(Error::Decrypt));
}
