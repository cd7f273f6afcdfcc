//! What a client sends first, and at which answers it ends. All its ends here are silent: a state
//! that fails gives an error and no bytes.

use std::collections::BTreeSet;

use super::super::pair::{Rng, Setup};
use super::super::script::{Server, frame};
use super::super::who_ends_how::malformed;
use super::WEAK_SHARES;
use crate::crypto::Cipher;
use crate::error::{Error, Incompatible, Malformed, Misbehaved, Refusal};
use crate::handshake::{self, Exchange};
use crate::wire::hello::ClientHello;

fn hybrid() -> Setup {
    Setup::default()
}

/// A client that has sent its hello reads the script's answer with a change in it.
#[track_caller]
fn ends(setup: &Setup, change: &dyn Fn(&mut Server)) -> Error {
    let (client, hello) = setup.start();
    let mut script = Server::new(&hello);
    change(&mut script);
    client.read(&script.frame()).unwrap_err()
}

/// [HELLO-13] [ERR-6]
#[test]
fn a_refusal_is_reported_as_one_and_what_stands_behind_it_is_ignored() {
    let refused = [
        (1, Refusal::Version),
        (2, Refusal::Aead),
        (3, Refusal::PostQuantum),
        (4, Refusal::Malformed),
        (5, Refusal::Busy),
        (6, Refusal::NotAllowed),
        (0, Refusal::Other(0)),
        (7, Refusal::Other(7)),
        (255, Refusal::Other(255)),
    ];
    for (code, refusal) in refused {
        for behind in [&b""[..], b"x", &[0xff; 9000]] {
            let (client, _) = hybrid().start();
            let answer = [&frame(1, 3, &[code])[..], behind].concat();
            assert_eq!(client.read(&answer).unwrap_err(), Error::Refused(refusal));
        }
    }
    assert_eq!(
        Error::Refused(Refusal::Busy).to_string(),
        "the server refused, in words that nothing vouches for: it is busy; try again later"
    );
}

/// [HELLO-1] [HELLO-3] [HELLO-4] [ERR-6]
#[test]
fn a_client_ends_at_other_frames_than_server_hello_and_refusal() {
    let read = |bytes: &[u8]| hybrid().start().0.read(bytes).unwrap_err();
    let unexpected = |got, state| Error::Misbehaved(Misbehaved::Unexpected { got, state });
    let hello = hybrid().start().1;
    assert_eq!(read(&hello), unexpected("ClientHello", "awaiting ServerHello"));
    assert_eq!(read(&frame(1, 4, b"")), unexpected("an unknown frame", "awaiting a hello"));
    assert_eq!(read(&frame(2, 2, b"")), Error::Misbehaved(Misbehaved::Version(2)));
    assert_eq!(read(&frame(2, 3, &[1])), Error::Misbehaved(Misbehaved::Version(2)));
    let long = Malformed::Long("the body");
    assert_eq!(read(&frame(1, 2, &[0; 4097])), malformed("ServerHello", long));
    assert_eq!(read(&frame(1, 3, &[0; 4097])), malformed("Refusal", long));
    assert_eq!(read(&frame(1, 3, b"")), malformed("Refusal", Malformed::Short("the code")));
    assert_eq!(read(&frame(1, 3, &[1, 1])), malformed("Refusal", Malformed::Leftover("the code")));
}

/// [HELLO-7]
#[test]
fn a_client_ends_at_an_aead_that_it_did_not_list_or_grease() {
    let setup = Setup::new(Cipher::ChaCha20Poly1305, Exchange::Hybrid);
    let (_, hello) = setup.start();
    let listed = ClientHello::decode(&hello[7..]).unwrap().aeads.to_vec();
    assert_eq!(listed.len(), 2);
    assert!(listed.contains(&1));
    for id in 0..=255 {
        let change = |server: &mut Server| server.hello.aead = vec![id];
        if id == 1 {
            assert!(setup.start().0.read(&Server::new(&hello).frame()).is_ok());
        } else {
            let error = Error::Misbehaved(Misbehaved::NotOffered("a cipher"));
            assert_eq!(ends(&setup, &change), error, "id {id}, listed {listed:?}");
        }
    }
}

