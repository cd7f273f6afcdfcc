//! `keytool hosts` where it changes a file, or may not.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use crate::files::desk::{Desk, KEYTOOL, parts, public_line};

/// Somebody who may not do everything.
const NOBODY: u32 = 65_534;

#[test]
fn all_names_are_hidden_that_ssh_keygen_would_hide() {
    let desk = Desk::new();
    let [a, b] = [1, 2].map(|seed| public_line(seed, "comment"));
    let before = format!(
        "# hosts\r\nrpc.example.org,192.0.2.1 {a}\n*.example.com {a}@revoked * {b}[b.example.org]:7000 {b}"
    );
    desk.write("known", &before);
    let (code, data, talk) = desk.keytool(&["hosts", "hash", "--file", "known"]);
    assert_eq!((code, data.as_str()), (0, ""), "{talk}");
    assert_eq!(
        talk,
        "known:2: hashed rpc.example.org,192.0.2.1\n\
         known:6: hashed [b.example.org]:7000\n\
         known:4: stays, for it has a pattern that stands for others, too; edit it by hand\n\
         known:5: stays, for it has a marker; edit it by hand\n"
    );
    let after = desk.read("known");
    assert!(after.starts_with("# hosts\r\n|1|"), "{after}");
    assert!(after.contains(&format!("\n\n*.example.com {a}@revoked * {b}|1|")), "{after}");
    assert!(!after.contains("rpc.example.org") && !after.contains("b.example.org"), "{after}");
    for lookup in ["rpc.example.org", "192.0.2.1", "[b.example.org]:7000"] {
        assert!(desk.keygen(&["-F", lookup, "-f", "known"]).contains(": line "), "{lookup}");
    }
    assert_eq!(desk.names(), ["known"]);

    let (code, _, talk) = desk.keytool(&["hosts", "hash", "--file", "known"]);
    assert_eq!((code, desk.read("known")), (0, after));
    assert!(talk.ends_with("no name was left to hash; nothing was changed\n"), "{talk}");
}

#[test]
fn a_file_that_is_not_understood_is_not_hashed() {
    let desk = Desk::new();
    let before = format!("a.example.org {}b.example.org no key\n", public_line(1, "x"));
    desk.write("known", &before);
    let (code, _, talk) = desk.keytool(&["hosts", "hash", "--file", "known"]);
    assert_eq!((code, desk.read("known")), (3, before));
    assert!(talk.starts_with("error: known:2 cannot be read: "), "{talk}");
}

/// They are never found, and may be about the host.
#[test]
fn who_looks_for_a_host_is_told_of_lines_that_cannot_be_read() {
    let desk = Desk::new();
    let good = format!("h {}", public_line(1, "x"));
    desk.write("known", format!("{good}h ssh-ed25519 AAAA\n"));
    let (code, data, talk) = desk.keytool(&["hosts", "find", "h", "--file", "known"]);
    assert_eq!((code, data), (0, format!("known:1: {good}")));
    assert!(talk.starts_with("warning: known:2 could not be read: "), "{talk}");
    desk.write("known", format!("@Revoked {good}"));
    let (code, _, talk) = desk.keytool(&["hosts", "find", "h", "--file", "known"]);
    assert_eq!(code, 1);
    assert!(talk.starts_with("warning: nobody is trusted by this file: known:1: "), "{talk}");
}

/// Whoever may not write to a file is told so, and not that it cannot be read.
#[test]
fn what_may_not_be_written_is_named_with_what_helps() {
    let desk = Desk::new();
    fs::create_dir(desk.path("d")).expect("a folder");
    desk.write("k.pub", public_line(1, "x"));
    desk.write("known", format!("h {}", public_line(2, "x")));
    desk.write("d/known", format!("h {}", public_line(2, "x")));
    // A copy that anybody can start, by a process of its own: what this one has open for writing,
    // others that it starts meanwhile have, too, and then nobody can run it.
    assert!(desk.run("cp", &[KEYTOOL, "keytool"]).status.success());
    let root = rustix::process::geteuid().is_root();
    if root {
        for name in ["", "d", "k.pub", "known", "d/known"] {
            chown(desk.path(name), Some(NOBODY), Some(NOBODY)).expect("chown");
        }
    }
    let keytool = |args: &[&str]| {
        let program = desk.path("keytool");
        let mut command = desk.command(program.to_str().expect("a path in UTF-8"), args);
        if root {
            command.uid(NOBODY).gid(NOBODY);
        }
        let (code, data, talk) = parts(command.output().expect("keytool"));
        assert_eq!((code, data.as_str()), (3, ""), "{args:?}: {talk}");
        talk
    };
    let folder = fs::canonicalize(desk.path("d")).expect("the folder");
    let folder = folder.to_str().expect("a path in UTF-8");
    let add = |file| ["hosts", "add", "a", "--key", "k.pub", "--file", file];

    desk.set_mode("known", 0o444);
    let read_only = "known: this program may read the file and not write to it; if it is to be \
                     changed, run this as its owner, after `chmod u+w known` where that is \
                     missing; nothing was changed\n";
    for args in [&add("known")[..], &["hosts", "remove", "h", "--file", "known"]] {
        assert_eq!(keytool(args), format!("error: {read_only}"));
    }
    desk.set_mode("known", 0o000);
    assert!(keytool(&add("known")).starts_with("error: known: this program may not read the file"));

    desk.set_mode("d", 0o555);
    for file in ["d/known", "d/new"] {
        let expected = format!(
            "error: {file}: this program may not make files in the folder {folder}, which a change \
             needs; run `chmod u+w {folder}`, or run this as somebody who may; nothing was changed\n"
        );
        assert_eq!(keytool(&add(file)), expected);
    }
    assert_eq!(
        keytool(&["generate", "--no-passphrase", "d/k"]),
        "error: d/k: this program may not make files in its folder; choose another, or run this \
         as somebody who may\n"
    );
    desk.set_mode("d", 0o755);
    assert_eq!(desk.read("d/known"), format!("h {}", public_line(2, "x")));
    assert_eq!(fs::read_dir(desk.path("d")).expect("the folder").count(), 1);
}

