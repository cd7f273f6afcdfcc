#![expect(
    clippy::field_reassign_with_default,
    reason = "the settings are not exhaustive for users either"
)]
//! Behaviour of the core across its layers: two ends without I/O, and what is recorded of others.

mod vectors;
