//! A man page.
//!
//! What `clap_mangen` leaves out is made here: values of options in the synopsis, examples as they
//! are typed, and words that stay whole: a fingerprint with a hyphen in it is another one.

use std::io;

use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::shown_commands;

/// For `troff`: no hyphens, and no blanks but those that are meant.
const WHOLE_WORDS: &str = ".nr HY 0\n.nh\n.ad l\n";

/// The name of the page's file.
pub(super) fn file_name(command: &Command) -> String {
    Man::new(command.clone()).get_filename()
}

/// The page.
pub(super) fn render(command: &Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone()).source(concat!("keytool ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    page.extend_from_slice(WHOLE_WORDS.as_bytes());
    man.render_name_section(&mut page)?;
    synopsis(command).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if shown_commands(command).next().is_some() {
        man.render_subcommands_section(&mut page)?;
    }
    let sections = Sections::of(command);
    sections.roff(command).to_writer(&mut page)?;
    if command.get_version().is_some() {
        man.render_version_section(&mut page)?;
    }
    Ok(page)
}

/// Options with their values, then arguments.
fn synopsis(command: &Command) -> Roff {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let mut line = vec![bold(name)];
    let is_shown =
        |arg: &&Arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version");
    for arg in command.get_arguments().filter(is_shown).filter(|arg| !arg.is_positional()) {
        line.push(roman(if arg.is_required_set() { " " } else { " [" }));
        line.extend(option(arg));
        line.push(roman(if arg.is_required_set() { "" } else { "]" }));
    }
    for arg in command.get_positionals().filter(is_shown) {
        let is_optional = !arg.is_required_set();
        line.push(roman(if is_optional { " [" } else { " " }));
        line.push(italic(values(arg)));
        line.push(roman(if is_optional { "]" } else { "" }));
        let many = arg.get_num_args().is_some_and(|range| range.max_values() > 1);
        line.push(roman(if many { "..." } else { "" }));
    }
    if shown_commands(command).next().is_some() {
        line.extend([roman(" "), italic("COMMAND"), roman(" ...")]);
    }
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text(line);
    roff
}

/// `-f PATH` or `--file PATH`.
fn option(arg: &Arg) -> Vec<Inline> {
    let mut inlines = Vec::new();
    if let Some(short) = arg.get_short() {
        inlines.push(bold(format!("-{short}")));
    }
    if let Some(long) = arg.get_long() {
        if !inlines.is_empty() {
            inlines.push(roman("|"));
        }
        inlines.push(bold(format!("--{long}")));
    }
    if arg.get_action().takes_values() {
        inlines.extend([roman(" "), italic(values(arg))]);
    }
    inlines
}

/// The names of the values of an argument.
fn values(arg: &Arg) -> String {
    match arg.get_value_names() {
        Some(names) => names.join(" "),
        None => arg.get_id().as_str().to_uppercase(),
    }
}

/// The text below the options of the help, in parts.
#[derive(Default)]
struct Sections {
    examples: Vec<String>,
    exit: Vec<String>,
    rest: Vec<String>,
}

impl Sections {
    fn of(command: &Command) -> Self {
        let mut sections = Self::default();
        let text = command.get_after_long_help().or_else(|| command.get_after_help());
        let mut part = &mut sections.rest;
        for line in text.map(ToString::to_string).unwrap_or_default().lines() {
            match line {
                "Examples:" => part = &mut sections.examples,
                "Exit codes:" => part = &mut sections.exit,
                "" => part = &mut sections.rest,
                line => part.push(line.trim_start().to_owned()),
            }
        }
        sections
    }

    fn roff(&self, command: &Command) -> Roff {
        let mut roff = Roff::new();
        let examples = examples(command);
        if !examples.is_empty() {
            roff.control("SH", ["EXAMPLES"]);
            lines(&mut roff, &examples);
        }
        if !self.exit.is_empty() {
            roff.control("SH", ["EXIT STATUS"]);
            lines(&mut roff, &self.exit);
        }
        for line in &self.rest {
            roff.control("PP", []);
            roff.text([roman(line)]);
        }
        roff
    }
}

/// The examples of a command, or one of each below it.
fn examples(command: &Command) -> Vec<String> {
    let own = Sections::of(command).examples;
    if !own.is_empty() || shown_commands(command).next().is_none() {
        return own;
    }
    let below = shown_commands(command);
    below.flat_map(|command| examples(command).into_iter().take(MOST_BELOW)).collect()
}

/// Examples of one command on the page above it.
const MOST_BELOW: usize = 2;

/// Lines as they are.
fn lines(roff: &mut Roff, lines: &[String]) {
    roff.control("PP", []);
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
}
