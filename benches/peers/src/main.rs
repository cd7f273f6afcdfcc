//! Measures handfast beside plain TCP, rustls, snow and russh; see README.md.

mod args;
mod fleet;
mod keys;
mod loads;
mod measure;
mod peers;
mod plan;
mod report;
mod variant;
mod worker;

use clap::Parser;

use args::Args;
use fleet::Fleet;
use peers::Result;

fn main() -> Result<()> {
    let args = Args::parse();
    if args.worker {
        return worker::run();
    }
    let mut fleet = Fleet::start(args.no_aws)?;
    let rows = plan::run(&args, &mut fleet)?;
    report::write(&args, rows)
}
