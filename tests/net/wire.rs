//! The wire as docs/PROTOCOL.md describes it: a second implementation, written from that document
//! alone, validated by the recorded connections in `tests/vectors/`, and then sent against this
//! crate's client and server in either role.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "a test that cannot go on fails"
)]

mod admission;
mod client_auth_stage;
mod client_side;
mod client_waiting;
mod client_words;
mod deciding;
mod endings;
mod established;
mod factors;
mod recorded;
mod rekey;
mod server_choices;
mod server_hello_stage;
mod support;
mod time_and_stealth;
mod unread;
