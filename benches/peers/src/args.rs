//! The command line.

use std::path::PathBuf;

use clap::Parser;

/// Measures handfast beside plain TCP, rustls, snow and russh.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Args {
    /// Less of everything: within five minutes
    #[arg(long)]
    pub quick: bool,

    /// Only the loads whose name has this in it
    #[arg(long, value_name = "SUBSTRING")]
    pub only: Option<String>,

    /// How often each figure is taken; the table shows medians [default: 7 if quick, else 15]
    #[arg(long)]
    pub rounds: Option<usize>,

    /// Write all figures and the targets to a file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Draw the figures into a directory
    #[arg(long, value_name = "DIR")]
    pub plot: Option<PathBuf>,

    /// Leave aws-lc-rs out, which needs a second build
    #[arg(long)]
    pub no_aws: bool,

    /// What this program starts others of itself with
    #[arg(long, hide = true)]
    pub worker: bool,
}
