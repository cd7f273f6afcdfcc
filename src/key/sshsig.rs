//! Signatures over messages, as `ssh-keygen -Y sign` makes them (PROTOCOL.sshsig in OpenSSH's
//! source).
//!
//! A signature binds a *namespace*, which says what it is for, so that one made for one purpose
//! serves no other. Made and accepted is one form only: version 1, SHA-512 (ssh-keygen's default),
//! a plain Ed25519 key, nothing in the reserved field. Ed25519 is verified strictly: canonical
//! encodings, no point of small order, no cofactor.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::armour::Missing;
use super::blob::{ED25519, Reader, ed25519_blob, put_string};
use super::shown::shown;
use super::{Fingerprint, Identity, KeyError, MAX_BLOB, PublicKey, armour};
use crate::crypto;

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const MAGIC: &[u8] = b"SSHSIG";
const HASH: &[u8] = b"sha512";

/// Longest text of a signature that is read: twice what the largest blob needs.
const MAX_TEXT: usize = 2 * MAX_BLOB;

/// Longest namespace, in bytes.
const MAX_NAMESPACE: usize = 255;

/// What the protocol's own namespaces begin with: one for each role, and one for host keys to come.
const RESERVED: &str = "handfast-v1-";

/// Why a signature was not accepted, or not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The signature does not belong to this message, key and namespace.
    #[error("the signature is wrong: made over another message or by another key, or altered")]
    BadSignature,
    /// The signature's text or bytes do not have the form they should.
    #[error("malformed signature: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A version of the format that is not known.
    #[error("a signature of version {seen}; expected version 1")]
    Version {
        /// The version it says.
        seen: u32,
    },
    /// The signature is by a kind of key that is not taken, or its key is malformed.
    #[error("the key in the signature: {problem}")]
    Key {
        /// What is wrong with the key.
        problem: KeyError,
    },
    /// The signature is by another key than the one expected.
    #[error("signed by the key {seen}; expected {expected}")]
    OtherKey {
        /// Fingerprint of the key in the signature.
        seen: Fingerprint,
        /// Fingerprint of the key it was checked against.
        expected: Fingerprint,
    },
    /// The signature was made for another purpose.
    #[error("made for the namespace `{seen}`; expected `{expected}`")]
    OtherNamespace {
        /// Namespace in the signature, escaped and cut.
        seen: String,
        /// Namespace it was checked against, escaped and cut.
        expected: String,
    },
    /// The message was hashed with another function.
    #[error(
        "the message was hashed with `{seen}`; expected `sha512` (`ssh-keygen -Y sign -O hashalg=sha512`)"
    )]
    OtherHash {
        /// The function's name, escaped and cut.
        seen: String,
    },
    /// The signature is of another type than an Ed25519 key makes.
    #[error("a signature of type `{seen}`; expected `ssh-ed25519`")]
    OtherAlgorithm {
        /// The type's name, escaped and cut.
        seen: String,
    },
    /// A namespace has 1 to 255 bytes.
    #[error("a namespace of {len} bytes; expected 1 to 255")]
    InvalidNamespace {
        /// How many it had.
        len: usize,
    },
    /// The namespace belongs to the handshake: a signature made in it could be used to
    /// impersonate the owner of the key.
    #[error(
        "the namespace `{}` is reserved: those that begin with `handfast-v1-` belong to the \
         handshake; choose another", shown(namespace.as_bytes())
    )]
    ReservedNamespace {
        /// The namespace as it was given.
        namespace: String,
    },
}

fn malformed(reason: &'static str) -> SignatureError {
    SignatureError::Malformed { reason }
}

fn short() -> SignatureError {
    malformed("it ends too soon")
}

/// Signs `message` for `namespace`; the text is what `ssh-keygen -Y verify` takes.
///
/// Namespaces that begin with `handfast-v1-` are refused: the handshake signs in them, and an
/// application that signed for a caller there would let that caller connect as the key's owner.
///
/// # Errors
/// [`SignatureError::InvalidNamespace`] if the namespace is empty or longer than 255 bytes,
/// [`SignatureError::ReservedNamespace`] if it begins with `handfast-v1-`.
pub fn sign(
    identity: &Identity,
    namespace: &str,
    message: &[u8],
) -> Result<String, SignatureError> {
    check_namespace(namespace)?;
    let mut blob = MAGIC.to_vec();
    blob.extend_from_slice(&1u32.to_be_bytes());
    put_string(&mut blob, &identity.public_key().blob());
    put_string(&mut blob, namespace.as_bytes());
    put_string(&mut blob, b"");
    put_string(&mut blob, HASH);
    put_string(&mut blob, &signature_blob(&identity.sign(&signed_data(namespace, message))));
    Ok(armour::wrap(&STANDARD.encode(blob), BEGIN, END))
}

