//! Messages and bytes: borrowed decoding, one encoding per value, limits checked before use.

pub(crate) mod auth;
pub(crate) mod frame;
pub(crate) mod hello;
pub(crate) mod reader;
pub(crate) mod rekey;
pub(crate) mod text;
pub(crate) mod writer;

/// ML-KEM-768's encapsulation key, in bytes (FIPS 203, table 3).
pub(crate) const KEM_KEY_LEN: usize = 1184;
/// ML-KEM-768's ciphertext, in bytes.
pub(crate) const KEM_CIPHERTEXT_LEN: usize = 1088;
/// A hello's body, at most.
pub(crate) const MAX_HELLO_BODY: usize = 4096;
/// Extensions in one message, at most.
pub(crate) const MAX_EXTENSIONS: usize = 16;
/// AEAD ids in a ClientHello, at most.
pub(crate) const MAX_AEADS: usize = 16;
/// A key, certificate or signature blob, at most.
pub(crate) const MAX_BLOB: usize = 8192;
/// Application protocols that a client names, at most.
pub(crate) const MAX_PROTOCOLS: usize = 16;
/// A password, at most.
pub(crate) const MAX_PASSWORD: usize = 1024;
/// Host keys in Welcome, at most.
pub(crate) const MAX_HOST_KEYS: usize = 8;
/// A record's n, at least: a type and a tag.
pub(crate) const MIN_RECORD: usize = 17;
/// A record's n from a peer that is not authenticated yet, at most.
pub(crate) const MAX_EARLY_RECORD: usize = 16_384;
/// Hints in a ClientHello.
pub(crate) const HINTS: usize = 8;
/// A hint, in bytes.
pub(crate) const HINT_LEN: usize = 16;
/// All hints together, in bytes.
pub(crate) const HINTS_LEN: usize = HINTS * HINT_LEN;
