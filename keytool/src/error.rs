//! How a command ends: its exit code, and what is said on the way out.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use handfast::key::{KeyError, shell_path};
use handfast::trust::{EditError, KeyFileError, TrustError};

use crate::paths::shown;

/// How a command ended that could be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Done: exit code 0.
    Done,
    /// The answer is no: exit code 1.
    No,
}

/// Why a command was not carried out.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The answer is no: exit code 1.
    No(String),
    /// It was called in a way that cannot be: exit code 2.
    Usage(String),
    /// Reading, writing or connecting failed: exit code 3.
    Io(String),
}

impl Failure {
    /// What went wrong while the data was printed.
    pub(crate) fn printing(error: &io::Error) -> Self {
        Self::Io(format!("standard output: cannot write: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No(text) | Self::Usage(text) | Self::Io(text) => f.write_str(text),
        }
    }
}

impl From<Answer> for ExitCode {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Done => Self::SUCCESS,
            Answer::No => Self::from(1),
        }
    }
}

impl From<Failure> for ExitCode {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::No(_) => Self::from(1),
            Failure::Usage(_) => Self::from(2),
            Failure::Io(_) => Self::from(3),
        }
    }
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Self {
        Self::Io(error.to_string())
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        match error {
            KeyFileError::Exists { path } => Self::No(format!(
                "{}: there is a file already; choose another name, or say --force to replace it",
                shown(&path)
            )),
            KeyFileError::NotFound { path } => Self::Io(format!(
                "{}: there is no such file; make a key with `keytool generate {}`",
                shown(&path),
                shell_path(&path)
            )),
            KeyFileError::Key { problem: KeyError::WrongPassphrase, .. } => {
                Self::No(error.to_string())
            }
            KeyFileError::Write { path, problem } if problem.kind() == io::ErrorKind::NotFound => {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                Self::Io(format!(
                    "{}: its folder does not exist; make it with `mkdir -p -m 700 {}`",
                    shown(&path),
                    shell_path(folder.unwrap_or(Path::new(".")))
                ))
            }
            KeyFileError::Write { path, problem }
                if problem.kind() == io::ErrorKind::PermissionDenied =>
            {
                let path = shown(&path);
                Self::Io(format!(
                    "{path}: this program may not make files in its folder; choose another, or run this as somebody who may"
                ))
            }
            error => Self::Io(error.to_string()),
        }
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        match error {
            EditError::OtherKey { .. } => {
                Self::No(format!("{error}, or say --beside to accept both keys"))
            }
            EditError::Revoked { .. }
            | EditError::Restricted { .. }
            | EditError::NotLearned { .. }
            | EditError::Unrestricted { .. } => Self::No(error.to_string()),
            EditError::Name { .. } | EditError::Option { .. } => Self::Usage(error.to_string()),
            EditError::Comment { .. } => {
                Self::Usage(format!("{error}; give another with --comment"))
            }
            error => Self::Io(error.to_string()),
        }
    }
}
