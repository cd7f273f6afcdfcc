//! Ed25519 public keys: as text, as bytes on the wire, checked when read.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::blob::{ED25519, Reader, ed25519_blob};
use super::shown::shown;
use super::{Fingerprint, KeyError, SignatureError, private_file};
use crate::crypto::VerifyingKey;

/// Largest public key or certificate, in bytes on the wire, that is looked at.
pub const MAX_BLOB: usize = 8192;

/// Every plain key and certificate type that OpenSSH has had (up to 10.5); names are exact and
/// case-sensitive.
const KEY_TYPES: [&str; 20] = [
    "ssh-ed25519",
    "ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ssh-rsa",
    "ssh-rsa-cert-v01@openssh.com",
    "ssh-dss",
    "ssh-dss-cert-v01@openssh.com",
    "ssh-mldsa44-ed25519@openssh.com",
    "ssh-mldsa44-ed25519-cert-v01@openssh.com",
    "ssh-xmss@openssh.com",
    "ssh-xmss-cert-v01@openssh.com",
];

/// A plain `ssh-ed25519` public key (RFC 8709).
///
/// Whoever holds one knows that its bytes are the one canonical encoding of a point on the curve,
/// and not a point of small order: those are refused whatever the key was read from. `Display`
/// writes the key as OpenSSH does, `ssh-ed25519 AAAA...` without a comment; [`FromStr`] and
/// [`from_openssh`](Self::from_openssh) read that.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads one line as it stands in a `.pub` file: `ssh-ed25519 AAAA... [comment]`, separated by
    /// blanks or tabs. An end of line is allowed; the comment is not looked at.
    ///
    /// # Errors
    /// [`KeyError::InvalidText`] if it has not this form, [`KeyError::UnsupportedAlgorithm`] or
    /// [`KeyError::UnknownAlgorithm`] for other types of key, and what
    /// [`from_blob`](Self::from_blob) returns.
    pub fn from_openssh(text: &str) -> Result<Self, KeyError> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        if line.contains('\n') {
            return Err(KeyError::InvalidText { reason: "there is more than one line" });
        }
        if line.contains('\0') {
            return Err(KeyError::InvalidText { reason: "there is a NUL byte in it" });
        }
        let (algorithm, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        let rest = rest.trim_start_matches([' ', '\t']);
        let (base64, _comment) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
        Self::from_text_parts(algorithm.as_bytes(), base64.as_bytes())
    }

    /// Reads the public key out of the text of an OpenSSH private key file, whether or not a
    /// passphrase protects the private one.
    ///
    /// That half is not protected: whether it belongs to the private key shows only when that is
    /// read with [`Identity::from_openssh`](super::Identity::from_openssh).
    ///
    /// # Errors
    /// As [`Identity::from_openssh`](super::Identity::from_openssh), but for those about the
    /// passphrase.
    pub fn from_openssh_private(text: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        private_file::public_half(text.as_ref())
    }

    /// The fingerprint as a picture, headed as `ssh-keygen -lv` does it: nine lines in a frame,
    /// without a line end behind the last.
    ///
    /// ```text
    /// +--[ED25519 256]--+
    /// ```
    pub fn randomart(&self) -> String {
        self.fingerprint().randomart("ED25519 256")
    }

    /// Reads the two parts of a key's text, as a line of one of OpenSSH's files has them.
    pub(crate) fn from_text_parts(algorithm: &[u8], base64: &[u8]) -> Result<Self, KeyError> {
        Self::from_blob(&blob_from_text(algorithm, base64)?)
    }

    /// Reads a key as it stands on the wire (RFC 8709, section 4): `string "ssh-ed25519"`, `string`
    /// of 32 bytes, and nothing behind them.
    ///
    /// # Errors
    /// [`KeyError::BlobTooLarge`], [`KeyError::UnsupportedAlgorithm`] or
    /// [`KeyError::UnknownAlgorithm`] for other types of key, [`KeyError::InvalidBlob`], and
    /// [`KeyError::InvalidPoint`] for 32 bytes that are no safe key.
    pub fn from_blob(blob: &[u8]) -> Result<Self, KeyError> {
        Self::from_bytes(point(blob)?)
    }

    /// The key in `blob`, if `signature` is one of `message` by it, for less than reading the key
    /// and verifying by it costs. What is wrong otherwise [`from_blob`](Self::from_blob) may tell.
    pub(crate) fn proved(blob: &[u8], message: &[u8], signature: &[u8; 64]) -> Option<Self> {
        let key = VerifyingKey::proved(point(blob).ok()?, message, signature)?;
        Some(Self(*key.as_bytes()))
    }

    /// Reads the 32 bytes of an Ed25519 key (RFC 8032, section 5.1.5).
    ///
    /// # Errors
    /// [`KeyError::InvalidPoint`] if they are not the canonical encoding of a point, or one of
    /// small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::InvalidPoint)?;
        Ok(Self(*bytes))
    }

    /// A key that was derived from its seed, which is always a good one.
    pub(super) fn derived(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key as it stands on the wire; [`from_blob`](Self::from_blob) reads it.
    pub fn blob(&self) -> [u8; 51] {
        ed25519_blob(&self.0)
    }

    /// The 32 bytes of the key itself.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The fingerprint that `ssh-keygen -l` prints.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_blob(&self.blob())
    }

    /// Verifies an Ed25519 signature over `message`, strictly (see [`sshsig`](super::sshsig)).
    pub(crate) fn verify(
        &self,
        message: &[u8],
        signature: &[u8; 64],
    ) -> Result<(), SignatureError> {
        let key = VerifyingKey::from_bytes(&self.0).map_err(|_| SignatureError::BadSignature)?;
        key.verify(message, signature).map_err(|_| SignatureError::BadSignature)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ED25519} {}", STANDARD.encode(self.blob()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    /// As [`from_openssh`](Self::from_openssh).
    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_openssh(text)
    }
}

