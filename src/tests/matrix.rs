//! Every combination of what two ends may agree on.

use super::pair::{CLIENT, HOST, Seen, Setup, data, identity, noon, take, welcomed};
use crate::handshake::client::Answer;
use crate::handshake::{Exchange, Identities};

/// How a client is known, and when it begins to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Key,
    Nothing,
    KeyAndPassword,
    Password,
    EagerKey,
    EagerNothing,
}

/// [AUTH-9] [AUTH-11] [AUTH-13] [HELLO-6] [KEX-3] [WIRE-11] [REKEY-2] [SCHED-3]
#[test]
fn every_way_to_agree_works_with_every_cipher_and_exchange() {
    let ways = [
        Way::Key,
        Way::Nothing,
        Way::KeyAndPassword,
        Way::Password,
        Way::EagerKey,
        Way::EagerNothing,
    ];
    for base in Setup::all() {
        for way in ways {
            for extras in [false, true] {
                let mut setup = base.clone();
                let keyless = matches!(way, Way::Nothing | Way::Password | Way::EagerNothing);
                setup.identity = (!keyless).then(|| identity(CLIENT));
                setup.client.eager = matches!(way, Way::EagerKey | Way::EagerNothing);
                if extras {
                    setup.client.prologue = b"STARTHF".to_vec();
                    setup.server.prologue = b"STARTHF".to_vec();
                    setup.client.protocols = vec![b"b".to_vec()];
                    setup.server.protocols = vec![b"a".to_vec(), b"b".to_vec()];
                    setup.client.server_name = Some("host.example".to_owned());
                    setup.client.expected = vec![identity(4).public_key().clone()];
                    setup.server.identities = Identities::new(identity(HOST))
                        .named("host.example", identity(3))
                        .named("host.example", identity(4));
                    setup.server.names = vec!["host.example".to_owned()];
                }
                agree(&setup, way, extras);
            }
        }
    }
}

fn agree(setup: &Setup, way: Way, extras: bool) {
    let (mut client, mut server) = setup.authenticating();
    assert_eq!(server.claims().key.as_ref(), setup.identity.as_ref().map(|i| i.public_key()));
    assert_eq!(server.claims().login, "alice");
    assert_eq!(server.claims().target, setup.client.target);
    let mut early = Vec::new();
    if setup.client.eager {
        early = client.eager_data(b"early").unwrap();
    }
    if matches!(way, Way::KeyAndPassword | Way::Password) {
        let (waiting, mut out) = server.ask_password("Password: ").unwrap();
        let Answer::Password(question) = client.read(&mut out).unwrap() else { panic!("{way:?}") };
        assert_eq!(question.prompt(), "Password: ");
        let (next, mut out) = question.answer("open sesame").unwrap();
        client = next;
        let (admitted, password) = waiting.read(&mut out).unwrap();
        assert_eq!(*password, "open sesame");
        server = admitted;
    }
    let (server, mut out) = server.welcome().unwrap();
    let welcome = welcomed(client.read(&mut out).unwrap());
    let client = welcome.established;
    let other = extras.then(|| identity(3).public_key().clone());
    assert_eq!(welcome.other_host_keys, other.into_iter().collect::<Vec<_>>());
    let protocol: &[u8] = if extras { b"b" } else { b"" };
    assert_eq!((&client.protocol[..], &server.protocol[..]), (protocol, protocol));
    assert_eq!((client.cipher, server.cipher), (setup.client.ciphers[0], setup.client.ciphers[0]));
    let exchange: Exchange = setup.client.exchange;
    assert_eq!((client.exchange, server.exchange), (exchange, exchange));
    let (mut a, mut b) = ([0; 32], [0; 32]);
    client.export("channel binding", b"", &mut a).unwrap();
    server.export("channel binding", b"", &mut b).unwrap();
    assert_eq!(a, b);

    let (client, mut server) = (client.session, server.session);
    let mut rng = setup.rng(4);
    let expected = if early.is_empty() { vec![] } else { vec![data("early")] };
    assert_eq!(take(&mut server, &early, noon(), &mut rng), Ok(expected));
    let mut ends = super::pair::Ends { client, server, rng, now: noon() };
    ends.talk("hello");
    ends.rekey();
    ends.talk("again");
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    ends.client.close(&mut to_server).unwrap();
    ends.server.close(&mut to_client).unwrap();
    assert_eq!(ends.server_reads(&to_server), Ok(vec![Seen::Closed]));
    assert_eq!(ends.client_reads(&to_client), Ok(vec![Seen::Closed]));
    assert!(ends.client.is_over() && ends.server.is_over());
}
