//! What is aimed at, and whether it is met. All are ratios of medians of rounds.

use serde::Serialize;

use super::Row;
use super::limits::{aead_limit, find, handshake_limit, ping_limit};
use crate::plan::crowd::{BUSY, COUNTS, load_of};
use crate::plan::handshakes::{IN_MEMORY, OVER_SOCKETS};
use crate::plan::memory;
use crate::plan::streams::bulk_name;
use crate::variant::{Backend, Cipher, Exchange, Library, Variant};

#[derive(Debug, Serialize)]
pub struct Target {
    pub name: String,
    /// The bound, with its direction.
    pub target: String,
    pub measured: f64,
    pub met: bool,
}

impl Target {
    fn at_most(name: String, bound: f64, measured: f64) -> Self {
        Self { name, target: format!("<= {bound:.2}"), measured, met: measured <= bound }
    }

    fn at_least(name: String, bound: f64, measured: f64) -> Self {
        Self { name, target: format!(">= {bound:.2}"), measured, met: measured >= bound }
    }
}

struct Targets<'a> {
    rows: &'a [Row],
    found: Vec<Target>,
}

/// All targets whose figures were measured.
pub fn targets(rows: &[Row]) -> Vec<Target> {
    let mut targets = Targets { rows, found: Vec::new() };
    for write in [64 << 10, 1 << 20] {
        targets.bulk(write);
    }
    targets.small_writes();
    targets.ping_pong();
    targets.handshakes();
    targets.over_sockets();
    targets.memory();
    targets.busy();
    targets.growth();
    targets.found
}

fn stream(library: Library, cipher: Cipher, backend: Backend) -> String {
    Variant::new(library, cipher, Exchange::Classical, backend).name_of_stream()
}

fn handshake(library: Library, exchange: Exchange, backend: Backend) -> String {
    Variant::new(library, Cipher::ChaCha, exchange, backend).name_of_handshake()
}

