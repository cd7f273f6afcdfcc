//! What a client says of itself, in its hello and behind its trust.

use handfast::handshake::Exchange;
use handfast::trust::{Host, PinnedKeys};
use handfast::{Client, ConnectError, Error, Stream};
use zeroize::Zeroizing;

use crate::wire::client_side::{failed, host};
use crate::wire::support::client::prologue;
use crate::wire::support::crypto::key_blob;
use crate::wire::support::link::{Channel, Link, SILENCE};
use crate::wire::support::messages::{
    DATA, HINTS, MLKEM, Proof, SERVER_NAME, TARGET, bytes8, target,
};
use crate::wire::support::rig::{ALICE, HOST, client, connect, public, soon};
use crate::wire::support::server::{Answer, hear_hello};

/// [HELLO-8] [HINT-1] [HINT-2] [HELLO-12] [KEX-1] [KEX-3] [HELLO-5]
#[tokio::test]
async fn every_hello_is_fresh_greased_and_full_of_hints() {
    let hear = async |client: &Client| {
        let (io, _task) = connect(client);
        soon(hear_hello(&mut Link::new(io))).await
    };
    let mut seen = std::collections::HashSet::new();
    let mut places = std::collections::HashSet::new();
    let mut sizes = std::collections::HashSet::new();
    for _ in 0..40 {
        let heard = hear(&client().0).await;
        let grease: Vec<_> =
            heard.aeads.iter().filter(|id| [0x1a, 0x3a, 0x5a, 0x7a].contains(*id)).collect();
        assert_eq!((grease.len(), heard.aeads.len()), (1, 3));
        places.insert(heard.aeads.iter().position(|id| id == grease[0]));
        let (kind, body) = heard.extensions.last().unwrap();
        let [high, low] = kind.to_be_bytes();
        assert!(high == low && low & 15 == 10 && body.len() <= 16);
        sizes.insert((*kind, body.len()));
        let kinds: Vec<_> = heard.extensions.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds[..kinds.len() - 1], [MLKEM, HINTS], "no server_name");
        assert_eq!(heard.extension(HINTS).unwrap().len(), 128);
        assert_eq!(heard.hints_at(&HOST), 1);
        assert!(seen.insert(heard.random.to_vec()) && seen.insert(heard.x25519.to_vec()));
        assert!(seen.insert(heard.extension(MLKEM).unwrap().to_vec()));
        for hint in heard.extension(HINTS).unwrap().chunks(16) {
            assert!(seen.insert(hint.to_vec()));
        }
    }
    assert_eq!(places.len(), 3, "at every place");
    assert!(sizes.len() > 20);
    let named = hear(&client().0.server_name("a.example")).await;
    assert_eq!(named.extension(SERVER_NAME), Some(b"a.example".as_slice()));
    let classical = hear(&client().0.exchange(Exchange::Classical)).await;
    assert_eq!(classical.extension(MLKEM), None);
}

/// [HINT-2] [HINT-3]
#[tokio::test]
async fn hints_are_for_the_first_8_keys_that_would_be_accepted_or_random() {
    let seeds: Vec<[u8; 32]> = (50..60).map(|n| [n; 32]).collect();
    let pinned = Client::new().host_verifier(PinnedKeys::new(seeds.iter().map(public)));
    let (io, _task) = connect(&pinned);
    let heard = soon(hear_hello(&mut Link::new(io))).await;
    let hinted: Vec<_> = seeds.iter().map(|seed| heard.hints_at(seed)).collect();
    assert_eq!(hinted, [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]);
    let (io, _task) = connect(&Client::new());
    let heard = soon(hear_hello(&mut Link::new(io))).await;
    assert_eq!(heard.hints_at(&HOST), 0);
}

