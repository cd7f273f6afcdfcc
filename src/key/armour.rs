//! The lines of base64 between `-----BEGIN ...-----` and `-----END ...-----` in OpenSSH's files.

use zeroize::Zeroizing;

/// The line that was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Begin,
    End,
}

/// The base64 between the two lines, in one piece; it may be a private key's.
///
/// Lines may be of any width and end in LF or CRLF; the first line stands at the very beginning;
/// what follows the last is not read. All as OpenSSH does it, except that it wants a line end
/// behind the last line of a private key.
pub(super) fn body(text: &[u8], begin: &str, end: &str) -> Result<Zeroizing<Vec<u8>>, Missing> {
    let mut lines =
        text.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    if lines.next() != Some(begin.as_bytes()) {
        return Err(Missing::Begin);
    }
    // As large as it can become: growing would leave copies behind.
    let mut base64 = Zeroizing::new(Vec::with_capacity(text.len()));
    for line in lines {
        if line == end.as_bytes() {
            return Ok(base64);
        }
        base64.extend(line.iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t'..=b'\r')));
    }
    Err(Missing::End)
}

/// `base64` in lines of 70 characters, between the two lines.
pub(super) fn wrap(base64: &str, begin: &str, end: &str) -> String {
    let mut out = String::with_capacity(base64.len().saturating_mul(2));
    out.push_str(begin);
    for (at, c) in base64.chars().enumerate() {
        if at % 70 == 0 {
            out.push('\n');
        }
        out.push(c);
    }
    out.push('\n');
    out.push_str(end);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_whatever_their_ends() {
        for text in
            ["B\nab\ncd\nE\n", "B\r\nab\r\ncd\r\nE\r\n", "B\na\nb\nc d\nE", "B\nabcd\nE\njunk\n"]
        {
            assert_eq!(body(text.as_bytes(), "B", "E").as_deref(), Ok(&b"abcd".to_vec()), "{text}");
        }
    }

    #[test]
    fn both_lines_are_needed() {
        for text in ["", "\nB\nab\nE\n", " B\nab\nE", "Bx\nab\nE"] {
            assert_eq!(body(text.as_bytes(), "B", "E"), Err(Missing::Begin));
        }
        for text in ["B", "B\n", "B\nab\n", "B\nabE", "B\nab\nEx"] {
            assert_eq!(body(text.as_bytes(), "B", "E"), Err(Missing::End), "{text}");
        }
    }

    #[test]
    fn wrapping_is_undone_by_reading() {
        for len in [0, 1, 69, 70, 71, 140] {
            let text = "x".repeat(len);
            let wrapped = wrap(&text, "B", "E");
            assert!(wrapped.lines().all(|line| line.len() <= 70));
            assert_eq!(body(wrapped.as_bytes(), "B", "E").as_deref(), Ok(&text.into_bytes()));
        }
    }
}
