//! Whom a server admits, and what it tells the others.

use handfast::auth::{Attempt, Authenticator, anonymous, ip_allowlist, public_key};
use handfast::trust::AuthorizedKeys;
use handfast::{AcceptError, Server};

use crate::wire::client_auth_stage::{alice, before};
use crate::wire::support::crypto::{export, key_blob, verify};
use crate::wire::support::link::Channel;
use crate::wire::support::messages::{Fields, Proof, target};
use crate::wire::support::rig::{ALICE, Calls, HOST, identity, public, serve, server, soon};

/// [AUTH-8]
#[tokio::test]
async fn the_target_is_handed_on_and_ports_are_not_compared() {
    let (server, _) = server();
    let names = ["LocalHost", "a.example", "2001:DB8:0::1", "127.1"];
    for (name, port) in [
        ("localhost", 0),
        ("a.example", 1),
        ("a.example", 65535),
        ("2001:db8::1", 7000),
        ("127.0.0.1", 7000),
    ] {
        let (io, task) = serve(&server.clone().names(names));
        let mut proof = alice().login("\u{e9}\u{10ffff}");
        proof.extensions[0].1 = target(name, port);
        proof.extensions.push((0xfff0, vec![1, 2]));
        soon(Channel::connect(io, &proof)).await;
        let (_, peer) = task.await.unwrap().unwrap();
        assert_eq!((peer.target.name.as_str(), peer.target.port), (name, port));
        assert_eq!(peer.login, "\u{e9}\u{10ffff}");
        assert_eq!(peer.key, Some(public(&ALICE)));
    }
}

/// [AUTH-15] [AUTH-16] [AUTH-1] [AUTH-10]
#[tokio::test]
async fn all_refusals_are_error_2_of_the_same_length() {
    let counted = Calls::default();
    let count = counted.clone();
    let deny = move |attempt: Attempt| {
        count.count();
        async move { attempt.deny::<()>("a reason that nobody is told") }
    };
    let keys = AuthorizedKeys::parse("keys", public(&ALICE).to_string().as_bytes()).unwrap();
    let list = ip_allowlist(["192.0.2.0/24"]).unwrap();
    let base = Server::new(identity(&HOST));
    let bob = Proof::of_client(&[0x33; 32]).login("bob");

    async fn check<A: Authenticator + 'static>(server: &Server<A>, proof: &Proof) {
        let (mut channel, outcome) = before(server).await;
        channel.client_auth(proof).await;
        soon(channel.expect_early_error(2)).await;
        drop(channel);
        assert!(matches!(outcome.await.unwrap(), AcceptError::Denied { .. }));
    }
    let seen = async move |mut attempt: Attempt| {
        attempt.public_key().await;
        attempt.deny::<()>("no")
    };
    check(&base.clone().authenticator(public_key(keys.clone())), &bob).await;
    check(&base.clone().authenticator(public_key(keys.clone())), &Proof::of_nobody()).await;
    check(&base.clone(), &bob).await;
    check(&base.clone().authenticator(move |a: Attempt| seen(a)), &bob).await;
    check(&base.clone().authenticator(list.clone()), &Proof::of_nobody()).await;
    check(&base.clone().authenticator(list.clone()), &bob).await;
    check(&base.clone().authenticator(public_key(keys.clone()).and(deny)), &alice()).await;
    assert_eq!(counted.get(), 1);
    let admit = |attempt: Attempt| async move { attempt.admit(()) };
    check(&base.clone().authenticator(admit), &Proof::of_nobody()).await;
    check(&base.clone().authenticator(public_key(keys).or(admit)), &bob).await;

    // anonymity by name
    for proof in [Proof::of_nobody(), bob] {
        let (io, task) = serve(&base.clone().authenticator(list.clone().and(anonymous())));
        soon(Channel::connect(io, &proof)).await;
        task.await.unwrap().unwrap();
    }
}

/// [AUTH-13] [AUTH-10]
#[tokio::test]
async fn error_4_reaches_only_a_client_that_is_authenticated() {
    let (server, _) = server();
    let server = server.protocols(["c/1", "b/1"]);
    let run = async |proof: Proof| {
        let (io, _task) = serve(&server);
        soon(Channel::prove(io, &proof)).await
    };
    let mut channel = run(alice().protocols(&["a/1", "x"])).await;
    soon(channel.expect_early_error(4)).await;
    let bob = Proof::of_client(&[0x33; 32]);
    let mut channel = run(bob.protocols(&["a/1", "x"])).await;
    soon(channel.expect_early_error(2)).await;
    let mut channel = run(alice().protocols(&["b/1", "c/1"])).await;
    assert_eq!(soon(channel.welcome()).await.0, b"c/1", "the server's order");
    let mut channel = run(alice()).await;
    assert_eq!(soon(channel.welcome()).await.0, b"", "the client names none");
    let long = "n".repeat(255);
    let mut channel = run(alice().protocols(&[&long, "b/1"])).await;
    assert_eq!(soon(channel.welcome()).await.0, b"b/1");
}

/// [AUTH-23] [SIG-5]
#[tokio::test]
async fn welcome_names_and_proves_the_other_host_keys_of_the_set() {
    use handfast::handshake::Identities;
    let others: Vec<[u8; 32]> = (40..50).map(|n| [n; 32]).collect();
    let mut identities = Identities::new(identity(&HOST));
    for seed in &others {
        identities = identities.and(identity(seed));
    }
    let (server, _) = server();
    let (io, task) = serve(&server.identities(identities));
    let mut channel = soon(Channel::prove(io, &alice())).await;
    let (_, list) = soon(channel.welcome()).await;
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].0, 1);
    let mut fields = Fields(&list[0].1);
    let mut named = Vec::new();
    while !fields.0.is_empty() {
        let (key, signature) = (fields.bytes16().to_vec(), fields.bytes16());
        let exporter = &channel.secrets.exporter;
        let challenge = export(exporter, "host key", &key, 32);
        let challenge = challenge.try_into().unwrap();
        assert!(verify(&key, signature, "handfast-v1-rotate", &challenge));
        named.push(key);
    }
    let expected: Vec<_> = others.iter().take(8).map(key_blob).collect();
    assert_eq!(named, expected, "8 of 10");
    task.await.unwrap().unwrap();
}