/// [AUTH-8] [AUTH-9] [AUTH-11] [AUTH-1]
#[tokio::test]
async fn client_auth_says_who_and_whom() {
    let named = client().0.login("bo\u{e9}").protocols(["x", "y"]);
    let (io, task) = connect(&named);
    let (mut channel, claims) = soon(Channel::receive(io, &HOST)).await;
    assert_eq!(claims.key, key_blob(&ALICE));
    assert_eq!(claims.words.login, "bo\u{e9}".as_bytes());
    assert_eq!(claims.words.protocols, [bytes8(b"x"), bytes8(b"y")].concat());
    assert_eq!(claims.words.flags, 0);
    assert_eq!(claims.extensions, [(TARGET, target("localhost", 7000))]);
    channel.send_welcome(b"y", &Vec::new()).await;
    let stream = soon(task).await.unwrap().unwrap();
    assert_eq!(stream.protocol(), Some(b"y".as_slice()));
    assert_eq!(*stream.host_key(), public(&HOST));

    let nobody = Client::new().host_verifier(PinnedKeys::new([public(&HOST)]));
    let (io, there) = tokio::io::duplex(1 << 16);
    let shown = Host::new("2001:DB8::1", 0);
    let task = tokio::spawn(async move { nobody.connect_over(there, &shown?).await });
    let (_, claims) = soon(Channel::receive(io, &HOST)).await;
    assert!(claims.key.is_empty() && claims.words.login.is_empty());
    assert_eq!(claims.extensions, [(TARGET, target("2001:db8::1", 0))]);
    task.abort();
}

/// [OPP-1] [SCHED-1]
#[tokio::test]
async fn both_sides_must_have_heard_the_same_prologue() {
    let words = prologue(b"STARTTLS\r\n", b"220 go\r\n");
    let (io, task) = connect(&client().0.prologue(words.clone()));
    let answer = Answer { prologue: words.clone(), ..Answer::new() };
    let mut channel = soon(Channel::hellos(io, &answer)).await;
    channel.send_server_auth(&host()).await;
    soon(channel.read_client_auth()).await;
    channel.send_welcome(b"", &Vec::new()).await;
    soon(task).await.unwrap().unwrap();
    let (io, task) = connect(&client().0);
    let mut channel = soon(Channel::hellos(io, &answer)).await;
    channel.send_server_auth(&host()).await;
    assert!(soon(channel.link.record()).await.is_some(), "an Error 1, under other keys");
    soon(channel.expect_silence()).await;
    drop(channel);
    assert!(matches!(failed(task).await, ConnectError::Handshake(Error::Decrypt)));
}

/// An eager client over TCP, and the scripted server at the other end, before ServerAuth.
async fn eager(
    data: Vec<u8>,
    client: Client,
) -> (Channel, tokio::task::JoinHandle<Result<Stream, ConnectError>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move { client.connect_eager(&address, &data).await });
    let (io, _) = listener.accept().await.unwrap();
    (soon(Channel::hellos(io, &Answer::new())).await, task)
}

/// [AUTH-11] [AUTH-12]
#[tokio::test]
async fn an_eager_client_sends_its_data_behind_its_proof_and_nothing_before_trust() {
    let data: Vec<u8> = (0..65_535_u32).map(|n| n as u8).collect();
    let (mut channel, task) = eager(data.clone(), client().0.protocols(["x"])).await;
    channel.send_server_auth(&host()).await;
    let claims = soon(channel.read_client_auth()).await;
    assert_eq!(claims.words.flags, 1);
    let mut got = Vec::new();
    while got.len() < data.len() {
        got.extend(soon(channel.expect(DATA)).await);
    }
    assert!(got == data);
    channel.send_welcome(b"x", &Vec::new()).await;
    soon(task).await.unwrap().unwrap();

    let (mut channel, task) = eager(data.clone(), client().0).await;
    channel.send_server_auth(&Proof::of_server(&[9; 32])).await;
    soon(channel.expect_early_error(2)).await;
    drop(channel);
    assert!(soon(task).await.unwrap().is_err());

    // AuthRequest to an eager client
    let willing = client().0.password(|_| Some(Zeroizing::new("p".into())));
    let (mut channel, task) = eager(b"early".to_vec(), willing).await;
    channel.send_server_auth(&host()).await;
    soon(channel.read_client_auth()).await;
    soon(channel.expect(DATA)).await;
    channel.ask(1, b"Password: ").await;
    soon(channel.expect_early_error(1)).await;
    drop(channel);
    assert!(soon(task).await.unwrap().is_err());
}

/// [AUTH-11] [AUTH-12]
#[tokio::test]
async fn an_eager_client_with_two_protocols_or_too_much_data_says_nothing() {
    for (data, client) in
        [(vec![0; 65_536], client().0), (vec![0; 10], client().0.protocols(["a", "b"]))]
    {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let error = soon(client.connect_eager(&address, &data)).await.unwrap_err();
        assert!(matches!(error, ConnectError::Handshake(Error::Misuse(_))), "{error}");
        let (io, _) = listener.accept().await.unwrap();
        assert_eq!(soon(Link::new(io).end()).await, SILENCE);
    }
}
