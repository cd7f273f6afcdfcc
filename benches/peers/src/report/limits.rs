//! What no library can do better than: plain TCP and the bare primitives, added up.

use super::Row;
use crate::plan::handshakes::{IN_MEMORY, PRIMITIVES};
use crate::plan::streams::aead_name;
use crate::variant::{Backend, Cipher, Exchange, Variant};

/// Bytes of all messages of a handshake of handfast's, which both ends hash.
const TRANSCRIPT: [(Exchange, f64); 2] =
    [(Exchange::Classical, 1208.0), (Exchange::Hybrid, 3392.0)];

/// HMACs of one end's key schedule in handfast, each over one short message.
const HMACS: f64 = 21.0;

pub fn aead_limit(cipher: Cipher, backend: Backend) -> String {
    format!("plain TCP + one seal + one open {cipher} {backend}")
}

pub fn ping_limit(cipher: Cipher, backend: Backend) -> String {
    format!("plain TCP + four AEAD calls {cipher} {backend}")
}

pub fn handshake_limit(exchange: Exchange, backend: Backend) -> String {
    format!("sum of primitives {exchange} {backend}")
}

/// The names of the primitives of a handshake, and how often both ends together need them.
pub fn parts(exchange: Exchange) -> Vec<(&'static str, f64)> {
    let bytes = TRANSCRIPT.iter().find(|(of, _)| *of == exchange).map_or(0.0, |(_, bytes)| *bytes);
    let mut parts = vec![
        ("x25519 keygen", 2.0),
        ("x25519 agree", 2.0),
        ("ed25519 sign", 2.0),
        ("ed25519 verify", 2.0),
        ("hmac", 2.0 * HMACS),
        ("sha256 of 1 KiB", 2.0 * bytes / 1024.0),
    ];
    if exchange == Exchange::Hybrid {
        parts.extend([("ml-kem keygen", 1.0), ("ml-kem encaps", 1.0), ("ml-kem decaps", 1.0)]);
    }
    parts
}

pub fn find<'a>(rows: &'a [Row], load: &str, name: &str, metric: &str) -> Option<&'a Row> {
    rows.iter().find(|row| row.load == load && row.name == name && row.metric == metric)
}

/// The sum of rows, each so many times, round by round.
fn sum(load: &str, name: String, metric: &str, parts: &[(&Row, f64)]) -> Option<Row> {
    let rounds = parts.iter().map(|(row, _)| row.samples.len()).min()?;
    let of_round = |round: usize| parts.iter().map(|(row, times)| row.samples[round] * times).sum();
    Some(Row {
        load: load.to_owned(),
        name,
        variant: None,
        metric: metric.to_owned(),
        samples: (0..rounds).map(of_round).collect(),
    })
}

/// Adds the limits to the rows, as far as their parts were measured.
pub fn add(rows: &mut Vec<Row>) {
    let mut limits = Vec::new();
    for backend in [Backend::Ring, Backend::Aws] {
        for cipher in [Cipher::ChaCha, Cipher::Aes] {
            let bare = aead_name(cipher, backend);
            for aead in rows.iter().filter(|row| row.name == bare && row.metric == "cpu") {
                let load = aead.load.as_str();
                let (name, metric, times) = if load.contains("ping-pong") {
                    (ping_limit(cipher, backend), "wall", 2.0)
                } else {
                    (aead_limit(cipher, backend), "cpu", 1.0)
                };
                let plain = find(rows, load, &Variant::PLAIN.name_of_stream(), metric);
                limits.extend(
                    plain.and_then(|p| sum(load, name, metric, &[(p, 1.0), (aead, times)])),
                );
            }
        }
        for exchange in [Exchange::Classical, Exchange::Hybrid] {
            let parts: Option<Vec<_>> = parts(exchange)
                .into_iter()
                .map(|(primitive, times)| {
                    let name = format!("{primitive} {backend}");
                    find(rows, PRIMITIVES, &name, "cpu").map(|row| (row, times))
                })
                .collect();
            let name = handshake_limit(exchange, backend);
            limits.extend(parts.and_then(|parts| sum(IN_MEMORY, name, "cpu", &parts)));
        }
    }
    rows.extend(limits);
    // a bare AEAD takes no time to wait
    rows.retain(|row| {
        row.variant.is_some() || !row.name.starts_with("one seal") || row.metric == "cpu"
    });
}
