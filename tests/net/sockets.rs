//! Streams, listeners and connectors under every kind of transport and load.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test that cannot go on fails"
)]

mod bounds;
mod buffered;
mod cancelled;
mod connecting;
mod crowd;
mod fake_io;
mod faults;
mod halves;
mod hidden;
mod shutdown;
mod small_writes;

use std::time::Duration;

use handfast::auth::{Anonymous, PeerAddr, anonymous};
use handfast::key::Identity;
use handfast::session::RekeyPolicy;
use handfast::stream::Transport;
use handfast::trust::{Host, PinnedKeys};
use handfast::{Client, Server, Stream};

/// The two ends that most tests use.
#[derive(Clone)]
struct Ends {
    client: Client,
    server: Server<Anonymous>,
}

impl Ends {
    fn new() -> Self {
        crate::limit::bounded();
        let host = Identity::generate().unwrap();
        let pinned = PinnedKeys::new([host.public_key().clone()]);
        Self {
            client: Client::new().host_verifier(pinned),
            server: Server::new(host).authenticator(anonymous()),
        }
    }

    /// With new keys after every so many bytes, at either end's wish.
    fn rekeying(mut self, bytes: u64) -> Self {
        self.client = self.client.rekey(RekeyPolicy::client().after_bytes(bytes));
        self.server = self.server.rekey(RekeyPolicy::server().after_bytes(bytes));
        self
    }

    /// A connection over these transports: the client's stream and the server's.
    async fn over<A: Transport, B: Transport>(&self, a: A, b: B) -> (Stream<A>, Stream<B>) {
        let host = host();
        let (client, server) = tokio::join!(
            soon(self.client.connect_over(a, &host)),
            soon(self.server.accept_over(b, PeerAddr::Unknown)),
        );
        (client.unwrap(), server.unwrap().0)
    }

    /// Over a pipe that holds so much each way.
    async fn piped(&self, room: usize) -> (Piped, Piped) {
        let (a, b) = tokio::io::duplex(room);
        self.over(a, b).await
    }
}

type Piped = Stream<tokio::io::DuplexStream>;

fn host() -> Host {
    Host::new("localhost", 7000).unwrap()
}

/// Bytes of which no two stretches are alike.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 29) as u8).collect()
}

/// Fails rather than waits for ever.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it comes to an end")
}
