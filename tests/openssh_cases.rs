//! Cases for OpenSSH's files that others wrote: the folder that `OPENSSH_CASES` names has a
//! `cases.jsonl` and the files it speaks of. Nothing of it is part of this project.
//!
//! Each case must come out as it expects, or be in a table of differences, with the reason.
#![cfg(feature = "files")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "all of it is test code"
)]

#[path = "openssh_cases/authorized_keys.rs"]
mod authorized_keys;
#[path = "openssh_cases/cases.rs"]
mod cases;
#[path = "openssh_cases/edits.rs"]
mod edits;
#[path = "openssh_cases/keys.rs"]
mod keys;
#[path = "openssh_cases/known_hosts.rs"]
mod known_hosts;
#[path = "openssh_cases/patterns.rs"]
mod patterns;
