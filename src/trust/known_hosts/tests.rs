use super::*;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA+L/ARBo2kas2Q4F8yLuvvHXbbUaHC67/7JZJV7b0C4";

fn fault(line: &str) -> LineFault {
    parse_line(Place::new(&"known_hosts".into(), 1), line.as_bytes()).unwrap_err()
}

fn marker(line: &str) -> Option<Marker> {
    let line = parse_line(Place::new(&"known_hosts".into(), 1), line.as_bytes()).unwrap();
    line.map(|line| line.marker)
}

#[test]
fn fields() {
    for blank in ["", " ", "\t", "#", "# h ssh-ed25519", " \t#", "#@revoked"] {
        assert_eq!(marker(blank), None, "{blank}");
    }
    for (line, expected) in [
        (format!("h {KEY}"), Marker::None),
        (format!(" \th\t{KEY}\tcomment # more"), Marker::None),
        (format!("@revoked h {KEY}"), Marker::Revoked),
        (format!("@revoked \t h {KEY}"), Marker::Revoked),
        (format!("@revoked\th\t{}", KEY.replace(' ', "\t")), Marker::Revoked),
        (format!("@cert-authority *.example.org {KEY}"), Marker::CertAuthority),
        (format!("#h,x {KEY}").replacen('#', "!", 1), Marker::None),
    ] {
        assert_eq!(marker(&line), Some(expected), "{line}");
    }
}

#[test]
fn faults() {
    let unknown = |seen: &str| LineFault::UnknownMarker { seen: seen.to_owned() };
    for (line, expected) in [
        (format!("h\0 {KEY}"), LineFault::Nul),
        (format!("h {KEY} \0"), LineFault::Nul),
        ("#\0".to_owned(), LineFault::Nul),
        ("h".to_owned(), LineFault::NoKey),
        ("h \t".to_owned(), LineFault::NoKey),
        (format!("h #{KEY}"), LineFault::NoKey),
        ("@revoked".to_owned(), LineFault::NoKey),
        ("@revoked h".to_owned(), LineFault::NoKey),
        (format!("@revoked\th {KEY}"), LineFault::MarkerWithoutSpace),
        (format!("@REVOKED h {KEY}"), unknown("@REVOKED")),
        (format!("@ revoked h {KEY}"), unknown("@")),
        (format!("@revoked-host h {KEY}"), unknown("@revoked-host")),
        (format!("@rev\x1b[2J h {KEY}"), unknown("@rev\\u{1b}[2J")),
        (format!("@revoked @revoked h {KEY}"), LineFault::SecondMarker),
        (format!("@revoked @cert-authority h {KEY}"), LineFault::SecondMarker),
        (format!("|1|x|y {KEY}"), LineFault::HashedName),
    ] {
        assert_eq!(fault(&line), expected, "{line}");
    }
    assert!(matches!(fault("h ssh-ed25519"), LineFault::Key(_)));
    assert!(matches!(fault("h 1024 35 1234567890"), LineFault::Key(_)));
}

#[test]
fn many_faults_are_counted_and_the_first_remembered() {
    let known = KnownHosts::parse("known_hosts", "h\n".repeat(100).as_bytes()).unwrap();
    assert_eq!(known.skipped().total(), 100);
    assert_eq!(known.skipped().lines().len(), 64);
    assert_eq!(
        known.skipped().to_string(),
        "known_hosts:1 could not be read: it ends before the key; \
         known_hosts:2 could not be read: it ends before the key; \
         known_hosts:3 could not be read: it ends before the key; \
         97 more lines could not be read"
    );
}
