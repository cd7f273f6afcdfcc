//! Revocations that are certificates, UTF-16, entries without line ends, and addresses in other
//! spellings, as people have met them.

use crate::files::desk::{Desk, public_line};

const HOST: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIARFCB7lVkwByOR4BM6bSLtiwlaG1/yID/S093q6xkrI";
const CERTIFICATE: &str = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIOoEuqmZQLTid0Bi7yPthJFYuWpueUaMbKvqUZBpuXEXAAAAIARFCB7lVkwByOR4BM6bSLtiwlaG1/yID/S093q6xkrIAAAAAAAAAAAAAAACAAAAAmlkAAAACgAAAAZoMS5sYWIAAAAAAAAAAP//////////AAAAAAAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACDPz8DGkdJSReNxViz3PLWhIw6GR5cGIRudjMQVOtHAXQAAAFMAAAALc3NoLWVkMjU1MTkAAABACo8yTAayh8GYIZaQ3xDkPxkQ+zyHw/P8d+TIwcqfGSv10qqWkBMTx9rcT/Yv7wKmd1YEua8x+J1nR5mD5//aBg==";
const AUTHORITY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM/PwMaR0lJF43FWLPc8taEjDoZHlwYhG52MxBU60cBd";

/// A desk with files that only their owner may change.
fn desk(files: &[(&str, &str)]) -> Desk {
    let desk = Desk::new();
    desk.write("host.pub", format!("{HOST} b@lab\n"));
    desk.write("host-cert.pub", format!("{CERTIFICATE} b@lab\n"));
    for (name, content) in files {
        desk.write(name, content);
        desk.set_mode(name, 0o600);
    }
    desk
}

fn explain_host<'a>(host: &'a str, key: &'a str) -> [&'a str; 7] {
    ["explain", "host", "known_hosts", "--host", host, "--key", key]
}

fn explain_client<'a>(list: &'a str, key: &'a str) -> [&'a str; 12] {
    let asked = ["--login", "alice", "--from", "::1"];
    let [login, alice, from, address] = asked;
    let file = "authorized_keys";
    #[rustfmt::skip]
    let all = [
        "explain", "client", "--authorized-keys", file, login, alice, from, address, "--revoked",
        list, "--key", key,
    ];
    all
}

#[test]
fn a_revocation_that_is_a_certificate_is_applied_by_every_command() {
    let hosts = format!("h1.lab {HOST}\n@revoked * {CERTIFICATE}\n");
    let desk = desk(&[("known_hosts", &hosts), ("authorized_keys", &format!("{HOST}\n"))]);
    for key in ["host.pub", "host-cert.pub"] {
        let (code, data, _) = desk.keytool(&explain_host("h1.lab", key));
        assert_eq!(code, 1);
        assert!(data.starts_with("revoked: known_hosts:2 revokes this key\n"), "{data}");
    }
    let add = ["hosts", "add", "new.lab", "--key", "host.pub", "--file", "known_hosts"];
    let (code, _, talk) = desk.keytool(&add);
    assert_eq!(code, 1, "{talk}");
    assert!(talk.contains("known_hosts:2 revokes this key for new.lab"), "{talk}");
    assert_eq!(desk.read("known_hosts"), hosts);
    let (code, data, _) = desk.keytool(&["check", "known_hosts"]);
    assert_eq!(code, 1);
    assert!(data.contains("it does not count for h1.lab: line 2 revokes the key"), "{data}");

    for revoked in [HOST, CERTIFICATE] {
        desk.write("list", format!("{revoked} x\n"));
        for key in ["host.pub", "host-cert.pub"] {
            let (code, data, _) = desk.keytool(&explain_client("list", key));
            assert_eq!(code, 1);
            assert!(data.starts_with("reject: list:1 revokes this key\n"), "{data}");
        }
    }
    // a certificate falls with its authority, and a plain key does not
    desk.write("list", format!("{AUTHORITY}\n"));
    let (_, data, _) = desk.keytool(&explain_client("list", "host-cert.pub"));
    assert!(data.starts_with("reject: list:1 revokes this key\n"), "{data}");
    let (code, data, _) = desk.keytool(&explain_client("list", "host.pub"));
    assert_eq!(code, 0, "{data}");
}