/// Verifies a signature's text, as [`sign`] or `ssh-keygen -Y sign` made it, over `message` for
/// `namespace` by `key`.
///
/// # Errors
/// [`SignatureError::BadSignature`] if it is wrong, and the other variants if it is of another form
/// or purpose. Nothing of the message counts as signed unless this returns `Ok`.
pub fn verify(
    key: &PublicKey,
    namespace: &str,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    check_namespace(namespace)?;
    if signature.len() > MAX_TEXT {
        return Err(malformed("it is longer than any signature"));
    }
    let base64 = armour::body(signature, BEGIN, END).map_err(|missing| match missing {
        Missing::Begin => malformed("its first line is not `-----BEGIN SSH SIGNATURE-----`"),
        Missing::End => malformed("its last line, `-----END SSH SIGNATURE-----`, is missing"),
    })?;
    let blob = STANDARD.decode(&*base64).map_err(|_| malformed("its base64 is not valid"))?;
    let signature = read_blob(&blob, key, namespace)?;
    key.verify(&signed_data(namespace, message), &signature)
}

fn check_namespace(namespace: &str) -> Result<(), SignatureError> {
    let len = namespace.len();
    if len == 0 || len > MAX_NAMESPACE {
        return Err(SignatureError::InvalidNamespace { len });
    }
    if namespace.starts_with(RESERVED) {
        return Err(SignatureError::ReservedNamespace { namespace: namespace.to_owned() });
    }
    Ok(())
}

fn read_blob(blob: &[u8], key: &PublicKey, namespace: &str) -> Result<[u8; 64], SignatureError> {
    let mut reader = Reader::new(blob);
    if reader.take(MAGIC.len()) != Some(MAGIC) {
        return Err(malformed("it does not begin with `SSHSIG`"));
    }
    // OpenSSH takes version 0 and anything in the reserved field as well, neither of which is
    // signed.
    let version = reader.u32().ok_or_else(short)?;
    if version != 1 {
        return Err(SignatureError::Version { seen: version });
    }
    let signer = reader.string().ok_or_else(short)?;
    let signer = PublicKey::from_blob(signer).map_err(|problem| SignatureError::Key { problem })?;
    let for_namespace = reader.string().ok_or_else(short)?;
    let reserved = reader.string().ok_or_else(short)?;
    let hash = reader.string().ok_or_else(short)?;
    let signature = reader.string().ok_or_else(short)?;
    if !reader.is_empty() {
        return Err(malformed("there are bytes behind its end"));
    }
    if !reserved.is_empty() {
        return Err(malformed("its reserved field is not empty"));
    }
    if signer != *key {
        return Err(SignatureError::OtherKey {
            seen: signer.fingerprint(),
            expected: key.fingerprint(),
        });
    }
    if for_namespace != namespace.as_bytes() {
        let (seen, expected) = (shown(for_namespace), shown(namespace.as_bytes()));
        return Err(SignatureError::OtherNamespace { seen, expected });
    }
    if hash != HASH {
        return Err(SignatureError::OtherHash { seen: shown(hash) });
    }
    parse_signature_blob(signature)
}

/// What is signed: the preamble, the namespace, and SHA-512 of the message. The namespace has at
/// most 255 bytes.
pub(crate) fn signed_data(namespace: &str, message: &[u8]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    put_string(&mut out, namespace.as_bytes());
    put_string(&mut out, b"");
    put_string(&mut out, HASH);
    put_string(&mut out, &crypto::sha512(&[message]));
    out
}

/// A signature as it stands on the wire: `string "ssh-ed25519"`, `string` of 64 bytes (RFC 8709,
/// section 6).
pub(crate) fn signature_blob(signature: &[u8; 64]) -> [u8; 83] {
    ed25519_blob(signature)
}

/// Undoes [`signature_blob`]; nothing may follow.
pub(crate) fn parse_signature_blob(blob: &[u8]) -> Result<[u8; 64], SignatureError> {
    let mut reader = Reader::new(blob);
    let algorithm = reader.string().ok_or_else(short)?;
    if algorithm != ED25519.as_bytes() {
        return Err(SignatureError::OtherAlgorithm { seen: shown(algorithm) });
    }
    let signature = reader.string().ok_or_else(short)?;
    if !reader.is_empty() {
        return Err(malformed("there are bytes behind its end"));
    }
    signature.try_into().map_err(|_| malformed("an Ed25519 signature has 64 bytes"))
}

#[cfg(test)]
mod tests;
