//! Secure sockets between programs that know each other.

mod crypto;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod handshake;
pub mod key;
mod record;
mod schedule;
pub mod session;
#[cfg(feature = "files")]
pub mod trust;
mod wire;

pub use crypto::{Cipher, UnknownCipher};
pub use error::{
    Error, ErrorCode, Farewell, Foreign, Incompatible, KeyType, Malformed, Misbehaved, Misuse,
    Refusal, Unproved,
};

#[cfg(test)]
mod tests;