#[test]
fn the_fingerprint_of_a_certificate_is_that_of_its_plain_key() {
    let desk = desk(&[("known_hosts", "h1.lab "), ("authorized_keys", "")]);
    let public = desk.done(&["fingerprint", "host.pub"]);
    let print = public.split(' ').nth(1).expect("a fingerprint");
    for file in ["host-cert.pub", "host.pub"] {
        let ours = desk.done(&["fingerprint", "--randomart", file]);
        assert_eq!(ours, desk.keygen(&["-lv", "-f", file]), "{file}");
        assert!(ours.contains(print), "{ours}");
    }
    let (_, data, _) = desk.keytool(&explain_client("authorized_keys", "host-cert.pub"));
    assert!(data.contains(&format!("  key   {print}\n")), "{data}");
    desk.write("known_hosts", format!("h1.lab {CERTIFICATE}\n"));
    let (_, data, _) =
        desk.keytool(&["hosts", "find", "h1.lab", "--json", "--file", "known_hosts"]);
    assert!(data.contains(print), "{data}");
    desk.write("authorized_keys", format!("{CERTIFICATE} x\n"));
    for list in [
        &["authorized", "list", "--file", "authorized_keys"][..],
        &["fingerprint", "authorized_keys"],
    ] {
        assert!(desk.done(list).contains(print));
    }
}

/// As PowerShell writes it, with `>` and with `>>`.
#[test]
fn utf16_is_named_in_every_kind_of_file_and_nothing_is_appended() {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let (key, other) = (public_line(1, "x"), public_line(2, "x"));
    let text = format!("h1.lab {key}@revoked * {other}");
    for content in [
        wide(&format!("\u{feff}{text}")),
        wide(&text),
        [format!("h2.lab {key}").as_bytes(), &wide(&text)].concat(),
    ] {
        let desk = desk(&[]);
        let names = ["known_hosts", "authorized_keys", "k.pub"];
        for name in names {
            desk.write(name, &content);
            desk.set_mode(name, 0o600);
        }
        let refused = ": this file is UTF-16; save it as UTF-8";
        for name in names {
            let (code, data, _) = desk.keytool(&["check", name]);
            assert_eq!(code, 1, "{data}");
            assert_eq!(data, format!("{name}: error{refused}\n"));
        }
        let commands: [&[&str]; 12] = [
            &explain_host("h1.lab", "host.pub"),
            &explain_client("known_hosts", "host.pub"),
            &["hosts", "add", "h3.lab", "--key", "host.pub", "--file", "known_hosts"],
            &["hosts", "add", "h3.lab", "--key", "k.pub", "--file", "new"],
            &["hosts", "find", "h1.lab", "--file", "known_hosts"],
            &["hosts", "hash", "--file", "known_hosts"],
            &["hosts", "remove", "h1.lab", "--file", "known_hosts"],
            &["authorize", "host.pub", "--file", "authorized_keys"],
            &["authorize", "k.pub", "--file", "new"],
            &["authorized", "list", "--file", "authorized_keys"],
            &["fingerprint", "k.pub"],
            &["generate", "--passphrase-file", "k.pub", "new"],
        ];
        for command in commands {
            let (code, _, talk) = desk.keytool(command);
            assert_eq!(code, 3, "{command:?}: {talk}");
            assert!(talk.contains(refused), "{command:?}: {talk}");
        }
        for name in names {
            assert_eq!(std::fs::read(desk.path(name)).expect("the file"), content);
        }
        assert!(!desk.path("new").exists());
    }
}

