//! A key as text, as it stands in every file of OpenSSH: `type base64 [comment]`.

use std::fmt;

use super::LineFault;
use super::file::{split_at_blank, trim_start};
use crate::key::{
    Certificate, Fingerprint, KeyError, PublicKey, Revocable, blob_from_text, is_certificate_type,
};

/// A key of any type that OpenSSH has had, well-formed as far as its type is known here.
///
/// Keys of types that we do not support are kept because they count: a host known by another type
/// of key is *changed*, not new.
pub(super) struct KeyText {
    blob: Box<[u8]>,
    /// What a certificate holds; `None` for a plain key.
    certified: Option<Certified>,
}

/// The keys in a certificate.
struct Certified {
    key: Box<[u8]>,
    authority: Box<[u8]>,
}

impl KeyText {
    /// Reads a key from the start of `text`, and gives the comment behind it.
    pub(super) fn parse(text: &[u8]) -> Result<(Self, &[u8]), LineFault> {
        let (key_type, rest) = split_at_blank(text);
        let (base64, rest) = split_at_blank(trim_start(rest));
        let blob = blob_from_text(key_type, base64)?.into_boxed_slice();
        let certified = Certificate::parse(&blob).map(|certificate| Certified {
            key: certificate.key.into(),
            authority: certificate.authority.into(),
        });
        let key = Self { blob, certified };
        if !key.is_well_formed() {
            return Err(LineFault::MalformedKey { key_type: key.key_type().to_owned() });
        }
        Ok((key, trim_start(rest)))
    }

    /// The key as it stands on the wire.
    pub(super) fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// Its type, which `blob_from_text` has found among the known ones.
    pub(super) fn key_type(&self) -> &str {
        type_of(&self.blob)
    }

    /// Whether it is a certificate and not a plain key.
    pub(super) fn is_certificate(&self) -> bool {
        self.certified.is_some()
    }

    /// The plain key: itself, or the one that the certificate is about.
    pub(super) fn plain(&self) -> &[u8] {
        self.certified.as_ref().map_or(&self.blob, |certified| &certified.key)
    }

    /// The key of the authority that signed it, if it is a certificate.
    pub(super) fn authority(&self) -> Option<&[u8]> {
        self.certified.as_ref().map(|certified| &*certified.authority)
    }

    /// What a revocation is compared with.
    pub(super) fn revocable(&self) -> Revocable<&[u8]> {
        Revocable { key: self.plain(), authority: self.authority() }
    }

    /// The key itself, if it is of our type and one that may be trusted at all.
    pub(super) fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::from_blob(&self.blob)
    }

    /// The fingerprint of the plain key.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_blob(self.plain())
    }

    /// The size of the plain key as OpenSSH states it; none for rare types.
    pub(super) fn bits(&self) -> Option<usize> {
        let field = |index| {
            let mut fields = Vec::new();
            let mut rest = self.plain();
            while let Some((field, behind)) = split_string(rest) {
                fields.push(field);
                rest = behind;
            }
            fields.get(index).copied()
        };
        match type_of(self.plain()) {
            "ssh-ed25519"
            | "sk-ssh-ed25519@openssh.com"
            | "ecdsa-sha2-nistp256"
            | "sk-ecdsa-sha2-nistp256@openssh.com" => Some(256),
            "ecdsa-sha2-nistp384" => Some(384),
            "ecdsa-sha2-nistp521" => Some(521),
            "ssh-rsa" => field(2).and_then(number_bits),
            "ssh-dss" => field(1).and_then(number_bits),
            _ => None,
        }
    }

    /// Whether the fields of the type are there, and nothing behind them. Says nothing about the
    /// point or number in them, or about the signature of a certificate; rare types are not looked
    /// into.
    fn is_well_formed(&self) -> bool {
        if self.certified.is_none() && is_certificate_type(self.key_type().as_bytes()) {
            return false;
        }
        let mut rest = self.plain();
        let mut fields = Vec::new();
        while let Some((field, behind)) = split_string(rest) {
            fields.push(field);
            rest = behind;
        }
        let form = match (type_of(self.plain()), fields.as_slice()) {
            ("ssh-ed25519", [_, key]) => key.len() == 32,
            ("sk-ssh-ed25519@openssh.com", [_, key, _]) => key.len() == 32,
            // OpenSSH reads no shorter ones, and passes over their lines
            ("ssh-rsa", [_, e, n]) => !e.is_empty() && number_bits(n) >= Some(1024),
            ("ssh-dss", [_, p, q, g, y]) => [p, q, g, y].iter().all(|number| !number.is_empty()),
            ("ecdsa-sha2-nistp256", [_, b"nistp256", point]) => is_point(point, 32),
            ("ecdsa-sha2-nistp384", [_, b"nistp384", point]) => is_point(point, 48),
            ("ecdsa-sha2-nistp521", [_, b"nistp521", point]) => is_point(point, 66),
            ("sk-ecdsa-sha2-nistp256@openssh.com", [_, b"nistp256", point, _]) => {
                is_point(point, 32)
            }
            (key_type, _) if FORMS.contains(&key_type) => false,
            (_, fields) => return fields.len() > 1,
        };
        form && rest.is_empty()
    }
}

/// The types whose form is known here.
const FORMS: [&str; 8] = [
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key_type(), self.fingerprint())
    }
}

/// The type that a key on the wire names.
fn type_of(blob: &[u8]) -> &str {
    let name = split_string(blob).map(|(name, _)| name).unwrap_or_default();
    str::from_utf8(name).unwrap_or_default()
}

/// The size of an `mpint` (RFC 4251, section 5).
fn number_bits(number: &[u8]) -> Option<usize> {
    let number: Vec<_> = number.iter().skip_while(|&&byte| byte == 0).collect();
    let zeros = usize::try_from(number.first()?.leading_zeros()).ok()?;
    number.len().checked_mul(8)?.checked_sub(zeros)
}

/// An uncompressed point, the only form that OpenSSH writes.
fn is_point(point: &[u8], coordinate: usize) -> bool {
    point.first() == Some(&4) && point.len().checked_sub(1) == coordinate.checked_mul(2)
}

/// The `string` (RFC 4251, section 5) that `bytes` begin with, and what follows.
fn split_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)
}

#[cfg(test)]
mod tests;
