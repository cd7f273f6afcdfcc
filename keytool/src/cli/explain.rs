//! `explain`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use handfast::trust::Host;

use crate::time;

const EXIT_CODES: &str = "
Exit codes:
  0  match, accept
  1  every other verdict
  2  called in a way that cannot be
  3  a file cannot be read or parsed";

/// `explain`.
#[derive(Debug, Subcommand)]
pub(crate) enum Explain {
    /// Whether known_hosts lets a host with this key be who it says
    ///
    /// The verdict is match, unknown, changed, revoked, or refused for what is never let in:
    /// certificates, and types of keys that are not supported.
    #[command(after_help = format!("\
Examples:
  keytool explain host ~/.ssh/known_hosts --host rpc.example.org:7000 --key host_ed25519.pub
  keytool explain host known_hosts /etc/ssh/ssh_known_hosts --host [2001:db8::1]:7000 --key host.pub --json
{EXIT_CODES}"))]
    Host(ExplainHost),
    /// Whether authorized_keys admits a client with this key
    ///
    /// The verdict is accept or reject.
    #[command(after_help = format!("\
Examples:
  keytool explain client --authorized-keys authorized_keys --login alice --from 192.0.2.7 --key alice.pub
  keytool explain client --authorized-keys authorized_keys --login alice --from ::1 --key alice.pub --at 2030-01-01T00:00:00Z
  keytool explain client --authorized-keys authorized_keys --login alice --from ::1 --key SHA256:atjsSjMIS7xx+irXXPvq+4y1mNj530ti3oVWqcgn3/c
{EXIT_CODES}"))]
    Client(ExplainClient),
}

/// `explain host`.
#[derive(Debug, Args)]
pub(crate) struct ExplainHost {
    /// The known_hosts files, in their order
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The host as it would be typed; without a port, port 22
    #[arg(long, value_name = "HOST[:PORT]", value_parser = super::any_port)]
    pub(crate) host: Host,
    /// The key or certificate that it shows, a .pub file
    #[arg(long, value_name = "PUB|CERT")]
    pub(crate) key: PathBuf,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// `explain client`.
#[derive(Debug, Args)]
pub(crate) struct ExplainClient {
    /// The authorized_keys file
    #[arg(long, value_name = "FILE")]
    pub(crate) authorized_keys: PathBuf,
    /// Keys of certificate authorities; certificates are not honoured by this version
    #[arg(long, value_name = "FILE")]
    pub(crate) user_ca: Option<PathBuf>,
    /// The principals that certificates may name; certificates are not honoured by this version
    #[arg(long, value_name = "FILE")]
    pub(crate) principals: Option<PathBuf>,
    /// Keys that are admitted by nothing, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) revoked: Vec<PathBuf>,
    /// The login that the client asks for
    #[arg(long)]
    pub(crate) login: String,
    /// The address that it comes from
    #[arg(long, value_name = "IP")]
    pub(crate) from: IpAddr,
    /// The key or certificate that it shows: a .pub file, or a key's fingerprint as a server's log
    /// has it
    #[arg(long, value_name = "PUB|CERT|SHA256:...")]
    pub(crate) key: PathBuf,
    /// The application carries out what `command=` says
    #[arg(long)]
    pub(crate) honours_command: bool,
    #[command(flatten)]
    pub(crate) form: Form,
}

/// What both have.
#[derive(Debug, Args)]
pub(crate) struct Form {
    /// The time of the login, as 2030-01-01T00:00:00Z or in seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME", value_parser = at)]
    pub(crate) at: Option<SystemTime>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// RFC 3339, or Unix seconds.
fn at(text: &str) -> Result<SystemTime, String> {
    time::parse(text).ok_or_else(|| {
        "not a time; write it as 2030-01-01T00:00:00Z, or in seconds since 1970".to_owned()
    })
}
