//! Behaviour across layers, over real and simulated transports: one program, since linking each
//! theme by itself takes longer than running it.

#![cfg(feature = "tokio")]

mod authenticators;
#[cfg(feature = "blocking")]
mod blocking;
mod deadlines;
mod endings;
mod last_bytes;
#[path = "../../src/tests/limit.rs"]
mod limit;
mod liveness;
#[cfg(all(unix, feature = "blocking"))]
mod login_files;
#[cfg(feature = "blocking")]
mod policies;
mod sockets;
mod streams;
mod wire;
