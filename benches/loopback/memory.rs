//! Memory of connections that are idle, both ends of each, without the kernel's.

use handfast::Cipher;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::ways::{Ends, tcp};

/// Connections of each kind that a round opens.
pub(crate) const CONNECTIONS: usize = 500;
/// Opened and closed before, until the program has what it needs once.
const AHEAD: usize = 50;

/// Bytes of memory for a connection, both ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) plain: f64,
    pub(crate) handfast: f64,
}

/// Opens connections, plain and through the library in turn, and lets none go before the last
/// round: what is freed would be handed out again and not show.
pub(crate) async fn measure(ends: &Ends, rounds: usize, connections: usize) -> Vec<Held> {
    for _ in 0..AHEAD.min(connections) {
        plain().await;
        handfast(ends).await;
    }
    let (mut plains, mut handfasts) = (Vec::new(), Vec::new());
    let all = rounds * connections;
    plains.reserve(all);
    handfasts.reserve(all);
    let mut held = Vec::new();
    for _ in 0..rounds {
        let before = resident();
        for _ in 0..connections {
            plains.push(plain().await);
        }
        let between = resident();
        for _ in 0..connections {
            handfasts.push(handfast(ends).await);
        }
        let after = resident();
        held.push(Held {
            plain: (between - before) / connections as f64,
            handfast: (after - between) / connections as f64,
        });
    }
    held
}

/// A connection that was used and is idle now.
async fn plain() -> [impl Sized; 2] {
    let (mut client, mut server) = tcp().await;
    talk(&mut client, &mut server).await;
    [client, server]
}

async fn handfast(ends: &Ends) -> [impl Sized; 2] {
    let (mut client, mut server) = ends.handfast(Cipher::ChaCha20Poly1305).await;
    talk(&mut client, &mut server).await;
    [client, server]
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(client: &mut S, server: &mut S) {
    let mut message = [7; 64];
    client.write_all(&message).await.unwrap();
    server.read_exact(&mut message).await.unwrap();
    server.write_all(&message).await.unwrap();
    client.read_exact(&mut message).await.unwrap();
}

/// Bytes of this process that are in memory.
fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * rustix::param::page_size() as f64
}

/// Room for the descriptors of so many connections, or why there is none.
pub(crate) fn make_room(connections: usize) -> Result<(), String> {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let wanted = u64::try_from(2 * connections + 100).unwrap();
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        if limit.maximum.is_some_and(|maximum| maximum < wanted) {
            return Err(format!(
                "the memory of idle connections is left out: that takes {wanted} descriptors, and \
                 this process may have {}; raise its hard limit (ulimit -Hn)",
                limit.maximum.unwrap_or_default(),
            ));
        }
        limit.current = Some(wanted);
        setrlimit(Resource::Nofile, limit).map_err(|error| error.to_string())?;
    }
    Ok(())
}