#[test]
fn entries_without_a_line_end_between_them_are_an_error_with_both_halves() {
    let [a, b] = [1, 2].map(|seed| public_line(seed, "").trim().to_owned());
    let said = |name: &str, first: &str, second: &str| {
        format!(
            "{name}:1: error: two entries stand in it without a line end between them: `{first}` \
             and `{second}`; put each on a line of its own\n"
        )
    };
    let revoked = format!("@revoked * {b}");
    for (name, first, second) in [
        ("known_hosts", format!("h1.lab {a} me@lab"), revoked.clone()),
        ("known_hosts", format!("h1.lab {a}"), revoked.clone()),
        ("known_hosts", format!("h1.lab {a}"), format!("h2.lab {b}")),
        ("known_hosts", "h1.lab".to_owned(), revoked.clone()),
        ("known_hosts", "# the lab".to_owned(), revoked.clone()),
        ("authorized_keys", format!("{a} a@lab"), format!("{b} b@lab")),
        ("authorized_keys", a.clone(), format!("{b} b@lab")),
        ("k.pub", format!("{a} a@lab"), format!("{b} b@lab")),
    ] {
        let desk = desk(&[(name, &format!("{first}{second}\n"))]);
        let (code, data, _) = desk.keytool(&["check", name]);
        assert_eq!((code, data), (1, said(name, &first, &second)), "{first}");
    }

    // the file is refused where a revocation could be lost
    let glued = format!("h1.lab {a} me@lab{revoked}\n");
    let desk = desk(&[("known_hosts", &glued), ("authorized_keys", &format!("{HOST}\n"))]);
    for command in [
        &explain_host("h1.lab", "host.pub")[..],
        &["hosts", "add", "h3.lab", "--key", "host.pub", "--file", "known_hosts"],
        &["hosts", "remove", "h1.lab", "--file", "known_hosts"],
        &["hosts", "hash", "--file", "known_hosts"],
    ] {
        let (code, _, talk) = desk.keytool(command);
        assert_eq!(code, 3, "{talk}");
        assert!(talk.contains("two entries stand in it"), "{talk}");
        assert_eq!(desk.read("known_hosts"), glued);
    }
    // and where it stands in a list of revoked keys
    for line in [format!("{a} a@lab{b}"), format!("# revoked{a}"), format!("{a}{b}")] {
        desk.write("list", format!("{line}\n"));
        let (code, data, _) = desk.keytool(&explain_client("list", "host.pub"));
        assert_eq!(code, 1, "{data}");
        assert!(data.starts_with("reject: list:1: two entries stand in it"), "{data}");
        assert!(data.contains("cannot be read to the last line admits nobody"), "{data}");
    }
    for comment in [format!("# @revoked * {a}"), format!("# {a}"), "# @revoked".to_owned()] {
        desk.write("list", format!("{comment}\n"));
        assert_eq!(desk.keytool(&explain_client("list", "host.pub")).0, 0, "{comment}");
        desk.write("known_hosts", format!("{comment}\nh1.lab {a} me@revoked\n"));
        assert_eq!(desk.keytool(&["check", "known_hosts"]).0, 0, "{comment}");
    }
}

#[test]
fn an_ipv6_address_is_found_and_removed_in_every_spelling() {
    let key = public_line(1, "");
    let text = format!(
        "[fd5f:4268:2387:97c1:0:0:0:2]:7000 {key}@revoked fd5f:4268:2387:97c1:0000:0000:0000:0003 {key}"
    );
    let desk = desk(&[]);
    for host in ["[fd5f:4268:2387:97c1::2]:7000", "[fd5f:4268:2387:97c1:0:0:0:2]:7000"] {
        desk.write("known_hosts", &text);
        desk.set_mode("known_hosts", 0o600);
        let found = desk.done(&["hosts", "find", host, "--file", "known_hosts"]);
        assert!(found.starts_with("known_hosts:1: ") && found.lines().count() == 1, "{found}");
        desk.done(&["hosts", "remove", host, "--file", "known_hosts"]);
        assert!(desk.read("known_hosts").starts_with("@revoked "));
    }
    let found = ["hosts", "find", "fd5f:4268:2387:97c1::3", "--file", "known_hosts"];
    assert!(desk.done(&found).contains("@revoked"));
    desk.write("known_hosts", &text);
    let (code, data, _) = desk.keytool(&["check", "known_hosts"]);
    assert_eq!(code, 1);
    assert!(
        data.contains(
            "known_hosts:1: warning: `[fd5f:4268:2387:97c1:0:0:0:2]:7000` is not how ssh looks the \
         address up, which finds no such line; write `[fd5f:4268:2387:97c1::2]:7000`\n"
        ),
        "{data}"
    );

    let two = "`::1:7000` can be read in two ways; write `[::1]:7000` for port 7000 of ::1, or ";
    for command in [
        &["hosts", "find", "::1:7000", "--file", "known_hosts"][..],
        &["hosts", "remove", "::1:7000", "--file", "known_hosts"],
        &["hosts", "add", "::1:7000", "--key", "host.pub", "--file", "known_hosts"],
        &["hosts", "scan", "::1:7000"],
        &explain_host("::1:7000", "host.pub"),
    ] {
        let (code, _, talk) = desk.keytool(command);
        assert_eq!(code, 2, "{talk}");
        assert!(talk.contains(two), "{talk}");
    }
    desk.write("known_hosts", format!("::1:7000 {key}"));
    let (_, data, _) = desk.keytool(&["check", "known_hosts"]);
    assert!(data.contains(
        "warning: `::1:7000` can be read in two ways, and stands for port 22; write `[::1]:7000`, \
         or `::0.1.112.0`\n"
    ), "{data}");
}

