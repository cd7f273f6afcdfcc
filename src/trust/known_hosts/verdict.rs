//! What the files say about a host and its key.

use std::fmt;
use std::sync::Arc;

use super::super::{Place, SkippedLines};
use super::line::Line;
use crate::key::Fingerprint;

/// What `known_hosts` says about the key of a host; written as a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Verdict {
    /// The key is listed for the host.
    Match {
        /// The first line that lists it.
        at: Place,
        /// The line lists it for the bare name, and the host was asked for with another port than
        /// 22.
        by_port_fallback: bool,
    },
    /// No line says anything about the host's own keys.
    Unknown {
        /// Lines that could not be read; one of them may have been about this host.
        skipped: Arc<SkippedLines>,
        /// The first line that names a certificate authority for the host, which this version does
        /// not honour.
        authority: Option<Place>,
    },
    /// The host is listed with other keys only.
    Changed {
        /// The first of those lines.
        at: Place,
        /// The keys of all of them, in order; never empty.
        known: Vec<KnownKey>,
    },
    /// The key was revoked for the host.
    Revoked {
        /// The first line that revokes it.
        at: Place,
    },
    /// A certificate was offered, which this version does not honour.
    CertificateRefused {
        /// The first line that names a certificate authority for the host.
        authority: Option<Place>,
    },
}

impl Verdict {
    /// The line that decided; `None` if none is about the host.
    pub fn at(&self) -> Option<&Place> {
        match self {
            Self::Match { at, .. } | Self::Changed { at, .. } | Self::Revoked { at } => Some(at),
            Self::CertificateRefused { authority } => authority.as_ref(),
            Self::Unknown { .. } => None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Match { at, by_port_fallback: false } => write!(f, "{at} lists this key"),
            Self::Match { at, by_port_fallback: true } => {
                write!(f, "{at} lists this key, for the name without the port")
            }
            Self::Unknown { skipped, authority } => {
                f.write_str("no line of known_hosts is about this host")?;
                if let Some(at) = authority {
                    write!(
                        f,
                        "'s own keys; {at} would need certificates, which this version does not honour"
                    )?;
                }
                if skipped.total() > 0 {
                    write!(f, "; {skipped}")?;
                }
                Ok(())
            }
            Self::Changed { known, .. } => f.write_str(&known_by(known)),
            Self::Revoked { at } => write!(f, "{at} revokes this key"),
            Self::CertificateRefused { authority } => {
                f.write_str("it is a certificate, and this version does not honour certificates")?;
                match authority {
                    Some(at) => write!(f, "; {at} names an authority for this host"),
                    None => f.write_str("; no line names an authority for this host"),
                }
            }
        }
    }
}

/// What is said of a host that is known by these keys and showed another one.
pub(in crate::trust) fn known_by(known: &[KnownKey]) -> String {
    let other_type = known.iter().all(|key| key.key_type != "ssh-ed25519");
    let kind = if other_type { "another type of key only" } else { "another key" };
    format!("this host is known by {kind}: {}", listed_keys(known))
}

/// The first few keys with their lines, and how many more there are: a file can list a host two
/// hundred thousand times.
pub(in crate::trust) fn listed_keys(known: &[KnownKey]) -> String {
    const SHOWN: usize = 8;
    let keys: Vec<_> = known.iter().take(SHOWN).map(ToString::to_string).collect();
    match known.len().saturating_sub(SHOWN) {
        0 => keys.join(", "),
        more => format!("{} and {more} more", keys.join(", ")),
    }
}

/// A key that a line lists; written as `ssh-ed25519 SHA256:... (known_hosts:3)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    place: Place,
    key_type: String,
    fingerprint: Fingerprint,
}

impl KnownKey {
    pub(in crate::trust) fn new(line: &Line) -> Self {
        Self {
            place: line.place.clone(),
            key_type: line.key.key_type().to_owned(),
            fingerprint: line.key.fingerprint(),
        }
    }

    /// The line.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The type of the key: `ssh-ed25519`, or one that this version does not support.
    pub fn key_type(&self) -> &str {
        &self.key_type
    }

    /// The fingerprint of the key.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

impl fmt::Display for KnownKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.key_type, self.fingerprint, self.place)
    }
}
