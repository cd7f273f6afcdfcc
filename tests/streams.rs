//! Streams over real sockets: connecting, serving, closing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use handfast::auth::{anonymous, public_key};
use handfast::key::Identity;
use handfast::trust::{AuthorizedKeys, PinnedKeys};
use handfast::{Client, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn authorized(identity: &Identity) -> AuthorizedKeys {
    AuthorizedKeys::parse("authorized_keys", identity.public_key().to_string().as_bytes()).unwrap()
}

#[tokio::test]
async fn a_client_and_a_server_talk() {
    let host = Identity::generate().unwrap();
    let alice = Identity::generate().unwrap();
    let server = Server::new(host.clone()).authenticator(public_key(authorized(&alice)));
    let listener = server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = tokio::spawn(async move {
        let (mut stream, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.login, "alice");
        let mut request = String::new();
        stream.read_to_string(&mut request).await.unwrap();
        stream.write_all(request.to_uppercase().as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        stream.close().await.unwrap();
    });
    let client = Client::new()
        .identity(alice)
        .login("alice")
        .host_verifier(PinnedKeys::new([host.public_key().clone()]));
    let mut stream = client.connect(&address).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "HELLO");
    serve.await.unwrap();
}

#[tokio::test]
async fn much_goes_both_ways_past_many_rekeys() {
    let host = Identity::generate().unwrap();
    let server = Server::new(host.clone()).authenticator(anonymous());
    let listener = server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (mut read, mut write) = stream.into_split();
        tokio::io::copy(&mut read, &mut write).await.unwrap();
        write.shutdown().await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
    });
    let client = Client::new()
        .host_verifier(PinnedKeys::new([host.public_key().clone()]))
        .rekey(handfast::session::RekeyPolicy::client().after_bytes(1 << 20));
    let stream = client.connect(&address).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let data: Vec<u8> = (0..20_000_000_u32).map(|n| (n >> 3).to_le_bytes()[0]).collect();
    let sent = data.clone();
    let writer = tokio::spawn(async move {
        write.write_all(&sent).await.unwrap();
        write.shutdown().await.unwrap();
        write
    });
    let mut back = Vec::new();
    read.read_to_end(&mut back).await.unwrap();
    assert!(back == data, "what came back is what was sent");
    writer.await.unwrap();
}
