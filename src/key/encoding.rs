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
    let mut scan = Utf16Scan::default();
    scan.feed(bytes);
    scan.found()
}

/// The same for bytes that come in pieces.
#[derive(Debug, Default)]
pub(crate) struct Utf16Scan {
    len: usize,
    /// The second byte of a mark that the bytes may begin with.
    mark: Option<u8>,
    run: usize,
    before: Option<u8>,
    found: bool,
}

impl Utf16Scan {
    /// Takes in the next bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((&byte, behind)) = rest.split_first() {
            self.take(byte);
            rest = behind;
            if byte == 0 || self.len < 2 {
                continue;
            }
            // between text and text there is no run: on with the last byte before the next NUL
            let plain = rest.iter().position(|&byte| byte == 0).unwrap_or(rest.len());
            let (skipped, behind) = rest.split_at_checked(plain).unwrap_or_default();
            if let Some(&last) = skipped.last() {
                self.run = usize::from(is_text(last));
                self.before = Some(last);
                self.len = self.len.saturating_add(skipped.len());
                rest = behind;
            }
        }
    }

    fn take(&mut self, byte: u8) {
        match (self.len, byte, self.mark) {
            (0, 0xff, _) => self.mark = Some(0xfe),
            (0, 0xfe, _) => self.mark = Some(0xff),
            (1, second, Some(mark)) if second == mark => self.found = true,
            _ => {}
        }
        self.len = self.len.saturating_add(1);
        self.run = match self.before {
            _ if byte != 0 && !is_text(byte) => 0,
            Some(last) if (last == 0) != (byte == 0) && (last == 0 || is_text(last)) => {
                self.run.saturating_add(1)
            }
            _ => 1,
        };
        self.found |= self.run >= RUN;
        self.before = Some(byte);
    }

    /// Whether what came so far is UTF-16, or some of it is.
    pub(crate) const fn found(&self) -> bool {
        // or a file of one or two characters
        self.found || (self.run >= 4 && self.run == self.len)
    }
}

const fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')
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
    fn bytes_in_pieces_are_judged_like_all_at_once() {
        for text in ["\u{feff}a", "xyz", "ab", "x\0y\0", "\u{0}\u{0}", "# \u{444}\n"] {
            let utf16 = utf16(text, u16::to_le_bytes);
            for bytes in [&utf16[..], text.as_bytes(), &[text.as_bytes(), &utf16].concat()] {
                for size in 1..5 {
                    let mut scan = Utf16Scan::default();
                    bytes.chunks(size).for_each(|piece| scan.feed(piece));
                    assert_eq!(scan.found(), is_utf16(bytes), "{bytes:?} {size}");
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
