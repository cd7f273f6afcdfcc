//! Where something stands, and which lines were passed over.

use std::fmt;
use std::sync::Arc;

use super::LineFault;

/// A line of a file; written as `known_hosts:3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    file: Arc<str>,
    line: usize,
}

impl Place {
    pub(super) fn new(file: &Arc<str>, line: usize) -> Self {
        Self { file: Arc::clone(file), line }
    }

    /// The file, with `~/` expanded, escaped where it holds what does not belong into a message.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A line that was passed over because it could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedLine {
    place: Place,
    fault: LineFault,
}

impl SkippedLine {
    /// Where the line stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Why it was not read.
    pub fn fault(&self) -> &LineFault {
        &self.fault
    }
}

impl fmt::Display for SkippedLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} could not be read: {}", self.place, self.fault)
    }
}

/// The lines of a snapshot that were passed over, in order; the first 64 of them with their
/// reasons.
///
/// Written as the first three of them, separated by semicolons, and the number of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SkippedLines {
    lines: Vec<SkippedLine>,
    total: usize,
}

/// A file of sixteen million broken lines must not become as many log lines.
pub(super) const REMEMBERED: usize = 64;

impl SkippedLines {
    /// Remembers and logs a line.
    pub(super) fn push(&mut self, place: Place, fault: LineFault) {
        self.total = self.total.saturating_add(1);
        if self.total <= REMEMBERED {
            tracing::warn!(%place, reason = %fault, "line passed over: it could not be read");
            self.lines.push(SkippedLine { place, fault });
        } else if self.total == REMEMBERED.saturating_add(1) {
            tracing::warn!(%place, "further lines that could not be read are not logged one by one");
        }
    }

    /// The first 64 of them.
    pub fn lines(&self) -> &[SkippedLine] {
        &self.lines
    }

    /// How many there are in all.
    pub fn total(&self) -> usize {
        self.total
    }
}

impl fmt::Display for SkippedLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 3;
        for (index, line) in self.lines.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{line}")?;
        }
        match self.total.saturating_sub(SHOWN) {
            0 => Ok(()),
            1 => f.write_str("; 1 more line could not be read"),
            more => write!(f, "; {more} more lines could not be read"),
        }
    }
}
