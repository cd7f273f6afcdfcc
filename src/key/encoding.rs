//! Text in an encoding that none of OpenSSH's files has.

/// What is said of a file in UTF-16, whatever kind of file it is.
#[cfg(feature = "files")]
pub(crate) const UTF16: &str = "this file is UTF-16; save it as UTF-8";

/// Bytes of UTF-16 after which a file is judged to hold it: three characters of ASCII.
const RUN: usize = 6;

/// Whether the bytes are UTF-16, or some of them are: with the mark of either byte order at the
/// start, as PowerShell's `>` writes it, or without, as its `>>` appends it to a file in UTF-8.
///
/// Every entry of the files that are read holds ASCII, and ASCII in UTF-16 is text and NUL bytes in
/// turns. Single NUL bytes in other text are not taken for it.
pub fn is_utf16(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return true;
    }
    let is_text = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let mut run = 0usize;
    let mut before = None;
    for &byte in bytes {
        run = match before {
            _ if byte != 0 && !is_text(byte) => 0,
            Some(last) if (last == 0) != (byte == 0) && (last == 0 || is_text(last)) => {
                run.saturating_add(1)
            }
            _ => 1,
        };
        if run >= RUN {
            return true;
        }
        before = Some(byte);
    }
    // a file of one or two characters
    run >= 4 && run == bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn both_byte_orders_with_and_without_their_mark() {
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            for text in ["\u{feff}", "\u{feff}a", "\u{feff}ключ", "\r\n", "abc", "h ssh-ed25519"]
            {
                assert!(is_utf16(&utf16(text, order)), "{text:?}");
            }
            for before in ["x", "xy", "h ssh-ed25519 AAAA\n", "# ключ\n"] {
                for text in ["abc", "@revoked", "\u{feff}@revoked", "ключ ssh-ed25519 AAAA"] {
                    let all = [before.as_bytes(), &utf16(text, order), b"\nh ssh-ed25519"].concat();
                    assert!(is_utf16(&all), "{before:?} {text:?}");
                }
            }
        }
    }

    #[test]
    fn other_text_and_single_nul_bytes_are_not_utf16() {
        for bytes in [
            &b""[..],
            b"a",
            b"\0",
            b"\0\0\0\0\0\0\0\0",
            b"a\0",
            b"a\0b",
            b"h\0 ssh-ed25519 AAAA\0\n\0",
            b"a\0b\0cdef",
            b"a\0\0\0b\0\0\0c\0\0\0",
            b"\xef\xbb\xbfh ssh-ed25519 AAAA\r\n",
            "# ключ bücher\n".as_bytes(),
            b"\x80\0\x81\0\x82\0\x83\0",
            b"x\xff\xfe",
        ] {
            assert!(!is_utf16(bytes), "{bytes:?}");
        }
    }
}
