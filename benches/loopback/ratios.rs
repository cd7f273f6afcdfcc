//! What the library costs beside plain TCP: rounds in turn, so that what else the machine does
//! falls upon all alike, and the medians of their ratios.

use tokio::runtime::Runtime;

use crate::time::{Bulk, CHUNK, PingPong};
use crate::ways::{Ends, Way};

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) rounds: usize,
    pub(crate) chunks: u64,
    pub(crate) round_trips: u64,
}

/// Seconds for the same work, one for each round and way.
type Rounds = [Vec<f64>; Way::ALL.len()];

/// What the rounds took.
pub(crate) struct Ratios {
    size: Size,
    bulk: Rounds,
    ping_pong: Rounds,
}

impl Ratios {
    pub(crate) fn measure(ends: &Ends, many: &Runtime, one: &Runtime, size: Size) -> Self {
        let (mut bulk, mut ping_pong) = (Rounds::default(), Rounds::default());
        for _ in 0..size.rounds {
            for (index, way) in Way::ALL.into_iter().enumerate() {
                let taken = many.block_on(ends.measure(way, Bulk(size.chunks)));
                bulk[index].push(taken.as_secs_f64());
            }
            for (index, way) in Way::ALL.into_iter().enumerate() {
                let taken = one.block_on(ends.measure(way, PingPong(size.round_trips)));
                ping_pong[index].push(taken.as_secs_f64());
            }
        }
        Self { size, bulk, ping_pong }
    }

    pub(crate) fn print(&self) {
        let bytes = self.size.chunks as f64 * CHUNK as f64;
        println!("medians of {} rounds, in turn", self.size.rounds);
        println!(
            "{:<20}{:>12}{:>10}{:>14}{:>10}",
            "", "throughput", "ratio", "round trip", "ratio"
        );
        let [plain_bulk, ..] = &self.bulk;
        let [plain_ping_pong, ..] = &self.ping_pong;
        for (way, (bulk, ping_pong)) in
            Way::ALL.into_iter().zip(self.bulk.iter().zip(&self.ping_pong))
        {
            println!(
                "{:<20}{:>8.0} MB/s{:>9.2}x{:>11.1} us{:>9.2}x",
                way.name(),
                bytes / median(bulk) / 1e6,
                median(&ratios(plain_bulk, bulk)),
                median(ping_pong) / self.size.round_trips as f64 * 1e6,
                median(&ratios(ping_pong, plain_ping_pong)),
            );
        }
    }
}

/// Round by round.
fn ratios(above: &[f64], below: &[f64]) -> Vec<f64> {
    above.iter().zip(below).map(|(above, below)| above / below).collect()
}

pub(crate) fn median(of: &[f64]) -> f64 {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
