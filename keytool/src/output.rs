//! Data goes to standard output, talk to standard error; colours only where it is a terminal, and the
//! environment variable `NO_COLOR` is not set.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use crate::error::Failure;

/// `CLICOLOR_FORCE` would have what goes to a file or a pipe coloured, too.
pub(crate) fn choose_colours() {
    let terminals = io::stdout().is_terminal() && io::stderr().is_terminal();
    if !terminals && std::env::var_os("CLICOLOR_FORCE").is_some() {
        anstream::ColorChoice::Never.write_global();
    }
}

/// A line of data. That nobody reads it any more is no error, and no reason to end otherwise than
/// with the answer: a script can take the exit code and close the pipe.
pub(crate) fn data(line: impl fmt::Display) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::printing(&error)),
        _ => Ok(()),
    }
}

/// The data as JSON.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    data(format_args!("{value:#}"))
}

/// A line for people. That nobody hears it changes nothing.
pub(crate) fn talk(line: impl fmt::Display) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// Rows as columns, the last of them as wide as it is. The rows are seen twice, and not kept.
pub(crate) struct Table {
    widths: Vec<usize>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { widths: Vec::new() }
    }

    /// Makes the columns wide enough for a row.
    pub(crate) fn measure(&mut self, row: &[String]) {
        self.widths.resize(self.widths.len().max(row.len()), 0);
        for (width, cell) in self.widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }

    pub(crate) fn print(&self, row: &[String]) -> Result<(), Failure> {
        data(self.aligned(row))
    }

    fn aligned(&self, row: &[String]) -> String {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&self.widths) {
            // `format!` pads by characters, and a terminal shows some of them two columns wide
            let space = width.saturating_sub(cell.width()).saturating_add(2);
            line.push_str(cell);
            line.push_str(&" ".repeat(space));
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// Prints a row for each line that `each` visits, below a head; says whether there was any. The lines
/// may be millions: they are visited twice, and not kept.
pub(crate) fn table<L, const N: usize>(
    head: [&str; N],
    each: impl Fn(&mut dyn FnMut(&L) -> Result<(), Failure>) -> Result<(), Failure>,
    row: impl Fn(&L) -> [String; N],
) -> Result<bool, Failure> {
    let head = head.map(str::to_owned);
    let (mut table, mut any) = (Table::new(), false);
    table.measure(&head);
    each(&mut |line| {
        any = true;
        table.measure(&row(line));
        Ok(())
    })?;
    if any {
        table.print(&head)?;
        each(&mut |line| table.print(&row(line)))?;
    }
    Ok(any)
}

/// A list as JSON, whose elements are not kept; looks as [`json`] prints it.
pub(crate) struct JsonList {
    /// The latest element, whose comma depends on the next.
    waiting: Option<String>,
}

impl JsonList {
    pub(crate) fn new() -> Self {
        Self { waiting: None }
    }

    pub(crate) fn push(&mut self, value: &Value) -> Result<(), Failure> {
        let text = format!("  {}", format!("{value:#}").replace('\n', "\n  "));
        match self.waiting.replace(text) {
            Some(before) => data(format_args!("{before},")),
            None => data("["),
        }
    }

    pub(crate) fn end(self) -> Result<(), Failure> {
        match self.waiting {
            Some(last) => data(format_args!("{last}\n]")),
            None => data("[]"),
        }
    }
}

/// A word for what is good, in its colour.
pub(crate) fn good(word: &str) -> String {
    coloured(AnsiColor::Green, word)
}

/// A word for what may be meant so.
pub(crate) fn doubtful(word: &str) -> String {
    coloured(AnsiColor::Yellow, word)
}

/// A word for what is bad.
pub(crate) fn bad(word: &str) -> String {
    coloured(AnsiColor::Red, word)
}

/// Taken out again on the way, where there is no terminal.
fn coloured(colour: AnsiColor, word: &str) -> String {
    let style = Style::new().bold().fg_color(Some(colour.into()));
    format!("{style}{word}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_whatever_is_in_them() {
        let rows = [["LINE", "COMMENT", "STATE"], ["1", "山田太郎", "a"], ["2", "e\u{301}é", "b"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        let mut table = Table::new();
        rows.iter().for_each(|row| table.measure(row));
        assert_eq!(
            rows.map(|row| table.aligned(&row)),
            ["LINE  COMMENT   STATE", "1     山田太郎  a", "2     e\u{301}é        b",]
        );
    }
}
