//! Which loads are run, with whom, how often: all of a load's libraries in turn, round by round.

mod rounds;
mod streams;

use crate::args::Args;
use crate::fleet::Fleet;
use crate::peers::Result;
use crate::report::Row;
use crate::variant::{Backend, Cipher, Exchange, Library, Variant};

use std::time::Duration;

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    pub quick: bool,
    pub rounds: usize,
    /// How long one figure is measured.
    pub time: Duration,
}

/// Runs all that is asked for.
pub fn run(args: &Args, fleet: &mut Fleet) -> Result<Vec<Row>> {
    let amount = Amount {
        quick: args.quick,
        rounds: args.rounds.unwrap_or(if args.quick { 7 } else { 15 }),
        time: Duration::from_millis(if args.quick { 60 } else { 300 }),
    };
    let wanted = |load: &str| args.only.as_ref().is_none_or(|only| load.contains(only.as_str()));
    let mut rows = Vec::new();
    streams::run(amount, &wanted, fleet, &mut rows)?;
    Ok(rows)
}

/// Every library with every cipher and backend that there is.
fn streams(fleet: &Fleet) -> Vec<Variant> {
    all(fleet, &[Cipher::ChaCha, Cipher::Aes], &[Exchange::Classical])
}

fn all(fleet: &Fleet, ciphers: &[Cipher], exchanges: &[Exchange]) -> Vec<Variant> {
    let libraries = [Library::Handfast, Library::Rustls, Library::Snow, Library::Russh];
    let mut variants = vec![Variant::PLAIN];
    for backend in [Backend::Ring, Backend::Aws].into_iter().filter(|of| fleet.has(*of)) {
        for cipher in ciphers {
            for exchange in exchanges {
                variants.extend(
                    libraries
                        .map(|library| Variant::new(library, *cipher, *exchange, backend))
                        .into_iter()
                        .filter(|variant| variant.exists()),
                );
            }
        }
    }
    variants
}