impl Targets<'_> {
    fn ratio(&self, load: &str, metric: &str, ours: &str, theirs: &str) -> Option<f64> {
        let ours = find(self.rows, load, ours, metric)?;
        Some(ours.over(find(self.rows, load, theirs, metric)?))
    }

    fn at_most(&mut self, load: &str, metric: &str, ours: &str, theirs: &str, bound: f64) {
        if let Some(ratio) = self.ratio(load, metric, ours, theirs) {
            let name = format!("{load}, {metric}: {ours} / {theirs}");
            self.found.push(Target::at_most(name, bound, ratio));
        }
    }

    fn bulk(&mut self, write: usize) {
        let load = bulk_name(write);
        for backend in [Backend::Ring, Backend::Aws] {
            let (cipher, ours) =
                (Cipher::ChaCha, stream(Library::Handfast, Cipher::ChaCha, backend));
            self.at_most(&load, "cpu", &ours, &stream(Library::Rustls, cipher, backend), 0.80);
            // snow has no other backend
            self.at_most(&load, "cpu", &ours, &stream(Library::Snow, cipher, Backend::Ring), 0.98);
            self.at_most(&load, "cpu", &ours, &aead_limit(cipher, backend), 1.05);
        }
        let (cipher, backend) = (Cipher::Aes, Backend::Aws);
        let ours = stream(Library::Handfast, cipher, backend);
        self.at_most(&load, "cpu", &ours, &stream(Library::Rustls, cipher, backend), 0.70);
        self.at_most(&load, "cpu", &ours, &stream(Library::Snow, cipher, Backend::Ring), 0.90);
        self.at_most(&load, "cpu", &ours, &aead_limit(cipher, backend), 1.10);
    }

    fn small_writes(&mut self) {
        let load = bulk_name(1 << 10);
        for backend in [Backend::Ring, Backend::Aws] {
            for cipher in [Cipher::ChaCha, Cipher::Aes] {
                let ours = stream(Library::Handfast, cipher, backend);
                let theirs = stream(Library::Rustls, cipher, backend);
                self.at_most(&load, "cpu", &ours, &theirs, 0.60);
            }
        }
    }

    fn ping_pong(&mut self) {
        let load = "ping-pong of 64 B";
        for backend in [Backend::Ring, Backend::Aws] {
            for cipher in [Cipher::ChaCha, Cipher::Aes] {
                let ours = stream(Library::Handfast, cipher, backend);
                self.at_most(load, "wall", &ours, &ping_limit(cipher, backend), 1.03);
                let theirs = stream(Library::Rustls, cipher, backend);
                self.at_most(load, "wall", &ours, &theirs, 0.95);
            }
        }
    }

    fn handshakes(&mut self) {
        let (hybrid, classical) = (Exchange::Hybrid, Exchange::Classical);
        let (ring, aws) = (Backend::Ring, Backend::Aws);
        let ours = handshake(Library::Handfast, hybrid, aws);
        self.at_most(IN_MEMORY, "cpu", &ours, &handshake_limit(hybrid, aws), 1.03);
        self.at_most(IN_MEMORY, "cpu", &ours, &handshake(Library::Rustls, hybrid, aws), 0.85);
        let ours = handshake(Library::Handfast, classical, ring);
        for (library, bound) in
            [(Library::Rustls, 0.95), (Library::Snow, 0.60), (Library::Russh, 0.65)]
        {
            self.at_most(IN_MEMORY, "cpu", &ours, &handshake(library, classical, ring), bound);
        }
        let ours = handshake(Library::Handfast, hybrid, ring);
        self.at_most(IN_MEMORY, "cpu", &ours, &handshake(Library::Russh, hybrid, ring), 0.50);
    }

    fn over_sockets(&mut self) {
        for (exchange, backend) in [
            (Exchange::Classical, Backend::Ring),
            (Exchange::Classical, Backend::Aws),
            (Exchange::Hybrid, Backend::Aws),
        ] {
            let ours = handshake(Library::Handfast, exchange, backend);
            let theirs = handshake(Library::Rustls, exchange, backend);
            if let Some(ratio) = self.ratio(OVER_SOCKETS, "rate", &ours, &theirs) {
                let name = format!("{OVER_SOCKETS}: {ours} / {theirs}");
                self.found.push(Target::at_least(name, 1.1, ratio));
            }
        }
    }

    fn memory(&mut self) {
        let plain = Variant::PLAIN.name_of_handshake();
        for exchange in [Exchange::Classical, Exchange::Hybrid] {
            let ours = handshake(Library::Handfast, exchange, Backend::Ring);
            let bytes = |name: &str| find(self.rows, memory::LOAD, name, "bytes").map(Row::median);
            if let (Some(held), Some(least)) = (bytes(&ours), bytes(&plain)) {
                let name = format!("{}, KiB beyond plain TCP: {ours}", memory::LOAD);
                self.found.push(Target::at_most(name, 3.0, (held - least) / 1024.0));
            }
        }
    }

    /// What connections that were busy leave behind.
    fn busy(&mut self) {
        let ours = stream(Library::Handfast, Cipher::ChaCha, Backend::Ring);
        let mib = |metric| find(self.rows, BUSY, &ours, metric).map(Row::median);
        if let (Some(before), Some(after)) = (mib("before"), mib("after")) {
            let name = format!("{BUSY}, a second later / before: {ours}");
            self.found.push(Target::at_most(name, 1.05, after / before));
        }
    }

    /// The greatest over the least of a curve over the numbers of connections.
    fn growth(&mut self) {
        let ours = stream(Library::Handfast, Cipher::ChaCha, Backend::Ring);
        for (metric, what, first) in [
            ("cpu", "CPU per byte, 1 to 9000 connections", 1),
            ("connect", "CPU to connect, 100 to 9000 connections", 100),
            ("held", "memory per connection, 100 to 9000 connections", 100),
        ] {
            let (ours, plain) = (&ours, &Variant::PLAIN.name_of_stream());
            if let (Some(measured), Some(plain)) =
                (self.spread(ours, metric, first), self.spread(plain, metric, first))
            {
                let name = format!("growth, max/min of {what} (plain TCP: {plain:.2}): {ours}");
                self.found.push(Target::at_most(name, 1.25, measured));
            }
        }
    }

    fn spread(&self, name: &str, metric: &str, first: usize) -> Option<f64> {
        let curve: Option<Vec<f64>> = COUNTS
            .iter()
            .filter(|count| **count >= first)
            .map(|count| find(self.rows, &load_of(*count), name, metric).map(Row::median))
            .collect();
        let curve = curve?;
        let most = curve.iter().copied().fold(f64::MIN, f64::max);
        Some(most / curve.iter().copied().fold(f64::MAX, f64::min))
    }
}
