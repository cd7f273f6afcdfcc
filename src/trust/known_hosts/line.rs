//! One line of `known_hosts`.

use super::super::file::{split_at_blank, trim_start};
use super::super::hosts_field::HostsField;
use super::super::key_text::KeyText;
use super::super::listing::ListedKey;
use super::super::{LineFault, Place};
use crate::key::shown::shown;

/// A line that was read: `[@marker] hosts type base64 [comment]`.
#[derive(Debug)]
pub(in crate::trust) struct Line {
    pub(in crate::trust) place: Place,
    pub(in crate::trust) marker: Marker,
    pub(in crate::trust) hosts: HostsField,
    pub(in crate::trust) key: KeyText,
}

/// What a line says about its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trust) enum Marker {
    /// It is a key of these hosts.
    None,
    /// It signs certificates for these hosts.
    CertAuthority,
    /// It is not to be accepted for these hosts.
    Revoked,
}

/// Reads a line; `None` for an empty one and a comment.
pub(in crate::trust) fn parse_line(place: Place, line: &[u8]) -> Result<Option<Line>, LineFault> {
    Ok(split(place, line)?.map(|(line, ..)| line))
}

/// Reads a line, and what it lists as people are shown it.
pub(in crate::trust) fn parse_listed(
    place: Place,
    line: &[u8],
) -> Result<Option<(Line, ListedKey)>, LineFault> {
    Ok(split(place, line)?.map(|(line, before, comment)| {
        let listed = ListedKey::new(line.place.clone(), before, &line.key, comment);
        (line, listed)
    }))
}

/// A line, and what stands before its key and behind it.
type Parts<'a> = (Line, &'a [u8], &'a [u8]);

fn split(place: Place, line: &[u8]) -> Result<Option<Parts<'_>>, LineFault> {
    let line = trim_start(line);
    if line.contains(&0) {
        return Err(LineFault::Nul);
    }
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    let (marker, unmarked) = parse_marker(line)?;
    let (hosts, rest) = split_at_blank(unmarked);
    let rest = trim_start(rest);
    if rest.is_empty() || rest.starts_with(b"#") {
        return Err(LineFault::NoKey);
    }
    let hosts = HostsField::parse(hosts)?;
    let (key, comment) = KeyText::parse(rest)?;
    let before = line.len().saturating_sub(rest.len());
    let before = line.get(..before).unwrap_or_default();
    Ok(Some((Line { place, marker, hosts, key }, before, comment)))
}

/// Whether a line has a marker, or something in the place of one.
pub(in crate::trust) fn is_marked(line: &[u8]) -> bool {
    trim_start(line).starts_with(b"@")
}

/// Whether a line that cannot be read has `@revoked` behind bytes that do not show: a byte order
/// mark in a file that was put together from others, blanks that are not ASCII, or the carriage
/// returns of a file that has no other line ends.
pub(in crate::trust) fn hides_marker(line: &[u8]) -> bool {
    const REVOKED: &[u8] = b"@revoked";
    line.split(|&byte| byte == b'\r').any(|part| {
        let hidden = part.iter().take_while(|byte| !byte.is_ascii_graphic()).count();
        let word = part.get(hidden..).and_then(|part| part.get(..REVOKED.len()));
        word.is_some_and(|word| word.eq_ignore_ascii_case(REVOKED))
    })
}

fn parse_marker(line: &[u8]) -> Result<(Marker, &[u8]), LineFault> {
    if !is_marked(line) {
        return Ok((Marker::None, line));
    }
    // As in OpenSSH, the marker ends at the first space, and at a tab only if the line has no
    // space.
    let end = [b' ', b'\t'].iter().find_map(|blank| line.iter().position(|byte| byte == blank));
    let (word, rest) = end.and_then(|end| line.split_at_checked(end)).unwrap_or((line, &[]));
    let marker = match word {
        b"@cert-authority" => Marker::CertAuthority,
        b"@revoked" => Marker::Revoked,
        _ if word.contains(&b'\t') => return Err(LineFault::MarkerWithoutSpace),
        _ => return Err(LineFault::UnknownMarker { seen: shown(word) }),
    };
    let rest = trim_start(rest);
    if is_marked(rest) {
        return Err(LineFault::SecondMarker);
    }
    Ok((marker, rest))
}
