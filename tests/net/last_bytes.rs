//! What was sent before Close arrives, whatever the peer says meanwhile.

use std::time::Duration;

use handfast::auth::anonymous;
use handfast::key::Identity;
use handfast::trust::PinnedKeys;
use handfast::{Client, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A rekey that the client begins behind its Close reaches a server that has read its last: closing
/// the socket with these bytes unread resets it, and what the client has not read yet is lost.
/// [CLOSE-3]
#[tokio::test]
async fn a_rekey_behind_close_costs_no_data() {
    crate::limit::bounded();
    const LEN: usize = 1 << 20;
    let host = Identity::generate().unwrap();
    let server = Server::new(host.clone()).authenticator(anonymous());
    let listener = server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        stream.write_all(&vec![7; LEN]).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let client = Client::new().host_verifier(PinnedKeys::new([host.public_key().clone()]));
    let mut stream = client.connect(&address).await.unwrap();
    stream.shutdown().await.unwrap();
    // all of the answer is with the server's system, and not yet here
    serve.await.unwrap();
    // a reader that is slow
    tokio::time::sleep(Duration::from_millis(1500)).await;
    stream.rekey().unwrap();
    let mut answer = vec![0; 1];
    stream.read_exact(&mut answer).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer.len(), LEN);
}
