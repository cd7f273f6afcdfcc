//! Whole handshakes in memory, by kind: the work of both ends, without I/O.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails")]
#![expect(clippy::panic, reason = "a bench that finds something else fails")]

#[path = "support/backend.rs"]
mod backend;
#[path = "support/ends.rs"]
mod ends;

use std::time::Duration;

use criterion::Criterion;
use handfast::Cipher;
use handfast::handshake::Exchange;
use handfast::key::Identity;

use backend::BACKEND;
use ends::{Ends, Proof};

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .sample_size(50)
        .configure_from_args();
    let mut group = criterion.benchmark_group(format!("handshake/{BACKEND}"));
    for exchange in [Exchange::Hybrid, Exchange::Classical] {
        // the cipher of the records makes next to no difference here
        let ends = Ends::new(Cipher::ChaCha20Poly1305, exchange);
        let key = || Some(Identity::generate().unwrap());
        let kinds = [
            ("mutual", Proof { identity: key(), password: None }),
            ("anonymous client", Proof::default()),
            ("mutual and password", Proof { identity: key(), password: Some("correct horse") }),
        ];
        for (kind, proof) in kinds {
            group.bench_function(format!("{exchange}, {kind}"), |bencher| {
                bencher.iter(|| ends.handshake(&proof));
            });
        }
    }
    group.finish();
    criterion.final_summary();
}
