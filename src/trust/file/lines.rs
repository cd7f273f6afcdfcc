//! The lines of a file, one after the other, none of them kept.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use super::{MARK, Ownership, check_regular, expand, kind_of};
use crate::key::Utf16Scan;
use crate::key::shown::shown_whole;
use crate::trust::strict_modes::check;
use crate::trust::{MAX_FILE, MAX_LINE, TrustError, TrustErrorKind};

/// A file that is read line by line. It is held to the same limits as one that is read whole.
#[derive(Debug)]
pub(in crate::trust) struct Lines<R> {
    name: Arc<str>,
    reader: R,
    line: Vec<u8>,
    number: usize,
    read: usize,
    utf16: Utf16Scan,
}

impl Lines<BufReader<File>> {
    /// Opens a file with `open`; `~/` at the start of `path` stands for the home directory.
    pub(in crate::trust) fn open(
        path: &Path,
        ownership: &Ownership,
        open: impl FnOnce(&Path) -> Result<File, TrustErrorKind>,
    ) -> Result<Self, TrustError> {
        let shown = |path: &Path| Arc::<str>::from(shown_whole(&path.to_string_lossy()));
        let path = expand(path).map_err(|kind| TrustError::new(&shown(path), None, kind))?;
        let name = shown(&path);
        let file = opened(&path, ownership, open);
        let file = file.map_err(|kind| TrustError::new(&name, None, kind))?;
        Ok(Self::new(name, BufReader::with_capacity(1 << 16, file)))
    }
}

