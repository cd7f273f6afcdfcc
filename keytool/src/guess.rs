//! What somebody types who knows `ssh-keygen`, `ssh-copy-id`, `step`, `age` or a JDK's `keytool`:
//! the error names the command that does it here.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use handfast::key::{printable, shell_word};

/// Options of `ssh-keygen` that have a value.
const WITH_VALUE: &str = "aBbCDEFfIiJKkMmNnOPRrSsTtVWwYZz";

/// What a JDK's `keytool` is called with.
const OF_JDK: [&str; 18] = [
    "-genkey",
    "-genkeypair",
    "-genseckey",
    "-gencert",
    "-list",
    "-alias",
    "-import",
    "-importcert",
    "-importkeystore",
    "-export",
    "-exportcert",
    "-printcert",
    "-certreq",
    "-keystore",
    "-storepass",
    "-storepasswd",
    "-keypasswd",
    "-delete",
];

/// `--help` counts for the command in which it stands, wherever it stands: `keytool --help hosts add`.
pub(crate) fn help_last(args: Vec<OsString>) -> Vec<OsString> {
    let is_help = |arg: &OsString| arg == "--help" || arg == "-h";
    let first_word = args.iter().skip(1).position(|arg| !is_help(arg));
    let asked = args.iter().skip(1).take(2).any(is_help);
    if !asked || first_word.is_none() || args.iter().any(|arg| arg == "--") {
        return args;
    }
    let mut rest: Vec<_> = args.into_iter().filter(|arg| !is_help(arg)).collect();
    rest.push("--help".into());
    rest
}

/// What is to be said instead of the message of the parser, if the way is known.
pub(crate) fn way(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let words: Vec<_> = args.iter().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    match error.kind() {
        ErrorKind::UnknownArgument if words.first()?.starts_with('-') => of_options(&words),
        ErrorKind::UnknownArgument => of_option(&words, &invalid(error, ContextKind::InvalidArg)?),
        ErrorKind::InvalidSubcommand => {
            of_command(&invalid(error, ContextKind::InvalidSubcommand)?, &words)
        }
        _ => None,
    }
}

fn invalid(error: &clap::Error, what: ContextKind) -> Option<String> {
    match error.get(what)? {
        ContextValue::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// A call as that of `ssh-keygen` or of a JDK's `keytool`: options and no command.
fn of_options(words: &[String]) -> Option<String> {
    let first = words.first()?;
    let lower = first.to_ascii_lowercase();
    if OF_JDK.contains(&lower.as_str()) {
        return Some(format!(
            "`{}` is an option of the JDK's keytool, and this is handfast's; `type -a keytool` lists the programs of this name",
            printable(first)
        ));
    }
    let call = KeygenCall::read(words)?;
    call.way().map(|way| format!("keytool has commands where ssh-keygen has options: {way}"))
}

/// The options of `ssh-keygen`.
#[derive(Default)]
struct KeygenCall {
    letters: String,
    values: Vec<(char, String)>,
}

impl KeygenCall {
    fn read(words: &[String]) -> Option<Self> {
        let mut call = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                continue;
            };
            if letters.starts_with('-') {
                return None;
            }
            for (at, letter) in letters.char_indices() {
                call.letters.push(letter);
                if WITH_VALUE.contains(letter) {
                    let rest = letters.get(at.saturating_add(letter.len_utf8())..);
                    let value = match rest.unwrap_or_default() {
                        "" => words.next().cloned().unwrap_or_default(),
                        rest => rest.to_owned(),
                    };
                    call.values.push((letter, value));
                    break;
                }
            }
        }
        Some(call)
    }

    fn has(&self, letter: char) -> bool {
        self.letters.contains(letter)
    }

    fn value(&self, letter: char) -> Option<&str> {
        self.values.iter().find(|(name, _)| *name == letter).map(|(_, value)| value.as_str())
    }

    /// ` VALUE` for a shell, or what stands for it.
    fn word(&self, letter: char, otherwise: &str) -> String {
        match self.value(letter) {
            Some(value) if !value.is_empty() => format!(" {}", shell_word(value)),
            _ => otherwise.to_owned(),
        }
    }

    fn way(&self) -> Option<String> {
        let in_file = match self.value('f') {
            Some(file) if !file.is_empty() => format!(" --file {}", shell_word(file)),
            _ => String::new(),
        };
        let has_any = |letters: &str| letters.chars().any(|letter| self.has(letter));
        Some(if self.has('F') {
            format!("`keytool hosts find{}{in_file}`", self.word('F', " HOST"))
        } else if self.has('R') {
            format!("`keytool hosts remove{}{in_file}`", self.word('R', " HOST"))
        } else if self.has('H') {
            format!("`keytool hosts hash{in_file}`")
        } else if has_any("YskLMDKUQ") {
            "for signatures, certificates, revocation lists and tokens there is none; use ssh-keygen"
                .to_owned()
        } else if has_any("ie") {
            "for other formats of keys there is none; convert them with ssh-keygen".to_owned()
        } else if self.has('A') {
            "make each host key by itself: `keytool generate --no-passphrase FILE`".to_owned()
        } else if self.has('l') || self.has('B') {
            let art = if self.has('v') { " --randomart" } else { "" };
            format!("`keytool fingerprint{art}{}`", self.word('f', " FILE"))
        } else if self.has('y') {
            format!("`keytool public{}`", self.word('f', ""))
        } else if self.has('p') || self.has('P') {
            format!("`keytool passphrase{}`", self.word('f', ""))
        } else if self.has('c') {
            "a comment stands after the key in the .pub file; edit it there".to_owned()
        } else if has_any("tfNCbaq") {
            let comment = match self.value('C') {
                Some(comment) => format!(" --comment {}", shell_word(comment)),
                None => String::new(),
            };
            let bare = if self.value('N') == Some("") { " --no-passphrase" } else { "" };
            let other = self.value('t').is_some_and(|kind| !kind.eq_ignore_ascii_case("ed25519"));
            let only = if other { "; it makes Ed25519 keys only" } else { "" };
            format!("`keytool generate{bare}{comment}{}`{only}", self.word('f', ""))
        } else {
            return None;
        })
    }
}

