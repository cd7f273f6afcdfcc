use super::*;

fn read(text: &str) -> Result<LineOptions, OptionFault> {
    LineOptions::read(&Options::parse(text.as_bytes()).unwrap(), &TimeZone::UTC)
}

fn permissions(text: &str) -> Permissions {
    let read = read(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
    assert!(!read.cert_authority && read.principals.is_none(), "{text}");
    read.permissions
}

#[test]
fn options_about_sessions_and_forwarding_make_no_difference() {
    for text in [
        "",
        "restrict",
        "restrict,pty",
        "RESTRICT,no-PTY,Port-Forwarding",
        "no-agent-forwarding,no-port-forwarding,no-pty,no-user-rc,no-x11-forwarding",
        "agent-forwarding,port-forwarding,pty,user-rc,x11-forwarding",
        "verify-required,no-verify-required,no-touch-required,touch-required",
    ] {
        assert_eq!(permissions(text), Permissions::default(), "{text}");
        assert_eq!(permissions(text).to_string(), "");
    }
}

#[test]
fn values_are_kept() {
    let all = permissions(concat!(
        r#"from="10.0.0.0/8,!10.1.0.0/16",command="echo \"a, b\"",expiry-time="20300102Z","#,
        r#"environment="A_1=x=y",environment="B=",verify-required,no-touch-required"#,
    ));
    assert_eq!(all.from(), Some("10.0.0.0/8,!10.1.0.0/16"));
    assert_eq!(all.command(), Some(r#"echo "a, b""#));
    assert_eq!(rfc3339(all.expires().unwrap()), "2030-01-02T00:00:00Z");
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(all.environment(), [variable("A_1", "x=y"), variable("B", "")]);
    assert!(all.verify_required() && !all.touch_required());
    assert_eq!(
        all.to_string(),
        "only from `10.0.0.0/8,!10.1.0.0/16`, until 2030-01-02T00:00:00Z, for the command \
         `echo \"a, b\"`, with A_1, B in the environment, verify-required, no-touch-required"
    );
    assert!(permissions("").touch_required());
    assert_eq!(permissions(r#"command="""#).command(), Some(""));
}

#[test]
fn what_stands_twice() {
    for name in ["command", "from", "principals"] {
        let text = format!(r#"{name}="*",cert-authority,{name}="*""#);
        assert_eq!(read(&text).unwrap_err(), OptionFault::Twice { name: name.to_owned() });
    }
    // the earliest time, and the first value of a variable
    for text in [
        r#"expiry-time="20300102Z",expiry-time="20310102Z""#,
        r#"expiry-time="20310102Z",expiry-time="20300102Z""#,
    ] {
        assert_eq!(permissions(text).to_string(), "until 2030-01-02T00:00:00Z");
    }
    let twice = permissions(r#"environment="A=1",environment="a=2",environment="A=3""#);
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(twice.environment(), [variable("A", "1"), variable("a", "2")]);
}

#[test]
fn an_entry_counts_through_the_second_of_its_expiry() {
    let until = permissions(r#"expiry-time="20300102030405Z""#);
    let last = until.expires().unwrap();
    for (later, expired) in [(0, false), (999_999_999, false), (1_000_000_000, true)] {
        assert_eq!(until.has_expired(last + Duration::from_nanos(later)), expired, "{later}");
    }
    assert!(!until.has_expired(SystemTime::UNIX_EPOCH));
    assert!(!permissions("").has_expired(last));
}

#[test]
fn certificate_authorities() {
    let authority = read(r#"cert-authority,principals="alice,bob",from="*""#).unwrap();
    assert!(authority.cert_authority);
    assert_eq!(authority.principals.as_deref(), Some("alice,bob"));
    assert_eq!(read(r#"principals="alice""#).unwrap_err(), OptionFault::PrincipalsAlone);
}

#[test]
fn whatever_is_not_understood_refuses_the_line() {
    let name = |name: &str| name.to_owned();
    let environment = |value: &str| OptionFault::Environment { value: name(value) };
    for (text, fault) in [
        ("tunnel=\"1\"", OptionFault::Forwarding { name: name("tunnel") }),
        ("permitopen=\"h:1\"", OptionFault::Forwarding { name: name("permitopen") }),
        ("PermitListen=\"1\"", OptionFault::Forwarding { name: name("permitlisten") }),
        ("zone", OptionFault::Unknown { name: name("zone") }),
        ("pty,zone=\"x\",pty", OptionFault::Unknown { name: name("zone") }),
        ("no-restrict", OptionFault::Unknown { name: name("no-restrict") }),
        ("no-cert-authority", OptionFault::Unknown { name: name("no-cert-authority") }),
        ("no-no-pty", OptionFault::Unknown { name: name("no-no-pty") }),
        ("no-from=\"*\"", OptionFault::Unknown { name: name("no-from") }),
        ("from", OptionFault::NoValue { name: name("from") }),
        ("command", OptionFault::NoValue { name: name("command") }),
        ("restrict=\"yes\"", OptionFault::NeedlessValue { name: name("restrict") }),
        ("no-pty=\"\"", OptionFault::NeedlessValue { name: name("no-pty") }),
        ("cert-authority=\"\"", OptionFault::NeedlessValue { name: name("cert-authority") }),
        ("environment=\"A\"", environment("A")),
        ("environment=\"=b\"", environment("=b")),
        ("environment=\",=b\"", environment(",=b")),
        ("environment=\"A B=c\"", environment("A B=c")),
        ("environment=\"\u{e4}=c\"", environment("\u{e4}=c")),
        ("from=\"\"", OptionFault::From { element: name(""), reason: "empty" }),
        (
            "expiry-time=\"never\"",
            OptionFault::Expiry {
                value: name("never"),
                reason: "not a time of the form YYYYMMDD[HHMM[SS]][Z]",
            },
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), fault, "{text}");
    }
    for name in ["command", "environment", "expiry-time", "from"] {
        let text = [name.as_bytes(), b"=\"A=\xff\""].concat();
        let read = LineOptions::read(&Options::parse(&text).unwrap(), &TimeZone::UTC);
        assert_eq!(read.unwrap_err(), OptionFault::NotText { name: name.to_owned() });
    }
}

#[test]
fn the_environment_is_bounded() {
    let of = |count| {
        let variables: Vec<_> = (0..count).map(|n| format!(r#"environment="V{n}=""#)).collect();
        read(&variables.join(","))
    };
    let too_large = || OptionFault::EnvironmentTooLarge { max: 1025 };
    assert_eq!(of(1025).unwrap().permissions.environment().len(), 1025);
    assert_eq!(of(1026).unwrap_err(), too_large());
    // behind so many not even one that is there already
    let again = |count: usize| {
        let names: Vec<_> = (0..count).map(|n| format!(r#"environment="V{n}=""#)).collect();
        read(&format!(r#"{},environment="V0=""#, names.join(",")))
    };
    assert_eq!(again(1024).unwrap().permissions.environment().len(), 1024);
    assert_eq!(again(1025).unwrap_err(), too_large());
}
