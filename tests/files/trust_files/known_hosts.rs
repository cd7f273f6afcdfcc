//! Verdicts over `known_hosts`, and files that are refused.

use std::fs;

use handfast::trust::{Host, KnownHosts, LineFault, TrustErrorKind, Verdict};

use crate::trust_files::{ECDSA, RSA, keys};

fn known(text: &str) -> KnownHosts {
    KnownHosts::parse("known_hosts", text.as_bytes()).unwrap()
}

fn host(text: &str) -> Host {
    Host::parse(text, Some(22)).unwrap()
}

/// A verdict in short: `match 3`, `fallback 3`, `unknown`, `changed 3 4`, `revoked 3`.
fn short(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Match { at, by_port_fallback: false } => format!("match {}", at.line()),
        Verdict::Match { at, by_port_fallback: true } => format!("fallback {}", at.line()),
        Verdict::Unknown { .. } => "unknown".to_owned(),
        Verdict::Changed { at, known } => {
            assert_eq!(at, known[0].place());
            let lines: Vec<_> = known.iter().map(|key| key.place().line().to_string()).collect();
            format!("changed {}", lines.join(" "))
        }
        Verdict::Revoked { at } => format!("revoked {}", at.line()),
        other => panic!("{other}"),
    }
}

/// `file` with keys for the letters at the ends of its lines: three of ours, `R` for RSA and `E`
/// for ECDSA.
fn written_out(file: &str) -> String {
    let ours = keys::<3>().map(|key| key.to_string());
    let lines = file.split('\n').map(|line| match line.rsplit_once(' ') {
        Some((hosts, letter)) => {
            let key = match letter.trim_end_matches('\0') {
                "A" => &ours[0],
                "B" => &ours[1],
                "C" => &ours[2],
                "R" => RSA,
                "E" => ECDSA,
                other => other,
            };
            let nul = if letter.ends_with('\0') { "\0" } else { "" };
            format!("{hosts} {key}{nul}")
        }
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The verdicts are about the key `A`.
/// [AUTH-5]
#[test]
fn truth_table() {
    let [key] = keys::<1>();
    for (file, lookup, expected) in [
        // Names and ports.
        ("", "h", "unknown"),
        ("h A", "h", "match 1"),
        ("h A", "H", "match 1"),
        ("H A", "h", "match 1"),
        ("h A", "x.h", "unknown"),
        ("h,x A", "x", "match 1"),
        ("[h]:22 A", "h", "unknown"),
        ("[h]:7000 A", "h:7000", "match 1"),
        ("[h]:7000 A", "h:7001", "unknown"),
        ("[h]:7000 A", "h", "unknown"),
        ("[h]:* A", "h:7000", "match 1"),
        ("[h]:* A", "h", "unknown"),
        ("2001:db8::1 A", "2001:DB8::1", "match 1"),
        ("2001:db8::1 A", "2001:db8:0::1", "match 1"),
        ("2001:db8:0::1 A", "2001:db8:0::1", "match 1"),
        ("2001:0db8:0000:0000:0000:0000:0000:0001 A", "2001:db8::1", "match 1"),
        ("[2001:db8:0:0:0:0:0:1]:7000 B", "[2001:db8::1]:7000", "changed 1"),
        ("2001:db8::1 A\n@revoked 2001:DB8:0:0:0:0:0:1 A", "2001:db8::1", "revoked 2"),
        ("::1:7000 A", "[::1]:7000", "unknown"),
        ("[2001:db8::1]:7000 A", "[2001:db8::1]:7000", "match 1"),
        ("192.0.2.* A", "192.0.2.7", "match 1"),
        ("192.0.2.0/24 A", "192.0.2.7", "unknown"),
        // Patterns.
        ("*.example.org A", "a.b.example.org", "match 1"),
        ("*.example.org A", "example.org", "unknown"),
        ("?.example.org A", "ab.example.org", "unknown"),
        ("*,!h A", "h", "unknown"),
        ("!h,* A", "h", "unknown"),
        ("!h A", "x", "unknown"),
        ("*,!h A\nh A", "h", "match 2"),
        // Which line decides.
        ("h B", "h", "changed 1"),
        ("h B\nh A", "h", "match 2"),
        ("h A\nh A", "h", "match 1"),
        ("h B\nx A\nh C", "h", "changed 1 3"),
        ("h R", "h", "changed 1"),
        ("h E\nh R", "h", "changed 1 2"),
        ("h R\n* A", "h", "match 2"),
        // Revoked keys.
        ("@revoked h A", "h", "revoked 1"),
        ("h A\n@revoked h A", "h", "revoked 2"),
        ("@revoked h A\nh A", "h", "revoked 1"),
        ("@revoked * A\n@revoked h A", "h", "revoked 1"),
        ("@revoked h B", "h", "unknown"),
        ("h A\n@revoked h B", "h", "match 1"),
        ("h B\n@revoked h A", "h", "revoked 2"),
        ("h A\n@revoked x A", "h", "match 1"),
        // Stricter than OpenSSH: a name stands for all its ports.
        ("[h]:7000 A\n@revoked h A", "h:7000", "revoked 2"),
        ("h A\n@revoked h A", "h:7000", "revoked 2"),
        ("h A\n@revoked [h]:7000 A", "h", "match 1"),
        ("h A\n@revoked [h]:7000 A", "h:7001", "fallback 1"),
        ("h A\n@revoked [h]:7000 A", "h:7000", "revoked 2"),
        // The bare name, where no line is about the port.
        ("h A", "h:7000", "fallback 1"),
        ("h B\nh A", "h:7000", "fallback 2"),
        ("h B", "h:7000", "unknown"),
        ("h A\n[h]:7000 A", "h:7000", "match 2"),
        ("h A\n[h]:7000 B", "h:7000", "changed 2"),
        ("h A\n[h]:7001 B", "h:7000", "fallback 1"),
        // Certificates are not honoured: their authorities neither widen nor narrow what is
        // trusted.
        ("@cert-authority h A", "h", "unknown"),
        ("@cert-authority h B\nh A", "h", "match 2"),
        ("@cert-authority * A\nh B", "h", "changed 2"),
        // Lines that cannot be read are passed over.
        ("h ssh-ed25519\nh A", "h", "match 2"),
        ("h A\0", "h", "unknown"),
        ("h ssh-unknown AAAA", "h", "unknown"),
        ("|1|broken A", "h", "unknown"),
    ] {
        let text = written_out(file);
        let verdict = known(&text).check(&host(lookup), &key);
        assert_eq!(short(&verdict), expected, "{file:?} {lookup}");
    }
}

#[test]
fn verdicts_read_as_sentences() {
    let [a, b] = keys::<2>();
    let text =
        |file: &str, lookup: &str| known(&written_out(file)).check(&host(lookup), &a).to_string();
    assert_eq!(text("h A", "h"), "known_hosts:1 lists this key");
    assert_eq!(
        text("h A", "h:7000"),
        "known_hosts:1 lists this key, for the name without the port"
    );
    assert_eq!(text("", "h"), "no line of known_hosts is about this host");
    assert_eq!(
        text("#\n\nh\nx ssh-ed25519", "h"),
        "no line of known_hosts is about this host; \
         known_hosts:3 could not be read: it ends before the key; \
         known_hosts:4 could not be read: not the text of a public key: there is no key behind its type; \
         expected `ssh-ed25519 AAAA... comment` on one line"
    );
    assert_eq!(
        text("h B", "h"),
        format!(
            "this host is known by another key: ssh-ed25519 {} (known_hosts:1)",
            b.fingerprint()
        )
    );
    let changed = text("h R\nh E", "h");
    assert!(changed.starts_with("this host is known by another type of key only: ssh-rsa SHA256:"));
    assert!(changed.ends_with(" (known_hosts:2)"), "{changed}");
    assert_eq!(text("@revoked h A", "h"), "known_hosts:1 revokes this key");
}

#[test]
fn fingerprints_of_other_types_are_those_of_ssh_keygen() {
    let Verdict::Changed { known, .. } =
        known(&written_out("h R")).check(&host("h"), &keys::<1>()[0])
    else {
        panic!()
    };
    assert_eq!(known[0].key_type(), "ssh-rsa");
    assert_eq!(
        known[0].fingerprint().to_string(),
        crate::trust_files::ssh_keygen::fingerprint(RSA)
    );
}

#[test]
fn keys_for_are_those_that_would_be_accepted() {
    let [a, b, c] = keys::<3>();
    for (file, lookup, expected, knows) in [
        ("h B\nh A\nh B\nx C", "h", vec![&b, &a], true),
        ("h A\nh R\n@cert-authority h B", "h", vec![&a], true),
        ("h R", "h", vec![], true),
        ("h A\nh B\n@revoked * A", "h", vec![&b], true),
        ("h A\nh B\n@revoked h A", "h:7000", vec![&b], false),
        ("h A", "h:7000", vec![&a], false),
        ("h A\n[h]:7000 C", "h:7000", vec![&c], true),
        ("h A\n[h]:7000 R", "h:7000", vec![], true),
        ("@revoked h A\n@cert-authority h B", "h", vec![], false),
    ] {
        let known = known(&written_out(file));
        assert_eq!(known.keys_for(&host(lookup)).iter().collect::<Vec<_>>(), expected, "{file}");
        assert_eq!(known.knows(&host(lookup)), knows, "{file}");
    }
}

#[test]
fn several_files_are_one() {
    let dir = tempfile::tempdir().unwrap();
    let paths = [dir.path().join("user"), dir.path().join("system")];
    fs::write(&paths[0], written_out("h B")).unwrap();
    fs::write(&paths[1], written_out("#\nh A\n@revoked x A\n").replace('\n', "\r\n")).unwrap();
    let known = KnownHosts::open_all(&paths).unwrap();
    let [key] = keys::<1>();
    let line = |host: &str| match known.check(&self::host(host), &key) {
        Verdict::Match { at, .. } | Verdict::Revoked { at } => at.to_string(),
        other => panic!("{other}"),
    };
    assert_eq!(line("h"), format!("{}:2", paths[1].display()));
    assert_eq!(line("x"), format!("{}:3", paths[1].display()));

    let missing = dir.path().join("missing");
    let error = KnownHosts::open_all([&paths[0], &missing]).unwrap_err();
    assert!(matches!(error.kind(), TrustErrorKind::NotFound), "{error}");
    assert_eq!((error.path(), error.line()), (missing.to_str().unwrap(), None));
}

/// What begins with `@` may be a revocation.
#[test]
fn of_many_keys_of_a_host_the_first_few_are_told() {
    let [a] = keys::<1>();
    let said = known(&written_out(&"h R\n".repeat(20))).check(&host("h"), &a).to_string();
    assert!(said.ends_with(" (known_hosts:8) and 12 more"), "{said}");
}

#[test]
fn a_revocation_behind_bytes_that_do_not_show_is_not_lost() {
    for line in [
        "\u{feff}@revoked h B",
        "\u{a0}@revoked h B",
        "\x0b @Revoked\th B",
        "\0@revoked h B",
        "h A\r@revoked h B\r",
    ] {
        let file = written_out(&format!("# comment\n{line}\nh A\n"));
        let error = KnownHosts::parse("known_hosts", file.as_bytes()).unwrap_err().to_string();
        let expected = "known_hosts:2: `@revoked` stands in the line behind bytes that do not show";
        assert!(error.starts_with(expected), "{line:?}: {error}");
    }
    // a comment with it, and a name, revoke nothing where no hosts and no key follow
    for line in [
        "h ssh-ed25519 AAAA bob@revoked.example.org",
        "x@revoked B",
        "h A bob@revoked h",
        "#\u{feff}@revoked",
        "# @revoked h B",
    ] {
        let file = written_out(&format!("{line}\nh A\n"));
        assert!(KnownHosts::parse("known_hosts", file.as_bytes()).is_ok(), "{line:?}");
    }
}

/// The last line before it had no end.
#[test]
fn a_revocation_glued_to_another_line_is_not_lost() {
    for line in ["h A me@lab@revoked * B", "h A@revoked * B", "x@revoked h B", "# x@revoked h B"] {
        // the key has no blank before it there
        let [key] = keys::<1>();
        let line = line.replace(" A@", &format!(" {key}@"));
        let line = line.replace(" A ", &format!(" {key} "));
        let file = written_out(&format!("# comment\n{line}\nh A\n"));
        let error = KnownHosts::parse("known_hosts", file.as_bytes()).unwrap_err();
        assert_eq!(error.line(), Some(2), "{line}");
        let TrustErrorKind::GluedRevocation { fault } = error.kind() else { panic!("{error}") };
        let LineFault::Glued { second, .. } = fault else { panic!("{fault}") };
        assert!(second.starts_with("@revoked "), "{second}");
    }
}

#[test]
fn files_with_marked_lines_that_are_not_understood_are_refused() {
    for (line, fault) in [
        ("@revoked", "it ends before the key"),
        ("@revoked h", "it ends before the key"),
        ("@revoked h # A", "it ends before the key"),
        ("@revoked\th A", "there is no space behind its marker"),
        ("@REVOKED h A", "`@REVOKED` is no marker, only `@revoked` and `@cert-authority` are"),
        ("@ h A", "`@` is no marker, only `@revoked` and `@cert-authority` are"),
        (
            "  @x\x1b[2J h A",
            "`@x\\u{1b}[2J` is no marker, only `@revoked` and `@cert-authority` are",
        ),
        ("@revoked @revoked h A", "it has more than one marker"),
        ("@cert-authority h A\0", "there is a NUL byte in it"),
        (
            "@revoked h ssh-ed25519",
            "not the text of a public key: there is no key behind its type; \
             expected `ssh-ed25519 AAAA... comment` on one line",
        ),
        (
            "@revoked h ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
            "the key is not a well-formed `ssh-ed25519` key",
        ),
        (
            "@revoked |1|AAAA|AAAA A",
            "its hashed name is not `|1|salt|hash` with 20 bytes of base64 each, and nothing else",
        ),
        (
            &format!("@revoked h,{} A", "x".repeat(1023)),
            "a name in it has 1023 bytes, and with one of 1023 or more the line matches no host",
        ),
    ] {
        let file = written_out(&format!("# comment\nh A\n{line}\nh B"));
        let error = KnownHosts::parse("known_hosts", file.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "known_hosts:3: the line begins with `@` and is not understood: {fault}; correct or remove it"
            ),
            "{line:?}"
        );
        assert_eq!(error.line(), Some(3));
    }
    // Behind a byte order mark it is still a marker.
    let file = format!("\u{feff}{}", written_out("@revoked h A"));
    assert_eq!(short(&known(&file).check(&host("h"), &keys::<1>()[0])), "revoked 1");
}

#[test]
fn lines_that_are_passed_over_are_remembered_with_their_reason() {
    let file = "h\nh A\0\nh ssh-rsa\n|1|x A\n\u{feff}h A\nh 2048 35 123";
    let known = known(&written_out(file));
    let lines: Vec<_> = known.skipped().lines().iter().map(|line| line.place().line()).collect();
    assert_eq!(lines, [1, 2, 3, 4, 6]);
    assert_eq!(known.skipped().lines()[0].fault(), &LineFault::NoKey);
    assert_eq!(known.skipped().lines()[1].fault(), &LineFault::Nul);
    assert_eq!(known.skipped().lines()[3].fault(), &LineFault::HashedName);
}

#[test]
fn weak_keys_are_never_accepted() {
    // The point (0, 1): with it as key, one signature is good for every message.
    let identity =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let known = known(&format!("h {identity}"));
    assert_eq!(known.keys_for(&host("h")), []);
    assert_eq!(short(&known.check(&host("h"), &keys::<1>()[0])), "changed 1");
}

#[test]
fn limits() {
    let [key] = keys::<1>();
    let long = format!("h {key} {}", "x".repeat(1 << 20));
    let line = &long[..1 << 20];
    assert_eq!(short(&known(line).check(&host("h"), &key)), "match 1");
    let error = KnownHosts::parse("known_hosts", format!("\n{line}x").as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "known_hosts:2: the line has 1048577 bytes and at most 1048576 are read; split or remove it"
    );
    let error = KnownHosts::parse("known_hosts", &vec![b'\n'; (16 << 20) + 1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "known_hosts: the file has more than 16777216 bytes; split it or remove what is not needed"
    );
}

/// [CERT-1]
#[test]
fn a_certificate_is_refused_and_the_line_named_that_would_count() {
    let folder = tempfile::tempdir().unwrap();
    let keygen = |arguments: &[&str]| {
        let mut command = std::process::Command::new("ssh-keygen");
        assert!(command.args(arguments).current_dir(&folder).status().unwrap().success());
    };
    for name in ["ca", "host"] {
        keygen(&["-q", "-t", "ed25519", "-N", "", "-f", name]);
    }
    keygen(&["-q", "-s", "ca", "-h", "-I", "id", "-n", "h", "host.pub"]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let (ca, plain, certificate) = (read("ca.pub"), read("host.pub"), read("host-cert.pub"));
    let known = known(&format!("# x\n@cert-authority h,[h]:7000 {ca}x {plain}"));
    let verdict = |name: &str, text: &str| known.check_text(&host(name), text).unwrap();

    let refused = verdict("h:7000", &certificate);
    assert!(matches!(refused, Verdict::CertificateRefused { .. }));
    assert_eq!(refused.at().unwrap().to_string(), "known_hosts:2");
    assert_eq!(
        refused.to_string(),
        "it is a certificate, and this version does not honour certificates; \
         known_hosts:2 names an authority for this host"
    );
    assert_eq!(verdict("y", &certificate).at(), None);
    let unknown = verdict("h", &plain);
    assert_eq!(
        (unknown.at(), unknown.to_string()),
        (
            None,
            "no line of known_hosts is about this host's own keys; known_hosts:2 would need \
             certificates, which this version does not honour"
                .to_owned()
        )
    );
    assert_eq!(verdict("x", &format!(" \t{plain}")).at().unwrap().line(), 3);
}

#[test]
fn keys_of_every_type_are_judged_from_their_text() {
    let known = known(&written_out("h R\n@revoked x E\ny A"));
    let verdict = |name: &str, text: &str| short(&known.check_text(&host(name), text).unwrap());
    assert_eq!(verdict("h", RSA), "match 1");
    assert_eq!(verdict("h:7000", RSA), "fallback 1");
    assert_eq!(verdict("x", ECDSA), "revoked 2");
    assert_eq!(verdict("y", ECDSA), "changed 3");
    assert_eq!(verdict("z", &keys::<1>()[0].to_string()), "unknown");
    for text in ["", "ssh-rsa", "ssh-rsa AAAA", "RSA AAAA", "ssh-ed25519 \0"] {
        assert!(known.check_text(&host("h"), text).is_err(), "{text}");
    }
}

#[test]
fn bytes_that_stand_in_no_honest_file_are_refused_with_their_line_or_passed_over() {
    let [key] = keys::<1>();
    let at = |bytes: Vec<u8>| {
        let error = KnownHosts::parse("known_hosts", &bytes).unwrap_err();
        (error.line(), error.to_string())
    };
    let long = |len: usize| [b"h\n", &vec![b'a'; len][..], format!(" {key}").as_bytes()].concat();
    let (line, text) = at(long(1 << 20));
    assert_eq!(line, Some(2));
    assert!(text.contains("at most 1048576 are read"), "{text}");
    let (line, text) = at(vec![b'\n'; (16 << 20) + 1]);
    assert_eq!(line, None);
    assert!(text.contains("more than 16777216 bytes"), "{text}");

    // the lengths inside of a key say four gigabytes
    let forged = "ssh-ed25519 /////3NzaC1lZDI1NTE5AAAAIA==";
    let blob = format!("ssh-ed25519 {}", "A".repeat(20_000));
    let lines = [
        format!("h {forged}").into_bytes(),
        format!("h {blob}").into_bytes(),
        long(200_000),
        [b"h\xff\xfe ", key.to_string().as_bytes()].concat(),
        format!("h\0 {key}").into_bytes(),
        format!("\rh {key}").into_bytes(),
        format!("x\n\u{feff}h {key}").into_bytes(),
    ];
    for line in lines {
        let known = KnownHosts::parse("known_hosts", &line).unwrap();
        let verdict = known.check(&host("h"), &key);
        assert_eq!(short(&verdict), "unknown", "{}", String::from_utf8_lossy(&line));
    }
    // one mark at the start of a file, and CR before LF, are nothing
    let honest = known(&format!("\u{feff}h {key}\r\nx {key}\r"));
    assert_eq!(short(&honest.check(&host("h"), &key)), "match 1");
    assert_eq!(short(&honest.check(&host("x"), &key)), "match 2");
}
