//! `keytool completions` and `keytool man`.

mod page;

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory as _};
use handfast::key::printable;

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
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let Some(dir) = &args.dir else {
        let command = named(&root, &args.command)?;
        let page = page::render(command).map_err(|error| Failure::printing(&error))?;
        return print(&page);
    };
    let dir = paths::home(dir)?;
    write_all(&root, &dir).map_err(|error| {
        Failure::Io(format!("{}: cannot write the pages: {error}", paths::shown(&dir)))
    })?;
    talk(format_args!("{}: wrote keytool.1 and a page for each command", paths::shown(&dir)));
    Ok(Answer::Done)
}

/// The command that is called `hosts add`, `hosts-add` or, as its page, `keytool-hosts-add`.
fn named<'a>(root: &'a Command, words: &[String]) -> Result<&'a Command, Failure> {
    let whole = words.join("-");
    let names = whole.split('-').skip_while(|name| *name == "keytool");
    names.filter(|name| !name.is_empty()).try_fold(root, |command, name| {
        command.find_subcommand(name).ok_or_else(|| {
            let name = printable(name);
            Failure::Usage(format!("there is no command `{name}`; `keytool man` lists them"))
        })
    })
}

/// A page for each command in a folder.
fn write_all(command: &Command, dir: &Path) -> io::Result<()> {
    fs::write(dir.join(page::file_name(command)), page::render(command)?)?;
    shown_commands(command).try_for_each(|command| write_all(command, dir))
}

/// The commands below one that are shown.
fn shown_commands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|command| !command.is_hide_set())
}

fn print(text: &[u8]) -> Result<Answer, Failure> {
    data(String::from_utf8_lossy(text).trim_end())?;
    Ok(Answer::Done)
}
