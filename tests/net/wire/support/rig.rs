//! This crate's own ends, made so that a test can see what they did.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use handfast::auth::{Admitted, Attempt, Authenticator, Denied, PeerAddr};
use handfast::key::{Identity, PublicKey};
use handfast::trust::{Host, HostKeyError, HostVerifier, PinnedKeys, Trusted};
use handfast::{AcceptError, Client, ConnectError, Peer, Server, Stream};
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;

use super::link::in_time;

/// Keys that the tests use.
pub(crate) const HOST: [u8; 32] = [0x11; 32];
pub(crate) const ALICE: [u8; 32] = [0x22; 32];

pub(crate) fn identity(seed: &[u8; 32]) -> Identity {
    Identity::from_seed(seed)
}

pub(crate) fn public(seed: &[u8; 32]) -> PublicKey {
    identity(seed).public_key().clone()
}

/// Counts how often something was called.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<AtomicUsize>);

impl Calls {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Admits alice's key, and counts the clients whose key it got to see.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    /// Somebody's key was looked at.
    pub(crate) called: Calls,
}

impl Authenticator for Watch {
    type Credentials = ();

    async fn authenticate(&self, mut attempt: Attempt) -> Result<Admitted<()>, Denied> {
        let key = attempt.public_key().await;
        self.called.count();
        if key == Some(public(&ALICE)) { attempt.admit(()) } else { attempt.deny("not alice") }
    }
}

pub(crate) type Accepted<C = ()> = Result<(Stream<DuplexStream>, Peer<C>), AcceptError>;

/// Serves one end of a pipe; gives the other end.
pub(crate) fn serve<A>(server: &Server<A>) -> (DuplexStream, JoinHandle<Accepted<A::Credentials>>)
where
    A: Authenticator + 'static,
    A::Credentials: 'static,
{
    serve_over(server, 1 << 16)
}

pub(crate) fn serve_over<A>(
    server: &Server<A>,
    room: usize,
) -> (DuplexStream, JoinHandle<Accepted<A::Credentials>>)
where
    A: Authenticator + 'static,
    A::Credentials: 'static,
{
    crate::limit::bounded();
    let (here, there) = tokio::io::duplex(room);
    let server = server.clone();
    let task = tokio::spawn(async move {
        let from = PeerAddr::Ip(([192, 0, 2, 1], 4000).into());
        in_time(server.accept_over(there, from)).await
    });
    (here, task)
}

/// A server with the usual key that admits alice.
pub(crate) fn server() -> (Server<Watch>, Calls) {
    let watch = Watch::default();
    let called = watch.called.clone();
    (Server::new(identity(&HOST)).authenticator(watch), called)
}

/// Trusts [`HOST`] and counts.
#[derive(Clone, Default)]
pub(crate) struct Verifier {
    pub(crate) called: Calls,
}

impl HostVerifier for Verifier {
    fn verify(&self, host: &Host, key: &PublicKey) -> Result<Trusted, HostKeyError> {
        self.called.count();
        PinnedKeys::new([public(&HOST)]).verify(host, key)
    }

    fn expected(&self, _: &Host) -> Vec<PublicKey> {
        vec![public(&HOST)]
    }
}

/// A client with alice's key that trusts the usual host.
pub(crate) fn client() -> (Client, Calls) {
    let verifier = Verifier::default();
    let called = verifier.called.clone();
    (Client::new().identity(identity(&ALICE)).login("alice").host_verifier(verifier), called)
}

pub(crate) type Connected = Result<Stream<DuplexStream>, ConnectError>;

/// Connects over a pipe; gives the server's end.
pub(crate) fn connect(client: &Client) -> (DuplexStream, JoinHandle<Connected>) {
    connect_over(client, 1 << 16)
}

pub(crate) fn connect_over(client: &Client, room: usize) -> (DuplexStream, JoinHandle<Connected>) {
    crate::limit::bounded();
    let (here, there) = tokio::io::duplex(room);
    let client = client.clone();
    let task = tokio::spawn(async move {
        in_time(client.connect_over(there, &Host::new("localhost", 7000).unwrap())).await
    });
    (here, task)
}

/// Fails rather than waits for ever.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it comes to an end")
}
