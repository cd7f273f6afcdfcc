//! How many connections a listener holds: on their way in, on their way out, and in between.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use handfast::auth::Attempt;
use handfast::server::Limits;
use handfast::trust::Host;
use handfast::{Client, ConnectError, Deadlines, Error, Refusal, Stream};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::sockets::{Ends, soon};

pub(crate) const BUSY: [u8; 8] = [0x89, b'H', b'F', 1, 3, 0, 1, 5];

/// A connection from another address of this machine.
async fn from(address: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((address, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

async fn call(client: &Client, address: [u8; 4], to: SocketAddr) -> Stream {
    let host = Host::parse(&to.to_string(), None).unwrap();
    client.connect_over(from(address, to).await, &host).await.unwrap()
}

/// [LIM-5]
#[tokio::test]
async fn a_flood_from_one_address_is_closed_unanswered_and_holds_up_no_other() {
    const FLOOD: usize = 60;
    let mut limits = Limits::default();
    (limits.from_one_network, limits.count_loopback) = (2, true);
    let ends = Ends::new();
    let listener = ends.server.clone().limits(limits).listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let start = Instant::now();
    let mut flood = Vec::new();
    for _ in 0..FLOOD {
        flood.push(from([127, 0, 0, 1], address).await);
    }
    // whoever comes from elsewhere is served meanwhile
    let _client = soon(call(&ends.client, [127, 0, 0, 2], address)).await;
    soon(listener.accept()).await.unwrap();
    let mut unanswered = 0;
    // the first four have a place, or wait for one
    for mut stream in flood.drain(4..) {
        let mut answer = Vec::new();
        soon(stream.read_to_end(&mut answer)).await.unwrap();
        assert!(answer.is_empty() || answer == BUSY, "{answer:?}");
        unanswered += usize::from(answer.is_empty());
        flood_is_held(stream);
    }
    // two at a time are told, for a second each where they do not leave
    let seconds = usize::try_from(start.elapsed().as_secs()).unwrap() + 1;
    let told = FLOOD - 4 - unanswered;
    assert!(told <= 2 * seconds, "{told} were told at once");
    assert!(told > 0 && unanswered > 0, "{told} told, {unanswered} not");
}

/// A client that reads to the end and does not leave.
fn flood_is_held(stream: TcpStream) {
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    });
}

/// [LIM-6]
#[tokio::test]
async fn admitted_clients_beyond_32_keep_their_places_until_they_are_accepted() {
    let mut limits = Limits::default();
    limits.unauthenticated = 2;
    let mut deadlines = Deadlines::default();
    deadlines.hello = Duration::from_millis(500);
    let ends = Ends::new();
    let server = ends.server.clone().limits(limits).deadlines(deadlines);
    let listener = server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut clients = Vec::new();
    for _ in 0..34 {
        clients.push(soon(ends.client.connect(&address)).await.unwrap());
    }
    for _ in 0..3 {
        let error = soon(ends.client.connect(&address)).await.unwrap_err();
        let ConnectError::Handshake(Error::Refused(Refusal::Busy)) = error else {
            panic!("{error}");
        };
        let _accepted = soon(listener.accept()).await.unwrap();
        clients.push(soon(ends.client.connect(&address)).await.unwrap());
    }
    for _ in 0..34 {
        soon(listener.accept()).await.unwrap();
    }
    // all places are free again
    let mut more = JoinSet::new();
    for _ in 0..32 {
        let (client, address) = (ends.client.clone(), address.clone());
        more.spawn(async move { client.connect(&address).await.unwrap() });
    }
    while let Some(client) = soon(more.join_next()).await {
        client.unwrap();
    }
}

/// [LIM-6]
#[tokio::test]
async fn a_client_that_hung_up_while_the_authenticator_waits_gives_its_place_back() {
    let mut limits = Limits::default();
    limits.unauthenticated = 1;
    let ends = Ends::new();
    let entered = Arc::new(tokio::sync::Notify::new());
    let (first, enters) = (AtomicBool::new(true), Arc::clone(&entered));
    let slow = move |mut attempt: Attempt| {
        let (first, entered) = (first.swap(false, Ordering::SeqCst), Arc::clone(&enters));
        async move {
            attempt.public_key().await;
            if first {
                entered.notify_one();
                std::future::pending::<()>().await;
            }
            attempt.admit(())
        }
    };
    let server = ends.server.clone().authenticator(slow).limits(limits);
    let listener = server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = ends.client.clone().identity(handfast::key::Identity::generate().unwrap());
    let (calls, to) = (client.clone(), address.clone());
    let hangs_up = tokio::spawn(async move { calls.connect(&to).await.map(drop) });
    soon(entered.notified()).await;
    hangs_up.abort();
    // else it would hear after 10 s that the server is busy
    soon(client.connect(&address)).await.unwrap();
    soon(listener.accept()).await.unwrap();
}
