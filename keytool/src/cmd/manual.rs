//! `keytool completions` and `keytool man`.

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::cli::{self, Cli, Completions};
use crate::error::{Answer, Failure};
use crate::output::{data, talk};
use crate::paths;

pub(crate) fn completions(args: &Completions) -> Result<Answer, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "keytool", &mut script);
    print(&script)
}

pub(crate) fn man(args: &cli::Man) -> Result<Answer, Failure> {
    let Some(dir) = &args.dir else {
        let mut page = Vec::new();
        Man::new(Cli::command()).render(&mut page).map_err(|error| Failure::printing(&error))?;
        return print(&page);
    };
    let dir = paths::home(dir)?;
    clap_mangen::generate_to(Cli::command(), &dir).map_err(|error| {
        Failure::Io(format!("{}: cannot write the pages: {error}", paths::shown(&dir)))
    })?;
    talk(format_args!("{}: wrote keytool.1 and a page for each command", paths::shown(&dir)));
    Ok(Answer::Done)
}

fn print(text: &[u8]) -> Result<Answer, Failure> {
    data(String::from_utf8_lossy(text).trim_end())?;
    Ok(Answer::Done)
}
