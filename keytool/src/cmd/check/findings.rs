//! What is wrong with a file.

use std::ops::RangeInclusive;

use handfast::key::printable;

/// Something that is wrong, and what to do about it.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) file: String,
    /// Counted from 1; `None` if it is the file.
    pub(super) line: Option<usize>,
    pub(super) severity: Severity,
    pub(super) problem: String,
    pub(super) remedy: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    /// The file, or the line, does not do what it is there for, or others can change what it says.
    Error,
    /// It works, and is likely not meant so.
    Warning,
}

impl Severity {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// What is told of one file; a file can have millions of broken lines.
const MOST: usize = 1000;

/// What was found in one file.
#[derive(Debug)]
pub(super) struct Findings {
    file: String,
    list: Vec<Finding>,
    more: usize,
    told: Vec<RangeInclusive<usize>>,
}

impl Findings {
    pub(super) fn of(file: String) -> Self {
        Self { file, list: Vec::new(), more: 0, told: Vec::new() }
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn error(&mut self, line: impl Into<Option<usize>>, problem: &str, remedy: &str) {
        self.push(Severity::Error, line.into(), problem, remedy);
    }

    pub(super) fn warning(&mut self, line: impl Into<Option<usize>>, problem: &str, remedy: &str) {
        self.push(Severity::Warning, line.into(), problem, remedy);
    }

    /// A message of the library, which says behind its last semicolon what to do; `remedy` is for
    /// those that do not.
    pub(super) fn message(
        &mut self,
        severity: Severity,
        line: impl Into<Option<usize>>,
        message: &str,
        remedy: &str,
    ) {
        let (problem, remedy) = split_remedy(message).unwrap_or((message, remedy));
        self.push(severity, line.into(), problem, remedy);
    }

    /// What was told so far is all that there is to tell of these lines.
    pub(super) fn told_of(&mut self, lines: RangeInclusive<usize>) {
        if self.told.len() < MOST {
            self.told.push(lines);
        }
    }

    fn push(&mut self, severity: Severity, line: Option<usize>, problem: &str, remedy: &str) {
        if line.is_some_and(|line| self.told.iter().any(|lines| lines.contains(&line))) {
            return;
        }
        if self.list.len() >= MOST {
            self.more = self.more.saturating_add(1);
            return;
        }
        let (problem, remedy) = (printable(problem), printable(remedy));
        self.list.push(Finding { file: self.file.clone(), line, severity, problem, remedy });
    }

    /// All of them, by line.
    pub(super) fn into_list(mut self) -> Vec<Finding> {
        self.list.sort_by_key(|finding| finding.line);
        if self.more > 0 {
            self.list.push(Finding {
                file: self.file,
                line: None,
                severity: Severity::Error,
                problem: format!("there are {} more problems", self.more),
                remedy: "mend these and check again".to_owned(),
            });
        }
        self.list
    }
}

/// Splits a message at its last semicolon outside of a command: a path in one can hold another.
fn split_remedy(message: &str) -> Option<(&str, &str)> {
    let outside = |&(at, _): &(usize, &str)| {
        message.get(..at).is_some_and(|before| before.matches('`').count() % 2 == 0)
    };
    let (at, end) = message.rmatch_indices("; ").find(outside)?;
    Some((message.get(..at)?, message.get(at.saturating_add(end.len())..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_in_a_command_ends_no_problem() {
        for (message, parts) in [
            ("broken", None),
            ("broken; mend it", Some(("broken", "mend it"))),
            ("a; b; run `chmod 600 'x; y'`", Some(("a; b", "run `chmod 600 'x; y'`"))),
            (
                "a; run `chmod 600 'x; y'` or `rm 'x; y'`",
                Some(("a", "run `chmod 600 'x; y'` or `rm 'x; y'`")),
            ),
        ] {
            assert_eq!(split_remedy(message), parts);
        }
    }
}
