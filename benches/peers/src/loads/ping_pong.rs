//! 64 bytes there, 64 bytes back.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::measure::{Clock, median, nanos};
use crate::peers::{End, Peer, Result, pair};
use crate::worker::{Figures, figures};

pub const LEN: usize = 64;

async fn echo(mut end: End) -> Result<()> {
    let mut data = [0; LEN];
    while end.read_exact(&mut data).await.is_ok() {
        end.write_all(&data).await?;
        end.flush().await?;
    }
    Ok(())
}

async fn ask(end: &mut End, time: Duration) -> Result<Vec<f64>> {
    let mut data = [7; LEN];
    let mut latencies = Vec::new();
    let begin = Instant::now();
    while begin.elapsed() < time {
        let sent = Instant::now();
        end.write_all(&data).await?;
        end.flush().await?;
        end.read_exact(&mut data).await?;
        latencies.push(nanos(sent.elapsed()));
    }
    Ok(latencies)
}

/// The median of the round trips, and the CPU time of one, in nanoseconds.
pub async fn run(peer: &dyn Peer, time: Duration) -> Result<Figures> {
    let (mut client, server) = pair(peer).await?;
    let echo = tokio::spawn(echo(server));
    let measure = tokio::spawn(async move {
        ask(&mut client, time / 10).await?;
        let clock = Clock::start();
        let latencies = ask(&mut client, time).await?;
        let (cpu, _) = clock.stop();
        Result::Ok((cpu / latencies.len() as f64, median(&latencies)))
    });
    let (cpu, wall) = measure.await??;
    echo.abort();
    Ok(figures([("cpu", cpu), ("wall", wall)]))
}
