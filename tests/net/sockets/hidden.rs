//! A stealth server without a free place: whoever it does not answer finds the same end.

use std::net::SocketAddr;
use std::time::Duration;

use handfast::Deadlines;
use handfast::server::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::sockets::{Ends, soon};

const SILENCE: Duration = Duration::from_secs(1);

/// Connects, sends this, and waits for the end: how long that took.
async fn end_of(address: SocketAddr, words: &'static [u8]) -> Duration {
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(words).await.unwrap();
    let mut answer = Vec::new();
    // a reset would tell that nothing was read
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    assert_eq!(answer, b"");
    start.elapsed()
}

/// [STEALTH-2] [STEALTH-4] [LIM-5]
#[tokio::test]
async fn a_stealth_server_without_a_free_place_ends_all_alike() {
    let mut deadlines = Deadlines::default();
    // the shorter one counts
    (deadlines.hello, deadlines.handshake) = (SILENCE * 30, SILENCE);
    let mut limits = Limits::default();
    (limits.from_one_network, limits.count_loopback) = (1, true);
    let ends = Ends::new();
    let server = ends.server.clone().stealth().limits(limits).deadlines(deadlines);
    let listener = server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // one has the place, one waits for it, the others have neither
    let mut clients = JoinSet::new();
    for words in [b"".as_slice(), b"GET / HTTP/1.1\r\n\r\n", b"\x89HF\x01\x01\x07\x00", &[7; 5000]]
    {
        for _ in 0..4 {
            clients.spawn(end_of(address, words));
        }
    }
    while let Some(took) = clients.join_next().await {
        let took = took.unwrap();
        assert!(took >= SILENCE.mul_f32(0.9), "closed after {took:?}");
        assert!(took < SILENCE * 8, "closed after {took:?}");
    }
}

/// [LIM-5]
#[tokio::test]
async fn a_stealth_server_without_room_accepts_nobody_until_there_is_some() {
    const FLOOD: usize = 100;
    let mut deadlines = Deadlines::default();
    deadlines.hello = SILENCE;
    let mut limits = Limits::default();
    (limits.from_one_network, limits.count_loopback) = (1, true);
    let ends = Ends::new();
    let server = ends.server.clone().stealth().limits(limits).deadlines(deadlines);
    let listener = server.listen("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let start = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..FLOOD {
        clients.spawn(end_of(address, b"nobody that it knows"));
    }
    let mut late = 0;
    while let Some(took) = clients.join_next().await {
        let took = took.unwrap();
        assert!(took >= SILENCE.mul_f32(0.9), "closed after {took:?}");
        late += usize::from(start.elapsed() >= SILENCE.mul_f32(1.9));
    }
    // 1 has the place, 1 waits for it, 64 are left in silence, and the others come after those
    assert!(late >= FLOOD - 66, "{late} were accepted later");
    soon(ends.client.connect(&address.to_string())).await.unwrap();
    soon(listener.accept()).await.unwrap();
}
