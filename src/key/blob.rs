//! The few encodings of RFC 4251, section 5, that keys and signatures need.

/// Reads from the front of a byte string; `None` wherever it ends too soon.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().copied().map(u32::from_be_bytes)
    }

    /// A `string`: a length of four bytes and as many bytes.
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.u32()?).ok()?;
        self.take(len)
    }

    /// What has not been read.
    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Appends `bytes` as a `string`.
pub(super) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    // Callers bound what they put; were one to forget, the length would be wrong and nobody could
    // read it.
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes);
}

/// The type of key and of signature that is ours.
pub(super) const ED25519: &str = "ssh-ed25519";

/// `string("ssh-ed25519") || string(body)` for the two fixed sizes, a key of 32 and a signature of
/// 64 bytes.
pub(super) fn ed25519_blob<const BODY: usize, const LEN: usize>(body: &[u8; BODY]) -> [u8; LEN] {
    const { assert!(LEN == 4 + 11 + 4 + BODY && BODY < 256) };
    let mut out = [0; LEN];
    let head = b"\0\0\0\x0bssh-ed25519\0\0\0".iter().copied();
    let len = body.len().to_be_bytes().into_iter().last();
    for (to, from) in out.iter_mut().zip(head.chain(len).chain(body.iter().copied())) {
        *to = from;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_blobs_are_two_strings() {
        let mut expected = Vec::new();
        put_string(&mut expected, b"ssh-ed25519");
        put_string(&mut expected, &[7; 32]);
        assert_eq!(ed25519_blob::<32, 51>(&[7; 32]).as_slice(), expected);
        expected.clear();
        put_string(&mut expected, b"ssh-ed25519");
        put_string(&mut expected, &[9; 64]);
        assert_eq!(ed25519_blob::<64, 83>(&[9; 64]).as_slice(), expected);
    }

    #[test]
    fn reader_stops_where_the_bytes_end() {
        let mut reader = Reader::new(b"\0\0\0\x02ab\0\0\0\x03ab");
        assert_eq!(reader.string(), Some(&b"ab"[..]));
        assert_eq!(reader.string(), None);
        assert_eq!(Reader::new(b"\xff\xff\xff\xffx").string(), None);
        assert_eq!(Reader::new(b"\0\0\0").u32(), None);
    }
}
