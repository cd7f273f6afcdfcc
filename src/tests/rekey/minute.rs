//! How often keys may change, by a clock that only the test moves, and what forces a change.

use super::super::pair::{Ends, Seen, Setup, after, data, noon, take};
use super::super::script::{Peer, plain, said};
use super::{nothing, transmit};
use crate::error::{Error, ErrorCode, Misbehaved};
use crate::record::{MAX_BYTES, MAX_RECORDS};
use crate::session::{RekeyPolicy, Session};

/// A client's script rekeys once.
fn rekeys(server: &mut Session, peer: &mut Peer, seconds: f64) -> Result<(), Error> {
    let mut rng = Setup::classical().rng(9);
    let share = peer.share();
    let init = peer.say(8, &share.init);
    assert_eq!(take(server, &init, after(seconds), &mut rng)?, [Seen::Nothing]);
    let reply = peer.hear(&transmit(server)).1;
    peer.read_reply(&share, &reply);
    let done = peer.done();
    assert_eq!(take(server, &done, after(seconds), &mut rng)?, [Seen::Nothing]);
    Ok(())
}

/// [REKEY-10]
#[test]
fn a_server_takes_64_rekey_inits_in_a_sliding_minute_and_no_more() {
    let many = || Error::Misbehaved(Misbehaved::TooMany("rekeys in a minute"));
    let (mut server, mut peer) = Setup::classical().server_open();
    for _ in 0..64 {
        rekeys(&mut server, &mut peer, 0.0).unwrap();
    }
    assert_eq!(rekeys(&mut server, &mut peer, 59.9), Err(many()));
    let mut out = Vec::new();
    server.fail(ErrorCode::Protocol, "", &mut out).unwrap();
    assert_eq!(said(&mut peer.opener, &out), plain(1));

    // 32 at 0 s and 32 at 30 s: at 60 s the first half is gone, and it alone
    let (mut server, mut peer) = Setup::classical().server_open();
    for n in 0..64 {
        rekeys(&mut server, &mut peer, if n < 32 { 0.0 } else { 30.0 }).unwrap();
    }
    for _ in 0..32 {
        rekeys(&mut server, &mut peer, 60.0).unwrap();
    }
    assert_eq!(rekeys(&mut server, &mut peer, 89.9), Err(many()));
}

/// [REKEY-10]
#[test]
fn a_client_that_reached_60_waits() {
    let mut ends = Setup::classical().sessions();
    for n in 0..60 {
        ends.now = after(f64::from(n) / 10.0);
        ends.rekey();
    }
    ends.now = after(59.9);
    assert_eq!(ends.client_rekeys(), Vec::<u8>::new(), "60 within the minute");
    ends.talk("still there");
    ends.now = after(60.0);
    ends.rekey();
    assert_eq!(ends.client_rekeys(), Vec::<u8>::new(), "60 again");
    ends.now = after(60.1);
    ends.rekey();
}

/// [REKEY-10] [REC-5]
#[test]
fn the_hard_limit_of_a_key_forces_the_61st_to_the_64th() {
    let mut ends = Setup::classical().sessions();
    for _ in 0..60 {
        ends.rekey();
    }
    assert_eq!(ends.client_rekeys(), Vec::<u8>::new());
    for _ in 60..64 {
        ends.client.wear(MAX_RECORDS - 64, 0);
        ends.server.wear(MAX_RECORDS - 64, 0);
        ends.rekey();
    }
    ends.client.wear(MAX_RECORDS - 64, 0);
    assert_eq!(ends.client_rekeys(), Vec::<u8>::new(), "the server would take no 65th");
}

/// The four last records or bytes of a key, for each limit.
fn worn() -> [(u64, u64); 2] {
    [(MAX_RECORDS, 0), (0, MAX_BYTES)]
}

