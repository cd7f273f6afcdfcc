use super::*;
use crate::key::Identity;
use crate::trust::{KnownHosts, TrustErrorKind};

const CERTIFICATE: &str = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAx";

fn keys() -> [String; 2] {
    [1, 2].map(|seed| Identity::from_seed(&[seed; 32]).public_key().to_string())
}

/// A line with `A` and `B` for keys, and `|` where a line end is missing.
fn line(text: &str) -> (String, Option<usize>) {
    let [a, b] = keys();
    let text = text.replace("$A", &a).replace("$B", &b).replace("$C", CERTIFICATE);
    let at = text.find('|');
    (text.replacen('|', "", 1), at)
}

fn halves(text: &str) -> (String, Option<(String, String)>) {
    let (text, at) = line(text);
    (text.clone(), at.map(|at| (text[..at].trim().to_owned(), text[at..].trim().to_owned())))
}

#[test]
fn a_second_entry_is_found_where_it_begins() {
    for text in [
        "h $A me@lab|@revoked * $B",
        "h $A|@revoked * $B",
        "h $A me|@revoked\t*\t$B\tcomment",
        "h $A me |@REVOKED h $B",
        "h.lab|@revoked * $B",
        "h,x|@revoked x $B",
        "h $A me|@cert-authority *.lab $B",
        "@revoked h $A me|@revoked * $B",
        "@cert-authority h $A me|@revoked * $C",
        "# the hosts of the lab|@revoked * $B",
        "# @revoked h $A me|@revoked * $B",
        "#\r|@revoked * $B",
        "h $A|x $B",
        "h $A|ssh-ed25519 AAAA",
        "$A me@lab|$B",
        "$A|$B",
        "$A|$C",
        "restrict,command=\"x y\" $A me|$B",
        "restrict $A|restrict $B",
        "# old|$B",
        "# old\r|$B",
        "#\r|$B",
        "# old\r|h $B",
        "# h $A\r|h $B",
        "# h $A me|$B",
        "h ssh-ed25|x $A",
        "h ssh-rsa AAAAB3Nz|x $B",
    ] {
        let (line, expected) = halves(text);
        let (first, second) = expected.expect("the place");
        let second = second.replace('\t', " ");
        if text.starts_with("h ssh-") {
            // what a key that is cut off ends with is not known
            assert!(glued(line.as_bytes()).is_some(), "{text}");
            continue;
        }
        assert_eq!(
            glued(line.as_bytes()),
            Some(LineFault::Glued { first, second }),
            "{text}\n{line}"
        );
    }
    // the name could begin anywhere in its word
    let (line, _) = line("h $A me@labx $B");
    let Some(LineFault::Glued { first, second }) = glued(line.as_bytes()) else { panic!() };
    assert_eq!(first, format!("h {}", keys()[0]));
    assert_eq!(second, format!("me@labx {}", keys()[1]));
    let (line, _) = self::line("# the hosts of the labx $B");
    assert!(glued(line.as_bytes()).is_some());
}

#[test]
fn comments_and_single_entries_are_what_they_are() {
    for text in [
        "",
        "#",
        "h $A",
        "h $A me@revoked",
        "h $A me @revoked yesterday",
        "h $A see @revoked lines of ssh-ed25519 keys",
        "@revoked h $A me@lab",
        "@cert-authority * $A",
        "# @revoked * $A",
        "#@revoked * $A comment",
        " \t## \t@revoked h $A",
        "# h $A comment",
        "#$A",
        "# $A",
        "# restrict $A",
        "# restrict $A\r",
        "# @cert-authority *.lab $A",
        "# command=\"echo $A\" $A",
        "command=\"echo $A\" $A comment",
        "no-pty, restrict $A",
        "h, x $A",
        "h ssh-ed25519",
        "h ssh-ed25519 AAAA",
        "h #$A",
        "h # $A",
        "@revoked h # $A",
        "@revoked @revoked h $A",
        "nonsense",
    ] {
        let (line, _) = line(text);
        assert_eq!(glued(line.as_bytes()), None, "{text}");
    }
}

#[test]
fn a_known_hosts_with_a_hidden_revocation_is_refused() {
    for (text, hidden) in [
        ("h $A me@lab|@revoked * $B", true),
        ("h $A|@revoked * $B", true),
        ("h.lab|@revoked * $C", true),
        ("# the lab|@revoked * $B", true),
        ("# @revoked * $B", false),
        ("h $A me@lab@revoked", false),
        ("h $A me@labx $B", false),
        ("$A|$B", false),
    ] {
        let (line, _) = line(text);
        let file = format!("# a\n{line}\nh {}\n", keys()[0]);
        let read = KnownHosts::parse("known_hosts", file.as_bytes());
        if !hidden {
            assert!(read.is_ok(), "{text}");
            continue;
        }
        let error = read.unwrap_err();
        assert_eq!(error.line(), Some(2), "{text}");
        let TrustErrorKind::GluedRevocation { fault } = error.kind() else { panic!("{error}") };
        assert_eq!(Some(fault), glued(line.as_bytes()).as_ref(), "{text}");
    }
    // bytes that do not show part no words
    let marked = format!("@revoked * {}", keys()[0]);
    for line in [
        marked.replace("@revoked", "@rev\0oked"),
        format!("h {} me{}", keys()[1], marked.replace("@r", "@\0r")),
        marked.chars().flat_map(|c| [c, '\0', '\0', '\0']).collect(),
    ] {
        assert!(KnownHosts::parse("known_hosts", line.as_bytes()).is_err(), "{line:?}");
    }
}

#[test]
fn the_message_shows_both_halves_and_no_more_than_fits() {
    let (line, _) = line("h $A me|@revoked * $B");
    let error = KnownHosts::parse("known_hosts", line.as_bytes()).unwrap_err();
    let [a, b] = keys();
    assert_eq!(
        error.to_string(),
        format!(
            "known_hosts:1: two entries stand in it without a line end between them: \
             `h {a} me` and `@revoked * {b}`; put each on a line of its own, for the second could \
             be a revocation"
        )
    );
    let long = format!("h {a} {}{b}", "x".repeat(5000));
    let Some(LineFault::Glued { first, second }) = glued(long.as_bytes()) else { panic!() };
    assert_eq!(first.chars().count(), SHOWN + 3);
    assert_eq!(second, b);
}

#[test]
fn long_lines_take_no_time() {
    let [a, b] = keys();
    for part in ["@revoked ", "@revoked", "ssh-ed25519 ", "ssh-ed25519 AAAA", "@", &a, "# "] {
        let line = part.repeat((1 << 20) / part.len());
        let _ = glued(line.as_bytes());
        let _ = glued(format!("h {b} {line}").as_bytes());
    }
}
