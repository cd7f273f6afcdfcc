//! Sealing and opening records in memory, by cipher and size.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails")]
#![expect(clippy::panic, reason = "a bench that finds something else fails")]

#[path = "shared/backend.rs"]
mod backend;
#[path = "shared/ends.rs"]
mod ends;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Bencher, Criterion, Throughput};
use handfast::Cipher;
use handfast::handshake::Exchange;
use handfast::session::{Incoming, MAX_DATA, Receiver, Sender, record_len};

use backend::BACKEND;
use ends::{Ends, Proof};

const SIZES: [(&str, usize); 4] =
    [("64 B", 64), ("1 KiB", 1 << 10), ("16 KiB", 1 << 14), ("64 KiB less overhead", MAX_DATA)];

/// Records are opened in batches of so many bytes, which stay in the cache near the core.
const BATCH: usize = 256 << 10;

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .configure_from_args();
    for cipher in [Cipher::ChaCha20Poly1305, Cipher::Aes256Gcm] {
        let ends = Ends::new(cipher, Exchange::Classical);
        let mut group = criterion.benchmark_group(format!("records/{BACKEND}/{cipher}"));
        for (name, size) in SIZES {
            group.throughput(Throughput::Bytes(size.try_into().unwrap()));
            let data = vec![7; size];
            group.bench_function(format!("seal {name}"), |bencher| seal(bencher, &ends, &data));
            group.bench_function(format!("open {name}"), |bencher| open(bencher, &ends, &data));
        }
        group.finish();
    }
    criterion.final_summary();
}

/// Keys of their own for each sample, so that none wears out.
fn fresh(ends: &Ends) -> (Sender, Receiver) {
    let (client, server) = ends.handshake(&Proof::default());
    (client.session.into_parts().0, server.session.into_parts().1)
}

fn seal(bencher: &mut Bencher<'_>, ends: &Ends, data: &[u8]) {
    let mut wire = Vec::with_capacity(1 << 17);
    bencher.iter_custom(|count| {
        let (mut sender, _) = fresh(ends);
        let start = Instant::now();
        for _ in 0..count {
            wire.clear();
            sender.data(black_box(data), &mut wire).unwrap();
            black_box(&wire);
        }
        start.elapsed()
    });
}

fn open(bencher: &mut Bencher<'_>, ends: &Ends, data: &[u8]) {
    let most = u64::try_from(BATCH.div_ceil(data.len())).unwrap();
    let mut wire = Vec::with_capacity(2 * BATCH);
    bencher.iter_custom(|count| {
        let (mut sender, mut receiver) = fresh(ends);
        let (mut left, mut taken) = (count, Duration::ZERO);
        while left > 0 {
            let batch = left.min(most);
            left -= batch;
            wire.clear();
            for _ in 0..batch {
                sender.data(data, &mut wire).unwrap();
            }
            let mut rest = wire.as_mut_slice();
            let start = Instant::now();
            while !rest.is_empty() {
                let len = record_len(rest).unwrap().unwrap();
                let (record, behind) = rest.split_at_mut(len);
                match receiver.open(record).unwrap() {
                    Incoming::Data(got) => assert_eq!(black_box(got).len(), data.len()),
                    Incoming::Control(kind, _) => panic!("{kind:?}"),
                }
                rest = behind;
            }
            taken += start.elapsed();
        }
        taken
    });
}
