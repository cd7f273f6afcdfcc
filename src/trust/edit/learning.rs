//! Learning and dropping keys of hosts that change theirs.
//!
//! The rules are those of OpenSSH's `UpdateHostKeys` (`client_input_hostkeys`, clientloop.c) where
//! docs/PROTOCOL.md does not ask for more: whatever would make a line stand for something that
//! nobody wrote down leaves the file as it is.

use std::cell::RefCell;
use std::fmt;

use super::super::contacts::Writing;
use super::super::file::Contents;
use super::super::hosts_field::HostsField;
use super::super::known_hosts::line::{Line, Marker, parse_line, parse_listed};
use super::super::listing::ListedKey;
use super::super::pattern::elements;
use super::super::{Host, KnownHosts, Place, Verdict};
use super::known_hosts::{check_whole, without};
use super::lock::Missing;
use super::{Change, EditError, KnownHostsFile, NewHost, change, push_line, whole_lines};
use crate::key::{Fingerprint, PublicKey};

/// What a comment begins with that says where a key came from.
const LEARNED: &str = "handfast-learned";

/// Most lines with that comment for one name.
const MAX_LEARNED: usize = 8;

/// From so many names on a line is none that was written for one host.
const MANY_NAMES: usize = 3;

/// The keys that a host has proved to hold, on one connection.
#[derive(Debug, Clone, Copy)]
pub struct ProvedKeys<'a> {
    host: &'a Host,
    presented: &'a PublicKey,
    others: &'a [PublicKey],
}

impl<'a> ProvedKeys<'a> {
    /// The key that the host presented, and the others that it proved with Welcome
    /// ([`Stream::other_host_keys`](crate::Stream::other_host_keys)).
    #[must_use]
    pub const fn new(host: &'a Host, presented: &'a PublicKey, others: &'a [PublicKey]) -> Self {
        Self { host, presented, others }
    }
}

/// What [`KnownHostsFile::learn`] and [`rotate`](KnownHostsFile::rotate) did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Learned {
    /// The lines that were added.
    pub added: Vec<ListedKey>,
    /// The lines as they stood before from which the host was taken.
    pub removed: Vec<ListedKey>,
    /// Keys that were proved and not added.
    pub left_out: Vec<LeftOut>,
}

/// A key that was proved and not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The key.
    pub fingerprint: Fingerprint,
    /// Why it was not added.
    pub why: WhyLeftOut,
}

/// Why a key that was proved was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyLeftOut {
    /// A line revokes it.
    Revoked,
    /// Eight keys were learned for the name already.
    TooMany,
}

/// Why no key of a host is learned or dropped, whatever it proved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyNotLearned {
    /// No plain line of this file lists the presented key for exactly the name that was looked up.
    NotListed,
    /// A line for the host has a marker.
    Marked {
        /// The line.
        at: Place,
    },
    /// A line for the host has a pattern.
    Pattern {
        /// The line.
        at: Place,
    },
    /// A line for the host lists three names or more.
    ManyNames {
        /// The line.
        at: Place,
    },
    /// A key that would be added or dropped is listed for other hosts, too.
    OtherName {
        /// The key.
        fingerprint: Fingerprint,
        /// The line that lists it.
        at: Place,
    },
}

impl fmt::Display for WhyNotLearned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotListed => f.write_str(
                "no plain line of this file lists the key that it presented for exactly this name",
            ),
            Self::Marked { at } => write!(f, "{at} has a marker; edit the file by hand"),
            Self::Pattern { at } => {
                write!(
                    f,
                    "{at} has a pattern, which stands for other hosts, too; edit the file by hand"
                )
            }
            Self::ManyNames { at } => {
                write!(f, "{at} lists three names or more; edit the file by hand")
            }
            Self::OtherName { fingerprint, at } => {
                write!(f, "{at} lists {fingerprint} for another name; edit the file by hand")
            }
        }
    }
}

impl KnownHostsFile {
    /// Adds the other keys of a known host, so that it can change to one of them: each on a line of
    /// its own, for exactly the name that was looked up, hashed if the known line is, with the
    /// comment `handfast-learned <fingerprint of the presented key> <date>`; at most eight such
    /// lines for a name. Removes nothing.
    ///
    /// # Errors
    /// [`EditError::NotLearned`] with the rule that forbids it, and whatever keeps the file from
    /// being read or written, also that it does not exist.
    pub fn learn(&self, proved: &ProvedKeys<'_>) -> Result<Learned, EditError> {
        self.update(proved, Old::Stay)
    }

    /// As [`learn`](Self::learn), and takes the host off the lines whose Ed25519 keys it did not
    /// prove: those that it holds no more. Lines with other types of key stay; they are `sshd`'s.
    ///
    /// A server that has one key proves no others, and a stealth server never does: only call this
    /// when somebody has asked for it.
    ///
    /// # Errors
    /// As [`learn`](Self::learn).
    pub fn rotate(&self, proved: &ProvedKeys<'_>) -> Result<Learned, EditError> {
        self.update(proved, Old::Go)
    }

    fn update(&self, proved: &ProvedKeys<'_>, old: Old) -> Result<Learned, EditError> {
        let writing = RefCell::new(None);
        change(&self.path, Missing::Refuse, |contents| {
            // told before the lines can be read
            if let Some(earlier) = writing.take() {
                Writing::undo(earlier);
            }
            let (bytes, learned) = update(contents, proved, old)?;
            let keys = learned.added.iter().filter_map(ListedKey::public_key);
            writing.replace(Some(Writing::begin(proved.host, keys)));
            Ok((bytes, learned))
        })
    }
}

