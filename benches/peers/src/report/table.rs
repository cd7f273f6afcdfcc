//! The table.

use std::fmt::Write;

use super::targets::Target;
use super::{Row, machine};
use crate::variant::{Backend, Library, Variant};

/// All rows, load by load.
pub fn table(rows: &[Row]) -> String {
    let mut out = String::new();
    let mut loads: Vec<&str> = Vec::new();
    for row in rows {
        if !loads.contains(&row.load.as_str()) {
            loads.push(&row.load);
        }
    }
    for load in loads {
        let of_load: Vec<&Row> = rows.iter().filter(|row| row.load == load).collect();
        let mut metrics: Vec<&str> = Vec::new();
        for row in &of_load {
            if !metrics.contains(&row.metric.as_str()) {
                metrics.push(&row.metric);
            }
        }
        let _ = write!(out, "\n{load:<62}");
        for metric in &metrics {
            let heading = of_load.iter().find(|row| row.metric == *metric).map(|row| heading(row));
            let heading = heading.unwrap_or_default();
            let _ = write!(out, "{heading:>14}{:>9}{:>10}", "/plain", "handfast/");
        }
        out.push('\n');
        let mut names: Vec<&str> = Vec::new();
        for row in &of_load {
            if !names.contains(&row.name.as_str()) {
                names.push(&row.name);
            }
        }
        for name in names {
            let _ = write!(out, "  {name:<60}");
            for metric in &metrics {
                let found = of_load.iter().find(|row| row.name == name && row.metric == *metric);
                match found {
                    Some(row) => cell(&mut out, row, &of_load),
                    None => out.push_str(&" ".repeat(33)),
                }
            }
            let kept = out.trim_end().len();
            out.truncate(kept);
            out.push('\n');
        }
    }
    out
}

/// The targets, met or missed.
pub fn targets(targets: &[Target]) -> String {
    let mut out = String::from("\nTargets\n");
    for Target { name, target, measured, met } in targets {
        let met = if *met { "met" } else { "MISSED" };
        let _ = writeln!(out, "  {met:<7} {measured:>6.3} {target:<8} {name}");
    }
    out
}

pub fn surroundings() -> String {
    let mut out = String::from("\nMachine and versions\n");
    for (name, value) in machine::machine().into_iter().chain(machine::versions()) {
        let _ = writeln!(out, "  {name:<18} {value}");
    }
    out
}

/// The unit of the samples, which the table may show in another one.
pub fn unit_of_sample(row: &Row) -> &'static str {
    match (row.metric.as_str(), row.load.as_str()) {
        ("cpu" | "wall", load) if load.contains("writes") || load.contains("crowd") => "ns/KiB",
        ("cpu" | "wall" | "connect", _) => "ns",
        ("rate", _) => "1/s",
        ("bytes" | "held", _) => "B",
        _ => "MiB",
    }
}

/// What a metric is shown in.
fn heading(row: &Row) -> String {
    let unit = match unit_of_sample(row) {
        "ns" => "µs",
        unit => unit,
    };
    format!("{} {unit}", row.metric)
}

fn cell(out: &mut String, row: &Row, of_load: &[&Row]) {
    let same_metric = |other: &&&Row| other.metric == row.metric;
    let plain = of_load
        .iter()
        .filter(same_metric)
        .find(|other| other.variant.is_some_and(|of| of.library == Library::Plain));
    let handfast = row.variant.and_then(|variant| {
        let of = |backend| Variant { backend, ..variant.of(Library::Handfast) };
        let find = |wanted| of_load.iter().filter(same_metric).find(|o| o.variant == Some(wanted));
        find(of(variant.backend)).or_else(|| find(of(Backend::Ring)))
    });
    let value = row.median();
    let shown = if unit_of_sample(row) == "ns" { value / 1e3 } else { value };
    let digits = if shown < 1000.0 { 1 } else { 0 };
    let ratio = |ratio: Option<f64>| ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
    let over_plain = plain.map(|plain| row.over(plain));
    let over_this = match row.variant {
        Some(variant) if variant.library != Library::Handfast => handfast.map(|h| h.over(row)),
        _ => None,
    };
    let _ = write!(out, "{shown:>14.digits$}{:>9}{:>10}", ratio(over_plain), ratio(over_this));
}
