//! `completions` and `man`.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// `completions`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The command, as `hosts add` [default: keytool itself]
    pub(crate) command: Vec<String>,
    /// Write a page for each command into this folder, instead of printing that of keytool
    #[arg(long, conflicts_with = "command")]
    pub(crate) dir: Option<PathBuf>,
}
