//! `keytool check`, where owners and modes matter.

use crate::files::desk::{Desk, KEYTOOL, parts, public_line};

const LINE: &str = "rpc.example.org ssh-ed25519 \
                    AAAAC3NzaC1lZDI1NTE5AAAAIJmaIp1ahafeSGOpA9leTF2C29VxnuIPUVIrJGmfk63O\n";

/// The findings, which there must be.
fn found(desk: &Desk, args: &[&str]) -> String {
    let (code, data, talk) = desk.keytool(&[&["check"], args].concat());
    assert_eq!(code, 1, "{data}{talk}");
    data
}

fn nothing_found(desk: &Desk, args: &[&str]) {
    let (code, data, talk) = desk.keytool(&[&["check"], args].concat());
    assert_eq!((code, data.as_str(), talk.as_str()), (0, "", "nothing is wrong\n"));
}

#[test]
fn a_pair_is_checked_with_its_mode_and_both_halves() {
    let desk = Desk::new();
    desk.done(&["generate", "--no-passphrase", "k"]);
    desk.keygen(&["-q", "-t", "ed25519", "-N", "secret", "-f", "locked"]);
    nothing_found(&desk, &["k", "k.pub", "locked", "locked.pub"]);

    desk.set_mode("k", 0o640);
    assert_eq!(
        found(&desk, &["k"]),
        "k: error: its mode is 0640, so that others have access to the private key; \
         run `chmod 600 k`\n"
    );
    desk.set_mode("k", 0o600);
    desk.write("k.pub", public_line(1, "another"));
    assert!(found(&desk, &["k"]).starts_with("k: error: k.pub has another key: SHA256:"));
    desk.write("k.pub", "no key");
    assert!(found(&desk, &["k"]).starts_with("k: error: k.pub has no key that can be read; "));
    std::fs::remove_file(desk.path("k.pub")).expect("the public key");
    let missing = found(&desk, &["k"]);
    assert!(missing.starts_with("k: warning: there is no public key beside it, "), "{missing}");
    assert!(missing.ends_with("; write it anew: `keytool public k > k.pub`\n"), "{missing}");
    // The remedy is one.
    desk.shell("\"$KEYTOOL\" public k > k.pub");
    nothing_found(&desk, &["k"]);

    let text = desk.read("k");
    for (text, what) in [
        (text.replace('\n', "\r\n"), "its lines end in CR LF"),
        (text.trim_end().to_owned(), "its last line has no line end"),
    ] {
        desk.write("k", text);
        let expected = format!("k: warning: {what}, and OpenSSH does not read it so; ");
        assert!(found(&desk, &["k"]).starts_with(&expected));
    }
    desk.write("k", text.replacen("AAAA", "AAA", 1));
    assert!(found(&desk, &["k"]).starts_with("k: error: not a private key in OpenSSH's format: "));
    desk.keygen(&["-q", "-t", "rsa", "-N", "", "-f", "rsa"]);
    assert!(found(&desk, &["rsa"]).starts_with("rsa: error: keys of type ssh-rsa are not"));
}

#[test]
fn what_others_can_change_is_named() {
    let desk = Desk::new();
    desk.write("known_hosts", LINE);
    desk.write("authorized_keys", public_line(1, "alice"));
    for name in ["known_hosts", "authorized_keys"] {
        desk.set_mode(name, 0o644);
        nothing_found(&desk, &[name]);
        desk.set_mode(name, 0o666);
        let data = found(&desk, &[name]);
        assert!(data.contains(": error: ") && data.contains("mode 0666"), "{data}");
        assert!(data.contains("chmod go-w"), "{data}");
        desk.set_mode(name, 0o600);
    }
    std::fs::create_dir(desk.path("folder")).expect("a folder");
    desk.write("folder/known_hosts", LINE);
    desk.set_mode("folder/known_hosts", 0o600);
    desk.set_mode("folder", 0o777);
    assert!(found(&desk, &["folder/known_hosts"]).contains("warning: its folder has mode 0777"));
    desk.set_mode("folder", 0o1777);
    nothing_found(&desk, &["folder/known_hosts"]);
}

#[test]
fn a_file_of_nothing_but_faults_is_cut_short() {
    let desk = Desk::new();
    desk.write("known_hosts", "no key\n".repeat(20_000));
    desk.set_mode("known_hosts", 0o600);
    let data = found(&desk, &["known_hosts"]);
    assert_eq!(data.lines().count(), 1001);
    assert!(data.ends_with("error: there are 19000 more problems; mend these and check again\n"));
}

/// Each of them kept would take hundreds of bytes.
#[test]
fn broken_lines_are_counted_and_not_kept() {
    broken_lines(20_000);
}

#[test]
#[ignore = "long"]
fn many_broken_lines_take_no_memory() {
    broken_lines(200_000);
}

fn broken_lines(lines: usize) {
    let desk = Desk::new();
    desk.write("authorized_keys", "x\n".repeat(lines));
    desk.set_mode("authorized_keys", 0o600);
    let (_, out, _) = desk.shell("ulimit -v 60000; \"$KEYTOOL\" check authorized_keys | tail -n 1");
    assert!(out.contains(&format!("there are {} more problems", lines - 1_000)), "{out}");
    for (form, last) in
        [("", &*format!("{lines}  -            -        passed over: it ends")), ("--json", "]")]
    {
        let list = format!("\"$KEYTOOL\" authorized list --file authorized_keys {form}");
        let (_, out, _) = desk.shell(&format!("ulimit -v 60000; {list} | tail -n 1"));
        assert!(out.starts_with(last), "{form}: {out}");
    }
    desk.write("authorized_keys", "");
    let (code, data, _) =
        desk.keytool(&["authorized", "list", "--json", "--file", "authorized_keys"]);
    assert_eq!((code, data.as_str()), (0, "[]\n"));
}

