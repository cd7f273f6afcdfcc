use super::*;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+L/ARBo2kas2Q4F8yLuvvHXbbUaHC67/7JZJV7b0C4";

fn decide(text: &str) -> Decision {
    let keys = AuthorizedKeys::parse("authorized_keys", text.as_bytes()).unwrap();
    keys.find(&KEY.parse().unwrap())
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
        (format!("\u{feff}{KEY} behind a byte order mark"), "behind a byte order mark"),
    ] {
        assert_eq!(comment(&line), expected, "{line}");
    }
}

/// [AUTH-27] [AUTH-28]
#[test]
fn entries_with_options_are_refused() {
    let honoured = "the entry has options, which this version does not honour";
    for (options, expected) in [
        ("restrict", format!("{honoured}: restrict")),
        ("Restrict,no-PTY", format!("{honoured}: restrict, no-pty")),
        (r#"command="echo \" #1",from="192.0.2.0/24""#, format!("{honoured}: command, from")),
        (&"pty,".repeat(9), format!("{honoured}: {}, ...", ["pty"; 8].join(", "))),
        (
            r#"principals="bob",CERT-authority"#,
            "the entry is a certificate authority, which this version does not honour".to_owned(),
        ),
        ("command=oops", "the value of its option `command` is not in double quotes".to_owned()),
        (
            r#"command="a"b"#,
            "there is no comma behind the value of its option `command`".to_owned(),
        ),
        ("restr\x1bict", "`restr\\u{1b}ict` is not the name of an option".to_owned()),
    ] {
        let decision = decide(&format!("# comment\n{options} {KEY}\n"));
        assert!(matches!(decision, Decision::Refused(_)), "{options}");
        assert_eq!(decision.to_string(), format!("authorized_keys:2: {expected}"));
    }
}

#[test]
fn a_refused_line_does_not_stop_the_search() {
    let both = format!("restrict {KEY}\npty {KEY}\n");
    let refused = decide(&both).to_string();
    assert_eq!(
        refused,
        "authorized_keys:1: the entry has options, which this version does not honour: restrict; \
         authorized_keys:2: the entry has options, which this version does not honour: pty"
    );
    assert_eq!(comment(&format!("{both}{KEY} third\n{KEY} fourth\n")), "third");
    assert_eq!(decide(""), Decision::Unlisted);
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
    let rsa = skipped("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAQc= bob");
    assert!(rsa.starts_with(&at("keys of type ssh-rsa are not supported")), "{rsa}");
}
