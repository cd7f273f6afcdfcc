//! One way, as fast as it goes: both ends in one process, on one thread.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::measure::{Clock, nanos};
use crate::peers::{End, Peer, Result, pair};
use crate::worker::{Figures, figures};

/// What readers offer room for.
const READ: usize = 64 << 10;
const WARM_UP: usize = 4 << 20;

async fn write(mut end: End, len: usize, total: usize) -> Result<End> {
    let data = vec![7; len];
    for _ in 0..total / len {
        end.write_all(&data).await?;
    }
    end.flush().await?;
    Ok(end)
}

async fn read(mut end: End, total: usize) -> Result<End> {
    let mut data = vec![0; READ];
    let mut left = total;
    while left > 0 {
        let len = end.read(&mut data).await?;
        if len == 0 {
            return Err("the stream ended early".into());
        }
        left -= len;
    }
    Ok(end)
}

async fn transfer(ends: (End, End), len: usize, total: usize) -> Result<(End, End)> {
    let reader = tokio::spawn(read(ends.1, total));
    let writer = tokio::spawn(write(ends.0, len, total));
    Ok((writer.await??, reader.await??))
}

/// CPU and wall nanoseconds per KiB.
pub async fn run(peer: &dyn Peer, len: usize, time: Duration) -> Result<Figures> {
    let ends = pair(peer).await?;
    // enough to fill the buffers and the caches, and to see how much fits into the time
    let small = WARM_UP.min(len * 8192);
    let clock = Clock::start();
    let ends = transfer(ends, len, small).await?;
    let (_, wall) = clock.stop();
    let writes = small as f64 * nanos(time) / wall / len as f64;
    let total = len * (writes as usize).max(4);
    let clock = Clock::start();
    let _ends = transfer(ends, len, total).await?;
    let (cpu, wall) = clock.stop();
    let kib = total as f64 / 1024.0;
    Ok(figures([("cpu", cpu / kib), ("wall", wall / kib)]))
}
