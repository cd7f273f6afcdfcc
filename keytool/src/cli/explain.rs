//! `explain`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use handfast::trust::Host;
use jiff::Timestamp;

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
    /// The key or certificate that it shows, a .pub file
    #[arg(long, value_name = "PUB|CERT")]
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
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at: Option<Timestamp>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// RFC 3339, or Unix seconds.
fn time(text: &str) -> Result<Timestamp, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let time = if digits {
        text.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok())
    } else {
        text.parse().ok()
    };
    time.ok_or_else(|| {
        "not a time; write it as 2030-01-01T00:00:00Z, or in seconds since 1970".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let at = |text| time(text).map(|time| time.as_second());
        assert_eq!(at("0"), Ok(0));
        assert_eq!(at("1893456000"), Ok(1_893_456_000));
        assert_eq!(at("2030-01-01T00:00:00Z"), Ok(1_893_456_000));
        assert_eq!(at("2030-01-01T02:00:00+02:00"), Ok(1_893_456_000));
        for text in
            ["", "-1", "+1", "now", "2030-01-01", "2030-02-30T00:00:00Z", "9".repeat(30).as_str()]
        {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
