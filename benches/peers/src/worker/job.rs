//! What a worker can be told to do.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::variant::{Cipher, Variant};

/// Named results of a job.
pub type Figures = BTreeMap<String, f64>;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Job {
    /// One way, in writes of this many bytes.
    Bulk { variant: Variant, write: usize, time: Duration },
    /// 64 bytes to and fro.
    PingPong { variant: Variant, time: Duration },
    /// Both ends in memory.
    Handshakes { variant: Variant, time: Duration },
    /// One seal and one open of this many bytes.
    Aead { cipher: Cipher, len: usize, time: Duration },
    /// What handshakes are made of.
    Primitives { time: Duration },
    /// What this many idle connections hold.
    Memory { variant: Variant, count: usize },
    /// Begins to listen; gives the port.
    Serve { variant: Variant },
    /// One connection after the other, some at a time.
    Dial { variant: Variant, port: u16, time: Duration },
    /// Opens connections, and holds them beside those that it holds.
    Connect { variant: Variant, port: u16, count: usize },
    /// Sends this much over each of so many of them, so many times; each time it is confirmed.
    Burst { connections: usize, bytes: usize, turns: usize },
    /// CPU time and memory of the process, and the most memory since it was asked last.
    Usage,
}

pub fn figures<const N: usize>(named: [(&str, f64); N]) -> Figures {
    named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
