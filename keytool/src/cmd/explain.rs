//! `keytool explain`: what the library decides, and by which line.

pub(super) mod client;
pub(super) mod host;
mod offered;
mod revoked;

use std::path::PathBuf;

use handfast::key::printable;
use handfast::trust::MAX_FILE;
use serde_json::{Value, json};

use crate::cli::Form;
use crate::error::{Answer, Failure};
use crate::output::{self, data, json};
use crate::{paths, time};

/// A verdict, and what led to it.
struct Explanation {
    verdict: Verdict,
    reason: String,
    /// The file that decided, and its line, if it was one.
    place: Option<(String, Option<usize>)>,
    permissions: Value,
    /// What to do about it; empty where all is well.
    remedy: String,
}

/// Whether a key is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Match,
    Unknown,
    Changed,
    Revoked,
    Refused,
    Accept,
    Reject,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Unknown => "unknown",
            Self::Changed => "changed",
            Self::Revoked => "revoked",
            Self::Refused => "refused",
            Self::Accept => "accept",
            Self::Reject => "reject",
        }
    }

    fn lets_in(self) -> bool {
        matches!(self, Self::Match | Self::Accept)
    }
}

impl Explanation {
    fn new(verdict: Verdict, reason: impl ToString) -> Self {
        Self {
            verdict,
            reason: printable(&reason.to_string()),
            place: None,
            permissions: json!({}),
            remedy: String::new(),
        }
    }

    fn at(mut self, place: &handfast::trust::Place) -> Self {
        self.place = Some((place.file().to_owned(), Some(place.line())));
        self
    }

    /// It is the file that decided, whatever its lines say.
    fn by_file(mut self, name: &str) -> Self {
        self.place = Some((name.to_owned(), None));
        self
    }

    /// Says so if there is nothing in the files.
    fn note_empty(mut self, paths: &[PathBuf]) -> Self {
        let contents = paths.iter().map(|path| paths::read(path, MAX_FILE).ok());
        let empty: Option<Vec<_>> =
            contents.map(|read| read.and_then(|(_, bytes)| paths::emptiness(&bytes))).collect();
        if let Some(empty) = empty.and_then(|all| all.into_iter().next()) {
            self.reason.push_str("; ");
            self.reason.push_str(empty);
        }
        self
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = printable(&remedy.into());
        self
    }

    /// Prints it; `asked` are rows that say what the question was.
    fn print(self, form: &Form, asked: &[(&str, String)]) -> Result<Answer, Failure> {
        if form.json {
            let (file, line) = self.place.map_or((None, None), |(file, line)| (Some(file), line));
            json(&json!({
                "verdict": self.verdict.name(),
                "reason": self.reason,
                "file": file,
                "line": line,
                "permissions": self.permissions,
            }))?;
        } else {
            let name = self.verdict.name();
            let name = if self.verdict.lets_in() { output::good(name) } else { output::bad(name) };
            data(format_args!("{name}: {}", self.reason))?;
            let place = self.place.map(|(file, line)| match line {
                Some(line) => ("line", format!("{file}:{line}")),
                None => ("file", file),
            });
            let time = form.at.map(|at| ("time", time::shown(at)));
            let remedy = Some(("do", self.remedy)).filter(|(_, text)| !text.is_empty());
            let asked = asked.iter().cloned();
            for (what, text) in asked.chain(time).chain(place).chain(remedy) {
                data(format_args!("  {what:<6}{text}"))?;
            }
        }
        Ok(if self.verdict.lets_in() { Answer::Done } else { Answer::No })
    }
}
