//! Processes that measure: one job a line in, one line of figures out.

mod child;
mod job;

pub use child::Worker;
pub use job::{Figures, Job, figures};

use std::io::{BufRead, Write};

use tokio::sync::mpsc;

use crate::loads::crowd::Crowd;
use crate::loads::{aead, bulk, handshakes, memory, ping_pong, primitives};
use crate::peers::{Result, peer};

/// Does what stands on standard input, until that ends.
pub fn run() -> Result<()> {
    let (lines, mut jobs) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(|line| line.ok()) {
            if lines.send(line).is_err() {
                break;
            }
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut crowd = Crowd::default();
        while let Some(line) = jobs.recv().await {
            let job = serde_json::from_str(&line)?;
            let answer = perform(job, &mut crowd).await.map_err(|error| error.to_string());
            let mut out = std::io::stdout().lock();
            serde_json::to_writer(&mut out, &answer)?;
            out.write_all(b"\n")?;
            out.flush()?;
        }
        Ok(())
    })
}

async fn perform(job: Job, crowd: &mut Crowd) -> Result<Figures> {
    match job {
        Job::Bulk { variant, write, time } => bulk::run(&*peer(variant)?, write, time).await,
        Job::PingPong { variant, time } => ping_pong::run(&*peer(variant)?, time).await,
        Job::Handshakes { variant, time } => handshakes::run(&*peer(variant)?, time).await,
        Job::Aead { cipher, len, time } => aead::run(cipher, len, time),
        Job::Primitives { time } => primitives::run(time),
        Job::Memory { variant, count } => memory::run(&*peer(variant)?, count).await,
        Job::Serve { variant } => crowd.serve(variant).await,
        Job::Dial { variant, port, time } => crowd.dial(variant, port, time).await,
        Job::Connect { variant, port, count } => crowd.connect(variant, port, count).await,
        Job::Burst { connections, bytes, turns } => crowd.burst(connections, bytes, turns).await,
        Job::Usage => crowd.usage(),
    }
}