/// An option that a command does not have.
fn of_option(words: &[String], option: &str) -> Option<String> {
    let command = words.iter().take_while(|word| !word.starts_with('-'));
    let command: Vec<_> = command.map(String::as_str).collect();
    let why = match (command.as_slice(), option) {
        (["generate" | "keygen", ..], "-b") => {
            "an Ed25519 key has 256 bits, and keytool makes no others; leave it out"
        }
        (["generate" | "keygen" | "passphrase", ..], "-a" | "-Z") => {
            "cost and cipher of the passphrase's protection cannot be chosen; leave it out"
        }
        (["generate" | "keygen", ..], "-y" | "--yes" | "--overwrite") => {
            "to replace a key say --force"
        }
        (["hosts", "scan"], "-p" | "--port") => "the port is part of the host: HOST:PORT",
        (["hosts", _, ..], "-p" | "--port") => "the port is part of the host: HOST:PORT",
        (["hosts", "add", ..], "-i" | "--identity") => "the host's public key goes after --key",
        (["hosts", "add", ..], "--force" | "--replace") => {
            "a host's key is never replaced; take the old one out with `keytool hosts remove`, or accept both with --beside"
        }
        (["authorize", ..], "-p" | "--port" | "-o") => {
            "keytool writes to files of this machine; for another one use ssh-copy-id, or run keytool there: `ssh HOST keytool authorize - < PUB`"
        }
        (["authorize", ..], "--expiry" | "--expire" | "--until" | "--expiry-time") => {
            "the time goes after --expires"
        }
        (["authorize", ..], "--options" | "--command" | "--restrict") => {
            "that option is written by hand, before the key on its line"
        }
        _ => return None,
    };
    Some(format!("`{}`: {why}", printable(option)))
}

/// A command that there is not.
fn of_command(name: &str, words: &[String]) -> Option<String> {
    let below = words.iter().take_while(|word| *word != name).last().map(String::as_str);
    let way = match (below, name) {
        (None, "ls" | "list") => {
            "`keytool hosts list` lists known_hosts, `keytool authorized list` authorized_keys, and `keytool fingerprint FILE` the keys of any file"
        }
        (None, "rm" | "remove" | "delete" | "del") => {
            "`keytool hosts remove HOST` takes a host out of known_hosts, `keytool authorized remove KEY` a key out of authorized_keys"
        }
        (None, "add") => {
            "`keytool hosts add HOST` adds a host to known_hosts, `keytool authorize PUB` a key to authorized_keys"
        }
        (None, "find" | "search" | "lookup") => {
            "`keytool hosts find HOST` finds a host in known_hosts, `keytool authorized list` shows who is admitted"
        }
        (None, "scan" | "keyscan" | "ssh-keyscan") => "`keytool hosts scan HOST:PORT`",
        (None, "rotate") => "`keytool hosts rotate HOST:PORT`",
        (None, "hash") => "`keytool hosts hash`",
        (None, "copy-id" | "ssh-copy-id") => {
            "`keytool authorize PUB` on the server, or ssh-copy-id from here"
        }
        (None, "revoke") => {
            "`keytool authorized remove KEY` shuts a client out; a host's key is revoked by a line `@revoked * KEY` in known_hosts"
        }
        (None, "version") => "`keytool --version`",
        (None, "import" | "export" | "convert") => {
            "other formats of keys are converted by `ssh-keygen -i` and `ssh-keygen -e`"
        }
        (None, "sign" | "verify" | "certificate" | "cert" | "ca" | "crypto" | "ssh") => {
            "keytool makes no signatures and no certificates; use ssh-keygen"
        }
        (None, "encrypt" | "decrypt") => "keytool encrypts no files; use age",
        (Some("hosts" | "known_hosts" | "known-hosts"), "generate") => {
            "`keytool generate` makes a key, for hosts and for people alike"
        }
        (Some("hosts"), "keyscan") => "`keytool hosts scan HOST:PORT`",
        (Some("hosts"), "revoke") => "add a line `@revoked * KEY` to known_hosts",
        (Some("hosts"), "update") => "`keytool hosts rotate HOST:PORT`",
        (Some("authorized" | "authorized_keys"), "find" | "show" | "get") => {
            "`keytool authorized list`, or `keytool explain client` for one key"
        }
        _ => return None,
    };
    Some(format!("there is no command `{}`; {way}", printable(name)))
}
