//! All figures, for programs.

use std::path::Path;

use serde_json::json;

use super::targets::Target;
use super::{Row, machine, table};
use crate::peers::Result;

pub fn write(path: &Path, rows: &[Row], targets: &[Target]) -> Result<()> {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "load": row.load,
                "name": row.name,
                "library": row.variant.map(|of| of.library.to_string()),
                "cipher": row.variant.map(|of| of.cipher.to_string()),
                "exchange": row.variant.map(|of| of.exchange.to_string()),
                "backend": row.variant.map(|of| of.backend.to_string()),
                "metric": row.metric,
                "unit": table::unit_of_sample(row),
                "median": row.median(),
                "samples": row.samples,
            })
        })
        .collect();
    let all = json!({
        "machine": machine::machine(),
        "versions": machine::versions(),
        "rows": rows,
        "targets": targets,
    });
    std::fs::write(path, serde_json::to_vec_pretty(&all)?)?;
    Ok(())
}
