#![expect(
    clippy::field_reassign_with_default,
    reason = "the settings are not exhaustive for users either"
)]
//! Behaviour of the core across its layers: two ends without I/O, and what is recorded of others.
//! Each test names the requirements of docs/PROTOCOL.md that it holds.

#[cfg(feature = "blocking")]
mod blocking;
mod codec;
mod exporter;
#[cfg(feature = "tokio")]
mod first_words;
mod hello;
#[cfg(any(feature = "tokio", feature = "blocking"))]
pub(crate) mod limit;
mod limits;
mod matrix;
mod pair;
mod rekey;
mod script;
mod session;
#[cfg(feature = "tokio")]
mod small_writes;
mod state_matrix;
mod stealth;
mod tamper;
mod vectors;
mod welcome;
mod who_ends_how;
#[cfg(target_os = "linux")]
pub(crate) mod wiped;