/// [REC-5]
#[test]
fn a_sender_without_64_spare_records_sends_no_data_until_a_rekey() {
    for server_sends in [false, true] {
        for (records, bytes) in [(MAX_RECORDS - 64, 0), (0, MAX_BYTES - 64 * 65_535 - 65_534)] {
            let mut ends = Setup::classical().sessions();
            // one more is allowed just before
            let (before, spare) = (records.saturating_sub(1), bytes.saturating_sub(1));
            ends.client.wear(before, spare);
            ends.server.wear(before, spare);
            ends.talk("the last");
            ends.client.wear(records, bytes);
            ends.server.wear(records, bytes);
            let mut out = Vec::new();
            let Ends { client, server, .. } = &mut ends;
            let sender = if server_sends { server } else { client };
            assert_eq!(sender.send(b"x", &mut out), Err(Error::RekeyBlocked));
            assert_eq!(out, Vec::<u8>::new());
            // but all else goes on, a rekey above all
            sender.ping([1; 8], &mut out).unwrap();
            let Ends { client, server, rng, now } = &mut ends;
            let receiver = if server_sends { client } else { server };
            assert_eq!(take(receiver, &out, *now, rng), nothing());
            if server_sends {
                let ask = ends.server_rekeys();
                assert_eq!(ends.client_reads(&ask), nothing());
            } else {
                let init = ends.client_rekeys();
                assert_eq!(ends.server_reads(&init), nothing());
            }
            ends.settle().unwrap();
            ends.talk("again");
        }
    }
}

/// [REC-5]
#[test]
fn a_key_protects_its_last_record_and_not_one_more() {
    for (records, bytes) in worn() {
        let mut ends = Setup::classical().sessions();
        // a Ping's record has 25 bytes of ciphertext
        let (records, bytes) = (records.saturating_sub(1), bytes.saturating_sub(25));
        ends.client.wear(records, bytes);
        ends.server.wear(records, bytes);
        let mut out = Vec::new();
        ends.client.ping([1; 8], &mut out).unwrap();
        assert_eq!(ends.server_reads(&out), nothing());
        assert_eq!(ends.client.ping([2; 8], &mut Vec::new()), Err(Error::RekeyBlocked));
    }
}

/// [REC-5] [ERR-1]
#[test]
fn a_receiver_past_the_limit_ends_with_error_1() {
    for (records, bytes) in worn() {
        for (mut session, mut peer) in
            [Setup::classical().client_open(), Setup::classical().server_open()]
        {
            session.wear_receiver(records, bytes);
            let record = peer.say(2, b"x");
            let worn_out = Error::Misbehaved(Misbehaved::KeyWornOut);
            let mut rng = Setup::classical().rng(9);
            assert_eq!(take(&mut session, &record, noon(), &mut rng), Err(worn_out));
            let mut out = Vec::new();
            session.fail(ErrorCode::Protocol, "", &mut out).unwrap();
            assert_eq!(said(&mut peer.opener, &out), plain(1));
        }
    }
}

/// [REKEY-1]
#[test]
fn a_client_wants_new_keys_after_2_to_the_30_bytes_or_2_to_the_20_records_or_an_hour() {
    let client = RekeyPolicy::client();
    assert_eq!((client.bytes, client.records, client.interval.as_secs()), (1 << 30, 1 << 20, 3600));
    for policy in [client, RekeyPolicy::server(), client.after_bytes(5)] {
        assert!(!policy.is_due((policy.records - 1, policy.bytes - 1)));
        assert!(policy.is_due((policy.records, 0)));
        assert!(policy.is_due((0, policy.bytes)));
    }
}

/// [REKEY-10] [REKEY-8]
#[test]
fn a_client_that_is_asked_answers_up_to_the_servers_own_limit() {
    let (mut client, mut peer) = Setup::classical().client_open();
    let mut rng = Setup::classical().rng(9);
    for n in 0..64 {
        let ask = peer.say(7, b"");
        assert_eq!(take(&mut client, &ask, noon(), &mut rng), nothing());
        let init = peer.hear(&transmit(&mut client));
        assert_eq!(init.0, 8, "RekeyInit {n}");
        let reply = peer.reply(&init.1);
        assert_eq!(take(&mut client, &reply, noon(), &mut rng), nothing());
        assert_eq!(peer.hear(&transmit(&mut client)).0, 10);
        peer.read_done();
    }
    let ask = peer.say(7, b"");
    assert_eq!(take(&mut client, &ask, noon(), &mut rng), nothing());
    assert_eq!(transmit(&mut client), Vec::<u8>::new(), "the server would take no 65th");
    let text = peer.say(2, b"on");
    assert_eq!(take(&mut client, &text, noon(), &mut rng), Ok(vec![data("on")]));
}
