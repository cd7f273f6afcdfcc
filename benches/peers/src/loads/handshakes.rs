//! Whole handshakes, both ends, without sockets.

use std::time::{Duration, Instant};

use crate::measure::Clock;
use crate::peers::{Peer, Result};
use crate::worker::{Figures, figures};

/// CPU and wall nanoseconds of one handshake.
pub async fn run(peer: &dyn Peer, time: Duration) -> Result<Figures> {
    for _ in 0..3 {
        peer.handshake().await?;
    }
    let mut count = 0_u32;
    let begin = Instant::now();
    let clock = Clock::start();
    while begin.elapsed() < time {
        peer.handshake().await?;
        count += 1;
    }
    let (cpu, wall) = clock.stop();
    let count = f64::from(count);
    Ok(figures([("cpu", cpu / count), ("wall", wall / count)]))
}
