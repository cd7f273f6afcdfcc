//! Streams over loopback beside plain TCP through the same code: bulk, round trips, and the memory
//! of idle connections. Criterion's figures come first, the ratios to plain TCP at the end.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot go on fails"
)]
#![expect(clippy::as_conversions, reason = "figures for people need not be exact")]
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

#[path = "../support/backend.rs"]
mod backend;
#[cfg(target_os = "linux")]
mod memory;
mod ratios;
mod time;
mod ways;

use std::time::Duration;

use criterion::{Criterion, Throughput};
use tokio::runtime::{Builder, Runtime};

use backend::BACKEND;
use ratios::{Ratios, Size};
use time::{Bulk, CHUNK, PingPong};
use ways::{Ends, Way};

fn main() {
    // criterion's test mode: each once
    let test = std::env::args().any(|arg| arg == "--test");
    let size = if test {
        Size { rounds: 1, chunks: 16, round_trips: 16 }
    } else {
        Size { rounds: 11, chunks: 2048, round_trips: 5000 }
    };
    let ends = Ends::new();
    // a thread for each end of a bulk transfer
    let many = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // one for both ends of a conversation, whose time would be that of waking threads else
    let one = Builder::new_current_thread().enable_all().build().unwrap();

    // first of all: a heap that was in use would hide what connections take
    #[cfg(target_os = "linux")]
    let held = memory(&ends, test);
    timings(&ends, &many, &one);

    println!("\nloopback/{BACKEND}, beside plain TCP");
    Ratios::measure(&ends, &many, &one, size).print();
    #[cfg(target_os = "linux")]
    match held {
        Ok(line) | Err(line) => println!("{line}"),
    }
}

fn timings(ends: &Ends, many: &Runtime, one: &Runtime) {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .sample_size(20)
        .configure_from_args();
    let mut group = criterion.benchmark_group(format!("loopback/{BACKEND}/bulk"));
    group.throughput(Throughput::Bytes(u64::try_from(CHUNK).unwrap()));
    for way in Way::ALL {
        group.bench_function(way.name(), |bencher| {
            bencher.iter_custom(|count| many.block_on(ends.measure(way, Bulk(count))));
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group(format!("loopback/{BACKEND}/round trip of 64 B"));
    for way in Way::ALL {
        group.bench_function(way.name(), |bencher| {
            bencher.iter_custom(|count| one.block_on(ends.measure(way, PingPong(count))));
        });
    }
    group.finish();
    criterion.final_summary();
}

/// The line to print.
#[cfg(target_os = "linux")]
fn memory(ends: &Ends, test: bool) -> Result<String, String> {
    let (rounds, connections) = if test { (1, 10) } else { (7, memory::CONNECTIONS) };
    memory::make_room(2 * rounds * connections)?;
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let held = runtime.block_on(memory::measure(ends, rounds, connections));
    let plain: Vec<_> = held.iter().map(|held| held.plain).collect();
    let handfast: Vec<_> = held.iter().map(|held| held.handfast).collect();
    let beyond: Vec<_> = held.iter().map(|held| held.handfast - held.plain).collect();
    Ok(format!(
        "memory of an idle connection, both ends: {:.0} bytes, of which {:.0} beyond plain TCP's \
         {:.0} (medians of {rounds} rounds of {connections} each)",
        ratios::median(&handfast),
        ratios::median(&beyond),
        ratios::median(&plain),
    ))
}
