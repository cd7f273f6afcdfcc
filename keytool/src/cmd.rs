//! The commands, one to a file.

mod add_host;
mod authorize;
mod authorized;
mod check;
mod explain;
mod fingerprint;
mod generate;
mod hosts;
mod manual;
mod passphrase;
mod public;
mod public_key_file;
mod rotate;
mod scan;

use crate::cli::{Authorized, Command, Explain, Hosts};
use crate::error::{Answer, Failure};

/// Carries out a command.
pub(crate) fn run(command: Command) -> Result<Answer, Failure> {
    match command {
        Command::Generate(args) => generate::run(args),
        Command::Public(args) => public::run(args),
        Command::Passphrase(args) => passphrase::run(args),
        Command::Fingerprint(args) => fingerprint::run(&args),
        Command::Hosts(Hosts::Scan(args)) => scan::run(&args),
        Command::Hosts(Hosts::Add(args)) => add_host::run(args),
        Command::Hosts(Hosts::List(args)) => hosts::list(args),
        Command::Hosts(Hosts::Find(args)) => hosts::find(args),
        Command::Hosts(Hosts::Remove(args)) => hosts::remove(args),
        Command::Hosts(Hosts::Hash(args)) => hosts::hash(args),
        Command::Hosts(Hosts::Rotate(args)) => rotate::run(args),
        Command::Authorize(args) | Command::Authorized(Authorized::Add(args)) => {
            authorize::run(args)
        }
        Command::Authorized(Authorized::List(args)) => authorized::list(args),
        Command::Authorized(Authorized::Remove(args)) => authorized::remove(args),
        Command::Check(args) => check::run(&args),
        Command::Explain(Explain::Host(args)) => explain::host::run(&args),
        Command::Explain(Explain::Client(args)) => explain::client::run(&args),
        Command::Completions(args) => manual::completions(&args),
        Command::Man(args) => manual::man(&args),
    }
}
