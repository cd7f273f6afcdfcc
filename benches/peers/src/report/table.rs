//! The table.

use std::fmt::Write;

use super::Row;
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
        let _ = write!(out, "\n{load:<52}");
        for metric in &metrics {
            let _ = write!(out, "{:>14}{:>9}{:>10}", unit(load, metric), "/plain", "handfast/");
        }
        out.push('\n');
        let mut names: Vec<&str> = Vec::new();
        for row in &of_load {
            if !names.contains(&row.name.as_str()) {
                names.push(&row.name);
            }
        }
        for name in names {
            let _ = write!(out, "  {name:<50}");
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

/// What a metric is measured in.
fn unit(load: &str, metric: &str) -> String {
    let unit = match metric {
        "cpu" | "wall" if load.contains("writes") => "ns/KiB",
        "cpu" | "wall" => "µs",
        "rate" => "per s",
        "bytes" => "B",
        _ => "",
    };
    format!("{metric} {unit}")
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
    let shown = if unit(&row.load, &row.metric).ends_with("µs") { value / 1e3 } else { value };
    let digits = if shown < 1000.0 { 1 } else { 0 };
    let ratio = |ratio: Option<f64>| ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
    let over_plain = plain.map(|plain| row.over(plain));
    let over_this = match row.variant {
        Some(variant) if variant.library != Library::Handfast => handfast.map(|h| h.over(row)),
        _ => None,
    };
    let _ = write!(out, "{shown:>14.digits$}{:>9}{:>10}", ratio(over_plain), ratio(over_this));
}
