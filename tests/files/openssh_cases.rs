//! Cases for OpenSSH's files that others wrote: the folder that `OPENSSH_CASES` names has a
//! `cases.jsonl` and the files it speaks of. Nothing of it is part of this project.
//!
//! Each case must come out as it expects, or be in a table of differences, with the reason.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "all of it is test code"
)]

mod authorized_keys;
mod cases;
mod edits;
mod keys;
mod known_hosts;
mod patterns;
