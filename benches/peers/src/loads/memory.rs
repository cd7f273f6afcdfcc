//! What idle connections hold: both ends in one process, each with a task that waits for a byte.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use crate::measure::resident;
use crate::peers::{End, Peer, Result, pair};
use crate::worker::{Figures, figures};

/// Connections that are there before the first look, so that what all share is not counted.
const BEFORE: usize = 32;

async fn wait(mut end: End) {
    let _end = end.read_u8().await;
}

async fn open(peer: &dyn Peer, count: usize, tasks: &mut JoinSet<()>) -> Result<()> {
    for _ in 0..count {
        let (client, server) = pair(peer).await?;
        tasks.spawn(wait(client));
        tasks.spawn(wait(server));
    }
    // all tasks get to where they wait
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(())
}

/// Resident bytes of one connection, both ends.
pub async fn run(peer: &dyn Peer, count: usize) -> Result<Figures> {
    let mut tasks = JoinSet::new();
    open(peer, BEFORE, &mut tasks).await?;
    let before = resident()?;
    open(peer, count, &mut tasks).await?;
    let after = resident()?;
    Ok(figures([("bytes", (after - before) / count as f64)]))
}
