//! keytool, the key manager of handfast: keys, and the files that say whom to trust.

mod ask;
mod cli;
mod cmd;
mod error;
mod output;
mod passphrase;
mod paths;
mod time;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    output::choose_colours();
    let cli = cli::Cli::parse();
    match cmd::run(cli.command) {
        Ok(answer) => answer.into(),
        Err(failure) => {
            output::talk(format_args!("{}: {failure}", output::bad("error")));
            failure.into()
        }
    }
}
