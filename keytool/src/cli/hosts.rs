//! `hosts`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use handfast::key::Fingerprint;
use handfast::trust::Host;

use super::key::PassphraseArgs;
use super::{any_port, with_port};

/// The `known_hosts` file.
#[derive(Debug, Args)]
pub(crate) struct HostsFile {
    /// The known_hosts file [default: ~/.ssh/known_hosts]
    #[arg(short, long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
}

/// `hosts`.
#[derive(Debug, Subcommand)]
pub(crate) enum Hosts {
    /// Ask a server which key it has, and print it as a line of known_hosts
    ///
    /// The server proves that it holds the key. It learns nothing of who asks: no key, no name.
    /// Whether the key is the right one only its fingerprint can tell, compared with what the
    /// server's operator says.
    #[command(after_help = "\
Examples:
  keytool hosts scan rpc.example.org:7000
  keytool hosts scan --timeout 3 [2001:db8::1]:7000
  keytool hosts scan --json rpc.example.org:7000")]
    Scan(Scan),
    /// Add the key of a host
    ///
    /// Without --key the host is asked for it. Then its fingerprint must be compared with what the
    /// host's operator says: by --fingerprint, or by the person at the terminal.
    #[command(after_help = "\
Examples:
  keytool hosts add rpc.example.org:7000
  keytool hosts add rpc.example.org:7000 --fingerprint SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU
  keytool hosts add rpc.example.org:7000 --key host_ed25519.pub --hash")]
    Add(AddHost),
    /// List the hosts and their keys
    ///
    /// Names that are hashed can only be found: the hash does not tell them.
    #[command(
        alias = "ls",
        after_help = "\
Examples:
  keytool hosts list
  keytool hosts list --json --file /etc/rpc/known_hosts"
    )]
    List(ListHosts),
    /// Print the lines about a host
    ///
    /// Lines that list it with another port are named, too, and are not about it: the exit code is 1
    /// where there are no others.
    #[command(aliases = ["show", "get", "search", "lookup"], after_help = "\
Examples:
  keytool hosts find rpc.example.org:7000
  keytool hosts find --json --file /etc/rpc/known_hosts rpc.example.org:7000")]
    Find(FindHost),
    /// Remove a host
    ///
    /// Lines that list it by name or hash lose it. Patterns, and lines marked @revoked or
    /// @cert-authority, stay and are named.
    #[command(aliases = ["rm", "delete", "del"], after_help = "\
Examples:
  keytool hosts remove rpc.example.org:7000")]
    Remove(RemoveHost),
    /// Hide all names by hashing them, so that a stolen file does not tell where its owner goes
    ///
    /// As `ssh-keygen -H`: lines with several names become several; patterns, and lines marked
    /// @revoked or @cert-authority, stay readable and are named. A file with a line that cannot be
    /// read is not changed.
    #[command(after_help = "\
Examples:
  keytool hosts hash
  keytool hosts hash --file /etc/rpc/known_hosts")]
    Hash(HashHosts),
    /// Learn the other keys of a known host, and take out those that it holds no more
    ///
    /// Connects as a client: the host must show a key that known_hosts lists for it, and let the
    /// client in. Then the keys that it proves to hold are added, and the Ed25519 keys that it does
    /// not prove go. A server that is stealth, or has one key, proves no others.
    ///
    /// Only lines for HOST change, and for the names that --also adds: those of the same server, for
    /// which known_hosts lists the same key. Names that seem to be the same server's are told.
    #[command(after_help = "\
Examples:
  keytool hosts rotate rpc.example.org:7000
  keytool hosts rotate rpc.example.org:7000 --also 192.0.2.7:7000 --also rpc.example.org:7001
  keytool hosts rotate rpc.example.org:7000 --identity alice_ed25519 --login alice")]
    Rotate(RotateHost),
}

/// `hosts scan`.
#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// The servers, as host:port
    #[arg(required = true, value_name = "HOST:PORT", value_parser = with_port)]
    pub(crate) hosts: Vec<Host>,
    /// Seconds after which to give up
    #[arg(short = 'T', long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
    /// Print the name hashed
    #[arg(short = 'H', long)]
    pub(crate) hash: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `hosts add`.
#[derive(Debug, Args)]
pub(crate) struct AddHost {
    /// The host; without a port the line counts for port 22, and tells the key on all others
    #[arg(value_name = "HOST[:PORT]", value_parser = any_port)]
    pub(crate) host: Host,
    /// Take the key from this .pub file instead of asking the host; - is standard input
    #[arg(long, value_name = "PATH")]
    pub(crate) key: Option<PathBuf>,
    /// Add the key only if it has this fingerprint
    #[arg(long, value_name = "SHA256:...", value_parser = fingerprint)]
    pub(crate) fingerprint: Option<Fingerprint>,
    /// Add whatever key the host shows, without comparing: whoever is on the way can show another
    #[arg(long, conflicts_with_all = ["key", "fingerprint"])]
    pub(crate) yes: bool,
    /// Hide the name by hashing it
    #[arg(long)]
    pub(crate) hash: bool,
    /// Add the key although the host is known by another one, and accept both
    #[arg(long)]
    pub(crate) beside: bool,
    /// A comment behind the key
    #[arg(short = 'C', long, default_value = "", hide_default_value = true)]
    pub(crate) comment: String,
    /// Seconds after which to give up on the host
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) file: HostsFile,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `hosts find`.
#[derive(Debug, Args)]
pub(crate) struct FindHost {
    /// The host; without a port, port 22
    #[arg(value_name = "HOST[:PORT]", value_parser = any_port)]
    pub(crate) host: Host,
    #[command(flatten)]
    pub(crate) file: HostsFile,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `hosts remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveHost {
    /// The hosts; without a port, port 22
    #[arg(required = true, value_name = "HOST[:PORT]", value_parser = any_port)]
    pub(crate) hosts: Vec<Host>,
    #[command(flatten)]
    pub(crate) file: HostsFile,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `hosts list`.
#[derive(Debug, Args)]
pub(crate) struct ListHosts {
    #[arg(hide = true, value_name = "PATH", conflicts_with = "file")]
    pub(crate) given: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) file: HostsFile,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `hosts hash`.
#[derive(Debug, Args)]
pub(crate) struct HashHosts {
    #[arg(hide = true, value_name = "PATH", conflicts_with = "file")]
    pub(crate) given: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) file: HostsFile,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `hosts rotate`.
#[derive(Debug, Args)]
pub(crate) struct RotateHost {
    /// The host; without a port, port 22
    #[arg(value_name = "HOST[:PORT]", value_parser = any_port)]
    pub(crate) host: Host,
    /// Another name of the same server, which gets and loses the same keys; without a port, with
    /// that of HOST. Can be given several times
    #[arg(long, value_name = "NAME[:PORT]")]
    pub(crate) also: Vec<String>,
    /// The private key to be let in with [default: ~/.ssh/id_ed25519, if it is there]
    #[arg(short, long, value_name = "PATH")]
    pub(crate) identity: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
    /// The login to ask for
    #[arg(short, long)]
    pub(crate) login: Option<String>,
    /// Seconds after which to give up on the host
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) file: HostsFile,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    text.parse().map_err(|error: handfast::key::KeyError| error.to_string())
}
