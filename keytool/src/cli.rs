//! What can be said on the command line.

mod check;
mod explain;
mod manual;

use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Parser, Subcommand};
use handfast::key::Fingerprint;
use handfast::trust::{Host, expiry_time};

pub(crate) use self::check::{Check, Kind};
pub(crate) use self::explain::{Explain, ExplainClient, ExplainHost, Form};
pub(crate) use self::manual::{Completions, Man};
use crate::time;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the answer is no: not found, not the same, or refused as things stand
  2  called in a way that cannot be
  3  reading, writing or connecting failed

Data goes to standard output, everything else to standard error.";

/// Keys, and the files that say whom to trust
#[derive(Debug, Parser)]
#[command(name = "keytool", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an Ed25519 key: a private key file, and the public key beside it
    #[command(after_help = "\
Examples:
  keytool generate
  keytool generate --comment alice@example.org alice_ed25519
  keytool generate --no-passphrase --if-missing /etc/rpc/host_ed25519")]
    Generate(Generate),
    /// Print the public key of a private key file
    #[command(after_help = "\
Examples:
  keytool public > ~/.ssh/id_ed25519.pub
  keytool public host_ed25519")]
    Public(Public),
    /// Change, add or take away the passphrase of a private key
    ///
    /// The comment stays, and so do owner and mode. The file is the old one or the new one at every
    /// moment. A key that ever lay on the disk without a passphrase is best replaced: what the old
    /// file held can stay there until it is overwritten.
    #[command(after_help = "\
Examples:
  keytool passphrase
  keytool passphrase --new-passphrase-file secret host_ed25519
  keytool passphrase --no-passphrase host_ed25519")]
    Passphrase(ChangePassphrase),
    /// Print the fingerprints of keys in files of any kind
    #[command(after_help = "\
Examples:
  keytool fingerprint host_ed25519.pub
  keytool fingerprint --randomart host_ed25519
  keytool fingerprint --json ~/.ssh/known_hosts ~/.ssh/authorized_keys")]
    Fingerprint(FingerprintArgs),
    /// Look after known_hosts: which keys belong to which hosts
    #[command(subcommand, arg_required_else_help = true)]
    Hosts(Hosts),
    /// Admit a key: add it to authorized_keys
    #[command(after_help = "\
Examples:
  keytool authorize alice_ed25519.pub
  keytool authorize alice_ed25519.pub --from 10.0.0.0/8,192.0.2.7 --expires 20301231Z
  ssh-add -L | head -n 1 | keytool authorize - --file /etc/rpc/authorized_keys")]
    Authorize(Authorize),
    /// Look after authorized_keys: which keys are admitted
    #[command(subcommand, arg_required_else_help = true)]
    Authorized(Authorized),
    /// Say what is wrong with trust files and key files, and what to do about it
    ///
    /// What a file is, its contents tell: a private key, a public key, known_hosts or
    /// authorized_keys. Looked at are its lines, who else can change it, and for a private key the
    /// public key beside it.
    #[command(after_help = "\
Examples:
  keytool check ~/.ssh/id_ed25519 ~/.ssh/known_hosts ~/.ssh/authorized_keys
  keytool check --json --as authorized-keys /etc/rpc/admitted")]
    Check(Check),
    /// Say whether a key would be let in, and which line decides
    #[command(subcommand, arg_required_else_help = true)]
    Explain(Explain),
    /// Print the completions for a shell
    #[command(after_help = "\
Examples:
  keytool completions bash > ~/.local/share/bash-completion/completions/keytool
  keytool completions zsh > ~/.zfunc/_keytool
  keytool completions fish > ~/.config/fish/completions/keytool.fish")]
    Completions(Completions),
    /// Print the man page, or write the pages of all commands
    #[command(after_help = "\
Examples:
  keytool man | man -l -
  keytool man --dir ~/.local/share/man/man1")]
    Man(Man),
}

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
    /// The comment in both files [default: user and machine, where known]
    #[arg(long)]
    pub(crate) comment: Option<String>,
    /// Replace the files if they exist
    #[arg(long)]
    pub(crate) force: bool,
    /// Do nothing if FILE exists
    #[arg(long, conflicts_with = "force")]
    pub(crate) if_missing: bool,
    /// Write the private key unprotected
    #[arg(long, conflicts_with = "passphrase_file")]
    pub(crate) no_passphrase: bool,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `public`.
#[derive(Debug, Args)]
pub(crate) struct Public {
    /// The private key file [default: ~/.ssh/id_ed25519]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
}

/// `passphrase`.
#[derive(Debug, Args)]
pub(crate) struct ChangePassphrase {
    /// The private key file [default: ~/.ssh/id_ed25519]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
    /// Take the new passphrase from the first line of this file; without this it is asked for on
    /// the terminal, twice
    #[arg(long, value_name = "PATH")]
    pub(crate) new_passphrase_file: Option<PathBuf>,
    /// Write the private key unprotected
    #[arg(long, conflicts_with = "new_passphrase_file")]
    pub(crate) no_passphrase: bool,
}