/// What becomes of keys that the host did not prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Old {
    Stay,
    Go,
}

/// The lines about a host, all of them plain ones.
struct Plain {
    lines: Vec<Line>,
    elsewhere: Vec<Line>,
    /// Whether the line that lists the presented key is hashed.
    hashed: bool,
}

pub(super) fn update(
    contents: &Contents,
    proved: &ProvedKeys<'_>,
    old: Old,
) -> Result<Change<Learned>, EditError> {
    let ProvedKeys { host, presented, others } = *proved;
    let not_learned = |why| EditError::NotLearned { host: host.clone(), why };
    let known = KnownHosts::of(contents)?;
    let plain = Plain::read(contents, host, presented).map_err(not_learned)?;
    let is_old = |key: &PublicKey| old == Old::Go && key != presented && !others.contains(key);

    let mut result = Learned::default();
    let mut new: Vec<&PublicKey> = Vec::new();
    for key in others {
        if new.contains(&key) || plain.lists(key) {
            continue;
        }
        if matches!(known.check(host, key), Verdict::Revoked { .. }) {
            let left_out = LeftOut { fingerprint: key.fingerprint(), why: WhyLeftOut::Revoked };
            result.left_out.push(left_out);
        } else {
            new.push(key);
        }
    }
    let leaving = plain.lines.iter().filter_map(|line| line.key.public_key().ok()).filter(is_old);
    for key in leaving.chain(new.iter().copied().cloned()) {
        let same = |line: &&Line| line.key.blob() == key.blob();
        if let Some(line) = plain.elsewhere.iter().find(same) {
            let (fingerprint, at) = (key.fingerprint(), line.place.clone());
            return Err(not_learned(WhyNotLearned::OtherName { fingerprint, at }));
        }
    }

    let mut out = Vec::new();
    let mut learned = 0usize;
    let mut lines = plain.lines.iter().peekable();
    for (number, whole, line) in whole_lines(contents) {
        let place = Place::new(contents.name(), number);
        let ours = lines.next_if(|line| line.place == place);
        let listed = ours.and_then(|_| parse_listed(place.clone(), line).ok().flatten());
        match listed.map(|(_, listed)| listed) {
            Some(listed) if listed.public_key().is_some_and(is_old) => {
                check_whole(line, &place)?;
                out.extend_from_slice(&without(host, whole, line, &place).0);
                result.removed.push(listed);
            }
            listed => {
                let is_learned = |key: &ListedKey| key.comment().starts_with(LEARNED);
                learned =
                    learned.saturating_add(usize::from(listed.is_some_and(|l| is_learned(&l))));
                out.extend_from_slice(whole);
            }
        }
    }
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let comment = format!("{LEARNED} {} {today}", presented.fingerprint());
    for key in new {
        if learned >= MAX_LEARNED {
            let left_out = LeftOut { fingerprint: key.fingerprint(), why: WhyLeftOut::TooMany };
            result.left_out.push(left_out);
            continue;
        }
        let line = NewHost::new(host, key).hashed(plain.hashed).comment(&comment).line()?;
        let number = push_line(&mut out, &line);
        let place = Place::new(contents.name(), number);
        let listed = parse_listed(place, line.as_bytes()).ok().flatten();
        result.added.extend(listed.map(|(_, listed)| listed));
        learned = learned.saturating_add(1);
    }
    let changed = !result.added.is_empty() || !result.removed.is_empty();
    Ok((changed.then(|| contents.with_mark(&out)), result))
}

impl Plain {
    fn read(
        contents: &Contents,
        host: &Host,
        presented: &PublicKey,
    ) -> Result<Self, WhyNotLearned> {
        let (lookup, blob) = (host.lookup(), presented.blob());
        let (mut lines, mut elsewhere, mut hashed) = (Vec::new(), Vec::new(), None);
        for (number, _, line) in whole_lines(contents) {
            let place = Place::new(contents.name(), number);
            let Ok(Some(line)) = parse_line(place, line) else { continue };
            if !line.hosts.matches(&lookup) {
                elsewhere.push(line);
                continue;
            }
            let at = line.place.clone();
            if line.marker != Marker::None {
                return Err(WhyNotLearned::Marked { at });
            }
            if let HostsField::Patterns(names) = &line.hosts {
                let is_pattern = |byte: &u8| matches!(byte, b'*' | b'?' | b'!');
                if names.iter().any(is_pattern) {
                    return Err(WhyNotLearned::Pattern { at });
                }
                if elements(names).count() >= MANY_NAMES {
                    return Err(WhyNotLearned::ManyNames { at });
                }
            }
            if line.key.blob() == blob {
                let is_hashed = matches!(line.hosts, HostsField::Hashed { .. });
                hashed.get_or_insert(is_hashed);
            }
            lines.push(line);
        }
        let hashed = hashed.ok_or(WhyNotLearned::NotListed)?;
        Ok(Self { lines, elsewhere, hashed })
    }

    fn lists(&self, key: &PublicKey) -> bool {
        let blob = key.blob();
        self.lines.iter().any(|line| line.key.blob() == blob)
    }
}

#[cfg(test)]
mod tests;
