//! `check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Private keys, public keys, known_hosts, authorized_keys
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// What the files are, where their contents leave that open
    #[arg(long = "as", value_name = "KIND")]
    pub(crate) kind: Option<Kind>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Keys of hosts
    KnownHosts,
    /// Keys that are admitted
    AuthorizedKeys,
    /// One public key
    PublicKey,
    /// A private key
    PrivateKey,
}
