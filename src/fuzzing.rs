//! What the fuzz targets run: unstable, and no part of the public API.
//!
//! Each driver takes the fuzzer's bytes, gives them to the library as a peer or a file would, and
//! panics at a fault. Random bytes never pass an AEAD, so for handshake and session the bytes are a
//! *script*: what an honest peer, who computes all keys, says in place of its own words. A script
//! that has come to its end leaves the peer honest. Keys and randomness are fixed.
//!
//! The folder `fuzz/` holds the targets, of one call each, and their seeds; the tests of this module
//! replay the seeds.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a driver reports a fault of the library"
)]

mod client;
mod fixed;
mod input;
mod key_files;
#[cfg(feature = "files")]
mod known_hosts_edit;
mod peer;
mod server;
mod session;
#[cfg(feature = "files")]
mod trust_files;
mod wire;

pub use client::handshake_client;
pub use key_files::{private_key, public_key, sshsig};
#[cfg(feature = "files")]
pub use known_hosts_edit::known_hosts_edit;
pub use server::handshake_server;
pub use session::session;
#[cfg(feature = "files")]
pub use trust_files::{authorized_keys, authorized_options, from_list, known_hosts, patterns};
pub use wire::wire;

/// How far an input came; for the tests of the seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// It was refused at once, or more bytes were awaited.
    Nothing,
    /// The peer's hello was taken.
    Hello,
    /// The peer's key, or its wish to stay anonymous, was proved; or a file was read.
    Proved,
    /// The peer asked for a password, or answered with one.
    Factor,
    /// The session began.
    Established,
    /// A rekey was done.
    Rekeyed,
    /// Both sides have closed.
    Over,
}

/// A driver.
pub type Target = fn(&[u8]) -> Reached;

/// All drivers by the names of their targets.
pub const TARGETS: &[(&str, Target)] = &[
    #[cfg(feature = "files")]
    ("authorized_keys", authorized_keys),
    #[cfg(feature = "files")]
    ("authorized_options", authorized_options),
    #[cfg(feature = "files")]
    ("from_list", from_list),
    ("handshake_client", handshake_client),
    ("handshake_server", handshake_server),
    #[cfg(feature = "files")]
    ("known_hosts", known_hosts),
    #[cfg(feature = "files")]
    ("known_hosts_edit", known_hosts_edit),
    #[cfg(feature = "files")]
    ("patterns", patterns),
    ("private_key", private_key),
    ("public_key", public_key),
    ("session", session),
    ("sshsig", sshsig),
    ("wire", wire),
];

#[cfg(test)]
mod tests;
