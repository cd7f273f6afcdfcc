//! Loads on one connection: bulk, small writes, ping-pong; and the bare AEAD beside them.

use super::rounds::{self, Entry};
use super::{Amount, streams};
use crate::fleet::Fleet;
use crate::peers::Result;
use crate::report::Row;
use crate::variant::{Backend, Cipher};
use crate::worker::Job;

/// The records over which the bare AEAD is measured.
pub const RECORD: usize = 16 << 10;

/// Bytes of one write.
pub const SIZES: [usize; 7] = [256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20];
const QUICK_SIZES: [usize; 3] = [1 << 10, 64 << 10, 1 << 20];

pub fn bulk_name(write: usize) -> String {
    match write {
        1024 => "small writes of 1 KiB".to_owned(),
        write if write >= 1 << 20 => format!("bulk, writes of {} MiB", write >> 20),
        write if write >= 1 << 10 => format!("bulk, writes of {} KiB", write >> 10),
        write => format!("bulk, writes of {write} B"),
    }
}

/// The bare AEAD, for each backend and cipher.
fn aeads(amount: Amount, len: usize, fleet: &Fleet) -> Vec<Entry> {
    let mut entries = Vec::new();
    for backend in [Backend::Ring, Backend::Aws].into_iter().filter(|of| fleet.has(*of)) {
        for cipher in [Cipher::ChaCha, Cipher::Aes] {
            let job = Job::Aead { cipher, len, time: amount.time / 3 };
            let name = aead_name(cipher, backend);
            entries.push(Entry { name, variant: None, backend, job });
        }
    }
    entries
}

pub fn aead_name(cipher: Cipher, backend: Backend) -> String {
    format!("one seal + one open {cipher} {backend}")
}

pub fn run(
    amount: Amount,
    wanted: &dyn Fn(&str) -> bool,
    fleet: &mut Fleet,
    rows: &mut Vec<Row>,
) -> Result<()> {
    for write in SIZES {
        let load = bulk_name(write);
        if !wanted(&load) || amount.quick && !QUICK_SIZES.contains(&write) {
            continue;
        }
        let job = |variant| Job::Bulk { variant, write, time: amount.time };
        let mut entries = of_streams(fleet, job);
        entries.extend(aeads(amount, RECORD, fleet));
        let mut done = rounds::run(&load, &entries, amount.rounds, fleet)?;
        // the bare AEAD was timed by the record
        for row in &mut done {
            if row.variant.is_none() {
                row.samples.iter_mut().for_each(|sample| *sample /= RECORD as f64 / 1024.0);
            }
        }
        rows.extend(done);
    }
    let load = "ping-pong of 64 B";
    if wanted(load) {
        let job = |variant| Job::PingPong { variant, time: amount.time };
        let mut entries = of_streams(fleet, job);
        entries.extend(aeads(amount, crate::loads::ping_pong::LEN, fleet));
        rows.extend(rounds::run(load, &entries, amount.rounds, fleet)?);
    }
    Ok(())
}

fn of_streams(fleet: &Fleet, job: impl Fn(crate::variant::Variant) -> Job) -> Vec<Entry> {
    let entry = |variant: crate::variant::Variant| Entry {
        name: variant.name_of_stream(),
        variant: Some(variant),
        backend: variant.backend,
        job: job(variant),
    };
    streams(fleet).into_iter().map(entry).collect()
}
