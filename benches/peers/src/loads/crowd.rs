//! Many connections between two processes.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::measure::{Clock, cpu_now, nanos, peak, resident};
use crate::peers::{End, Peer, Result, peer};
use crate::variant::Variant;
use crate::worker::{Figures, figures};

/// Connections that a client opens at a time.
const AT_A_TIME: usize = 8;
const WRITE: usize = 16 << 10;
const LENGTH: usize = 8;

thread_local! {
    /// Where all readers of this thread read to: an idle reader needs no buffer of its own.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 << 10]);
}

/// What one process holds of a crowd: the server its listener, the client its connections.
#[derive(Default)]
pub struct Crowd {
    listener: Option<JoinHandle<()>>,
    ends: Vec<End>,
}

/// Greets, then takes bursts and confirms each with a byte. A burst begins with its length.
async fn attend(peer: Arc<dyn Peer>, tcp: TcpStream) -> Result<()> {
    tcp.set_nodelay(true)?;
    let mut end = peer.accept(tcp).await?;
    drop(peer);
    end.write_u8(1).await?;
    end.flush().await?;
    loop {
        let (got, front) = read(&mut end, usize::MAX).await?;
        if got < LENGTH {
            return Err("a burst without a length".into());
        }
        let mut left = usize::try_from(u64::from_be_bytes(front))?;
        left = left.checked_sub(got).ok_or("more than was announced")?;
        while left > 0 {
            let (got, _) = read(&mut end, left).await?;
            if got == 0 {
                return Err("the stream ended early".into());
            }
            left -= got;
        }
        end.write_u8(1).await?;
        end.flush().await?;
    }
}

/// One read, of which the length and the first bytes are kept.
async fn read(end: &mut End, limit: usize) -> std::io::Result<(usize, [u8; LENGTH])> {
    poll_fn(|cx| {
        SCRATCH.with_borrow_mut(|scratch| {
            let room = scratch.len().min(limit);
            let mut buf = ReadBuf::new(&mut scratch[..room]);
            ready!(Pin::new(&mut *end).poll_read(cx, &mut buf))?;
            let filled = buf.filled();
            let front = filled.first_chunk().copied().unwrap_or_default();
            Poll::Ready(Ok((filled.len(), front)))
        })
    })
    .await
}

async fn send(mut end: End, bytes: usize, turns: usize, data: Arc<[u8]>) -> Result<End> {
    for _ in 0..turns {
        let mut left = bytes;
        while left > 0 {
            let len = left.min(data.len());
            end.write_all(&data[..len]).await?;
            left -= len;
        }
        end.flush().await?;
        end.read_u8().await?;
    }
    Ok(end)
}

async fn greeted(peer: &dyn Peer, port: u16) -> Result<End> {
    let tcp = TcpStream::connect(("127.0.0.1", port)).await?;
    tcp.set_nodelay(true)?;
    let mut end = peer.connect(tcp).await?;
    end.read_u8().await?;
    Ok(end)
}

impl Crowd {
    /// Listens, in the place of what it listened for before.
    pub async fn serve(&mut self, variant: Variant) -> Result<Figures> {
        if let Some(listener) = self.listener.take() {
            listener.abort();
        }
        let peer: Arc<dyn Peer> = Arc::from(peer(variant)?);
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        let listener = socket.listen(1024)?;
        let port = listener.local_addr()?.port();
        self.listener = Some(tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(attend(Arc::clone(&peer), tcp));
            }
        }));
        Ok(figures([("port", f64::from(port))]))
    }

    /// Handshakes a second, each over a connection of its own.
    pub async fn dial(&mut self, variant: Variant, port: u16, time: Duration) -> Result<Figures> {
        let peer: Arc<dyn Peer> = Arc::from(peer(variant)?);
        greeted(&*peer, port).await?;
        let mut tasks = JoinSet::new();
        let begin = Instant::now();
        for _ in 0..AT_A_TIME {
            let peer = Arc::clone(&peer);
            tasks.spawn(async move {
                let mut count = 0_u32;
                while begin.elapsed() < time {
                    greeted(&*peer, port).await?;
                    count += 1;
                }
                Result::Ok(count)
            });
        }
        let mut count = 0;
        while let Some(done) = tasks.join_next().await {
            count += done??;
        }
        let rate = f64::from(count) * 1e9 / nanos(begin.elapsed());
        Ok(figures([("rate", rate)]))
    }

    /// CPU nanoseconds of this end for one connection.
    pub async fn connect(&mut self, variant: Variant, port: u16, count: usize) -> Result<Figures> {
        let peer: Arc<dyn Peer> = Arc::from(peer(variant)?);
        let mut tasks = JoinSet::new();
        let clock = Clock::start();
        for opened in 0..count {
            if opened >= AT_A_TIME
                && let Some(end) = tasks.join_next().await
            {
                self.ends.push(end??);
            }
            let peer = Arc::clone(&peer);
            tasks.spawn(async move { greeted(&*peer, port).await });
        }
        while let Some(end) = tasks.join_next().await {
            self.ends.push(end??);
        }
        let (cpu, _) = clock.stop();
        Ok(figures([("cpu", cpu / count as f64)]))
    }

    /// Sends `bytes` over each of the first connections, all at once; gives the wall nanoseconds.
    pub async fn burst(
        &mut self,
        connections: usize,
        bytes: usize,
        turns: usize,
    ) -> Result<Figures> {
        let mut data = vec![7; WRITE];
        data[..LENGTH].copy_from_slice(&u64::try_from(bytes)?.to_be_bytes());
        let data: Arc<[u8]> = Arc::from(data);
        let mut tasks = JoinSet::new();
        let clock = Clock::start();
        for end in self.ends.drain(..connections.min(self.ends.len())) {
            tasks.spawn(send(end, bytes, turns, Arc::clone(&data)));
        }
        let mut done = Vec::with_capacity(self.ends.len() + tasks.len());
        while let Some(end) = tasks.join_next().await {
            done.push(end??);
        }
        let (_, wall) = clock.stop();
        // the same ones are first the next time
        done.append(&mut self.ends);
        self.ends = done;
        Ok(figures([("wall", wall)]))
    }

    pub fn usage(&self) -> Result<Figures> {
        Ok(figures([("cpu", cpu_now()), ("resident", resident()?), ("peak", peak()?)]))
    }
}