#[test]
fn of_several_keys_in_a_file_those_that_can_be_are_taken_and_the_others_named() {
    let rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7";
    let several = format!("{HOST} alice\n{CERTIFICATE} cert\n{rsa} broken\n{AUTHORITY} bob\n");
    let one = format!("{CERTIFICATE} cert\n{HOST} alice\n{rsa} broken\n");
    let desk = desk(&[
        ("several.pub", &several),
        ("one.pub", &one),
        ("authorized_keys", &format!("{HOST} alice\n{AUTHORITY} bob\n")),
    ]);
    let add = ["hosts", "add", "h1.lab", "--key", "several.pub", "--file", "known_hosts"];
    let (code, _, talk) = desk.keytool(&add);
    assert_eq!(code, 1, "{talk}");
    assert!(
        talk.contains("not added: several.pub:2: a key of type ssh-ed25519-cert-v01@"),
        "{talk}"
    );
    assert!(talk.contains("not added: several.pub:3"), "{talk}");
    let both = format!("h1.lab {HOST}\nh1.lab {AUTHORITY}\n");
    assert_eq!(desk.read("known_hosts"), both);
    // a key that is listed, and in no such file, keeps others out
    desk.write("known_hosts", format!("h1.lab {AUTHORITY}\n"));
    let (code, _, talk) =
        desk.keytool(&["hosts", "add", "h1.lab", "--key", "one.pub", "--file", "known_hosts"]);
    assert_eq!((code, desk.read("known_hosts")), (1, format!("h1.lab {AUTHORITY}\n")), "{talk}");

    desk.write("known_hosts", &both);
    for (arguments, first) in [
        (&explain_host("h1.lab", "one.pub")[..], "match: "),
        (
            &[
                "explain",
                "client",
                "--authorized-keys",
                "authorized_keys",
                "--login",
                "alice",
                "--from",
                "::1",
                "--key",
                "one.pub",
            ],
            "accept: ",
        ),
    ] {
        let (code, data, talk) = desk.keytool(arguments);
        assert_eq!(code, 0, "{data}{talk}");
        assert!(data.starts_with(first), "{data}");
        assert!(
            talk.contains("left out: one.pub:1: a key of type ssh-ed25519-cert-v01@"),
            "{talk}"
        );
        assert!(talk.contains("left out: one.pub:3"), "{talk}");
        let (code, _, talk) =
            desk.keytool(&[&arguments[..arguments.len() - 1], &["several.pub"]].concat());
        assert_eq!(code, 2);
        assert!(
            talk.contains("several.pub: there are 3 keys in it; give a file with one"),
            "{talk}"
        );
    }

    let remove = ["authorized", "remove", "several.pub", "--file", "authorized_keys"];
    let (code, _, talk) = desk.keytool(&remove);
    assert_eq!((code, desk.read("authorized_keys").as_str()), (1, ""), "{talk}");
    assert!(
        talk.contains("not removed: several.pub:2: a key of type ssh-ed25519-cert-v01@"),
        "{talk}"
    );
}

#[test]
fn a_key_in_another_format_that_was_appended_is_named_once() {
    let block = "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"256-bit\"\nAAAAC3NzaC1lZDI1NTE5\nAAAA\n---- END SSH2 PUBLIC KEY ----\n";
    let list = format!("{HOST} alice\n{block}{AUTHORITY} bob\n");
    let hosts = format!("h1.lab {HOST}\n{block}");
    let unended = format!(
        "{HOST} alice\n---- BEGIN SSH2 PUBLIC KEY ----\nno-such {AUTHORITY} bob\n---- END SSH2 PUBLIC KEY ----\n"
    );
    let desk = desk(&[("authorized_keys", &list), ("known_hosts", &hosts), ("unended", &unended)]);
    for file in ["authorized_keys", "known_hosts"] {
        let (code, data, _) = desk.keytool(&["check", file]);
        assert_eq!(code, 1, "{data}");
        assert_eq!(
            data,
            format!(
                "{file}:2: error: a public key in the format of RFC 4716 (PuTTYgen) begins here, and OpenSSH's files hold none of that format; move it into a file of its own, and add what `ssh-keygen -i -f FILE` prints\n"
            )
        );
    }
    // it hides no entry
    let (_, data, _) = desk.keytool(&["check", "--as", "authorized-keys", "unended"]);
    assert!(data.contains("unended:3: ") && data.contains("unended:4: "), "{data}");
}
