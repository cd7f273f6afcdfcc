//! Other names of the same host, which were left as they are.

use std::sync::Arc;

use super::super::super::file::Contents;
use super::super::super::hosts_field::HostsField;
use super::super::super::known_hosts::line::{Line, Marker, parse_line};
use super::super::super::{Host, KnownHosts, Place, Verdict};
use super::super::whole_lines;
use super::{Named, ProvedKeys};
use crate::key::{Fingerprint, PublicKey};

/// Most names that are told of; a file can have a million.
const MOST: usize = 64;

/// A name that was left as it is, although a line suggests that it is one of the same host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtherName {
    /// The line.
    pub at: Place,
    /// The name; `None` where it is hashed.
    pub host: Option<Host>,
    /// The key that the line lists: the one that the host presented, or else one that it holds no
    /// more.
    pub key: Fingerprint,
}

/// The names for which a line lists the presented key and no line lists one of the others, and
/// those for which a line lists a key that was dropped. `contents` are those after the change.
pub(super) fn other_names(
    file: &Arc<str>,
    contents: &Contents,
    proved: &ProvedKeys<'_>,
    known: &KnownHosts,
    names: &[Named<'_>],
) -> Vec<OtherName> {
    let removed = names.iter().flat_map(|name| &name.result.removed);
    let mut dropped: Vec<&PublicKey> = removed.filter_map(|line| line.public_key()).collect();
    dropped.sort_by_key(|key| key.as_bytes());
    dropped.dedup();
    let new: Vec<_> = proved.others.iter().filter(|key| *key != proved.presented).collect();
    let mut lines = Lines { listed: Vec::new() };
    for (number, _, line) in whole_lines(contents) {
        let Ok(Some(line)) = parse_line(Place::new(file, number), line) else { continue };
        let ours = |name: &Named<'_>| line.hosts.matches(&name.host.lookup());
        let Ok(key) = line.key.public_key() else { continue };
        let counts = key == *proved.presented || new.contains(&&key) || dropped.contains(&&key);
        let hidden = matches!(line.hosts, HostsField::Hashed { .. });
        if line.marker == Marker::None && counts && !(hidden && names.iter().any(ours)) {
            lines.listed.push((line, key));
        }
    }
    let lacks = |host: &Host| {
        let lacks = |key: &&&PublicKey| {
            !lines.list(host, key) && !matches!(known.check(host, key), Verdict::Revoked { .. })
        };
        new.iter().any(|key| lacks(&key)) || dropped.iter().any(|key| lines.list(host, key))
    };
    let is_done = |host: &Host| names.iter().any(|name| name.host.lookup() == host.lookup());

    let mut found: Vec<OtherName> = Vec::new();
    for key in std::iter::once(&proved.presented).chain(&dropped) {
        let presented = *key == proved.presented;
        for (line, _) in lines.of(key) {
            for host in plain_names(line) {
                let told = found.iter().any(|other| other.host.as_ref() == Some(&host));
                if !told && !is_done(&host) && (!presented || lacks(&host)) {
                    let (at, key) = (line.place.clone(), key.fingerprint());
                    found.push(OtherName { at, host: Some(host), key });
                }
                if found.len() >= MOST {
                    return found;
                }
            }
        }
        // Which hidden names are the same no hash tells; how many list a key does.
        let hidden = lines.hidden(key);
        if presented && new.iter().all(|new| lines.hidden(new).count() >= hidden.clone().count()) {
            continue;
        }
        found.extend(hidden.take(MOST.saturating_sub(found.len())).map(|line| OtherName {
            at: line.place.clone(),
            host: None,
            key: key.fingerprint(),
        }));
    }
    found
}

/// The plain lines with one of the keys.
struct Lines {
    listed: Vec<(Line, PublicKey)>,
}

impl Lines {
    fn of(&self, key: &PublicKey) -> impl Iterator<Item = &(Line, PublicKey)> + Clone {
        self.listed.iter().filter(move |(_, listed)| listed == key)
    }

    fn list(&self, host: &Host, key: &PublicKey) -> bool {
        self.of(key).any(|(line, _)| line.hosts.matches(&host.lookup()))
    }

    fn hidden(&self, key: &PublicKey) -> impl Iterator<Item = &Line> + Clone {
        let lines = self.of(key).map(|(line, _)| line);
        lines.filter(|line| matches!(line.hosts, HostsField::Hashed { .. }))
    }
}

/// The names that a line lists as they are.
fn plain_names(line: &Line) -> impl Iterator<Item = Host> {
    let list: &[u8] = match &line.hosts {
        HostsField::Patterns(list) => list,
        HostsField::Hashed { .. } => &[],
    };
    list.split(|&byte| byte == b',').filter_map(|name| {
        let name = str::from_utf8(name).ok().filter(|name| !name.contains(['*', '?', '!']))?;
        let host = Host::parse(name, Some(22)).ok()?;
        line.hosts.matches(&host.lookup()).then_some(host)
    })
}
