//! Drawings of the figures, as SVG.

mod bars;
mod lines;

use std::path::Path;

use super::Row;
use super::limits::{find, handshake_limit, parts};
use crate::peers::Result;
use crate::plan::crowd::{COUNTS, load_of};
use crate::plan::handshakes::{IN_MEMORY, PRIMITIVES};
use crate::plan::streams::{SIZES, bulk_name};
use crate::variant::{Backend, Cipher, Exchange, Library, Variant};
use bars::Bar;
use lines::{Chart, Line};

/// Draws what was measured.
pub fn draw(directory: &Path, rows: &[Row]) -> Result<()> {
    std::fs::create_dir_all(directory)?;
    for cipher in [Cipher::ChaCha, Cipher::Aes] {
        let file = match cipher {
            Cipher::ChaCha => "throughput-chacha20-poly1305.svg",
            Cipher::Aes => "throughput-aes-256-gcm.svg",
        };
        let of_cipher = |row: &Row| {
            row.variant.is_some_and(|of| of.library == Library::Plain || of.cipher == cipher)
        };
        let lines = curves(rows, &SIZES, bulk_name, "cpu", of_cipher, |cost| {
            // nanoseconds per KiB to MiB a second
            1e9 / cost / 1024.0
        });
        let chart = Chart {
            title: format!("{cipher}: throughput of one core, both ends"),
            x: "bytes a write",
            y: "MiB per second of CPU time",
            base: 2.0,
        };
        chart.draw(&directory.join(file), &lines)?;
    }
    for (metric, file, y, scale) in [
        ("cpu", "crowd-cost-per-byte.svg", "CPU nanoseconds per KiB, both ends", 1.0),
        ("connect", "crowd-cost-to-connect.svg", "CPU µs per connection, both ends", 1e-3),
        ("held", "crowd-memory.svg", "KiB per connection, both ends", 1.0 / 1024.0),
    ] {
        let lines = curves(rows, &COUNTS, load_of, metric, |_| true, |cost| cost * scale);
        let chart = Chart { title: "Many connections".to_owned(), x: "connections", y, base: 10.0 };
        chart.draw(&directory.join(file), &lines)?;
    }
    bars::draw(&directory.join("handshakes.svg"), &handshakes(rows))
}

/// One line for each name, over loads that differ in a number.
fn curves(
    rows: &[Row],
    numbers: &[usize],
    load_of: impl Fn(usize) -> String,
    metric: &str,
    wanted: impl Fn(&Row) -> bool,
    shown: impl Fn(f64) -> f64,
) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for &number in numbers {
        let load = load_of(number);
        let of_load = rows.iter().filter(|row| row.load == load && row.metric == metric);
        for row in of_load.filter(|row| row.variant.is_some() && wanted(row)) {
            let point = (number as f64, shown(row.median()));
            match lines.iter_mut().find(|line| line.name == row.name) {
                Some(line) => line.points.push(point),
                None => lines.push(Line { name: row.name.clone(), points: vec![point] }),
            }
        }
    }
    lines
}

/// The cost of each handshake; of handfast's, with what it is made of.
fn handshakes(rows: &[Row]) -> Vec<Bar> {
    let mut bars = Vec::new();
    for row in rows.iter().filter(|row| row.load == IN_MEMORY && row.metric == "cpu") {
        let Some(variant) = row.variant else { continue };
        let total = row.median() / 1e3;
        let mut split = Vec::new();
        let measured = find(rows, IN_MEMORY, &limit_of(variant), "cpu").is_some();
        if variant.library == Library::Handfast && measured {
            for (primitive, times) in parts(variant.exchange) {
                let name = format!("{primitive} {}", variant.backend);
                let cost = find(rows, PRIMITIVES, &name, "cpu").map_or(0.0, Row::median);
                split.push((primitive, cost * times / 1e3));
            }
        }
        bars.push(Bar { name: row.name.clone(), total, split });
    }
    bars
}

fn limit_of(variant: Variant) -> String {
    let (exchange, backend): (Exchange, Backend) = (variant.exchange, variant.backend);
    handshake_limit(exchange, backend)
}
