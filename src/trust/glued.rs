//! Two entries in one line, for the first of them lacks its line end.
//!
//! OpenSSH takes the second for a part of the first one's comment, or cannot read the line at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::LineFault;
use super::file::{is_blank, split_at_blank, trim_start};
use super::key_text::KeyText;
use super::listing::split_before;
use crate::key::shown::shown_whole;
use crate::key::{is_key_type, key_type_at_end};

const REVOKED: &[u8] = b"@revoked";
const CERT_AUTHORITY: &[u8] = b"@cert-authority";

/// What the base64 of every key begins with: the length of the name of its type.
const KEY: &[u8] = b"AAAA";

/// Most of an entry that a message shows, in characters.
const SHOWN: usize = 240;

/// Whether a line of a trust file holds a second entry, which is not read: a key, or a marker with
/// hosts and a key, inside a comment, a name or a line that cannot be read. The fault shows both.
///
/// A comment that an entry begins (`# @revoked * ssh-ed25519 AAAA...`) is one that somebody has
/// taken out, and not meant.
pub fn glued(line: &[u8]) -> Option<LineFault> {
    let line = trim_start(line);
    let at = hidden_marker(line, &[REVOKED, CERT_AUTHORITY]).or_else(|| second_key(line))?;
    Some(fault(line, at))
}

/// The same where the second entry could be a revocation.
pub(super) fn glued_revocation(line: &[u8]) -> Option<LineFault> {
    let line = trim_start(line);
    hidden_marker(line, &[REVOKED]).map(|at| fault(line, at))
}

fn fault(line: &[u8], at: usize) -> LineFault {
    let (first, second) = line.split_at_checked(at).unwrap_or((line, &[]));
    LineFault::Glued { first: excerpt(first), second: excerpt(second) }
}

fn excerpt(entry: &[u8]) -> String {
    let text = String::from_utf8_lossy(entry);
    let mut shown = shown_whole(&text.trim().replace('\t', " "));
    if let Some((end, _)) = shown.char_indices().nth(SHOWN) {
        shown.truncate(end);
        shown.push_str("...");
    }
    shown
}

/// Where a marker stands in a line, but at its beginning or that of a comment, with a blank, hosts
/// and a key behind it.
fn hidden_marker(line: &[u8], markers: &[&[u8]]) -> Option<usize> {
    let begins = beginning(line);
    let is_hidden = |at: usize, marker: &[u8]| {
        let Some((word, rest)) = line.get(at..).and_then(|it| it.split_at_checked(marker.len()))
        else {
            return false;
        };
        // two markers of one entry are another fault
        let before = line.get(begins..at).unwrap_or_default().trim_ascii_end();
        at > begins
            && ![REVOKED, CERT_AUTHORITY].contains(&before)
            && word.eq_ignore_ascii_case(marker)
            && rest.first().is_some_and(|byte| !byte.is_ascii_graphic())
            && has_hosts_and_key(rest)
    };
    let places = line.iter().enumerate().filter(|(_, byte)| **byte == b'@').map(|(at, _)| at);
    places.into_iter().find(|&at| markers.iter().any(|marker| is_hidden(at, marker)))
}

/// Whether hosts and a key follow; that the name of its type is missing does not make it none.
fn has_hosts_and_key(text: &[u8]) -> bool {
    let mut words = words(text).map(|(_, word)| word);
    let (hosts, mut behind) = (words.next(), words.take(2));
    match (hosts, behind.next(), behind.next()) {
        (Some(_), _, Some(key)) if key.starts_with(KEY) => true,
        (Some(hosts), Some(key), _) => key.starts_with(KEY) && !is_key_type(hosts),
        _ => false,
    }
}

/// Where an entry stands that the line begins with, or that a comment takes out.
fn beginning(line: &[u8]) -> usize {
    if line.starts_with(b"#") {
        line.iter().take_while(|byte| **byte == b'#' || is_blank(byte)).count()
    } else {
        0
    }
}

