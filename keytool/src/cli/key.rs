//! `generate`, `public`, `passphrase` and `fingerprint`.
//!
//! Options without a word of help are those of `ssh-keygen` and other tools for the same thing.

use std::path::PathBuf;

use clap::Args;

/// Where a passphrase comes from.
#[derive(Debug, Args)]
pub(crate) struct PassphraseArgs {
    /// Take the passphrase from the first line of this file; without this it is that of the
    /// environment variable HANDFAST_PASSPHRASE, and else asked for on the terminal
    #[arg(long, value_name = "PATH")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// `generate`.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// The private key file; the public key goes to FILE.pub [default: ~/.ssh/id_ed25519]
    pub(crate) file: Option<PathBuf>,
    #[arg(short = 'f', short_alias = 'o', long = "file", alias = "output", hide = true)]
    #[arg(value_name = "FILE", conflicts_with = "file")]
    pub(crate) file_option: Option<PathBuf>,
    /// The comment in both files [default: user and machine, where known]
    #[arg(short = 'C', long)]
    pub(crate) comment: Option<String>,
    /// Replace the files if they exist
    #[arg(long)]
    pub(crate) force: bool,
    /// Do nothing if FILE exists
    #[arg(long, conflicts_with = "force")]
    pub(crate) if_missing: bool,
    /// Write the private key unprotected
    #[arg(long, alias = "no-password", conflicts_with = "passphrase_file")]
    pub(crate) no_passphrase: bool,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[arg(short = 't', long = "type", alias = "kty", hide = true, value_parser = ed25519)]
    pub(crate) key_type: Option<String>,
    #[arg(short = 'N', hide = true, allow_hyphen_values = true)]
    pub(crate) new_passphrase: Option<String>,
    #[arg(short = 'q', long, hide = true)]
    pub(crate) quiet: bool,
}

/// `public`.
#[derive(Debug, Args)]
pub(crate) struct Public {
    /// The private key file, or - for standard input [default: ~/.ssh/id_ed25519]
    pub(crate) file: Option<PathBuf>,
    #[arg(short = 'f', long = "file", hide = true, value_name = "FILE", conflicts_with = "file")]
    pub(crate) file_option: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[arg(short = 'y', hide = true)]
    pub(crate) as_ssh_keygen: bool,
}

/// `passphrase`.
#[derive(Debug, Args)]
pub(crate) struct ChangePassphrase {
    /// The private key file [default: ~/.ssh/id_ed25519]
    pub(crate) file: Option<PathBuf>,
    #[arg(short = 'f', long = "file", hide = true, value_name = "FILE", conflicts_with = "file")]
    pub(crate) file_option: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
    /// Take the new passphrase from the first line of this file; without this it is asked for on
    /// the terminal, twice
    #[arg(long, value_name = "PATH")]
    pub(crate) new_passphrase_file: Option<PathBuf>,
    /// Write the private key unprotected
    #[arg(long, alias = "no-password", conflicts_with = "new_passphrase_file")]
    pub(crate) no_passphrase: bool,
    #[arg(short = 'N', hide = true, allow_hyphen_values = true)]
    pub(crate) new_passphrase: Option<String>,
    #[arg(short = 'P', hide = true, allow_hyphen_values = true)]
    pub(crate) old_passphrase: Option<String>,
    #[arg(short = 'p', hide = true)]
    pub(crate) as_ssh_keygen: bool,
}

/// `fingerprint`.
#[derive(Debug, Args)]
pub(crate) struct FingerprintArgs {
    /// Private keys, public keys, known_hosts, authorized_keys; - is standard input
    #[arg(required_unless_present = "file_option")]
    pub(crate) files: Vec<PathBuf>,
    #[arg(short = 'f', long = "file", hide = true, value_name = "FILE")]
    pub(crate) file_option: Vec<PathBuf>,
    /// Draw each fingerprint as well
    #[arg(short = 'v', long)]
    pub(crate) randomart: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[arg(short = 'E', hide = true, value_parser = sha256)]
    pub(crate) hash: Option<String>,
    #[arg(short = 'l', hide = true)]
    pub(crate) as_ssh_keygen: bool,
}

fn ed25519(text: &str) -> Result<String, String> {
    match text.to_ascii_lowercase().as_str() {
        "ed25519" | "ssh-ed25519" | "okp" => Ok(text.to_owned()),
        _ => {
            Err("keytool makes Ed25519 keys only, which need no other type; leave it out, or make \
                  the key with ssh-keygen"
                .to_owned())
        }
    }
}

fn sha256(text: &str) -> Result<String, String> {
    if text.eq_ignore_ascii_case("sha256") {
        return Ok(text.to_owned());
    }
    Err("fingerprints are SHA-256; for another hash use `ssh-keygen -l -E`".to_owned())
}
