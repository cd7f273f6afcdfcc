//! `authorize` and `authorized`.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use handfast::trust::expiry_time;

use crate::time;

/// The `authorized_keys` file.
#[derive(Debug, Args)]
pub(crate) struct AuthorizedFile {
    /// The authorized_keys file [default: ~/.ssh/authorized_keys]
    #[arg(short, long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
}

/// `authorize`.
#[derive(Debug, Args)]
pub(crate) struct Authorize {
    /// .pub files, - for standard input, or the text of a key; all keys in them are admitted
    #[arg(required_unless_present = "identities", value_name = "PUB")]
    pub(crate) keys: Vec<PathBuf>,
    #[arg(short = 'i', long = "identity", hide = true, value_name = "PUB")]
    pub(crate) identities: Vec<PathBuf>,
    /// The comment of the line [default: that of PUB]
    #[arg(short = 'C', long)]
    pub(crate) comment: Option<String>,
    /// Admit the key only from here: addresses, networks and patterns like 192.0.2.*, separated by
    /// commas, with ! before what is excluded
    #[arg(long, value_name = "LIST")]
    pub(crate) from: Option<String>,
    /// Admit the key until then: YYYYMMDD, with HHMM or HHMMSS behind it for the time and Z for UTC,
    /// as OpenSSH has it, or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = expiry)]
    pub(crate) expires: Option<SystemTime>,
    /// The key is that of a certificate authority; it is not admitted itself
    #[arg(long)]
    pub(crate) cert_authority: bool,
    /// The logins, separated by commas, that its certificates may name
    #[arg(long, value_name = "LOGINS", requires = "cert_authority")]
    pub(crate) principals: Option<String>,
    #[command(flatten)]
    pub(crate) file: AuthorizedFile,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `authorized`.
#[derive(Debug, Subcommand)]
pub(crate) enum Authorized {
    /// List the keys and what each line does
    #[command(
        alias = "ls",
        after_help = "\
Examples:
  keytool authorized list
  keytool authorized list --json --file /etc/rpc/authorized_keys"
    )]
    List(ListAuthorized),
    /// Remove every line with a key
    ///
    /// A comment stands for the key on whose line it is. Where lines with different keys have it,
    /// nothing is removed and the keys are named, unless --all says that all of them are meant.
    #[command(aliases = ["rm", "delete", "del", "revoke"], after_help = "\
Examples:
  keytool authorized remove alice@example.org
  keytool authorized remove SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU
  keytool authorized remove alice_ed25519.pub")]
    Remove(RemoveAuthorized),
    /// Admit a key, as `keytool authorize`
    #[command(hide = true)]
    Add(Authorize),
}

/// `authorized list`.
#[derive(Debug, Args)]
pub(crate) struct ListAuthorized {
    #[arg(hide = true, value_name = "PATH", conflicts_with = "file")]
    pub(crate) given: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) file: AuthorizedFile,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `authorized remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveAuthorized {
    /// The key's fingerprint, its .pub file, - for standard input, or the comment of its line
    #[arg(required = true, value_name = "FINGERPRINT|PUB|COMMENT")]
    pub(crate) keys: Vec<String>,
    /// Remove all keys that have the comment, if there are several
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) file: AuthorizedFile,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn expiry(text: &str) -> Result<SystemTime, String> {
    let time = time::rfc3339(text).map_or_else(|| expiry_time(text), Ok);
    let time = time.map_err(|error| error.to_string())?;
    if time < SystemTime::now() {
        return Err("that time is over".to_owned());
    }
    Ok(time)
}