/// [HELLO-10] [KEX-5] [KEX-7] [HELLO-4] [WIRE-1] [WIRE-2] [WIRE-3]
#[test]
fn a_client_ends_at_a_server_hello_of_wrong_form() {
    type Change = fn(&mut Server);
    let with = |cause| malformed("ServerHello", cause);
    let not_offered = || Error::Misbehaved(Misbehaved::NotOffered("an extension"));
    let cases: Vec<(Change, Error)> = vec![
        (|s| s.hello.set(1, &[0; 1087]), with(Malformed::Value("mlkem768"))),
        (|s| s.hello.set(1, &[0; 1184]), with(Malformed::Value("mlkem768"))),
        (|s| s.hello.set(1, b""), with(Malformed::Value("mlkem768"))),
        (|s| s.hello.set(2, &[0; 128]), not_offered()),
        (|s| s.hello.set(3, b"host"), not_offered()),
        (|s| s.hello.set(9, b""), not_offered()),
        (|s| s.hello.set(0, b""), not_offered()),
        (|s| s.hello.drop(1), Error::Incompatible(Incompatible::PostQuantum)),
        (|s| s.hello.extensions.push((1, vec![0; 1088])), with(Malformed::Order("the extensions"))),
        (|s| s.hello.extensions.push((0, Vec::new())), with(Malformed::Order("the extensions"))),
        (
            |s| s.hello.extensions.extend((2..18).map(|kind| (kind, Vec::new()))),
            with(Malformed::Long("the extensions")),
        ),
        (|s| s.hello.tail = vec![0], with(Malformed::Leftover("the hello"))),
    ];
    for (at, (change, error)) in cases.into_iter().enumerate() {
        assert_eq!(ends(&hybrid(), &change), error, "case {at}");
    }
    let offered: Change = |s| s.hello.set(1, &[0; 1088]);
    assert_eq!(ends(&Setup::classical(), &offered), not_offered(), "it was not offered");
    // the client's own grease is no more welcome than any other type
    let (client, hello) = hybrid().start();
    let mut script = Server::new(&hello);
    script.hello.set(grease(&hello).1, b"");
    assert_eq!(client.read(&script.frame()).unwrap_err(), not_offered());
    let (_, hello) = hybrid().start();
    let whole = Server::new(&hello).hello.body();
    for len in 0..whole.len() {
        let error = hybrid().start().0.read(&frame(1, 2, &whole[..len])).unwrap_err();
        let short = matches!(
            error,
            Error::Malformed { message: "ServerHello", cause: Malformed::Short(_) }
        );
        assert!(short, "{len}: {error}");
    }
}

/// [KEX-2] [ERR-6]
#[test]
fn a_client_ends_at_a_share_that_agrees_on_nothing() {
    for share in WEAK_SHARES {
        let change = |server: &mut Server| server.hello.x25519 = share;
        let error = Error::Misbehaved(Misbehaved::KeyShare);
        assert_eq!(ends(&hybrid(), &change), error, "{share:?}");
    }
}

/// [KEX-7]
#[test]
fn a_wrong_ciphertext_shows_as_a_server_auth_that_does_not_decrypt() {
    let (client, hello) = hybrid().start();
    let mut script = Server::new(&hello);
    script.hello.extensions[0].1[500] ^= 1;
    let client = client.read(&script.frame()).unwrap();
    let mut keys = script.keys(b"");
    let message = keys.message(&super::super::script::Auth::of_server(
        super::super::pair::identity(super::super::pair::HOST),
    ));
    let failure = client.read(&mut keys.seal(1, &message)).unwrap_err();
    assert_eq!(failure.error, Error::Decrypt);
    assert_eq!(failure.farewell.len(), 2 + 512 + 16, "Error 1 under keys that only it has");
}

