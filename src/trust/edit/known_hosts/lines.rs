//! The lines of `known_hosts` as people are shown them.

use super::super::super::file::{Contents, Ownership, split_at_blank, trim_start};
use super::super::super::glued::glued;
use super::super::super::hosts_field::HostsField;
use super::super::super::known_hosts::line::{Marker, parse_listed};
use super::super::super::listing::ListedKey;
use super::super::super::{Host, LineFault, Place, TrustError};
use super::{KnownHostsFile, counts_for_port};

/// A line that says something about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundHost {
    /// Its key.
    pub line: ListedKey,
    /// The line itself, with U+FFFD for what is not UTF-8.
    pub text: String,
    /// How it names the host.
    pub by: MatchedBy,
    /// Its marker, `@revoked` or `@cert-authority`.
    pub marker: Option<&'static str>,
    /// It names the host without the port.
    pub bare: bool,
}

/// How a line names a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MatchedBy {
    /// By its name.
    Name,
    /// By a hash of its name.
    Hash,
    /// By a pattern.
    Pattern,
}

/// A line of `known_hosts` that is neither empty nor a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostLine {
    /// Where it stands.
    pub place: Place,
    /// Its list of names and patterns, or the one hashed name, with U+FFFD for what is not UTF-8;
    /// empty where the line cannot be read.
    pub names: String,
    /// Its key, if the line can be read.
    pub key: Option<ListedKey>,
    /// What it does.
    pub state: HostLineState,
}

/// What a line of `known_hosts` does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostLineState {
    /// It lists a key of its hosts.
    Trusts,
    /// It revokes the key for its hosts.
    Revokes,
    /// It lists a certificate authority.
    CertAuthority,
    /// It cannot be read.
    Skipped(LineFault),
}

impl HostLine {
    /// Whether its name is hashed.
    pub fn is_hashed(&self) -> bool {
        self.names.starts_with('|')
    }

    /// Its marker, `@revoked` or `@cert-authority`.
    pub fn marker(&self) -> Option<&'static str> {
        match self.state {
            HostLineState::Revokes => Some("@revoked"),
            HostLineState::CertAuthority => Some("@cert-authority"),
            HostLineState::Trusts | HostLineState::Skipped(_) => None,
        }
    }

    /// The hosts that it names as they are: no patterns, and nothing of a hashed name.
    pub fn hosts(&self) -> impl Iterator<Item = Host> {
        let names = self.names.split(',').filter(|name| !name.contains(['|', '*', '?', '!']));
        names.filter_map(|name| Host::parse(name, Some(22)).ok())
    }
}

impl KnownHostsFile {
    /// The lines that say something about a host, whatever they say, in order. Those for the bare
    /// name are among them where they count for the port, too.
    ///
    /// # Errors
    /// Whatever keeps the file from being read.
    pub fn find(&self, host: &Host) -> Result<Vec<FoundHost>, TrustError> {
        let contents = Contents::read(&self.path, Ownership::Any)?;
        let mut found = Vec::new();
        for line in contents.lines() {
            let (number, bytes) = line?;
            let place = Place::new(contents.name(), number);
            let Ok(Some((line, listed))) = parse_listed(place, bytes) else { continue };
            let exact = line.hosts.matches(&host.lookup());
            if !exact && !counts_for_port(&line, host) {
                continue;
            }
            let name = if exact { host.lookup() } else { host.name().into() };
            let by = match &line.hosts {
                HostsField::Hashed { .. } => MatchedBy::Hash,
                HostsField::Patterns(list)
                    if list.split(|&b| b == b',').any(|e| e == name.as_bytes()) =>
                {
                    MatchedBy::Name
                }
                HostsField::Patterns(_) => MatchedBy::Pattern,
            };
            let marker = match line.marker {
                Marker::None => None,
                Marker::Revoked => Some("@revoked"),
                Marker::CertAuthority => Some("@cert-authority"),
            };
            let text = String::from_utf8_lossy(bytes).into_owned();
            found.push(FoundHost { line: listed, text, by, marker, bare: !exact });
        }
        Ok(found)
    }

    /// Shows all lines but empty ones and comments to `look`, one after the other, and keeps none.
    ///
    /// # Errors
    /// Whatever keeps the file from being read; a line that is too long ends it.
    pub fn each_line(&self, mut look: impl FnMut(HostLine)) -> Result<(), TrustError> {
        let contents = Contents::read(&self.path, Ownership::Any)?;
        for line in contents.lines() {
            let (number, bytes) = line?;
            let place = Place::new(contents.name(), number);
            look(match parse_listed(place.clone(), bytes) {
                Ok(None) => continue,
                Ok(Some((line, key))) => {
                    let state = match line.marker {
                        Marker::None => HostLineState::Trusts,
                        Marker::Revoked => HostLineState::Revokes,
                        Marker::CertAuthority => HostLineState::CertAuthority,
                    };
                    let (first, rest) = split_at_blank(trim_start(bytes));
                    let marked = line.marker != Marker::None;
                    let names = if marked { split_at_blank(trim_start(rest)).0 } else { first };
                    let names = String::from_utf8_lossy(names).into_owned();
                    HostLine { place, names, key: Some(key), state }
                }
                Err(fault) => HostLine {
                    place,
                    names: String::new(),
                    key: None,
                    state: HostLineState::Skipped(glued(bytes).unwrap_or(fault)),
                },
            });
        }
        Ok(())
    }
}