#[test]
fn a_line_of_a_megabyte_is_named() {
    let desk = Desk::new();
    for name in ["known_hosts", "authorized_keys"] {
        desk.write(name, format!("# {name}\n{}\n", "x".repeat(2 << 20)));
        desk.set_mode(name, 0o600);
        let data = found(&desk, &[name]);
        assert!(data.starts_with(&format!("{name}:2: error: ")), "{data}");
        assert!(data.contains("the line has 2097152 bytes and at most 1048576 are read"), "{data}");
    }
}

#[test]
fn nothing_but_a_terminal_gets_colours() {
    let desk = Desk::new();
    desk.write("known_hosts", "no key\n");
    for variable in ["NO_COLOR", "TERM_PROGRAM", "CLICOLOR_FORCE"] {
        for args in [&["check", "known_hosts"][..], &["check", "missing"], &["check"], &["help"]] {
            let mut command = desk.command(KEYTOOL, args);
            let (_, data, talk) = parts(command.env(variable, "1").output().expect("keytool"));
            assert!(!format!("{data}{talk}").contains('\u{1b}'), "{variable} {args:?}");
        }
    }
}

#[test]
#[ignore = "needs script of util-linux, for a terminal"]
fn on_a_terminal_there_are_colours_unless_no_color_is_set() {
    let desk = Desk::new();
    desk.write("known_hosts", "no key\n");
    for (variable, coloured) in [("TERM=xterm", true), ("TERM=xterm NO_COLOR=1", false)] {
        let (_, data, _) = desk
            .shell(&format!("{variable} script -qec '\"$KEYTOOL\" check known_hosts' /dev/null"));
        assert!(data.contains("known_hosts:1: "), "{data}");
        assert_eq!(data.contains('\u{1b}'), coloured, "{data}");
    }
}

#[test]
fn an_authority_does_not_repeat_the_line_of_its_own_key() {
    let desk = Desk::new();
    let key = public_line(1, "alice");
    desk.write("authorized_keys", format!("{key}cert-authority {key}"));
    desk.set_mode("authorized_keys", 0o600);
    let data = found(&desk, &["authorized_keys"]);
    assert!(data.starts_with("authorized_keys:2: warning: it admits nobody: "), "{data}");
    assert_eq!(data.lines().count(), 1, "{data}");
}

#[test]
fn a_line_that_admits_from_nowhere_is_named() {
    let desk = Desk::new();
    let lines =
        ["!10.0.0.0/8", "*.example.org,!192.0.2.7", "192.0.2.*,!192.0.2.7", "2001:db8::/32"];
    let line = |(seed, from)| format!("from=\"{from}\" {}", public_line(seed, ""));
    desk.write("authorized_keys", (1..).zip(lines).map(line).collect::<String>());
    desk.set_mode("authorized_keys", 0o600);
    let data = found(&desk, &["authorized_keys"]);
    let named: Vec<_> = data.lines().filter_map(|line| line.split_once(": ")).collect();
    let what = "warning: it admits nobody: no address is in its `from=`, and names are not looked \
                up; list the addresses or networks it is about, or put `*` beside what is excluded";
    assert_eq!(named, [("authorized_keys:1", what), ("authorized_keys:2", what)]);
    desk.write("alice.pub", public_line(5, "alice"));
    let (code, _, talk) = desk.keytool(&["authorize", "alice.pub", "--from", "!10.0.0.0/8"]);
    assert_eq!(code, 0);
    assert!(talk.contains("warning: nobody comes from there: "), "{talk}");
}

#[test]
fn a_host_that_has_a_supported_key_may_have_others() {
    let desk = Desk::new();
    let (a, b) = (public_line(1, ""), public_line(2, ""));
    desk.keygen(&["-q", "-t", "rsa", "-N", "", "-f", "rsa"]);
    let rsa = desk.read("rsa.pub");
    let names = "rpc.example.org,192.0.2.7";
    desk.write("known_hosts", format!("{names} {rsa}{names} {a}[two.example.org]:7000 {b}"));
    desk.set_mode("known_hosts", 0o600);
    nothing_found(&desk, &["known_hosts"]);
    desk.keygen(&["-H", "-f", "known_hosts"]);
    nothing_found(&desk, &["known_hosts"]);

    // Not if it is about another name, or the line with the other key only revokes it.
    for other in ["192.0.2.7 ", "@revoked rpc.example.org,192.0.2.7 "] {
        desk.write("known_hosts", format!("{names} {rsa}{other}{a}"));
        let data = found(&desk, &["known_hosts"]);
        assert!(data.starts_with("known_hosts:1: warning: keys of type ssh-rsa are not"), "{data}");
        assert_eq!(data.lines().count(), 1, "{data}");
    }
}

#[test]
fn a_key_that_is_revoked_on_many_lines_does_not_take_for_ever() {
    let desk = Desk::new();
    let key = public_line(1, "");
    let lines = |marker: &str, what: &str| -> String {
        (0..5000).map(|number| format!("{marker}{what}{number}.example.org {key}")).collect()
    };
    desk.write("known_hosts", lines("@revoked ", "a") + &lines("", "b"));
    desk.set_mode("known_hosts", 0o600);
    let start = std::time::Instant::now();
    let data = found(&desk, &["known_hosts"]);
    assert!(data.contains("on so many lines that not all of them were compared"), "{data}");
    assert_eq!(data.lines().count(), 1, "{data}");
    assert!(start.elapsed() < std::time::Duration::from_secs(60));
}
