//! What can be said on the command line.

mod authorized;
mod check;
mod explain;
mod hosts;
mod key;
mod manual;

use clap::{Parser, Subcommand};
use handfast::trust::Host;

pub(crate) use self::authorized::{Authorize, Authorized, ListAuthorized, RemoveAuthorized};
pub(crate) use self::check::{Check, Kind};
pub(crate) use self::explain::{Explain, ExplainClient, ExplainHost, Form};
pub(crate) use self::hosts::{
    AddHost, FindHost, HashHosts, Hosts, ListHosts, RemoveHost, RotateHost, Scan,
};
pub(crate) use self::key::{ChangePassphrase, FingerprintArgs, Generate, Public};
pub(crate) use self::manual::{Completions, Man};

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
    #[command(aliases = ["keygen", "gen", "new", "create"], after_help = "\
Examples:
  keytool generate
  keytool generate --comment alice@example.org alice_ed25519
  keytool generate --no-passphrase --if-missing /etc/rpc/host_ed25519")]
    Generate(Generate),
    /// Print the public key of a private key file
    #[command(aliases = ["pub", "pubkey", "public-key"], after_help = "\
Examples:
  keytool public > ~/.ssh/id_ed25519.pub
  keytool public host_ed25519
  pass show host_ed25519 | keytool public -")]
    Public(Public),
    /// Change, add or take away the passphrase of a private key
    ///
    /// The comment stays, and so do owner and mode. The file is the old one or the new one at every
    /// moment. A key that ever lay on the disk without a passphrase is best replaced: what the old
    /// file held can stay there until it is overwritten.
    #[command(aliases = ["passwd", "password", "change-pass", "change-passphrase"], after_help = "\
Examples:
  keytool passphrase
  keytool passphrase --new-passphrase-file secret host_ed25519
  keytool passphrase --no-passphrase host_ed25519")]
    Passphrase(ChangePassphrase),
    /// Print the fingerprints of keys in files of any kind
    #[command(aliases = ["fp", "inspect", "show"], after_help = "\
Examples:
  keytool fingerprint host_ed25519.pub
  keytool fingerprint --randomart host_ed25519
  keytool fingerprint --json ~/.ssh/known_hosts ~/.ssh/authorized_keys")]
    Fingerprint(FingerprintArgs),
    /// Look after known_hosts: which keys belong to which hosts
    #[command(subcommand, arg_required_else_help = true, aliases = ["host", "known-hosts", "known_hosts"])]
    Hosts(Hosts),
    /// Admit a key: add it to authorized_keys
    #[command(aliases = ["authorise", "allow"], after_help = "\
Examples:
  keytool authorize alice_ed25519.pub
  keytool authorize alice_ed25519.pub --from 10.0.0.0/8,192.0.2.7 --expires 20301231Z
  keytool authorize alice_ed25519.pub bob_ed25519.pub
  ssh-add -L | keytool authorize - --file /etc/rpc/authorized_keys")]
    Authorize(Authorize),
    /// Look after authorized_keys: which keys are admitted
    #[command(subcommand, arg_required_else_help = true, aliases = ["authorised", "authorized-keys", "authorized_keys"])]
    Authorized(Authorized),
    /// Say what is wrong with trust files and key files, and what to do about it
    ///
    /// What a file is, its contents tell: a private key, a public key, known_hosts or
    /// authorized_keys. Looked at are its lines, who else can change it, and for a private key the
    /// public key beside it.
    #[command(aliases = ["lint", "doctor"], after_help = "\
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
  keytool man hosts add
  keytool man --dir ~/.local/share/man/man1")]
    Man(Man),
}

fn with_port(text: &str) -> Result<Host, String> {
    Host::parse(text, None).map_err(|error| error.to_string())
}

fn any_port(text: &str) -> Result<Host, String> {
    Host::parse(text, Some(22)).map_err(|error| error.to_string())
}
