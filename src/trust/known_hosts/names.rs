//! Under which names a key is known.

use std::fmt;

use super::super::Place;
use super::super::hosts_field::HostsField;
use super::line::Line;
use crate::key::shown::shown;

/// What stands for hashed names, which cannot be read back.
const HASHED: &str = "[hashed name]";

/// A name under which a line lists a key; written as `rpc.example.org (known_hosts:3)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownName {
    place: Place,
    hosts: String,
}

impl KnownName {
    pub(super) fn new(line: &Line) -> Self {
        let hosts = match &line.hosts {
            HostsField::Patterns(patterns) => shown(patterns),
            HostsField::Hashed { .. } => HASHED.to_owned(),
        };
        Self { place: line.place.clone(), hosts }
    }

    /// The line.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The names of the line as its field has them, in lower case, escaped, and cut if it is long;
    /// `[hashed name]` for one that is hashed.
    pub fn hosts(&self) -> &str {
        &self.hosts
    }
}

impl fmt::Display for KnownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.hosts, self.place)
    }
}
