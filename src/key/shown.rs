//! Text that others wrote, made fit to stand in an error message or a log line.

use std::fmt::Write as _;

/// What is shown of a foreign text: enough for the longest name of a key type.
const MAX_CHARS: usize = 64;

/// `bytes` with everything escaped that a terminal might obey or a reader mistake, cut to 64
/// characters.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::new();
    let mut chars = text.chars();
    for c in chars.by_ref().take(MAX_CHARS) {
        push(&mut out, c);
    }
    if chars.next().is_some() {
        out.push_str("...");
    }
    out
}

/// `text`, made fit to be shown on a terminal: what a terminal might obey or a reader mistake is
/// escaped as `\u{1b}`.
///
/// Comments of keys and other text that others wrote should not reach a screen without it.
#[cfg(feature = "files")]
pub fn printable(text: &str) -> String {
    shown_whole(text)
}

/// `text` escaped as by [`shown`], but whole: for what the user gave, such as a path.
#[cfg(feature = "files")]
pub(crate) fn shown_whole(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        push(&mut out, c);
    }
    out
}

/// Whether a character can drive a terminal, as controls do, or make text read as another, as marks
/// of direction and no width do.
pub(super) fn misleads(c: char) -> bool {
    let hidden = matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
    );
    c.is_control() || hidden
}

fn push(out: &mut String, c: char) {
    if misleads(c) {
        // Writing to a String cannot fail.
        let _ = write!(out, "{}", c.escape_unicode());
    } else {
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays() {
        assert_eq!(shown(b"ssh-rsa-cert-v01@openssh.com"), "ssh-rsa-cert-v01@openssh.com");
        assert_eq!(shown("bjørns schlüssel".as_bytes()), "bjørns schlüssel");
    }

    /// [WIRE-8]
    #[test]
    fn controls_and_marks_of_direction_are_escaped() {
        assert_eq!(shown(b"a\x1b[2Jb\n"), "a\\u{1b}[2Jb\\u{a}");
        assert_eq!(shown("a\u{202e}b".as_bytes()), "a\\u{202e}b");
        assert_eq!(shown(b"\xff"), "\u{fffd}");
    }

    #[cfg(feature = "files")]
    #[test]
    fn what_the_user_gave_is_escaped_but_never_cut() {
        let long = "x".repeat(300);
        assert_eq!(shown_whole(&format!("{long}\u{202e}")), format!("{long}\\u{{202e}}"));
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(shown(&[b'x'; 64]), "x".repeat(64));
        assert_eq!(shown(&[b'x'; 65]), format!("{}...", "x".repeat(64)));
    }
}
