//! Where messages end in a stream, and how long they may be.

use super::pair::{CLIENT, Ends, HOST, Seen, Setup, data, identity, records, split_hello};
use super::script::{Auth, frame};
use crate::error::{Error, Foreign, Malformed, Misbehaved, Misuse};
use crate::handshake::client;
use crate::handshake::{self, ClientConfig, ServerConfig};
use crate::key::Identity;
use crate::record::{Padding, RecordType, Sealer};
use crate::session;

/// [REC-4] [REC-3] [LIM-1]
#[test]
fn before_a_peer_is_authenticated_n_lies_between_17_and_16384() {
    for n in 0..=u16::MAX {
        let len = handshake::record_len(&n.to_be_bytes());
        if (17..=16_384).contains(&n) {
            assert_eq!(len, Ok(Some(usize::from(n) + 2)));
        } else {
            assert_eq!(len, Err(Error::Misbehaved(Misbehaved::RecordLength(n))));
        }
        let len = session::record_len(&n.to_be_bytes());
        if n >= 17 {
            assert_eq!(len, Ok(Some(usize::from(n) + 2)));
        } else {
            assert_eq!(len, Err(Error::Misbehaved(Misbehaved::RecordLength(n))));
        }
    }
}

/// [HELLO-2] [WIRE-1]
#[test]
fn where_a_message_ends_is_told_as_soon_as_it_can_be_and_never_sooner() {
    let hello = Setup::classical().start().1;
    for have in 0..=hello.len() {
        let expected = if have < 7 { None } else { Some(hello.len()) };
        assert_eq!(handshake::hello_len(&hello[..have]), Ok(expected), "{have} bytes");
    }
    assert_eq!(handshake::record_len(&[]), Ok(None));
    assert_eq!(handshake::record_len(&[0]), Ok(None));
    assert_eq!(handshake::record_len(&[0, 17]), Ok(Some(19)));
    assert_eq!(session::record_len(&[]), Ok(None));
    assert_eq!(session::record_len(&[0xff]), Ok(None));
    // foreign bytes by the third, the form by the fourth, the frame's type by the fifth
    assert_eq!(handshake::hello_len(b"SS"), Ok(None));
    assert_eq!(handshake::hello_len(b"SSH"), Err(Error::Foreign(Foreign::Ssh)));
    assert_eq!(handshake::hello_len(b"\x89HF"), Ok(None));
    let form = Error::Misbehaved(Misbehaved::Version(7));
    assert_eq!(handshake::hello_len(b"\x89HF\x07"), Err(form));
    let got = Misbehaved::Unexpected { got: "an unknown frame", state: "awaiting a hello" };
    assert_eq!(handshake::hello_len(b"\x89HF\x01\x08"), Err(Error::Misbehaved(got)));
    assert_eq!(handshake::hello_len(b"\x89HF\x01\x01\x10\x00"), Ok(Some(4103)));
    for (kind, message) in [(1, "ClientHello"), (2, "ServerHello"), (3, "Refusal")] {
        let error = Error::Malformed { message, cause: Malformed::Long("the body") };
        assert_eq!(handshake::hello_len(&frame(1, kind, &[0; 4097])[..7]), Err(error));
    }
}

/// [WIRE-9]
#[test]
fn a_stream_split_anywhere_gives_the_same_messages() {
    let mut ends = Setup::classical().sessions();
    let mut stream = ends.client_sends("one");
    stream.extend(ends.client_sends("two"));
    stream.extend(ends.client_rekeys());
    stream.extend(ends.client_sends("three"));
    ends.client.close(&mut stream).unwrap();
    let expected = [data("one"), data("two"), Seen::Nothing, data("three"), Seen::Closed];
    let Ends { mut rng, now, .. } = ends;
    for size in 1..=stream.len() {
        // the same ends again, as fresh as the first
        let mut server = Setup::classical().sessions().server;
        let (mut have, mut seen) = (Vec::new(), Vec::new());
        for piece in stream.chunks(size) {
            have.extend_from_slice(piece);
            while let Some(len) = session::record_len(&have).unwrap().filter(|n| *n <= have.len()) {
                let record: Vec<u8> = have.drain(..len).collect();
                seen.extend(super::pair::take(&mut server, &record, now, &mut rng).unwrap());
            }
        }
        assert_eq!(have, Vec::<u8>::new());
        assert_eq!(seen, expected, "pieces of {size}");
    }
}

/// [WIRE-9]
#[test]
fn every_message_of_a_handshake_is_one_record_within_the_early_limit() {
    let mut setup = Setup::default();
    setup.client.login = "l".repeat(255);
    setup.client.target.name = "t".repeat(255);
    setup.client.protocols = (0..16).map(|n| vec![n; 255]).collect();
    for seed in 10..18 {
        setup.server.identities = setup.server.identities.and(identity(seed));
    }
    let (client, hello) = setup.start();
    assert!(hello.len() <= 7 + 4096);
    let config = std::sync::Arc::new(setup.server.clone());
    let read = handshake::server::hello(&config, &hello).unwrap();
    let (server, out) = read.accept(setup.server_fresh()).unwrap();
    let (hello, mut auth) = split_hello(&out);
    assert_eq!(handshake::record_len(&auth), Ok(Some(auth.len())));
    assert_eq!((auth.len() - 2 - 16) % 512, 0, "padded");
    let client = client.read(&hello).unwrap().read(&mut auth).unwrap();
    let (client, mut out) = client.trust(setup.identity.as_ref()).unwrap();
    assert_eq!(handshake::record_len(&out), Ok(Some(out.len())));
    assert_eq!((out.len() - 2 - 16) % 512, 0, "padded");
    let server = server.read(&mut out).unwrap();
    assert_eq!(server.claims().protocols, setup.client.protocols);
    let (_, mut out) = server.welcome().unwrap();
    assert_eq!(records(&out).len(), 1);
    assert_eq!(handshake::record_len(&out), Ok(Some(out.len())));
    assert_eq!((out.len() - 2 - 16) % 512, 0, "padded");
    assert!(client.read(&mut out).is_ok());
}

