//! Behaviour of the core across its layers: two ends without I/O, and what is recorded of others.
//! Each test names the requirements of docs/PROTOCOL.md that it holds.

mod exporter;
mod pair;
mod script;
mod session;
mod vectors;
mod who_ends_how;
