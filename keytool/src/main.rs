//! keytool, the key manager of handfast: keys, and the files that say whom to trust.

mod ask;
mod cli;
mod cmd;
mod error;
mod guess;
mod output;
mod passphrase;
mod paths;
#[cfg(unix)]
mod prompt;
mod time;

use std::process::ExitCode;

use clap::Parser as _;

use self::error::Failure;

fn main() -> ExitCode {
    output::choose_colours();
    let args = guess::help_last(std::env::args_os().collect());
    let outcome = match cli::Cli::try_parse_from(&args) {
        Ok(cli) => cmd::run(cli.command),
        Err(error) => match guess::way(&error, &args) {
            Some(way) => Err(Failure::Usage(way)),
            None => error.exit(),
        },
    };
    match outcome {
        Ok(answer) => answer.into(),
        Err(failure) => {
            output::talk(format_args!("{}: {failure}", output::bad("error")));
            failure.into()
        }
    }
}
