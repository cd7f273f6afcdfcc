//! Deciding about one key by a file of which nothing is kept.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{Deciding, Decision, Question, parse_line};
use crate::key::PublicKey;
use crate::trust::file::{Lines, Ownership, is_blank};
use crate::trust::glued;
use crate::trust::strict_modes::Guard;
use crate::trust::{Place, SkippedLines, TrustError, TrustErrorKind};

/// Reads a file that `open` opens to its end and decides about a key by the lines that list it;
/// gives the path, too, as messages show it.
pub(in crate::trust) fn decide_in_file(
    path: &Path,
    guard: Option<Guard>,
    open: impl FnOnce(&Path) -> Result<File, TrustErrorKind>,
    question: &Question<'_>,
) -> Result<(Decision, Arc<str>), TrustError> {
    let ownership = guard.map_or(Ownership::Any, Ownership::Strict);
    let mut lines = Lines::open(path, &ownership, open)?;
    let name = lines.name().clone();
    let text = base64_of(question.key());
    let local = TimeZone::system();
    let mut deciding = Deciding::new(question);
    let mut skipped = SkippedLines::default();
    while let Some((number, line)) = lines.next()? {
        if !may_list(line, &text) {
            continue;
        }
        let place = Place::new(&name, number);
        match parse_line(place.clone(), line, &local) {
            Ok(Some((key, listed))) if key == *question.key() => deciding.look(&listed),
            // the text of the key stood in its options or its comment
            Ok(_) => {}
            Err(fault) => skipped.push(place, glued(line).unwrap_or(fault)),
        }
    }
    Ok((deciding.done(), name))
}

/// The key as its line must have it: it is a multiple of three bytes long and has one encoding.
fn base64_of(key: &PublicKey) -> String {
    let text = key.to_string();
    text.split(' ').nth(1).unwrap_or_default().to_owned()
}

/// Whether the line could list the key: a word of it begins with the key's text. A prefilter, and no
/// more than that: options and comments may hold the text of a key, too.
fn may_list(line: &[u8], text: &str) -> bool {
    // inside the base64 these are passed over, as by OpenSSH
    let counts = |byte: &&u8| !matches!(byte, b'\x0b'..=b'\r');
    line.split(is_blank)
        .filter(|word| word.len() >= text.len())
        .any(|word| word.iter().filter(counts).take(text.len()).eq(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::AuthorizedKeys;
    use super::*;
    use crate::key::Identity;
    use crate::trust::file::open_to_read;

    fn both(text: &str, key: &PublicKey) -> (Decision, Decision) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let question = Question::new(key, SystemTime::now());
        let (streamed, _) = decide_in_file(file.path(), None, open_to_read, &question).unwrap();
        let name = file.path().display().to_string();
        let whole = AuthorizedKeys::parse(&name, text.as_bytes()).unwrap().decide(&question);
        (streamed, whole)
    }

    #[test]
    fn a_file_that_is_streamed_decides_like_one_that_is_held() {
        let (alice, bob) = (Identity::from_seed(&[1; 32]), Identity::from_seed(&[2; 32]));
        let (a, b) = (alice.public_key(), bob.public_key());
        let base64 = base64_of(a);
        let (first, last) = base64.split_at(30);
        for text in [
            String::new(),
            format!("{a}\n"),
            format!("\u{feff}{a}\r\n"),
            format!("{b}\n\n# {a}\n{a} alice"),
            format!("\t ssh-ed25519 \t {base64}\t alice\n"),
            format!("ssh-ed25519 {first}\x0b{last}\r\x0c\n"),
            // the text of one key in the options or the comment of another
            format!("command=\"ssh-ed25519 {base64} \" {b}\n"),
            format!("environment=\"A={base64}\" {b} {a}\n"),
            format!("command=\"x {base64} y\" {a}\n"),
            // lines that admit nobody, and one behind them that does
            format!("zone {a}\nexpiry-time=\"20000101Z\" {a}\ncert-authority {a}\n"),
            format!("zone {a}\nexpiry-time=\"20000101Z\" {a}\n{a} third\nzone {a}\n"),
            format!("{a}{b}\nssh-ed25519 {base64}AAAA\nssh-rsa {base64}\n"),
            format!("restrict,no-pty {a} \u{1b}[31m\n"),
            format!("{a}\0\n"),
        ] {
            for key in [a, b] {
                let (streamed, whole) = both(&text, key);
                assert_eq!(streamed, whole, "{text:?}");
            }
        }
        assert!(matches!(both(&format!("command=\"{a}\" {b}"), a).0, Decision::Unlisted));
        assert!(matches!(both(&format!("x\n{a}"), a).0, Decision::Admitted(_)));
    }

    #[test]
    fn what_refuses_the_whole_file_refuses_it_behind_the_line_that_admits_too() {
        let alice = Identity::from_seed(&[1; 32]);
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = format!("{}\n{}\n", alice.public_key(), "x".repeat(crate::trust::MAX_LINE + 1));
        std::fs::write(file.path(), text).unwrap();
        let question = Question::new(alice.public_key(), SystemTime::now());
        let error = decide_in_file(file.path(), None, open_to_read, &question).unwrap_err();
        assert_eq!(error.line(), Some(2));
    }
}
