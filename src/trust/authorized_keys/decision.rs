//! What is asked of `authorized_keys`, and what it says.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use super::super::{OptionFault, Place};
use super::expiry::rfc3339;
use super::permissions::Permissions;
use crate::key::PublicKey;
use crate::key::shown::shown;

/// Whether a key is admitted: which key, when, from where, and to what application.
///
/// ```
/// use std::time::SystemTime;
/// use handfast::key::Identity;
/// use handfast::trust::{AuthorizedKeys, Decision, Question};
///
/// let alice = Identity::generate()?;
/// let text = format!("from=\"192.0.2.0/24\" {}\n", alice.public_key());
/// let keys = AuthorizedKeys::parse("authorized_keys", text.as_bytes())?;
///
/// let question = Question::new(alice.public_key(), SystemTime::now());
/// assert!(matches!(keys.decide(&question), Decision::Refused(_)));
/// let question = question.from("192.0.2.7".parse()?);
/// assert!(matches!(keys.decide(&question), Decision::Admitted(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Question<'a> {
    key: &'a PublicKey,
    at: SystemTime,
    from: Option<IpAddr>,
    honours_command: bool,
}

impl<'a> Question<'a> {
    /// Asks about a key that a client has proved to hold, at this time. The client has no address,
    /// which no entry with `from=` admits, and the application honours no `command=`.
    pub fn new(key: &'a PublicKey, at: SystemTime) -> Self {
        Self { key, at, from: None, honours_command: false }
    }

    /// The address that the client comes from. An IPv4 address mapped into IPv6 is the IPv4 one.
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.from = Some(address.to_canonical());
        self
    }

    /// The application carries out [`Permissions::command`], and nothing else, where an entry has
    /// one.
    #[must_use]
    pub fn honours_command(mut self) -> Self {
        self.honours_command = true;
        self
    }

    pub(super) fn key(&self) -> &PublicKey {
        self.key
    }

    /// Why an entry with these permissions does not count now, if so.
    pub(super) fn refusal(&self, permissions: &Permissions) -> Option<WhyRefused> {
        if permissions.has_expired(self.at) {
            return permissions.expires().map(|last| WhyRefused::Expired { last });
        }
        if let Some(list) = permissions.source_list()
            && !self.from.is_some_and(|address| list.allows(address))
        {
            let list = shown(list.as_str().as_bytes());
            return Some(WhyRefused::From { list, address: self.from });
        }
        let forced = permissions.command().is_some() && !self.honours_command;
        forced.then_some(WhyRefused::Command)
    }
}

/// What `authorized_keys` says about a key; written as a sentence for the server's log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Decision {
    /// A line admits the key.
    Admitted(Entry),
    /// Lines list the key, and none of them admits it.
    Refused(RefusedLines),
    /// No line lists the key.
    Unlisted,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admitted(entry) => write!(f, "{} admits this key", entry.place),
            Self::Refused(lines) => lines.fmt(f),
            Self::Unlisted => f.write_str("no line of authorized_keys lists this key"),
        }
    }
}

/// The line that admitted a key: the first that lists it and may be honoured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub(super) place: Place,
    pub(super) comment: String,
    pub(super) permissions: Arc<Permissions>,
    pub(super) passed_over: RefusedLines,
}

impl Entry {
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

    /// What its options ask for, which has been checked, and what they hand to the application.
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// The lines before it that list the key and do not admit it.
    pub fn passed_over(&self) -> &RefusedLines {
        &self.passed_over
    }
}

/// Lines that list a key and do not admit it, in order; the first 16 of them with their reasons.
///
/// Written as the first three of them, separated by semicolons, and the number of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusedLines {
    lines: Vec<RefusedLine>,
    total: usize,
}

impl RefusedLines {
    /// A file can list one key two hundred thousand times, and each login asks.
    const REMEMBERED: usize = 16;

    pub(super) fn push(&mut self, place: &Place, why: impl FnOnce() -> WhyRefused) {
        self.total = self.total.saturating_add(1);
        if self.total <= Self::REMEMBERED {
            self.lines.push(RefusedLine { place: place.clone(), why: why() });
        }
    }

    /// The first 16 of them.
    pub fn lines(&self) -> &[RefusedLine] {
        &self.lines
    }

    /// How many there are in all.
    pub fn total(&self) -> usize {
        self.total
    }
}

impl fmt::Display for RefusedLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 3;
        for (index, line) in self.lines.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{line}")?;
        }
        match self.total.saturating_sub(SHOWN) {
            0 => Ok(()),
            1 => f.write_str("; 1 more line does not admit it"),
            more => write!(f, "; {more} more lines do not admit it"),
        }
    }
}

/// A line that lists a key and does not admit it; written as `authorized_keys:4: reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLine {
    place: Place,
    why: WhyRefused,
}

impl RefusedLine {
    /// Where it stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Why it does not admit the key.
    pub fn why(&self) -> &WhyRefused {
        &self.why
    }
}

impl fmt::Display for RefusedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

/// Why a line does not admit its key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyRefused {
    /// Its options cannot be read, or one of them is not known or means nothing here. It admits
    /// nobody.
    BadOptions {
        /// What is wrong with them.
        fault: OptionFault,
    },
    /// The key is that of a certificate authority: it signs certificates and is not admitted
    /// itself.
    CertAuthority {
        /// The logins that its certificates may name, separated by commas, as they stand in the
        /// file.
        principals: Option<String>,
        /// What the other options say.
        permissions: Arc<Permissions>,
    },
    /// Its time is over.
    Expired {
        /// The last second in which it counted.
        last: SystemTime,
    },
    /// The client comes from elsewhere.
    From {
        /// What the line asks for, escaped and cut.
        list: String,
        /// Where the client comes from; none if it has no address.
        address: Option<IpAddr>,
    },
    /// It has `command=`, and the application has not said that it honours that.
    Command,
}

impl fmt::Display for WhyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadOptions { fault } => fault.fmt(f),
            Self::CertAuthority { principals, permissions } => {
                f.write_str("the entry is a certificate authority, ")?;
                if let Some(logins) = principals {
                    write!(f, "for the logins `{}`, ", shown(logins.as_bytes()))?;
                }
                if **permissions != Permissions::default() {
                    write!(f, "{permissions}, ")?;
                }
                f.write_str("which this version does not honour")
            }
            Self::Expired { last } => {
                write!(f, "the entry has expired: it counted until {}", rfc3339(*last))
            }
            Self::From { list, address: Some(address) } => {
                write!(
                    f,
                    "the entry is for clients from `{list}`, and this one comes from {address}"
                )
            }
            Self::From { list, address: None } => {
                write!(f, "the entry is for clients from `{list}`, and this one has no address")
            }
            Self::Command => f.write_str(
                "the entry is for one command (`command=`), which this application does not honour",
            ),
        }
    }
}
