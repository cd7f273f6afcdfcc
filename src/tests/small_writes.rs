//! Streams that are written to in small pieces.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::auth::{PeerAddr, anonymous};
use crate::key::Identity;
use crate::session::RekeyPolicy;
use crate::trust::{Host, PinnedKeys};
use crate::{Client, Server};

/// [REKEY-1]
#[tokio::test]
async fn small_writes_have_their_keys_renewed_as_large_ones_have() {
    crate::tests::limit::bounded();
    const POLICY: u64 = 100_000;
    for chunk in [100, 1024, 4096, 8192, 64 << 10] {
        let host = Identity::generate().unwrap();
        let client = Client::new()
            .host_verifier(PinnedKeys::new([host.public_key().clone()]))
            .rekey(RekeyPolicy::client().after_bytes(POLICY));
        let server = Server::new(host).authenticator(anonymous());
        let (near, far) = tokio::io::duplex(1 << 16);
        let target = Host::new("example.org", 0).unwrap();
        let (client, server) = tokio::join!(
            client.connect_over(near, &target),
            server.accept_over(far, PeerAddr::Unknown)
        );
        let (mut client, (mut server, _)) = (client.unwrap(), server.unwrap());
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            server.read_to_end(&mut all).await.unwrap();
            all.len()
        });
        let data = vec![7; 2_000_000];
        for piece in data.chunks(chunk) {
            client.write_all(piece).await.unwrap();
        }
        let rekeys = client.rekeys();
        client.shutdown().await.unwrap();
        assert_eq!(reading.await.unwrap(), data.len());
        // each takes a while, in which the old key goes on
        assert!(rekeys >= 5, "{rekeys} rekeys with writes of {chunk}");
    }
}
