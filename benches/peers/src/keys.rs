//! One Ed25519 key for each end, the same for all libraries.

use ed25519_dalek::SigningKey;

pub const SERVER: [u8; 32] = [1; 32];
pub const CLIENT: [u8; 32] = [2; 32];

pub fn public(seed: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

/// The private key as PKCS #8 (RFC 8410, 7).
pub fn pkcs8(seed: &[u8; 32]) -> Vec<u8> {
    const FRONT: [u8; 16] = *b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
    [&FRONT[..], seed].concat()
}

/// The public key as SubjectPublicKeyInfo (RFC 8410, 4).
pub fn spki(seed: &[u8; 32]) -> Vec<u8> {
    const FRONT: [u8; 12] = *b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
    [&FRONT[..], &public(seed)].concat()
}
