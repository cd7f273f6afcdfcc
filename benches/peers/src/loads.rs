//! What is done with the libraries, each through the same code.

pub mod aead;
pub mod bulk;
pub mod crowd;
pub mod handshakes;
pub mod memory;
pub mod ping_pong;
pub mod primitives;
