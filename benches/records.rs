//! Sealing and opening records in memory, by cipher and size.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails")]
#![expect(clippy::panic, reason = "a bench that finds something else fails")]

#[path = "support/backend.rs"]
mod backend;
#[path = "support/ends.rs"]
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

const PAGE: usize = 4096;

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
            group.bench_function(format!("seal {name}"), |bencher| {
                seal(bencher, &ends, size, PAGE / 2);
            });
            group.bench_function(format!("open {name}"), |bencher| open(bencher, &ends, size));
        }
        // as allocators place large buffers; some processors copy far slower then
        group.bench_function("seal 64 KiB less overhead, in the same place of a page", |bencher| {
            seal(bencher, &ends, MAX_DATA, 0);
        });
        group.finish();
    }
    criterion.final_summary();
}

/// Keys of their own for each sample, so that none wears out.
fn fresh(ends: &Ends) -> (Sender, Receiver) {
    let (client, server) = ends.handshake(&Proof::default());
    (client.session.into_parts().0, server.session.into_parts().1)
}

/// What is sealed lies so many bytes behind where the record goes, within a page.
fn seal(bencher: &mut Bencher<'_>, ends: &Ends, size: usize, behind: usize) {
    let mut wire = Vec::<u8>::with_capacity(1 << 17);
    let room = vec![7; size + PAGE];
    let (from, to) = (room.as_ptr().addr(), wire.as_ptr().addr());
    let start = to.wrapping_add(behind).wrapping_sub(from) % PAGE;
    let (_, data) = room.split_at(start);
    let (data, _) = data.split_at(size);
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

fn open(bencher: &mut Bencher<'_>, ends: &Ends, size: usize) {
    let data = vec![7; size];
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
                sender.data(&data, &mut wire).unwrap();
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
