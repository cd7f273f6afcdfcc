//! All keys of a file, whatever their lines mean.

use super::authorized_keys::options::split_options;
use super::file::{Contents, split_at_blank, trim_start};
use super::glued::glued;
use super::key_text::KeyText;
use super::{LineFault, OptionFault, Place, SkippedLines, TrustError};
use crate::key::{Fingerprint, PublicKey, Revocable};

/// A key that stands on a line of a file: of a `.pub` file, `known_hosts` or `authorized_keys`.
///
/// Says nothing about whether the line lets anybody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    place: Place,
    before: String,
    key_type: String,
    bits: Option<usize>,
    fingerprint: Fingerprint,
    authority: Option<Fingerprint>,
    public_key: Option<PublicKey>,
    comment: String,
}

impl ListedKey {
    /// The line.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What stands before the key: options, or marker and hosts; often nothing. As in the file,
    /// with U+FFFD for what is not UTF-8: see [`printable`](crate::key::printable).
    pub fn before(&self) -> &str {
        &self.before
    }

    /// The type of the key on the wire, one of those that OpenSSH has had.
    pub fn key_type(&self) -> &str {
        &self.key_type
    }

    /// The type as `ssh-keygen -l` names it: `ED25519`, `RSA`, `ECDSA-SK`, `ED25519-CERT`.
    pub fn short_type(&self) -> String {
        let name = self.key_type.split('@').next().unwrap_or_default();
        let (name, cert) = match name.strip_suffix("-cert-v01") {
            Some(name) => (name, "-CERT"),
            None => (name, ""),
        };
        let (name, sk) = match name.strip_prefix("sk-") {
            Some(name) => (name, "-SK"),
            None => (name, ""),
        };
        let short = match name {
            "ssh-dss" => "DSA",
            name if name.starts_with("ecdsa-") => "ECDSA",
            name => &name.strip_prefix("ssh-").unwrap_or(name).to_ascii_uppercase(),
        };
        format!("{short}{sk}{cert}")
    }

    /// The size of the key in bits as `ssh-keygen -l` states it; none for types that are rarely met.
    pub fn bits(&self) -> Option<usize> {
        self.bits
    }

    /// The fingerprint that `ssh-keygen -l` prints; that of a certificate is the one of its plain
    /// key.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether this key is revoked where `revoked` is: they are the same key, one of them or both
    /// as a certificate, or `revoked` is the key of the authority that signed this certificate.
    pub fn is_revoked_by(&self, revoked: &Self) -> bool {
        let this = Revocable { key: self.fingerprint, authority: self.authority };
        this.is_revoked_by(&revoked.fingerprint)
    }

    /// The key itself, if it is an Ed25519 key that may be trusted at all.
    pub fn public_key(&self) -> Option<&PublicKey> {
        self.public_key.as_ref()
    }

    /// What stands behind the key. As in the file, with U+FFFD for what is not UTF-8: see
    /// [`printable`](crate::key::printable).
    pub fn comment(&self) -> &str {
        &self.comment
    }

    pub(super) fn parse(place: Place, line: &[u8]) -> Result<Option<Self>, LineFault> {
        let line = trim_start(line);
        if line.contains(&0) {
            return Err(LineFault::Nul);
        }
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(None);
        }
        let (before, (key, comment)) = match KeyText::parse(line) {
            Ok(key) => (Default::default(), key),
            Err(fault) if crate::key::is_key_type(split_at_blank(line).0) => return Err(fault),
            Err(_) => {
                let (before, rest) = split_before(line)?;
                if rest.is_empty() {
                    return Err(LineFault::NoKey);
                }
                (before, KeyText::parse(rest)?)
            }
        };
        Ok(Some(Self::new(place, before, &key, comment)))
    }

    pub(super) fn new(place: Place, before: &[u8], key: &KeyText, comment: &[u8]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        Self {
            place,
            before: text(before),
            key_type: key.key_type().to_owned(),
            bits: key.bits(),
            fingerprint: key.fingerprint(),
            authority: key.authority().map(Fingerprint::of_blob),
            public_key: key.public_key().ok(),
            comment: text(comment),
        }
    }
}

/// Splits before the key: options up to a blank outside quotes, hosts, or a marker and hosts.
pub(super) fn split_before(line: &[u8]) -> Result<(&[u8], &[u8]), OptionFault> {
    let (_, rest) = if line.starts_with(b"@") {
        split_at_blank(trim_start(split_at_blank(line).1))
    } else if line.starts_with(b"|") {
        split_at_blank(line)
    } else {
        split_options(line)?
    };
    let before = line.len().saturating_sub(rest.len());
    Ok((line.get(..before).unwrap_or_default(), trim_start(rest)))
}

/// All keys of a file of lines, in order, and the lines that were passed over.
///
/// `name` stands for the path in messages.
///
/// # Errors
/// The file or a line is larger than what is read.
pub fn list_keys(name: &str, bytes: &[u8]) -> Result<(Vec<ListedKey>, SkippedLines), TrustError> {
    let contents = Contents::new(name, bytes)?;
    let (mut keys, mut skipped) = (Vec::new(), SkippedLines::default());
    for line in contents.lines() {
        let (number, line) = line?;
        let place = Place::new(contents.name(), number);
        match ListedKey::parse(place.clone(), line) {
            Ok(key) => keys.extend(key),
            Err(fault) => skipped.push(place, glued(line).unwrap_or(fault)),
        }
    }
    Ok((keys, skipped))
}
