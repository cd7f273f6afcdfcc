//! What `authorized_keys` says about a key.

use std::fmt;

use super::super::{OptionFault, Place};
use super::options::Options;
use crate::key::shown::shown;

/// What `authorized_keys` says about a key; written as a sentence for the server's log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Decision {
    /// A line admits the key.
    Admitted(Entry),
    /// Lines list the key, and none of them may be honoured; never empty.
    Refused(Vec<RefusedLine>),
    /// No line lists the key.
    Unlisted,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admitted(entry) => write!(f, "{} admits this key", entry.place),
            Self::Refused(lines) => {
                for (index, line) in lines.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}{line}")?;
                }
                Ok(())
            }
            Self::Unlisted => f.write_str("no line of authorized_keys lists this key"),
        }
    }
}

/// The line that admitted a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    place: Place,
    comment: String,
}

impl Entry {
    pub(super) fn new(place: Place, comment: String) -> Self {
        Self { place, comment }
    }

    /// Where it stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The comment behind the key, often `user@host`; empty if there is none.
    ///
    /// It is the file's text as it stands there, with U+FFFD for what is not UTF-8; escape it
    /// before showing it.
    pub fn comment(&self) -> &str {
        &self.comment
    }
}

/// A line that lists a key and does not admit it; written as `authorized_keys:4: reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLine {
    place: Place,
    why: WhyRefused,
}

impl RefusedLine {
    pub(super) fn new(place: Place, why: WhyRefused) -> Self {
        Self { place, why }
    }

    /// Where it stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Why it admits nobody.
    pub fn why(&self) -> &WhyRefused {
        &self.why
    }
}

impl fmt::Display for RefusedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

/// Why a line admits nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyRefused {
    /// It has options; they restrict, so a line whose options are not enforced must not count.
    Options {
        /// The names of the first eight in lower case, escaped and cut.
        names: Vec<String>,
        /// How many there are in all.
        total: usize,
    },
    /// The key is that of a certificate authority: it signs certificates and is not admitted
    /// itself.
    CertAuthority,
    /// Its options cannot be read.
    BadOptions {
        /// What is wrong with them.
        fault: OptionFault,
    },
}

impl WhyRefused {
    /// `None` if there are no options but commas, which OpenSSH passes over.
    pub(super) fn from_options(options: &Options) -> Option<Self> {
        if options.iter().any(|option| option.name == b"cert-authority") {
            return Some(Self::CertAuthority);
        }
        let total = options.iter().count();
        // A line can hold a hundred thousand of them.
        let names = options.iter().take(8).map(|option| shown(&option.name)).collect();
        (total > 0).then_some(Self::Options { names, total })
    }
}

impl fmt::Display for WhyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Options { names, total } => {
                let more = if *total > names.len() { ", ..." } else { "" };
                let names = names.join(", ");
                write!(
                    f,
                    "the entry has options, which this version does not honour: {names}{more}"
                )
            }
            Self::CertAuthority => f.write_str(
                "the entry is a certificate authority, which this version does not honour",
            ),
            Self::BadOptions { fault } => fault.fmt(f),
        }
    }
}
