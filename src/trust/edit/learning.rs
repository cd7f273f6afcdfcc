//! Learning and dropping keys of hosts that change theirs.
//!
//! Each key that is added was proved on the connection, and only a name for which a plain line lists
//! the presented key gets it. So it does not matter for which other names the file lists the same
//! keys: one server can have several names and ports. Otherwise the rules are those of OpenSSH's
//! `UpdateHostKeys` (`client_input_hostkeys`, clientloop.c): where a marker or a pattern is about
//! the host, the file stays as it is.

mod elsewhere;

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

pub use self::elsewhere::OtherName;
use super::super::contacts::Writing;
use super::super::file::Contents;
use super::super::hosts_field::HostsField;
use super::super::known_hosts::line::{Line, Marker, parse_line, parse_listed};
use super::super::listing::ListedKey;
use super::super::{Host, KnownHosts, Place, Verdict};
use super::known_hosts::{check_whole, without};
use super::lock::Missing;
use super::{Change, EditError, KnownHostsFile, NewHost, change, line_of, push_line, whole_lines};
use crate::key::{Fingerprint, PublicKey};

/// What a comment begins with that says where a key came from.
const LEARNED: &str = "handfast-learned";

/// Most lines with that comment for one name.
const MAX_LEARNED: usize = 8;

/// The keys that a host has proved to hold, on one connection.
#[derive(Debug, Clone, Copy)]
pub struct ProvedKeys<'a> {
    host: &'a Host,
    presented: &'a PublicKey,
    others: &'a [PublicKey],
    also: &'a [Host],
}

impl<'a> ProvedKeys<'a> {
    /// The key that the host presented, and the others that it proved with Welcome
    /// ([`Stream::other_host_keys`](crate::Stream::other_host_keys)).
    #[must_use]
    pub const fn new(host: &'a Host, presented: &'a PublicKey, others: &'a [PublicKey]) -> Self {
        Self { host, presented, others, also: &[] }
    }

    /// Other names of the same host, for which the file is to say the same. A plain line must list
    /// the presented key for each of them, as for the first. Default: none.
    #[must_use]
    pub const fn also(mut self, names: &'a [Host]) -> Self {
        self.also = names;
        self
    }