/// [REC-4] [AUTH-1]
#[test]
fn the_largest_early_record_is_read_and_its_padding_not_checked() {
    // n is 16,384: nothing but the message, its type and zeros, the last of which seal adds
    let fill = |sealer: &mut Sealer, message: &[u8]| {
        let mut content = [message, &[1]].concat();
        content.resize(16_384 - 16 - 1, 0);
        let mut record = Vec::new();
        sealer.seal(RecordType::Unknown(0), &content, Padding::None, &mut record).unwrap();
        assert_eq!(handshake::record_len(&record), Ok(Some(16_386)));
        record
    };
    let (client, mut keys) = Setup::classical().client_awaits_auth();
    let message = keys.message(&Auth::of_server(identity(HOST)));
    let mut record = fill(&mut keys.sealer, &message);
    assert_eq!(client.read(&mut record).unwrap().host_key(), identity(HOST).public_key());
    let (server, mut keys) = Setup::classical().server_awaits_auth();
    let message = keys.message(&Auth::of_client(identity(CLIENT)));
    let mut record = fill(&mut keys.sealer, &message);
    assert_eq!(server.read(&mut record).unwrap().claims().login, "alice");
    let (client, mut peer) = Setup::classical().client_awaits_welcome();
    let mut record = fill(&mut peer.sealer, &[5, 0, 0, 0]);
    assert_eq!(super::pair::welcomed(client.read(&mut record).unwrap()).other_host_keys, []);
}

/// What a client may be set to.
fn start(change: impl Fn(&mut ClientConfig)) -> Result<(), Error> {
    let setup = Setup::classical();
    let mut config = setup.client.clone();
    change(&mut config);
    let Ok(fresh) = handshake::ClientFresh::draw(&mut setup.rng(1));
    client::start(std::sync::Arc::new(config), fresh).map(|_| ())
}

/// [HELLO-5] [AUTH-8] [WIRE-4] [WIRE-6]
#[test]
fn settings_that_the_protocol_cannot_express_are_refused_before_anything_is_sent() {
    use crate::crypto::Cipher;
    let setting = |text| Err(Error::Misuse(Misuse::Setting(text)));
    assert_eq!(start(|c| c.ciphers.clear()), setting("no cipher is allowed; name at least one"));
    assert_eq!(
        start(|c| c.ciphers = vec![Cipher::Aes256Gcm; 2]),
        setting("a cipher is named twice")
    );
    let login = "a login is at most 255 bytes without control characters";
    assert_eq!(start(|c| c.login = "x".repeat(256)), setting(login));
    assert_eq!(start(|c| c.login = "a\nb".to_owned()), setting(login));
    let target = "a target's name is at most 255 bytes without control characters";
    assert_eq!(start(|c| c.target.name = "x".repeat(256)), setting(target));
    assert_eq!(start(|c| c.target.name = "\u{200b}".to_owned()), setting(target));
    let names = |n: u8| (0..n).map(|n| vec![n]).collect::<Vec<_>>();
    assert_eq!(start(|c| c.protocols = names(17)), setting("too many application protocols"));
    assert_eq!(start(|c| c.protocols = names(16)), Ok(()));
    let length = "the name of an application protocol is 1 to 255 bytes long";
    assert_eq!(start(|c| c.protocols = vec![Vec::new()]), setting(length));
    assert_eq!(start(|c| c.protocols = vec![vec![0; 256]]), setting(length));
    let twice = "an application protocol is named twice";
    assert_eq!(start(|c| c.protocols = vec![vec![1]; 2]), setting(twice));

    let server = |change: fn(&mut ServerConfig)| {
        let mut config = Setup::classical().server;
        change(&mut config);
        config.check()
    };
    assert_eq!(server(|_| {}), Ok(()));
    assert_eq!(server(|c| c.ciphers.clear()), setting("no cipher is allowed; name at least one"));
    assert_eq!(server(|c| c.protocols = vec![vec![1]; 2]), setting(twice));
    assert_eq!(server(|c| c.protocols = vec![Vec::new()]), setting(length));
}

/// [SIG-4] [SIG-1]
#[test]
fn either_side_proves_the_key_of_its_seed() {
    let setup = Setup { identity: Some(Identity::from_seed(&[77; 32])), ..Setup::classical() };
    let (_, server) = setup.authenticating();
    assert_eq!(server.claims().key.as_ref(), Some(identity(77).public_key()));
    let (client, _, _) = setup.client_verifies();
    assert_eq!(client.host_key(), identity(HOST).public_key());
}