/// The 32 bytes of the key that a blob holds; whether they encode a point is not looked at.
fn point(blob: &[u8]) -> Result<&[u8; 32], KeyError> {
    let algorithm = blob_type(blob)?;
    if algorithm != ED25519.as_bytes() {
        return Err(foreign_type(algorithm));
    }
    let mut reader = Reader::new(blob);
    let _algorithm = reader.string();
    let key = reader.string().ok_or(KeyError::InvalidBlob { reason: "it ends too soon" })?;
    if !reader.is_empty() {
        return Err(KeyError::InvalidBlob { reason: "there are bytes behind its end" });
    }
    key.try_into().map_err(|_| KeyError::InvalidBlob { reason: "an Ed25519 key has 32 bytes" })
}

/// Whether `name` is a type of key or certificate that OpenSSH knows or knew.
pub(crate) fn is_key_type(name: &[u8]) -> bool {
    KEY_TYPES.iter().any(|known| known.as_bytes() == name)
}

/// The longest name of a type of key or certificate that a word ends with.
#[cfg(feature = "files")]
pub(crate) fn key_type_at_end(word: &[u8]) -> Option<&'static [u8]> {
    let names = KEY_TYPES.iter().map(|name| name.as_bytes());
    names.filter(|name| word.ends_with(name)).max_by_key(|name| name.len())
}

/// The type that a key on the wire names; says nothing about what follows it.
pub(crate) fn blob_type(blob: &[u8]) -> Result<&[u8], KeyError> {
    if blob.len() > MAX_BLOB {
        return Err(KeyError::BlobTooLarge { len: blob.len(), max: MAX_BLOB });
    }
    Reader::new(blob).string().ok_or(KeyError::InvalidBlob { reason: "it ends too soon" })
}

/// The bytes of a key of any known type, from the type and the base64 of its text; the two types
/// must agree.
///
/// As OpenSSH, this passes over white space inside the base64 (which is how a `\r` at the end of a
/// line does no harm), wants correct padding, and refuses bits left over.
pub(crate) fn blob_from_text(algorithm: &[u8], base64: &[u8]) -> Result<Vec<u8>, KeyError> {
    if algorithm.is_empty() {
        return Err(KeyError::InvalidText { reason: "there is no key type" });
    }
    if !is_key_type(algorithm) {
        return Err(KeyError::UnknownAlgorithm { algorithm: shown(algorithm) });
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let base64 = if base64.iter().any(is_space) {
        Cow::Owned(base64.iter().copied().filter(|byte| !is_space(byte)).collect())
    } else {
        Cow::Borrowed(base64)
    };
    if base64.is_empty() {
        return Err(KeyError::InvalidText { reason: "there is no key behind its type" });
    }
    let len = base64.len().div_ceil(4).saturating_mul(3);
    if len > MAX_BLOB.saturating_add(3) {
        return Err(KeyError::BlobTooLarge { len, max: MAX_BLOB });
    }
    let blob = STANDARD
        .decode(base64)
        .map_err(|_| KeyError::InvalidText { reason: "the key is not valid base64" })?;
    let inner = blob_type(&blob)?;
    if inner != algorithm {
        return Err(KeyError::TypeMismatch { text: shown(algorithm), blob: shown(inner) });
    }
    Ok(blob)
}

/// The error for a type other than `ssh-ed25519`.
pub(super) fn foreign_type(algorithm: &[u8]) -> KeyError {
    if is_key_type(algorithm) {
        KeyError::UnsupportedAlgorithm { algorithm: shown(algorithm) }
    } else {
        KeyError::UnknownAlgorithm { algorithm: shown(algorithm) }
    }
}

#[cfg(test)]
mod tests;
