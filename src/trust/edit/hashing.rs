//! Hiding the names of `known_hosts`.

use super::super::file::{Contents, split_at_blank, trim_start};
use super::super::hosts_field::HostsField;
use super::super::known_hosts::line::{Marker, parse_listed};
use super::super::listing::ListedKey;
use super::super::{KnownHostsFile, MAX_FILE, Place};
use super::known_hosts::{KeptHost, WhyKept, check_lines, check_whole, hash};
use super::lock::Missing;
use super::{Change, EditError, change, whole_lines};

/// Which lines [`KnownHostsFile::hash`] changed, and which it had to leave readable.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HashedHosts {
    /// The lines as they stood before. Those with several names became several.
    pub hashed: Vec<ListedKey>,
    /// Lines whose names can still be read.
    pub kept: Vec<KeptHost>,
}

impl KnownHostsFile {
    /// Hides all names as `ssh-keygen -H` does it, so that a stolen file does not tell where its
    /// owner goes. A line with several names becomes one for each. Lines with a marker and lines
    /// with a pattern stay, since a hash stands for one name; no copy of the old file is left.
    ///
    /// # Errors
    /// [`EditError::InvalidLine`]: as in `ssh-keygen`, a file with a line that cannot be read is
    /// not changed. Whatever keeps the file from being read or written, also that it does not
    /// exist.
    pub fn hash(&self) -> Result<HashedHosts, EditError> {
        change(&self.path, Missing::Refuse, hashing)
    }
}

/// A file without names that can be read; of one that would be larger than what is read back, only
/// so much that this shows.
pub(super) fn hashing(contents: &Contents) -> Result<Change<HashedHosts>, EditError> {
    check_lines(contents)?;
    let mut out = Vec::new();
    let mut result = HashedHosts::default();
    for (number, whole, line) in whole_lines(contents) {
        let place = Place::new(contents.name(), number);
        let Ok(Some((read, listed))) = parse_listed(place, line) else {
            out.extend_from_slice(whole);
            continue;
        };
        match (read.marker, &read.hosts) {
            (Marker::None, HostsField::Patterns(names)) if names.iter().all(is_plain) => {
                check_whole(line, &read.place)?;
                let (_, rest) = split_at_blank(trim_start(line));
                let end = whole.get(line.len()..).unwrap_or_default();
                let between = if end.is_empty() { b"\n" } else { end };
                let names = names.split(|&byte| byte == b',').filter(|name| !name.is_empty());
                let mut separator: &[u8] = b"";
                for name in names {
                    let name = hash(name)?;
                    for part in [separator, name.as_bytes(), rest] {
                        out.extend_from_slice(part);
                    }
                    separator = between;
                    // each name repeats the comment: a line can ask for gigabytes
                    if out.len() > MAX_FILE {
                        return Ok((Some(out), result));
                    }
                }
                out.extend_from_slice(end);
                result.hashed.push(listed);
            }
            (Marker::None, HostsField::Hashed { .. }) => out.extend_from_slice(whole),
            (marker, _) => {
                let why = if marker == Marker::None { WhyKept::Pattern } else { WhyKept::Marker };
                out.extend_from_slice(whole);
                result.kept.push(KeptHost { line: listed, why });
            }
        }
    }
    Ok(((!result.hashed.is_empty()).then(|| contents.with_mark(&out)), result))
}

/// Whether a byte of a list of names makes none of them a pattern.
fn is_plain(byte: &u8) -> bool {
    !matches!(byte, b'*' | b'?' | b'!')
}

#[cfg(test)]
mod tests;
