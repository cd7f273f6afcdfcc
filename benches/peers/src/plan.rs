//! Which loads are run, with whom, how often: all of a load's libraries in turn, round by round.

pub mod crowd;
pub mod handshakes;
pub mod memory;
mod rounds;
pub mod streams;

use std::time::Duration;

use crate::args::Args;
use crate::fleet::Fleet;
use crate::peers::Result;
use crate::report::Row;
use crate::variant::{Backend, Cipher, Exchange, Library, Variant};
use crate::worker::Figures;

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
    handshakes::run(amount, &wanted, fleet, &mut rows)?;
    memory::run(amount, &wanted, fleet, &mut rows)?;
    crowd::run(amount, &wanted, fleet, &mut rows)?;
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

fn figure(figures: &Figures, name: &str) -> Result<f64> {
    figures.get(name).copied().ok_or_else(|| format!("no figure is called {name}").into())
}

/// The port of a server that has begun to listen.
fn port(figures: &Figures) -> Result<u16> {
    let port = figure(figures, "port")?;
    (1..=u16::MAX).find(|at| f64::from(*at) == port).ok_or_else(|| "no port".into())
}