/// The grease id and the grease extension of a hello.
fn grease(hello: &[u8]) -> (u8, u16, Vec<u8>) {
    let parsed = ClientHello::decode(&hello[7..]).unwrap();
    let ids: Vec<u8> =
        parsed.aeads.iter().copied().filter(|id| [0x1a, 0x3a, 0x5a, 0x7a].contains(id)).collect();
    let [id] = ids[..] else { panic!("one grease id among {:?}", parsed.aeads) };
    let mut rest = &hello[7 + 64 + 1 + parsed.aeads.len() + 2..];
    let mut found = Vec::new();
    while let [a, b, c, d, tail @ ..] = rest {
        let (kind, len) = (u16::from_be_bytes([*a, *b]), usize::from(u16::from_be_bytes([*c, *d])));
        if a == b && a & 0x0f == 0x0a {
            found.push((id, kind, tail[..len].to_vec()));
        }
        rest = &tail[len..];
    }
    assert_eq!(found.len(), 1, "one grease extension");
    found.remove(0)
}

/// [HELLO-8] [HELLO-5] [KEX-1]
#[test]
fn every_hello_has_grease_of_its_own() {
    let (mut ids, mut places, mut kinds, mut lengths) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut randoms, mut shares, mut kems) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for seed in 0..400 {
        let (_, hello) = Setup { seed, ..hybrid() }.start();
        let parsed = ClientHello::decode(&hello[7..]).unwrap();
        let (id, kind, body) = grease(&hello);
        let rest: Vec<u8> = parsed.aeads.iter().copied().filter(|x| *x != id).collect();
        assert_eq!(rest, [1, 2], "the favourites keep their order");
        ids.insert(id);
        places.insert(parsed.aeads.iter().position(|x| *x == id));
        kinds.insert(kind);
        lengths.insert(body.len());
        randoms.insert(*parsed.random);
        shares.insert(*parsed.x25519);
        kems.insert(parsed.mlkem.unwrap().to_vec());
    }
    assert_eq!(ids, BTreeSet::from([0x1a, 0x3a, 0x5a, 0x7a]));
    assert_eq!(places, BTreeSet::from([Some(0), Some(1), Some(2)]));
    assert_eq!(kinds, (0..16).map(|n| n * 0x1010 + 0x0a0a).collect::<BTreeSet<u16>>());
    assert_eq!(lengths, (0..17).collect::<BTreeSet<_>>());
    assert_eq!((randoms.len(), shares.len(), kems.len()), (400, 400, 400));
}

/// [HELLO-12]
#[test]
fn a_server_name_is_sent_only_when_it_is_set() {
    let name = |setup: &Setup| {
        let (_, hello) = setup.start();
        ClientHello::decode(&hello[7..]).unwrap().server_name.map(str::to_owned)
    };
    let mut setup = hybrid();
    assert_eq!(name(&setup), None);
    setup.client.server_name = Some("host.example".to_owned());
    assert_eq!(name(&setup), Some("host.example".to_owned()));
    for bad in ["", "Host", "host.", "a b", "ä"] {
        setup.client.server_name = Some(bad.to_owned());
        let Ok(fresh) = handshake::ClientFresh::draw(&mut Rng::new(1));
        let refused = handshake::client::start(std::sync::Arc::new(setup.client.clone()), fresh);
        let setting = "a server name is 1 to 253 of a-z 0-9 . : _ - without a dot at the end";
        let misuse = Error::Misuse(crate::error::Misuse::Setting(setting));
        assert_eq!(refused.map(|_| ()).unwrap_err(), misuse, "{bad}");
    }
}

/// [AUTH-2] [OPP-1]
#[test]
fn another_prologue_shows_as_records_that_do_not_decrypt() {
    let mut setup = hybrid();
    setup.client.prologue = b"what the client heard".to_vec();
    let (client, hello) = setup.start();
    let config = std::sync::Arc::new(setup.server.clone());
    let read = handshake::server::hello(&config, &hello).unwrap();
    let (server, answer) = read.accept(setup.server_fresh()).unwrap();
    let (hello, mut auth) = super::super::pair::split_hello(&answer);
    let mut failure = client.read(&hello).unwrap().read(&mut auth).unwrap_err();
    assert_eq!(failure.error, Error::Decrypt);
    assert_eq!(failure.farewell.len(), 2 + 512 + 16);
    let failure = server.read(&mut failure.farewell).unwrap_err();
    assert_eq!(failure.error, Error::Decrypt);
    assert_eq!(failure.farewell, Vec::<u8>::new(), "the server is silent");
    setup.server.prologue = b"what the client heard".to_vec();
    assert_eq!(setup.established().0.established.protocol, b"");
}
