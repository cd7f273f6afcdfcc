use std::time::{Duration, SystemTime};

use super::*;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+L/ARBo2kas2Q4F8yLuvvHXbbUaHC67/7JZJV7b0C4";

fn decide(text: &str) -> Decision {
    let keys = AuthorizedKeys::parse("authorized_keys", text.as_bytes()).unwrap();
    keys.decide(&Question::new(&KEY.parse().unwrap(), SystemTime::UNIX_EPOCH))
}

fn comment(text: &str) -> String {
    match decide(text) {
        Decision::Admitted(entry) => entry.comment().to_owned(),
        other => panic!("{text}: {other}"),
    }
}

fn skipped(text: &str) -> String {
    let keys = AuthorizedKeys::parse("authorized_keys", text.as_bytes()).unwrap();
    keys.skipped().to_string()
}

#[test]
fn plain_entries_are_admitted() {
    for (line, expected) in [
        (KEY.to_owned(), ""),
        (format!(" \t{KEY}"), ""),
        (format!("{KEY}\r"), ""),
        (format!("{}\r\n", KEY.replace(' ', "\t \t")), ""),
        (format!("{KEY} alice@example.org \r\n"), "alice@example.org"),
        (format!("{KEY}  # alice,\tbob"), "# alice,\tbob"),
        (format!(", {KEY} only a comma"), "only a comma"),
        (format!("Restrict,,no-PTY, {KEY} no effect"), "no effect"),
        (format!("\u{feff}{KEY} behind a byte order mark"), "behind a byte order mark"),
    ] {
        assert_eq!(comment(&line), expected, "{line}");
    }
}

