//! Hints, and which of its identities a server shows.

use super::super::pair::{HOST, Setup, identity, split_hello};
use crate::crypto::{hmac_sha256, sha256};
use crate::handshake::{Identities, server};
use crate::key::PublicKey;
use crate::wire::hello::ClientHello;

fn key(seed: u8) -> PublicKey {
    identity(seed).public_key().clone()
}

/// The hints of a hello, and the keys among `seeds` that they name, with their places.
fn named(setup: &Setup, seeds: impl Iterator<Item = u8>) -> (Vec<Vec<u8>>, Vec<(u8, usize)>) {
    let (_, hello) = setup.start();
    let hello = ClientHello::decode(&hello[7..]).unwrap();
    let hints: Vec<Vec<u8>> = hello.hints.unwrap().chunks(16).map(<[u8]>::to_vec).collect();
    let mut found = Vec::new();
    for seed in seeds {
        let hmac_key = sha256(&[b"hf1 hint", &key(seed).blob()]);
        let hint = &hmac_sha256(&hmac_key, &[hello.random, hello.x25519])[..16];
        if let Some(place) = hints.iter().position(|h| h == hint) {
            found.push((seed, place));
        }
    }
    (hints, found)
}

/// [HINT-1] [HINT-2] [HINT-3]
#[test]
fn a_hello_has_eight_hints_of_which_the_first_eight_expected_keys_take_random_places() {
    for expected in [0, 1, 2, 7, 8, 9, 12_u8] {
        let mut places = std::collections::BTreeSet::new();
        for seed in 0..60 {
            let mut setup = Setup { seed, ..Setup::classical() };
            setup.client.expected = (10..10 + expected).map(key).collect();
            let (hints, found) = named(&setup, 10..30);
            assert_eq!(hints.len(), 8);
            let distinct: std::collections::BTreeSet<_> = hints.iter().collect();
            assert_eq!(distinct.len(), 8, "no two alike");
            let keys: Vec<u8> = found.iter().map(|(seed, _)| *seed).collect();
            assert_eq!(keys, (10..10 + expected.min(8)).collect::<Vec<_>>(), "in file order");
            places.extend(found.first().map(|(_, place)| *place));
        }
        assert_eq!(places.len(), if expected == 0 { 0 } else { 8 }, "every place is taken");
    }
}

/// [HINT-2]
#[test]
fn fillers_are_new_in_each_hello() {
    let hints = |seed| named(&Setup { seed, ..Setup::classical() }, 0..0).0;
    let (a, b) = (hints(1), hints(2));
    assert!(a.iter().all(|hint| !b.contains(hint)));
}

/// The key that a client is shown.
fn shown(setup: &Setup) -> PublicKey {
    let (client, hello) = setup.start();
    let read = server::hello(&std::sync::Arc::new(setup.server.clone()), &hello).unwrap();
    let (_, answer) = read.accept(setup.server_fresh()).unwrap();
    let (hello, mut auth) = split_hello(&answer);
    client.read(&hello).unwrap().read(&mut auth).unwrap().host_key().clone()
}

/// [HINT-4] [HELLO-14]
#[test]
fn the_first_of_the_servers_keys_that_a_hint_names_is_shown_else_the_default() {
    let mut setup = Setup::classical();
    setup.server.identities = Identities::new(identity(HOST)).and(identity(4)).and(identity(5));
    let cases: [(&[u8], u8); 8] = [
        (&[], HOST),
        (&[9], HOST),
        (&[4], 4),
        (&[5], 5),
        (&[5, 4], 4),
        (&[9, 5], 5),
        (&[5, 4, HOST], HOST),
        // the ninth is not hinted at
        (&[9, 8, 7, 6, 5, 10, 11, 4, HOST], 4),
    ];
    for (expected, seed) in cases {
        setup.client.expected = expected.iter().map(|seed| key(*seed)).collect();
        assert_eq!(shown(&setup), key(seed), "{expected:?}");
    }
}

/// [HINT-4]
#[test]
fn a_server_name_selects_a_set_where_the_server_knows_it() {
    let mut setup = Setup::classical();
    setup.server.identities = Identities::new(identity(HOST))
        .and(identity(3))
        .named("A.example", identity(4))
        .named("a.example", identity(5))
        .named("b.example", identity(6));
    let cases: [(Option<&str>, &[u8], u8); 10] = [
        (None, &[], HOST),
        (None, &[6], 6),
        (None, &[5, 3], 3),
        (Some("a.example"), &[], 4),
        (Some("a.example"), &[5], 5),
        (Some("a.example"), &[HOST], 4),
        (Some("a.example"), &[6], 4),
        (Some("b.example"), &[5], 6),
        (Some("c.example"), &[], HOST),
        (Some("c.example"), &[5], 5),
    ];
    for (name, expected, seed) in cases {
        setup.client.server_name = name.map(str::to_owned);
        setup.client.expected = expected.iter().map(|seed| key(*seed)).collect();
        assert_eq!(shown(&setup), key(seed), "{name:?} {expected:?}");
    }
}