    /// All names, each once.
    fn names(&self) -> Vec<&'a Host> {
        let mut names = vec![self.host];
        for name in self.also {
            if names.iter().all(|known| known.lookup() != name.lookup()) {
                names.push(name);
            }
        }
        names
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
    /// What was done for each other name of [`ProvedKeys::also`].
    pub also: Vec<(Host, Learned)>,
    /// Names that were left as they are, although their lines suggest that they are this host's.
    pub elsewhere: Vec<OtherName>,
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
    /// The presented key is listed for the name without the port, which counts for every port.
    BareName {
        /// The line.
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
            Self::BareName { at } => write!(
                f,
                "{at} lists the key that it presented for the name without the port, which counts for every port"
            ),
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
        let writing = RefCell::new(Vec::new());
        change(&self.path, Missing::Refuse, |contents| {
            // told before the lines can be read
            writing.take().into_iter().for_each(Writing::undo);
            let (bytes, learned) = update(contents, proved, old)?;
            let begin = |host: &Host, learned: &Learned| {
                Writing::begin(host, learned.added.iter().filter_map(ListedKey::public_key))
            };
            let also = learned.also.iter().map(|(host, learned)| begin(host, learned));
            writing.replace(also.chain([begin(proved.host, &learned)]).collect());
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

/// What happens to a name.
struct Named<'a> {
    host: &'a Host,
    plain: Plain,
    /// The keys that it gets.
    new: Vec<&'a PublicKey>,
    /// How many learned keys it has.
    learned: usize,
    result: Learned,
}

/// The lines about a host, all of them plain ones.
struct Plain {
    lines: Vec<Line>,
    /// Whether the line that lists the presented key is hashed.
    hashed: bool,
}

pub(super) fn update(
    contents: &Contents,
    proved: &ProvedKeys<'_>,
    old: Old,
) -> Result<Change<Learned>, EditError> {
    let ProvedKeys { presented, others, .. } = *proved;
    let known = KnownHosts::of(contents)?;
    let is_old = |key: &PublicKey| old == Old::Go && key != presented && !others.contains(key);
    let mut names = proved
        .names()
        .into_iter()
        .map(|host| Named::read(contents, &known, host, proved))
        .collect::<Result<Vec<_>, _>>()?;

    let mut out = Vec::new();
    for (number, whole, line) in whole_lines(contents) {
        let place = Place::new(contents.name(), number);
        let mut kept = Cow::Borrowed(whole);
        for name in &mut names {
            let Some(listed) = name.plain.listed_at(&place, line) else { continue };
            if listed.public_key().is_some_and(is_old) {
                check_whole(line, &place)?;
                kept = without(name.host, &kept, line_of(&kept), &place).0.into();
                name.result.removed.push(listed);
            } else if listed.comment().starts_with(LEARNED) {
                name.learned = name.learned.saturating_add(1);
            }
        }
        out.extend_from_slice(&kept);
    }
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let comment = format!("{LEARNED} {} {today}", presented.fingerprint());
    for name in &mut names {
        name.add(contents, &mut out, &comment)?;
    }
    let changed =
        |name: &Named<'_>| !name.result.added.is_empty() || !name.result.removed.is_empty();
    let changed = names.iter().any(changed);
    let bytes = contents.with_mark(&out);
    // One that has become too large is not written.
    let elsewhere = Contents::new("", &bytes)
        .map(|now| elsewhere::other_names(contents.name(), &now, proved, &known, &names));
    let elsewhere = elsewhere.unwrap_or_default();
    let mut results = names.into_iter().map(|name| (name.host.clone(), name.result));
    let first = results.next().map(|(_, first)| first).unwrap_or_default();
    let result = Learned { also: results.collect(), elsewhere, ..first };
    Ok((changed.then_some(bytes), result))
}

impl<'a> Named<'a> {
    fn read(
        contents: &Contents,
        known: &KnownHosts,
        host: &'a Host,
        proved: &ProvedKeys<'a>,
    ) -> Result<Self, EditError> {
        let plain = Plain::read(contents, host, proved.presented)
            .map_err(|why| EditError::NotLearned { host: host.clone(), why })?;
        let mut result = Learned::default();
        let mut new: Vec<&PublicKey> = Vec::new();
        for key in proved.others {
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
        Ok(Self { host, plain, new, learned: 0, result })
    }

    fn add(
        &mut self,
        contents: &Contents,
        out: &mut Vec<u8>,
        comment: &str,
    ) -> Result<(), EditError> {
        for key in &self.new {
            if self.learned >= MAX_LEARNED {
                let left_out = LeftOut { fingerprint: key.fingerprint(), why: WhyLeftOut::TooMany };
                self.result.left_out.push(left_out);
                continue;
            }
            let line = NewHost::new(self.host, key).hashed(self.plain.hashed).comment(comment);
            let line = line.line()?;
            let place = Place::new(contents.name(), push_line(out, &line));
            let listed = parse_listed(place, line.as_bytes()).ok().flatten();
            self.result.added.extend(listed.map(|(_, listed)| listed));
            self.learned = self.learned.saturating_add(1);
        }
        Ok(())
    }
}

impl Plain {
    fn read(
        contents: &Contents,
        host: &Host,
        presented: &PublicKey,
    ) -> Result<Self, WhyNotLearned> {
        let (lookup, blob) = (host.lookup(), presented.blob());
        let (mut lines, mut hashed, mut bare) = (Vec::new(), None, None);
        for (number, _, line) in whole_lines(contents) {
            let place = Place::new(contents.name(), number);
            let Ok(Some(line)) = parse_line(place, line) else { continue };
            let presented = line.key.blob() == blob;
            if !line.hosts.matches(&lookup) {
                if presented && line.marker == Marker::None && line.hosts.matches(host.name()) {
                    bare.get_or_insert(line.place);
                }
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
            }
            if presented {
                let is_hashed = matches!(line.hosts, HostsField::Hashed { .. });
                hashed.get_or_insert(is_hashed);
            }
            lines.push(line);
        }
        match (hashed, bare) {
            (Some(hashed), _) => Ok(Self { lines, hashed }),
            (None, Some(at)) => Err(WhyNotLearned::BareName { at }),
            (None, None) => Err(WhyNotLearned::NotListed),
        }
    }

    fn lists(&self, key: &PublicKey) -> bool {
        let blob = key.blob();
        self.lines.iter().any(|line| line.key.blob() == blob)
    }

    /// What a line lists, if it is one of these.
    fn listed_at(&self, place: &Place, line: &[u8]) -> Option<ListedKey> {
        self.lines.binary_search_by_key(&place.line(), |line| line.place.line()).ok()?;
        parse_listed(place.clone(), line).ok().flatten().map(|(_, listed)| listed)
    }
}

#[cfg(test)]
mod tests;
