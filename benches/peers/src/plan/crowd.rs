//! From one connection to 9,000, and 9,000 of which 1,000 become busy. The ends are in two
//! processes, which each library has for itself, so that rounds can be interleaved.

use std::time::Duration;

use super::{Amount, figure, port};
use crate::fleet::Fleet;
use crate::peers::Result;
use crate::report::Row;
use crate::variant::{Backend, Cipher, Exchange, Library, Variant};
use crate::worker::{Job, Worker};

pub const COUNTS: [usize; 5] = [1, 10, 100, 1000, CROWD];
pub const BUSY: &str = "memory while 1000 of 9000 are busy";
const BUSY_CONNECTIONS: usize = 1000;
const CROWD: usize = 9000;

/// Connections that are there before the first look, so that what all share is not counted.
const BEFORE: usize = 32;

/// One process with all servers, one with all clients.
struct Sides {
    variant: Variant,
    server: Worker,
    client: Worker,
}

/// What both processes together have used.
struct Usage {
    cpu: f64,
    resident: f64,
    peak: f64,
}

impl Sides {
    fn start(variant: Variant, fleet: &Fleet) -> Result<Self> {
        let (server, client) = (fleet.spawn(variant.backend)?, fleet.spawn(variant.backend)?);
        Ok(Self { variant, server, client })
    }

    /// Opens connections beside those that are there.
    fn connect(&mut self, count: usize) -> Result<()> {
        let variant = self.variant;
        let port = port(&self.server.ask(&Job::Serve { variant })?)?;
        self.client.ask(&Job::Connect { variant, port, count })?;
        Ok(())
    }

    fn usage(&mut self) -> Result<Usage> {
        let (ours, theirs) = (self.client.ask(&Job::Usage)?, self.server.ask(&Job::Usage)?);
        let sum = |name| Result::Ok(figure(&ours, name)? + figure(&theirs, name)?);
        Ok(Usage { cpu: sum("cpu")?, resident: sum("resident")?, peak: sum("peak")? })
    }
}

pub fn load_of(count: usize) -> String {
    format!("crowd of {count}")
}

fn variants(amount: Amount, fleet: &Fleet) -> Vec<Variant> {
    let of = |library, cipher, backend| Variant::new(library, cipher, Exchange::Classical, backend);
    let mut variants = vec![
        Variant::PLAIN,
        of(Library::Handfast, Cipher::ChaCha, Backend::Ring),
        of(Library::Rustls, Cipher::ChaCha, Backend::Ring),
    ];
    if !amount.quick {
        variants.push(of(Library::Snow, Cipher::ChaCha, Backend::Ring));
        variants.push(of(Library::Russh, Cipher::ChaCha, Backend::Ring));
        if fleet.has(Backend::Aws) {
            variants.push(of(Library::Handfast, Cipher::Aes, Backend::Aws));
            variants.push(of(Library::Rustls, Cipher::Aes, Backend::Aws));
        }
    }
    variants
}

pub fn run(
    amount: Amount,
    wanted: &dyn Fn(&str) -> bool,
    fleet: &mut Fleet,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let variants = variants(amount, fleet);
    for count in COUNTS {
        let load = load_of(count);
        if wanted(&load) {
            crowd(amount, &variants, count, fleet, rows)?;
        }
    }
    if wanted(BUSY) {
        busy(amount, &variants, fleet, rows)?;
    }
    Ok(())
}

/// Connects so many, and has all of them send at once.
fn crowd(
    amount: Amount,
    variants: &[Variant],
    count: usize,
    fleet: &Fleet,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let bytes = if amount.quick { 16 << 10 } else { 64 << 10 };
    let total = if amount.quick { 16 << 20 } else { 128 << 20 };
    let load = load_of(count);
    let mut crowds = Vec::new();
    for variant in variants {
        eprintln!("{load}: connecting {}", variant.name_of_stream());
        let mut sides = Sides::start(*variant, fleet)?;
        sides.connect(BEFORE)?;
        let before = sides.usage()?;
        sides.connect(count)?;
        let after = sides.usage()?;
        // below this the pages of the heap and the clock's grain are what is seen
        if count >= 100 {
            let mut add = |metric, sample: f64| {
                let name = variant.name_of_stream();
                let sample = sample / count as f64;
                Row::add(rows, &load, &name, Some(*variant), metric, sample);
            };
            add("connect", after.cpu - before.cpu);
            add("held", after.resident - before.resident);
        }
        crowds.push(sides);
    }
    let turns = (total / bytes / count).max(1);
    let job = Job::Burst { connections: count, bytes, turns };
    for sides in &mut crowds {
        sides.client.ask(&job)?;
    }
    let kib = (count * turns * bytes) as f64 / 1024.0;
    for round in 0..amount.rounds {
        eprintln!("{load}: round {} of {}", round + 1, amount.rounds);
        for sides in &mut crowds {
            let before = sides.usage()?;
            let wall = figure(&sides.client.ask(&job)?, "wall")?;
            let cpu = sides.usage()?.cpu - before.cpu;
            let name = sides.variant.name_of_stream();
            Row::add(rows, &load, &name, Some(sides.variant), "cpu", cpu / kib);
            Row::add(rows, &load, &name, Some(sides.variant), "wall", wall / kib);
        }
    }
    Ok(())
}

/// Memory of connections that never were busy, while some are, and once they are idle again.
fn busy(amount: Amount, variants: &[Variant], fleet: &Fleet, rows: &mut Vec<Row>) -> Result<()> {
    let turns = if amount.quick { 4 } else { 16 };
    for variant in variants {
        eprintln!("{BUSY}: {}", variant.name_of_stream());
        let mut sides = Sides::start(*variant, fleet)?;
        sides.connect(CROWD)?;
        let before = sides.usage()?.resident;
        sides.client.ask(&Job::Burst { connections: BUSY_CONNECTIONS, bytes: 64 << 10, turns })?;
        let peak = sides.usage()?.peak;
        std::thread::sleep(Duration::from_secs(1));
        let after = sides.usage()?.resident;
        for (metric, sample) in [("before", before), ("while", peak), ("after", after)] {
            let mib = sample / f64::from(1 << 20);
            Row::add(rows, BUSY, &variant.name_of_stream(), Some(*variant), metric, mib);
        }
    }
    Ok(())
}
