//! Interleaved rounds: what disturbs the machine for a while disturbs all libraries alike.

use crate::fleet::Fleet;
use crate::peers::Result;
use crate::report::Row;
use crate::variant::{Backend, Variant};
use crate::worker::Job;

/// One line of a load: who does what.
pub struct Entry {
    pub name: String,
    pub variant: Option<Variant>,
    pub backend: Backend,
    pub job: Job,
}

/// Does the jobs of a load in turn, `rounds` times; each named figure becomes a row.
pub fn run(load: &str, entries: &[Entry], rounds: usize, fleet: &mut Fleet) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for round in 0..rounds {
        eprintln!("{load}: round {} of {rounds}", round + 1);
        // there and back, so that nobody always comes first
        for at in 0..entries.len() {
            let entry = &entries[if round % 2 == 0 { at } else { entries.len() - 1 - at }];
            for (metric, sample) in fleet.ask(entry.backend, &entry.job)? {
                Row::add(&mut rows, load, &entry.name, entry.variant, &metric, sample);
            }
        }
    }
    Ok(rows)
}
