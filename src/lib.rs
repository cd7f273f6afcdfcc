//! Secure sockets between programs that know each other.

mod crypto;
pub mod key;
#[cfg(feature = "files")]
pub mod trust;

pub use crypto::Cipher;