/// `fingerprint`.
#[derive(Debug, Args)]
pub(crate) struct FingerprintArgs {
    /// Private keys, public keys, known_hosts, authorized_keys; - is standard input
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Draw each fingerprint as well
    #[arg(long)]
    pub(crate) randomart: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// The `known_hosts` file.
#[derive(Debug, Args)]
pub(crate) struct HostsFile {
    /// The known_hosts file [default: ~/.ssh/known_hosts]
    #[arg(long, value_name = "PATH")]
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
  keytool hosts scan --timeout 3 [2001:db8::1]:7000")]
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
    /// Print the lines about a host
    #[command(after_help = "\
Examples:
  keytool hosts find rpc.example.org:7000
  keytool hosts find --json --file /etc/rpc/known_hosts rpc.example.org:7000")]
    Find(FindHost),
    /// Remove a host
    ///
    /// Lines that list it by name or hash lose it. Patterns, and lines marked @revoked or
    /// @cert-authority, stay and are named.
    #[command(after_help = "\
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
    Hash(HostsFile),
    /// Learn the other keys of a known host, and take out those that it holds no more
    ///
    /// Connects as a client: the host must show a key that known_hosts lists for it, and let the
    /// client in. Then the keys that it proves to hold are added, and the Ed25519 keys that it does
    /// not prove go. A server that is stealth, or has one key, proves no others.
    #[command(after_help = "\
Examples:
  keytool hosts rotate rpc.example.org:7000
  keytool hosts rotate rpc.example.org:7000 --identity alice_ed25519 --login alice")]
    Rotate(RotateHost),
}

/// `hosts scan`.
#[derive(Debug, Args)]
pub(crate) struct Scan {
    /// The server, as host:port
    #[arg(value_name = "HOST:PORT", value_parser = with_port)]
    pub(crate) host: Host,
    /// Seconds after which to give up
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
    /// Print the name hashed
    #[arg(long)]
    pub(crate) hash: bool,
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
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) comment: String,
    /// Seconds after which to give up on the host
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) file: HostsFile,
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
    /// The host; without a port, port 22
    #[arg(value_name = "HOST[:PORT]", value_parser = any_port)]
    pub(crate) host: Host,
    #[command(flatten)]
    pub(crate) file: HostsFile,
}

/// `hosts rotate`.
#[derive(Debug, Args)]
pub(crate) struct RotateHost {
    /// The host; without a port, port 22
    #[arg(value_name = "HOST[:PORT]", value_parser = any_port)]
    pub(crate) host: Host,
    /// The private key to be let in with [default: ~/.ssh/id_ed25519, if it is there]
    #[arg(long, value_name = "PATH")]
    pub(crate) identity: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
    /// The login to ask for
    #[arg(long)]
    pub(crate) login: Option<String>,
    /// Seconds after which to give up on the host
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) file: HostsFile,
}

/// The `authorized_keys` file.
#[derive(Debug, Args)]
pub(crate) struct AuthorizedFile {
    /// The authorized_keys file [default: ~/.ssh/authorized_keys]
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,
}

/// `authorize`.
#[derive(Debug, Args)]
pub(crate) struct Authorize {
    /// A .pub file, or - for standard input
    #[arg(value_name = "PUB")]
    pub(crate) key: PathBuf,
    /// The comment of the line [default: that of PUB]
    #[arg(long)]
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
}

/// `authorized`.
#[derive(Debug, Subcommand)]
pub(crate) enum Authorized {
    /// List the keys and what each line does
    #[command(after_help = "\
Examples:
  keytool authorized list
  keytool authorized list --json --file /etc/rpc/authorized_keys")]
    List(ListAuthorized),
    /// Remove every line with a key
    #[command(after_help = "\
Examples:
  keytool authorized remove SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU
  keytool authorized remove alice_ed25519.pub")]
    Remove(RemoveAuthorized),
}

/// `authorized list`.
#[derive(Debug, Args)]
pub(crate) struct ListAuthorized {
    #[command(flatten)]
    pub(crate) file: AuthorizedFile,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `authorized remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveAuthorized {
    /// The key's fingerprint, or its .pub file
    #[arg(value_name = "FINGERPRINT|PUB")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) file: AuthorizedFile,
}

fn with_port(text: &str) -> Result<Host, String> {
    Host::parse(text, None).map_err(|error| error.to_string())
}

fn any_port(text: &str) -> Result<Host, String> {
    Host::parse(text, Some(22)).map_err(|error| error.to_string())
}

fn expiry(text: &str) -> Result<SystemTime, String> {
    let time = time::rfc3339(text).map_or_else(|| expiry_time(text), Ok);
    let time = time.map_err(|error| error.to_string())?;
    if time < SystemTime::now() {
        return Err("that time is over".to_owned());
    }
    Ok(time)
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    text.parse().map_err(|error: handfast::key::KeyError| error.to_string())
}
