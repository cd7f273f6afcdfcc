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
    crate::limit::bounded();
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
    crate::limit::bounded();
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

#[tokio::test]
async fn padding_hides_lengths_from_those_who_watch() {
    crate::limit::bounded();
    let host = Identity::generate().unwrap();
    let server = Server::new(host.clone()).authenticator(anonymous());
    let client = Client::new().host_verifier(PinnedKeys::new([host.public_key().clone()]));
    // what the client sends passes through here
    let (near, mut watched) = tokio::io::duplex(1 << 20);
    let (mut relay, far) = tokio::io::duplex(1 << 20);
    let target = handfast::trust::Host::new("example.org", 0).unwrap();
    let watch = tokio::spawn(async move {
        let (mut seen, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
        loop {
            tokio::select! {
                len = watched.read(&mut buffer) => {
                    let len = len.unwrap();
                    if len == 0 {
                        return seen;
                    }
                    seen.push(len);
                    relay.write_all(&buffer[..len]).await.unwrap();
                }
                byte = relay.read_u8() => match byte {
                    Ok(byte) => watched.write_u8(byte).await.unwrap(),
                    Err(_) => return seen,
                }
            }
        }
    });
    let (accepted, connected) = tokio::join!(
        server.accept_over(far, handfast::auth::PeerAddr::Unknown),
        client.connect_over(near, &target)
    );
    let (mut served, _) = accepted.unwrap();
    let mut stream = connected.unwrap();
    stream.pad_to(1000);
    for len in [1, 10, 999, 1000, 2500] {
        let sent = vec![1; len];
        stream.write_all(&sent).await.unwrap();
        let mut got = vec![0; len];
        served.read_exact(&mut got).await.unwrap();
        assert_eq!(got, sent, "padding is not data");
    }
    drop((stream, served));
    let seen = watch.await.unwrap();
    // header and tag besides; content and type fill multiples of 1,000
    assert_eq!(seen[seen.len() - 5..], [1018, 1018, 1018, 2018, 3018]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_proves_both_ends_like_tcp() {
    crate::limit::bounded();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let (host, alice) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let server = Server::new(host.clone()).authenticator(public_key(authorized(&alice)));
    let listener = server.listen_unix(&path).unwrap();
    let target = handfast::trust::Host::new("service", 0).unwrap();
    let pins = PinnedKeys::new([host.public_key().clone()]);
    let client = Client::new().host_verifier(pins);
    let stranger = client.connect_unix(&path, &target).await;
    assert!(matches!(stranger, Err(handfast::ConnectError::Handshake(handfast::Error::Ended(_)))));
    let other = Client::new().host_verifier(PinnedKeys::new([alice.public_key().clone()]));
    let impostor = other.connect_unix(&path, &target).await;
    assert!(matches!(impostor, Err(handfast::ConnectError::HostKey(_))));
    let mut stream = client.identity(alice.clone()).connect_unix(&path, &target).await.unwrap();
    let (mut served, peer) = listener.accept().await.unwrap();
    assert_eq!(peer.key.as_ref(), Some(alice.public_key()));
    assert_eq!(peer.address, handfast::auth::PeerAddr::Unix);
    stream.write_all(b"over a socket").await.unwrap();
    let mut got = [0; 13];
    served.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"over a socket");
}

/// Small writes are gathered, and none is left behind: not by a writer that does something else, nor
/// by one that goes without a word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_writes_go_out_without_a_flush() {
    crate::limit::bounded();
    for dropped in [false, true] {
        let host = Identity::generate().unwrap();
        let listener = Server::new(host.clone())
            .authenticator(anonymous())
            .listen("127.0.0.1:0")
            .await
            .unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let client = Client::new().host_verifier(PinnedKeys::new([host.public_key().clone()]));
        let mut client = client.connect(&address).await.unwrap();
        let (mut server, _) = listener.accept().await.unwrap();
        let written = tokio::spawn(async move {
            for n in 0..1000_u16 {
                client.write_all(&n.to_be_bytes()).await.unwrap();
            }
            if !dropped {
                // neither flushed nor read nor written, for longer than the test lasts
                std::future::pending::<()>().await;
            }
            drop(client);
        });
        for n in 0..1000_u16 {
            let read = tokio::time::timeout(Duration::from_secs(60), server.read_u16()).await;
            assert_eq!(read.unwrap().unwrap(), n);
        }
        if dropped {
            let error = server.read_u8().await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "and no clean end");
        }
        written.abort();
    }
}
