//! Words for a shell, for the commands in messages that a reader pastes into one.

use std::ffi::OsStr;
use std::path::Path;

use super::shown::misleads;

/// `text` as one word for a shell: what `sh`, `bash`, `zsh` and `ksh` read back is `text` to the
/// byte, and nothing in it is expanded or run.
///
/// Plain text stays as it is and all else is put in single quotes. Bytes that a terminal obeys or
/// that deceive the reader (control characters, line breaks, marks of direction), bytes that are
/// not UTF-8, and the backquote, which surrounds a command in messages, come out of `printf`:
/// `"$(printf 'a\012b')"`. So the word is safe to show, too. A word that begins with `-` can still
/// be taken for an option: see [`shell_path`].
pub fn shell_word(text: impl AsRef<OsStr>) -> String {
    let text = text.as_ref();
    let bytes = text.as_encoded_bytes();
    match text.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.chars().any(|c| c == '`' || misleads(c)) => {
            format!("'{}'", text.replace('\'', r"'\''"))
        }
        // a command substitution drops line ends at the end
        _ if bytes.ends_with(b"\n") => format!("$'{}'", escaped(bytes)),
        _ => format!("\"$(printf '{}')\"", escaped(bytes)),
    }
}

/// A path as one word for a shell, as [`shell_word`]; one that begins with `-` gets `./` before it,
/// so that no program takes it for an option.
pub fn shell_path(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") {
        return shell_word(Path::new(".").join(path));
    }
    shell_word(path)
}

/// Means nothing to a shell, wherever in a word it stands.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c) || (c.is_alphanumeric() && !c.is_ascii())
}

/// For single quotes, and for `printf` or `$'...'`: every byte that is not plain, in octal.
fn escaped(bytes: &[u8]) -> String {
    let mut out = String::new();
    for &byte in bytes {
        let c = char::from(byte);
        if byte.is_ascii() && is_plain(c) && c != '%' || c == ' ' {
            out.push(c);
        } else {
            out.push_str(&format!("\\{byte:03o}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_they_must_be() {
        for (text, word) in [
            ("/etc/host_ed25519", "/etc/host_ed25519"),
            ("schlüssel", "schlüssel"),
            ("", "''"),
            ("my key", "'my key'"),
            ("it's", r"'it'\''s'"),
            ("a;b", "'a;b'"),
            ("~/k", "'~/k'"),
            ("$(touch x)", "'$(touch x)'"),
            ("a`id`", r#""$(printf 'a\140id\140')""#),
            ("a\nb", r#""$(printf 'a\012b')""#),
            ("100%\x1b[2J!", r#""$(printf '100\045\033\1332J\041')""#),
            ("a\u{202e}b", r#""$(printf 'a\342\200\256b')""#),
            ("a\n", r"$'a\012'"),
            ("-rf", "-rf"),
        ] {
            assert_eq!(shell_word(text), word);
        }
    }

    #[test]
    fn a_path_is_never_an_option() {
        for (path, word) in
            [("-rf", "./-rf"), ("-r f", "'./-r f'"), ("./-rf", "./-rf"), ("a-b", "a-b")]
        {
            assert_eq!(shell_path(path), word);
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_not_utf_8_are_kept() {
        use std::os::unix::ffi::OsStrExt as _;

        assert_eq!(shell_path(OsStr::from_bytes(b"caf\xe9")), r#""$(printf 'caf\351')""#);
    }

    /// What the shell reads back is the text, whatever it holds.
    #[cfg(unix)]
    #[test]
    fn a_shell_reads_back_the_same_bytes() {
        use std::os::unix::ffi::OsStrExt as _;
        use std::process::Command;

        let mut texts: Vec<Vec<u8>> =
            (1..=255).map(|byte| vec![b'a', byte, b' ', b'\'', byte, b'b']).collect();
        for text in ["", " ", "'", "''", "\"", "\\", "\\n", "$(echo x)", "${HOME}", "!!", "*", "%s"]
        {
            texts.push(text.into());
        }
        let words: Vec<_> = texts.iter().map(|text| shell_word(OsStr::from_bytes(text))).collect();
        let script = format!("printf '<%s>' {}", words.join(" "));
        let expected: Vec<u8> =
            texts.iter().flat_map(|text| [b"<", text.as_slice(), b">"].concat()).collect();
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(output.stdout, expected);
    }
}