/// Where a second entry begins that has a key.
fn second_key(line: &[u8]) -> Option<usize> {
    let begins = beginning(line);
    let entry = line.get(begins..).unwrap_or_default();
    if begins == 0
        && let Some(comment) = comment(entry)
    {
        let start = entry.len().saturating_sub(comment.len());
        return keys(comment).first().map(|key| start.saturating_add(key.entry));
    }
    // a comment that ends as lines of old Mac files do, with `\r` alone
    if begins > 0
        && let Some(end) = line.iter().position(|byte| *byte == b'\r')
        && let Some((comment, rest)) = line.split_at_checked(end.saturating_add(1))
        && let Some(key) = keys(rest).first()
    {
        return Some(comment.len().saturating_add(key.entry));
    }
    // what is in quotes is the value of an option
    let quoted = match split_before(entry) {
        Ok((before, _)) if before.contains(&b'"') => before.len(),
        Err(_) if begins == 0 => return None,
        _ => 0,
    };
    let text = entry.get(quoted..).unwrap_or_default();
    let comment = words(text).find(|(_, word)| begins == 0 && word.starts_with(b"#"));
    let keys = keys(text.get(..comment.map_or(text.len(), |(at, _)| at)).unwrap_or_default());
    let first = keys.first()?;
    // the hosts, behind the markers
    let markers = words(entry).take_while(|(_, word)| word.starts_with(b"@")).count();
    let most = markers.saturating_add(1);
    let is_own = first.is_whole && (first.words_before <= most || first.follows_comma);
    let second = if is_own { keys.get(1)? } else { first };
    Some(begins.saturating_add(quoted).saturating_add(second.entry))
}

/// The comment of an entry that can be read.
fn comment(entry: &[u8]) -> Option<&[u8]> {
    match KeyText::parse(entry) {
        Ok((_, comment)) => Some(comment),
        Err(_) if is_key_type(split_at_blank(entry).0) => None,
        Err(_) => KeyText::parse(split_before(entry).ok()?.1).ok().map(|(_, comment)| comment),
    }
}

/// A key in the middle of a text.
struct Found {
    /// Where its entry begins, as far as that can be told.
    entry: usize,
    /// Whether the name of its type is a word, and not the end of one.
    is_whole: bool,
    /// The words before that of its type.
    words_before: usize,
    /// Whether its hosts or options follow on a comma, as in a list that somebody put a blank into.
    follows_comma: bool,
}

/// What looks like a key: the name of a type, and the beginning of base64 behind it.
fn keys(text: &[u8]) -> Vec<Found> {
    if !text.windows(KEY.len()).any(|window| window == KEY) {
        return Vec::new();
    }
    let words: Vec<_> = words(text).collect();
    let mut found = Vec::new();
    for (index, (start, word)) in words.iter().enumerate() {
        let behind = words.get(index.saturating_add(1));
        let Some(name) =
            key_type_at_end(word).filter(|_| behind.is_some_and(|(_, word)| word.starts_with(KEY)))
        else {
            continue;
        };
        let led = word.len().saturating_sub(name.len());
        let is_whole = led == 0;
        let mut before = words.get(..index).unwrap_or_default().iter().rev();
        let (previous, second) = (before.next(), before.next());
        let entry = match (previous, second) {
            _ if !is_whole => start.saturating_add(led),
            (None, _) => *start,
            // a name follows on the base64 of another key
            (Some((at, word)), Some((_, name))) if word.starts_with(KEY) => {
                at.saturating_add(key_len(name, word).unwrap_or(0))
            }
            (Some((at, _)), _) => *at,
        };
        let follows_comma = second.is_some_and(|(_, word)| word.ends_with(b","));
        found.push(Found { entry, is_whole, words_before: index, follows_comma });
    }
    found
}

/// How much of some base64 is a key of the type that a word ends with.
fn key_len(word: &[u8], base64: &[u8]) -> Option<usize> {
    let name = key_type_at_end(word)?;
    let is_base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let whole = base64.iter().take_while(is_base64).count() & !3;
    let bytes = STANDARD.decode(base64.get(..whole)?).ok()?;
    let (mut rest, mut len) = (&*bytes, 0usize);
    loop {
        let (field, behind) = rest.split_first_chunk::<4>()?;
        let field = usize::try_from(u32::from_be_bytes(*field)).ok()?;
        len = len.checked_add(4)?.checked_add(field)?;
        let end = len.div_ceil(3).checked_mul(4)?;
        let key = [name, b" ", base64.get(..end)?].concat();
        if KeyText::parse(&key).is_ok() {
            return Some(end);
        }
        rest = behind.get(field..)?;
    }
}

/// The words of a text, and where they begin. Control characters part them as well: they are in no
/// entry.
fn words(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0usize;
    let parts = text.split(|byte| *byte == b' ' || byte.is_ascii_control());
    parts.filter_map(move |word| {
        let start = at;
        at = at.saturating_add(word.len()).saturating_add(1);
        (!word.is_empty()).then_some((start, word))
    })
}

#[cfg(test)]
mod tests;
