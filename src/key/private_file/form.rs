//! The text of a private key file: the base64 in it, and how it differs from what `ssh-keygen`
//! writes.

use zeroize::Zeroizing;

use super::super::format::KeyFormat;
use super::super::text_change::TextChange;
use super::{BEGIN, END, MAX_FILE, invalid};
use crate::key::KeyError;

const MARK: &[u8] = b"\xef\xbb\xbf";

/// What stands between the hyphens of the first line.
const LABEL: &[u8] = b"BEGIN OPENSSH PRIVATE KEY";

/// The base64 of the first line.
const TWICE: &[u8] = b"LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVEUgS0VZLS0tLS";

/// The base64 of what a key begins with.
const BARE: &[u8] = b"b3BlbnNzaC1rZXktdj";

/// The base64 of a private key file, in one piece, and what happened to its text. It is read where
/// each line is what it should be but for white space round it: none of that can be base64.
pub(super) fn read(text: &[u8]) -> Result<(Zeroizing<Vec<u8>>, Vec<TextChange>), KeyError> {
    if text.len() > MAX_FILE {
        return Err(KeyError::FileTooLarge);
    }
    if let Some(change) = utf16(text) {
        return Err(KeyError::ChangedText { change });
    }
    let unmarked = text.strip_prefix(MARK).unwrap_or(text);
    let trimmed = unmarked.trim_ascii();
    if trimmed.is_empty() {
        return Err(invalid("the file is empty"));
    }
    if let Some(format) = KeyFormat::of_private(trimmed) {
        return Err(KeyError::OtherFormat { format });
    }
    // As large as it can become: growing would leave copies behind.
    let mut base64 = Zeroizing::new(Vec::with_capacity(trimmed.len()));
    let mut lines = unmarked.trim_ascii_start().split(|&byte| byte == b'\n');
    if lines.next().map(<[u8]>::trim_ascii) != Some(BEGIN.as_bytes()) {
        return Err(not_begun(trimmed));
    }
    for line in lines {
        if line.trim_ascii() == END.as_bytes() {
            return Ok((base64, changes(text, unmarked)));
        }
        base64.extend(line.iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t'..=b'\r')));
    }
    Err(not_ended(trimmed))
}

/// What is wrong with a text that does not begin with the first line.
fn not_begun(text: &[u8]) -> KeyError {
    let changed = |change| KeyError::ChangedText { change };
    if text.starts_with(TWICE) {
        return changed(TextChange::Base64Twice);
    }
    if text.starts_with(BARE) {
        return changed(TextChange::LinesMissing);
    }
    match find(text, BEGIN.as_bytes()) {
        // What follows tells more than what stands before.
        Some(at) => match not_ended(text.get(at..).unwrap_or_default()) {
            cut @ KeyError::InvalidPrivateKey { .. } if at == 0 => cut,
            KeyError::ChangedText { change: TextChange::LineBreaksLost } if at == 0 => {
                changed(TextChange::LineBreaksLost)
            }
            literal @ KeyError::ChangedText { change: TextChange::LiteralLineBreaks } => literal,
            _ => changed(TextChange::TextAround),
        },
        None if find(text, LABEL).is_some() => changed(TextChange::Dashes),
        None => invalid("its first line is not `-----BEGIN OPENSSH PRIVATE KEY-----`"),
    }
}

/// What is wrong with a text that begins well, and whose last line is not there.
fn not_ended(text: &[u8]) -> KeyError {
    let changed = |change| KeyError::ChangedText { change };
    let inner = text.get(BEGIN.len()..).unwrap_or_default();
    if inner.trim_ascii_start().starts_with(br"\n")
        || inner.trim_ascii_start().starts_with(br"\r\n")
    {
        return changed(TextChange::LiteralLineBreaks);
    }
    match find(inner, END.as_bytes()) {
        Some(at) => {
            let behind = inner.get(at.saturating_add(END.len())..).unwrap_or_default();
            let after = behind.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let ahead = inner.get(..at).unwrap_or_default();
            let before = ahead.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
            let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/= \t\r".contains(byte);
            if after.trim_ascii().is_empty() && before.iter().all(is_base64) {
                changed(TextChange::LineBreaksLost)
            } else {
                changed(TextChange::TextAround)
            }
        }
        None if find(inner, b"END OPENSSH PRIVATE KEY").is_some() => changed(TextChange::Dashes),
        None => invalid("its last line, `-----END OPENSSH PRIVATE KEY-----`, is missing"),
    }
}

/// How a text that is read differs from what `ssh-keygen` writes; `unmarked` is without the byte
/// order mark.
fn changes(text: &[u8], unmarked: &[u8]) -> Vec<TextChange> {
    let begun = unmarked.trim_ascii_start();
    let before = unmarked.get(..unmarked.len().saturating_sub(begun.len())).unwrap_or_default();
    let lines = || unmarked.split(|&byte| byte == b'\n');
    let bare = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line).len();
    let is_blank = |byte: Option<&u8>| byte.is_some_and(|byte| matches!(byte, b' ' | b'\t'));
    let found = [
        (TextChange::ByteOrderMark, unmarked.len() < text.len()),
        (TextChange::BlankLinesBefore, before.contains(&b'\n')),
        (TextChange::Indented, lines().any(|line| is_blank(line.first()))),
        (
            TextChange::TrailingBlanks,
            lines().any(|line| is_blank(line.get(..bare(line)).and_then(<[u8]>::last))),
        ),
        (TextChange::CrLf, lines().any(|line| bare(line) < line.len())),
        (TextChange::NoLastLineEnd, !text.ends_with(b"\n")),
    ];
    found.into_iter().filter(|(_, is_so)| *is_so).map(|(change, _)| change).collect()
}

/// Whether a text is a private key file, in whatever format and however it was changed.
#[cfg(any(test, feature = "files"))]
pub(in crate::key) fn is_private(text: &[u8]) -> bool {
    let head = text.get(..text.len().min(1024)).unwrap_or_default();
    // without the zeros that UTF-16 has between
    let mut ascii = Zeroizing::new(Vec::with_capacity(head.len()));
    ascii.extend(head.iter().copied().filter(|byte| byte.is_ascii() && *byte != 0));
    let text = ascii.trim_ascii_start();
    if text.starts_with(TWICE) || text.starts_with(BARE) {
        return true;
    }
    if let Some(format) = KeyFormat::of_private(text) {
        return !format.is_public();
    }
    let first = text.split(|&byte| byte == b'\n').find(|line| !line.starts_with(b"```"));
    first.is_some_and(|line| !line.starts_with(b"#") && find(line, LABEL).is_some())
}

/// Whether a text is UTF-16: by its mark, or by the hyphens that it begins with.
fn utf16(text: &[u8]) -> Option<TextChange> {
    let of = |big_endian, marked| Some(TextChange::Utf16 { big_endian, marked });
    let head = text.get(..text.len().min(256)).unwrap_or_default();
    match text {
        [0xff, 0xfe, ..] => of(false, true),
        [0xfe, 0xff, ..] => of(true, true),
        _ if find(head, b"\0-\0-\0-\0-\0-").is_none() && find(head, b"-\0-\0-\0-\0-").is_none() => {
            None
        }
        _ => of(text.first() == Some(&0), false),
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests;