/// [AUTH-27]
#[test]
fn entries_with_options_that_are_not_enforced_are_refused() {
    for (options, expected) in [
        (
            "tunnel=\"any\"",
            "its option `tunnel` is about connections that SSH forwards, and means nothing here",
        ),
        ("restrict,zone", "its option `zone` is not known"),
        ("command=oops", "the value of its option `command` is not in double quotes"),
        (r#"command="a"b"#, "there is no comma behind the value of its option `command`"),
        ("restr\x1bict", "`restr\\u{1b}ict` is not the name of an option"),
        (
            r#"environment="A b=c""#,
            "`A b=c` in its option `environment` is not `NAME=value`, with letters, digits and `_` in the name",
        ),
        (
            r#"principals="bob",CERT-authority"#,
            "the entry is a certificate authority, for the logins `bob`, which this version does not honour",
        ),
    ] {
        let decision = decide(&format!("# comment\n{options} {KEY}\n"));
        assert!(matches!(decision, Decision::Refused(_)), "{options}");
        assert_eq!(decision.to_string(), format!("authorized_keys:2: {expected}"));
    }
}

/// [AUTH-27]
#[test]
fn entries_count_where_and_when_their_options_say() {
    let key = KEY.parse().unwrap();
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let question = |seconds| Question::new(&key, at(seconds));
    let here = |seconds| question(seconds).from("192.0.2.7".parse().unwrap());
    let (from, expiry) = (r#"from="192.0.2.0/24,!192.0.2.9""#, r#"expiry-time="20300102Z""#);
    let (last, both) = (1_893_542_400, format!("{from},{expiry}"));
    let expired = "the entry has expired: it counted until 2030-01-02T00:00:00Z";
    let elsewhere = |address: &str| {
        format!("the entry is for clients from `192.0.2.0/24,!192.0.2.9`, and this one {address}")
    };
    for (options, question, refused) in [
        (from, here(0), None),
        (from, question(0).from("::ffff:192.0.2.8".parse().unwrap()), None),
        (
            from,
            question(0).from("192.0.2.9".parse().unwrap()),
            Some(elsewhere("comes from 192.0.2.9")),
        ),
        (from, question(0).from("::1".parse().unwrap()), Some(elsewhere("comes from ::1"))),
        (from, question(0), Some(elsewhere("has no address"))),
        (expiry, question(last), None),
        (expiry, question(last + 1), Some(expired.to_owned())),
        (&both, here(last), None),
        (&both, here(last + 1), Some(expired.to_owned())),
        (&both, question(last), Some(elsewhere("has no address"))),
    ] {
        let keys = AuthorizedKeys::parse("f", format!("{options} {KEY}").as_bytes()).unwrap();
        let decision = keys.decide(&question);
        match refused {
            None => assert!(matches!(&decision, Decision::Admitted(_)), "{options}: {decision}"),
            Some(why) => assert_eq!(decision.to_string(), format!("f:1: {why}"), "{options}"),
        }
    }
}

/// [AUTH-28]
#[test]
fn a_command_counts_only_where_it_is_honoured() {
    let text = format!("command=\"rpc --as \\\"bob\\\"\" {KEY} bob\n");
    assert_eq!(
        decide(&text).to_string(),
        "authorized_keys:1: the entry is for one command (`command=`), which this application \
         does not honour"
    );
    let keys = AuthorizedKeys::parse("f", text.as_bytes()).unwrap();
    let key = KEY.parse().unwrap();
    let question = Question::new(&key, SystemTime::UNIX_EPOCH).honours_command();
    let Decision::Admitted(entry) = keys.decide(&question) else { panic!() };
    assert_eq!(entry.permissions().command(), Some("rpc --as \"bob\""));
}

#[test]
fn a_refused_line_does_not_stop_the_search() {
    let refused = format!("tunnel=\"1\" {KEY}\nfrom=\"::1\" {KEY}\n");
    let decision = decide(&format!("{refused}{KEY} third\n{KEY} fourth\n"));
    let Decision::Admitted(entry) = decision else { panic!("{decision}") };
    assert_eq!(entry.comment(), "third");
    let before = "authorized_keys:1: its option `tunnel` is about connections that SSH forwards, \
                  and means nothing here; authorized_keys:2: the entry is for clients from `::1`, \
                  and this one has no address";
    assert_eq!(entry.passed_over().to_string(), before);
    assert_eq!(entry.passed_over().total(), 2);
    assert_eq!(decide(&refused).to_string(), before);
    assert_eq!(decide(""), Decision::Unlisted);
}

#[test]
fn a_key_that_is_listed_often_does_not_make_a_long_decision() {
    let decision = decide(&format!("zone {KEY}\n").repeat(5000));
    let Decision::Refused(lines) = &decision else { panic!("{decision}") };
    assert_eq!((lines.lines().len(), lines.total()), (16, 5000));
    assert!(decision.to_string().ends_with("; 4997 more lines do not admit it"), "{decision}");
}

#[test]
fn unreadable_lines_are_passed_over_and_named() {
    let at = |fault: &str| format!("authorized_keys:1 could not be read: {fault}");
    for (line, expected) in [
        (format!("{KEY}\0"), at("there is a NUL byte in it")),
        ("restrict".to_owned(), at("it ends before the key")),
        (format!("command=\"a {KEY}"), at("a quote in its options is not closed")),
    ] {
        assert_eq!(decide(&line), Decision::Unlisted, "{line}");
        assert_eq!(skipped(&line), expected);
    }
    for line in [
        "ssh-ed25519 AAAA".to_owned(),
        format!("restrict pty {KEY}"),
        format!("restrict, pty {KEY}"),
        format!("# {KEY}").replacen('#', "x", 1) + "AA",
        format!("\u{feff}\u{feff}{KEY}").replacen(' ', "\u{a0}", 1),
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQc= bob".to_owned(),
    ] {
        assert_eq!(decide(&line), Decision::Unlisted, "{line}");
        assert_eq!(
            AuthorizedKeys::parse("f", line.as_bytes()).unwrap().skipped().total(),
            1,
            "{line}"
        );
    }
    let number = "/".repeat(170);
    let rsa = skipped(&format!("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQD{number}w== bob"));
    assert!(rsa.starts_with(&at("keys of type ssh-rsa are not supported")), "{rsa}");
}
