//! Idle connections; each figure comes from a process of its own.

use super::{Amount, all};
use crate::fleet::Fleet;
use crate::peers::Result;
use crate::report::Row;
use crate::variant::{Backend, Cipher, Exchange, Library, Variant};
use crate::worker::Job;

pub const LOAD: &str = "memory of an idle connection, both ends";

pub fn run(
    amount: Amount,
    wanted: &dyn Fn(&str) -> bool,
    fleet: &mut Fleet,
    rows: &mut Vec<Row>,
) -> Result<()> {
    if !wanted(LOAD) {
        return Ok(());
    }
    let mut variants = all(fleet, &[Cipher::ChaCha], &[Exchange::Classical]);
    variants.push(Variant::new(Library::Handfast, Cipher::ChaCha, Exchange::Hybrid, Backend::Ring));
    let count = if amount.quick { 200 } else { 1000 };
    let mut found = Vec::new();
    for round in 0..amount.rounds {
        eprintln!("{LOAD}: round {} of {}", round + 1, amount.rounds);
        for &variant in &variants {
            let job = Job::Memory { variant, count };
            let bytes = super::figure(&fleet.spawn(variant.backend)?.ask(&job)?, "bytes")?;
            let name = variant.name_of_handshake();
            Row::add(&mut found, LOAD, &name, Some(variant), "bytes", bytes);
        }
    }
    rows.extend(found);
    Ok(())
}