fn opened(
    path: &Path,
    ownership: &Ownership,
    open: impl FnOnce(&Path) -> Result<File, TrustErrorKind>,
) -> Result<File, TrustErrorKind> {
    let file = open(path)?;
    let metadata = file.metadata().map_err(kind_of)?;
    check_regular(&metadata)?;
    if let Ownership::Strict(guard) = ownership {
        check(&metadata, path, guard)?;
    }
    if metadata.len() > u64::try_from(MAX_FILE).unwrap_or(u64::MAX) {
        return Err(TrustErrorKind::FileTooLarge { max: MAX_FILE });
    }
    Ok(file)
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(name: Arc<str>, reader: R) -> Self {
        Self { name, reader, line: Vec::new(), number: 0, read: 0, utf16: Utf16Scan::default() }
    }

    /// The path as messages show it.
    pub(in crate::trust) const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The next line with its number, from 1, without `\n` or `\r\n`; none at the end. A byte order
    /// mark in front of the first line is left out.
    pub(in crate::trust) fn next(&mut self) -> Result<Option<(usize, &[u8])>, TrustError> {
        self.line.clear();
        let mut len = 0usize;
        let mut ended = false;
        while !ended {
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(TrustError::new(&self.name, None, kind_of(error))),
            };
            if chunk.is_empty() {
                break;
            }
            let end = chunk.iter().position(|&byte| byte == b'\n');
            let text = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            len = len.saturating_add(text.len());
            // one byte for `\r` and three for the mark; what is longer is an error in any case
            if len <= MAX_LINE.saturating_add(4) {
                self.line.extend_from_slice(text);
            }
            let used = text.len().saturating_add(usize::from(end.is_some()));
            ended = end.is_some();
            self.utf16.feed(chunk.get(..used).unwrap_or_default());
            self.reader.consume(used);
            // the file may grow meanwhile: the size that counts is that of what was read
            self.read = self.read.saturating_add(used);
            if self.read > MAX_FILE {
                let kind = TrustErrorKind::FileTooLarge { max: MAX_FILE };
                return Err(TrustError::new(&self.name, None, kind));
            }
        }
        if self.utf16.found() {
            return Err(TrustError::new(&self.name, None, TrustErrorKind::Utf16));
        }
        if len == 0 && !ended {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        let marked = self.number == 1 && line.starts_with(MARK);
        let line = if marked { line.get(MARK.len()..).unwrap_or_default() } else { line };
        let len = if len > self.line.len() { len } else { line.len() };
        if len > MAX_LINE {
            let kind = TrustErrorKind::LineTooLong { len, max: MAX_LINE };
            return Err(TrustError::new(&self.name, Some(self.number), kind));
        }
        Ok(Some((self.number, line)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::super::Contents;
    use super::*;

    fn streamed(bytes: &[u8], capacity: usize) -> Result<Vec<(usize, Vec<u8>)>, TrustError> {
        let reader = BufReader::with_capacity(capacity, Cursor::new(bytes));
        let mut lines = Lines::new("f".into(), reader);
        let mut all = Vec::new();
        while let Some((number, line)) = lines.next()? {
            all.push((number, line.to_vec()));
        }
        Ok(all)
    }

    /// The lines of a file that was read whole; the empty one behind the last `\n` is none here.
    fn whole(bytes: &[u8]) -> Result<Vec<(usize, Vec<u8>)>, TrustError> {
        let contents = Contents::new("f", bytes)?;
        let lines: Result<Vec<_>, _> = contents
            .lines()
            .map(|line| line.map(|(number, line)| (number, line.to_vec())))
            .collect();
        let mut lines = lines?;
        if contents.bytes().is_empty() || contents.bytes().ends_with(b"\n") {
            lines.pop();
        }
        // a file that is a mark alone has an empty line here
        if bytes == MARK {
            lines.push((1, Vec::new()));
        }
        Ok(lines)
    }

    proptest! {
        #[test]
        fn lines_are_those_of_a_file_that_is_read_whole(
            text in "(\u{feff})?([ab\r]{0,5}\n?){0,6}",
            capacity in 1usize..9,
        ) {
            let (streamed, whole) = (streamed(text.as_bytes(), capacity), whole(text.as_bytes()));
            prop_assert_eq!(streamed.unwrap(), whole.unwrap());
        }
    }

    #[test]
    fn utf16_refuses_the_file_wherever_it_stands() {
        let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        for bytes in [utf16("\u{feff}x"), utf16("xyz"), [b"x\n\n", &utf16("yz\n")[..]].concat()] {
            for capacity in 1..5 {
                let error = streamed(&bytes, capacity).unwrap_err();
                assert!(matches!(error.kind(), TrustErrorKind::Utf16), "{bytes:?} {error}");
            }
            assert!(matches!(whole(&bytes).unwrap_err().kind(), TrustErrorKind::Utf16));
        }
    }

    #[test]
    fn limits_are_those_of_a_file_that_is_read_whole() {
        for len in [MAX_LINE - 1, MAX_LINE, MAX_LINE + 1, MAX_LINE + 9] {
            for (before, after) in [("", ""), ("\u{feff}", "\r\n"), ("x\n", "\n"), ("x\n", "\r")] {
                let bytes = [before.as_bytes(), &vec![b'y'; len], after.as_bytes()].concat();
                let (streamed, whole) = (streamed(&bytes, 1 << 16), whole(&bytes));
                match (streamed, whole) {
                    (Ok(streamed), Ok(whole)) => assert_eq!(streamed, whole),
                    (Err(streamed), Err(whole)) if len > MAX_LINE => {
                        assert_eq!((streamed.line(), whole.line()), (whole.line(), whole.line()));
                        assert!(matches!(streamed.kind(), TrustErrorKind::LineTooLong { .. }));
                    }
                    (streamed, whole) => panic!("{:?} {:?}", streamed.is_ok(), whole.is_ok()),
                }
            }
        }
        let line = [&vec![b'x'; (1 << 16) - 1], b"\n".as_slice()].concat();
        let longest = line.repeat(MAX_FILE >> 16);
        assert!(streamed(&longest, 1 << 16).is_ok());
        let error = streamed(&[&longest, b"x".as_slice()].concat(), 1 << 16).unwrap_err();
        assert!(matches!(error.kind(), TrustErrorKind::FileTooLarge { max: MAX_FILE }));
    }
}