#[test]
#[ignore = "needs root, to mount a file system"]
fn a_file_system_that_is_read_only_is_named() {
    let desk = Desk::new();
    fs::create_dir(desk.path("disk")).expect("a folder");
    desk.write("k.pub", public_line(1, "x"));
    let (_, data, talk) = desk.shell(
        "mount -t tmpfs none disk && sed 's/^/h /' k.pub >disk/known && mount -o remount,ro disk; \
         for file in known new; do \
         \"$KEYTOOL\" hosts add a --key k.pub --file disk/$file 2>&1; echo $?; done; umount disk",
    );
    let system = "Read-only file system (os error 30); the file is as it was\n3\n";
    let expected = format!(
        "error: disk/known: cannot open and lock it for a change: {system}\
         error: disk/new: cannot make it: {system}"
    );
    assert_eq!(data, expected, "{talk}");
}

/// Nobody writes to it: a program that reads it waits.
#[test]
fn nothing_waits_for_a_fifo_or_reads_a_device() {
    let desk = Desk::new();
    desk.write("k.pub", public_line(1, "x"));
    desk.write("known", format!("h {}", public_line(1, "x")));
    let (code, _, talk) = desk.shell("mkfifo fifo");
    assert_eq!(code, 0, "{talk}");
    let not_regular = "this is not a regular file; give the path of a regular file";
    for file in ["fifo", "/dev/null", "/dev/zero"] {
        for args in [
            &["explain", "host", "known", "--host", "h", "--key", file][..],
            &["explain", "host", file, "--host", "h", "--key", "k.pub"],
            &["hosts", "add", "i", "--key", file, "--file", "known"],
            &["hosts", "add", "i", "--key", "k.pub", "--file", file],
            &["hosts", "find", "h", "--file", file],
            &["hosts", "remove", "h", "--file", file],
            &["hosts", "hash", "--file", file],
            &["fingerprint", file],
        ] {
            let args: Vec<_> = [&["10", KEYTOOL], args].concat();
            let (code, data, talk) = parts(desk.run("timeout", &args));
            assert_eq!((code, data.as_str()), (3, ""), "{args:?}: {talk}");
            assert!(talk.contains(&format!("{file}: {not_regular}")), "{args:?}: {talk}");
        }
    }
    let (code, _, talk) = desk.keytool(&["fingerprint", "."]);
    let remedy = "give the path of a regular file, or - for standard input";
    assert_eq!((code, talk), (3, format!("error: .: this is a directory; {remedy}\n")));
}

#[test]
fn what_the_shell_has_opened_is_read_whatever_it_is() {
    let desk = Desk::new();
    desk.write("k.pub", public_line(1, "x"));
    desk.write("known", format!("h {}", public_line(1, "x")));
    let explain = "\"$KEYTOOL\" explain host known --host h --key";
    for script in [
        format!("(sleep 0.2; cat k.pub) | {explain} -"),
        format!("(sleep 0.2; cat k.pub) | {explain} /dev/stdin"),
        format!("{explain} <(sleep 0.2; cat k.pub)"),
        format!("{explain} /dev/fd/5 5< <(sleep 0.2; cat k.pub)"),
        format!("{explain} /proc/self/fd/5 5<k.pub"),
    ] {
        let mut command = desk.command("bash", &["-c", &script]);
        let output = command.env("KEYTOOL", KEYTOOL).stdin(Stdio::null()).output();
        let (code, data, talk) = parts(output.expect("bash"));
        assert_eq!(code, 0, "{script}: {talk}");
        assert!(data.starts_with("match: known:1 lists this key\n"), "{script}: {data}");
    }
}
