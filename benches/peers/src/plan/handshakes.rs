//! Handshakes in memory with what they are made of, and over sockets between two processes.

use super::rounds::{self, Entry};
use super::{Amount, all};
use crate::fleet::Fleet;
use crate::peers::Result;
use crate::report::Row;
use crate::variant::{Backend, Cipher, Exchange, Library, Variant};
use crate::worker::Job;

pub const IN_MEMORY: &str = "handshakes in memory, both ends";
pub const PRIMITIVES: &str = "primitives of a handshake";
pub const OVER_SOCKETS: &str = "handshakes over loopback, two processes";

const CIPHERS: [Cipher; 1] = [Cipher::ChaCha];
const EXCHANGES: [Exchange; 2] = [Exchange::Classical, Exchange::Hybrid];

pub fn run(
    amount: Amount,
    wanted: &dyn Fn(&str) -> bool,
    fleet: &mut Fleet,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let mut variants = all(fleet, &CIPHERS, &EXCHANGES);
    if wanted(OVER_SOCKETS) {
        over_sockets(amount, &variants, fleet, rows)?;
    }
    if wanted(IN_MEMORY) {
        variants.retain(|variant| variant.library != Library::Plain);
        in_memory(amount, &variants, fleet, rows)?;
    }
    Ok(())
}

fn in_memory(
    amount: Amount,
    variants: &[Variant],
    fleet: &mut Fleet,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let mut entries: Vec<Entry> = variants
        .iter()
        .map(|variant| Entry {
            name: variant.name_of_handshake(),
            variant: Some(*variant),
            backend: variant.backend,
            job: Job::Handshakes { variant: *variant, time: amount.time },
        })
        .collect();
    for backend in [Backend::Ring, Backend::Aws].into_iter().filter(|of| fleet.has(*of)) {
        let job = Job::Primitives { time: amount.time / 8 };
        entries.push(Entry { name: backend.to_string(), variant: None, backend, job });
    }
    for mut row in rounds::run(IN_MEMORY, &entries, amount.rounds, fleet)? {
        if row.variant.is_none() {
            row.name = format!("{} {}", row.metric, row.name);
            row.load = PRIMITIVES.to_owned();
            row.metric = "cpu".to_owned();
        }
        rows.push(row);
    }
    Ok(())
}

fn over_sockets(
    amount: Amount,
    variants: &[Variant],
    fleet: &mut Fleet,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let mut found = Vec::new();
    for round in 0..amount.rounds {
        eprintln!("{OVER_SOCKETS}: round {} of {}", round + 1, amount.rounds);
        for &variant in variants {
            let port = super::port(&fleet.ask_server(variant.backend, &Job::Serve { variant })?)?;
            let job = Job::Dial { variant, port, time: amount.time };
            let rate = super::figure(&fleet.ask(variant.backend, &job)?, "rate")?;
            let name = variant.name_of_handshake();
            Row::add(&mut found, OVER_SOCKETS, &name, Some(variant), "rate", rate);
        }
    }
    rows.extend(found);
    Ok(())
}
