//! Secure sockets between programs that know each other.

#[cfg(feature = "files")]
pub mod auth;
#[cfg(feature = "tokio")]
pub mod client;
mod crypto;
#[cfg(feature = "tokio")]
mod deadlines;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod handshake;
pub mod key;
mod record;
mod schedule;
#[cfg(feature = "tokio")]
pub mod server;
pub mod session;
#[cfg(feature = "tokio")]
pub mod stream;
#[cfg(feature = "files")]
pub mod trust;
mod wire;

#[cfg(feature = "tokio")]
pub use client::{Client, ConnectError};
pub use crypto::{Cipher, UnknownCipher};
#[cfg(feature = "tokio")]
pub use deadlines::Deadlines;
pub use error::{
    Error, ErrorCode, Farewell, Foreign, Incompatible, KeyType, Malformed, Misbehaved, Misuse,
    Refusal, Unproved,
};
#[cfg(feature = "tokio")]
pub use server::{AcceptError, Listener, Peer, Server};
#[cfg(feature = "tokio")]
pub use stream::Stream;

#[cfg(test)]
mod tests;
