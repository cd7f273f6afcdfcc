//! What keytool leaves on the disk: modes, races, killed processes, full disks; and what
//! `ssh-keygen` says to it (OpenSSH's client tools must be installed).

#![expect(clippy::expect_used, reason = "helpers of tests end a test this way")]

mod check;
mod crash;
mod desk;
mod explain;
mod guess;
mod hosts;
mod odd_lines;
mod owners;
mod passphrase;
mod private;
mod quoting;
mod terminal;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;

use self::crash::large;
use self::desk::{Desk, KEYTOOL, parts, public_line};

#[test]
fn a_new_key_is_its_owners_whatever_the_umask() {
    for umask in ["000", "022", "077", "277"] {
        let desk = Desk::new();
        let script = format!("umask {umask}; exec \"$KEYTOOL\" generate --no-passphrase k");
        let (code, data, talk) = desk.shell(&script);
        assert_eq!((code, data.as_str()), (0, "k\n"), "{talk}");
        assert_eq!((desk.mode("k"), desk.mode("k.pub")), (0o600, 0o644), "{umask}");
        assert_eq!(desk.names(), ["k", "k.pub"]);
    }
}

#[test]
fn the_folder_of_the_default_file_is_made() {
    let desk = Desk::new();
    desk.done(&["generate", "--no-passphrase", "--comment", "alice@example.org"]);
    assert_eq!(desk.mode(".ssh"), 0o700);
    assert!(desk.read(".ssh/id_ed25519.pub").ends_with(" alice@example.org\n"));
    assert_eq!(desk.done(&["public"]), desk.read(".ssh/id_ed25519.pub"));
}

#[test]
fn a_key_is_never_replaced_but_by_force() {
    let desk = Desk::new();
    desk.done(&["generate", "--no-passphrase", "k"]);
    let before = (desk.read("k"), desk.read("k.pub"));
    let (code, data, talk) = desk.keytool(&["generate", "--no-passphrase", "k"]);
    assert_eq!((code, data.as_str()), (1, ""));
    assert!(talk.contains("k: there is a file already; choose another name, or say --force"));
    assert_eq!(desk.done(&["generate", "--no-passphrase", "--if-missing", "k"]), "k\n");
    assert_eq!((desk.read("k"), desk.read("k.pub")), before);

    fs::remove_file(desk.path("k")).expect("the private key");
    let (code, _, talk) = desk.keytool(&["generate", "--no-passphrase", "k"]);
    assert_eq!(code, 1);
    assert!(talk.contains("k.pub: there is a file already"), "{talk}");
    assert_eq!(desk.names(), ["k.pub"]);

    fs::set_permissions(desk.path("k.pub"), fs::Permissions::from_mode(0o600)).expect("chmod");
    desk.done(&["generate", "--no-passphrase", "--force", "k"]);
    assert_ne!(desk.read("k.pub"), before.1);
    assert_eq!((desk.mode("k"), desk.mode("k.pub")), (0o600, 0o644));
    assert_eq!(desk.done(&["public", "k"]), desk.read("k.pub"));
    assert_eq!(desk.names(), ["k", "k.pub"]);
}

#[test]
fn a_link_is_not_replaced_unless_by_force_and_then_followed() {
    let desk = Desk::new();
    desk.write("real", "old");
    symlink("real", desk.path("k")).expect("a link");
    symlink("nowhere", desk.path("dangling")).expect("a link");
    assert_eq!(desk.keytool(&["generate", "--no-passphrase", "k"]).0, 1);
    assert_eq!(desk.keytool(&["generate", "--no-passphrase", "dangling"]).0, 1);
    assert_eq!(desk.read("real"), "old");
    desk.done(&["generate", "--no-passphrase", "--force", "k"]);
    assert!(fs::symlink_metadata(desk.path("k")).expect("the link").is_symlink());
    assert_eq!((desk.mode("real"), desk.done(&["public", "real"])), (0o600, desk.read("k.pub")));
}

#[test]
fn of_many_who_make_the_same_key_one_wins() {
    let desk = Desk::new();
    let args = ["generate", "--no-passphrase", "--if-missing", "--json", "k"];
    let all: Vec<_> = (0..8)
        .map(|_| {
            let mut command = desk.command(KEYTOOL, &args);
            command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("keytool")
        })
        .collect();
    let mut created = 0;
    for child in all {
        let (code, data, _) = parts(child.wait_with_output().expect("its end"));
        let value: serde_json::Value = serde_json::from_str(&data).expect("JSON");
        created += i32::from(value["created"] == true);
        // Whoever came too late may have met the private key before the public one.
        assert_eq!(code, 0, "{data}");
    }
    assert_eq!(created, 1);
    assert_eq!(desk.names(), ["k", "k.pub"]);
    assert_eq!(desk.done(&["public", "k"]), desk.read("k.pub"));
}

#[test]
fn passphrases_from_file_and_environment() {
    let desk = Desk::new();
    desk.write("secret", "open sesame\r\nsecond line\n");
    let (code, _, talk) = desk.keytool(&["generate", "--passphrase-file", "secret", "k"]);
    assert_eq!(code, 0);
    assert!(talk.contains("warning: secret: others than its owner have access"), "{talk}");
    let public = desk.read("k.pub");
    assert_eq!(desk.keygen(&["-y", "-P", "open sesame", "-f", "k"]), public);
    assert_eq!(desk.done(&["public", "--passphrase-file", "secret", "k"]), public);
    let with = |value: &str| {
        let mut command = desk.command(KEYTOOL, &["public", "k"]);
        parts(command.env("HANDFAST_PASSPHRASE", value).output().expect("keytool"))
    };
    assert_eq!(with("open sesame").1, public);
    let (code, _, talk) = with("open barley");
    assert_eq!((code, talk.as_str()), (1, "error: k: wrong passphrase for the private key\n"));
    assert_eq!(
        with(""),
        (
            2,
            String::new(),
            "error: HANDFAST_PASSPHRASE: the passphrase is empty, and an empty one protects nothing; \
             the variable is set, and holds nothing: set it to the passphrase, or unset it to be \
             asked; a key without one is made by --no-passphrase\n"
                .to_owned()
        )
    );
    desk.write("HANDFAST_PASSPHRASE", "\n");
    desk.set_mode("HANDFAST_PASSPHRASE", 0o600);
    assert_eq!(
        desk.keytool(&["public", "--passphrase-file", "HANDFAST_PASSPHRASE", "k"]),
        (
            2,
            String::new(),
            "error: HANDFAST_PASSPHRASE: the passphrase is empty, and an empty one protects nothing; \
             put it on the first line of the file; a key without one is made by --no-passphrase\n"
                .to_owned()
        )
    );
    let (code, _, talk) = desk.keytool(&["public", "k"]);
    assert_eq!(code, 2);
    assert!(talk.contains("there is no terminal to ask for it on"), "{talk}");
    // The fingerprint needs no passphrase.
    assert_eq!(desk.done(&["fingerprint", "k"]), desk.done(&["fingerprint", "k.pub"]));
}

#[test]
fn a_private_key_that_others_can_read_is_refused() {
    let desk = Desk::new();
    desk.done(&["generate", "--no-passphrase", "k"]);
    fs::set_permissions(desk.path("k"), fs::Permissions::from_mode(0o640)).expect("chmod");
    let (code, _, talk) = desk.keytool(&["public", "k"]);
    assert_eq!(code, 3);
    assert!(talk.contains("k: refused, for its mode is 0640"), "{talk}");
}

#[test]
fn ssh_keygen_takes_what_keytool_writes_and_the_other_way_round() {
    let desk = Desk::new();
    desk.done(&["generate", "--no-passphrase", "--comment", "alice@example.org", "ours"]);
    desk.keygen(&["-q", "-t", "ed25519", "-N", "", "-C", "bob smith", "-f", "theirs"]);
    for name in ["ours", "theirs"] {
        let public = desk.read(&format!("{name}.pub"));
        assert_eq!(desk.keygen(&["-y", "-f", name]), public);
        assert_eq!(desk.done(&["public", name]), public);
    }
    desk.done(&["hosts", "add", "rpc.example.org:7000", "--key", "ours.pub", "--file", "known"]);
    desk.done(&["hosts", "add", "rpc.example.org", "--key", "theirs.pub", "--file", "known"]);
    let hashed = ["hosts", "add", "b.example.org:7000", "--hash", "--key", "ours.pub", "--file"];
    desk.done(&[&hashed[..], &["known"]].concat());
    for (lookup, line) in
        [("[rpc.example.org]:7000", 1), ("rpc.example.org", 2), ("[b.example.org]:7000", 3)]
    {
        let found = desk.keygen(&["-F", lookup, "-f", "known"]);
        assert!(found.contains(&format!("found: line {line}")), "{found}");
    }
    // And what it hashes is found and removed by keytool.
    desk.keygen(&["-H", "-f", "known"]);
    let find = ["hosts", "find", "rpc.example.org:7000", "--file", "known"];
    assert!(desk.done(&find).starts_with("known:1: |1|"));
    desk.done(&["hosts", "remove", "rpc.example.org:7000", "--file", "known"]);
    let (code, _, _) =
        parts(desk.run("ssh-keygen", &["-F", "[rpc.example.org]:7000", "-f", "known"]));
    assert_eq!(code, 1);
}

#[test]
fn fingerprints_are_those_of_ssh_keygen_to_the_byte() {
    let desk = Desk::new();
    for (name, kind, bits) in [
        ("a", "ed25519", "256"),
        ("b", "ed25519", "256"),
        ("c", "rsa", "1024"),
        ("d", "rsa", "2048"),
        ("e", "ecdsa", "521"),
    ] {
        let comment = if name == "b" { "" } else { "alice's key" };
        desk.keygen(&["-q", "-t", kind, "-b", bits, "-N", "", "-C", comment, "-f", name]);
        let public = format!("{name}.pub");
        let ours = desk.done(&["fingerprint", "--randomart", &public]);
        assert_eq!(ours, desk.keygen(&["-lv", "-f", &public]), "{kind} {bits}");
    }
    assert_eq!(desk.done(&["fingerprint", "--randomart", "a"]), desk.keygen(&["-lv", "-f", "a"]));
    for seed in 0..50 {
        desk.write("many.pub", public_line(seed, "x"));
        let ours = desk.done(&["fingerprint", "--randomart", "many.pub"]);
        assert_eq!(ours, desk.keygen(&["-lv", "-f", "many.pub"]));
    }
    let [a, c] = ["a.pub", "c.pub"].map(|name| desk.read(name));
    desk.write("hosts", format!("# x\nrpc.example.org {a}\n\nb,c {}", public_line(1, "").trim()));
    desk.write("authorized", format!("restrict,command=\"a b\" {a}{c}pty {}", public_line(2, "")));
    for name in ["hosts", "authorized"] {
        assert_eq!(desk.done(&["fingerprint", name]), desk.keygen(&["-l", "-f", name]), "{name}");
    }
}

#[test]
fn a_closed_pipe_is_no_error_and_a_full_device_is() {
    let desk = Desk::new();
    let lines: String = (0..200).map(|seed| public_line(seed, "x")).collect();
    desk.write("many", lines);
    let (_, data, talk) =
        desk.shell("{ \"$KEYTOOL\" fingerprint --randomart many; echo $? >code; } | head -n 1");
    assert_eq!((data.lines().count(), talk.as_str()), (1, ""));
    assert_eq!(desk.read("code"), "0\n");
    desk.write("known_hosts", format!("rpc.example.org {}", public_line(1, "")));
    desk.write("bob.pub", public_line(2, "bob"));
    desk.write("odd", "no key\n");
    let changed = "explain host known_hosts --host rpc.example.org --key bob.pub";
    for command in [changed, &format!("{changed} --json"), "check many odd"] {
        // Nobody reads, and the answer is no all the same.
        let (_, _, talk) = desk.shell(&format!(
            "{{ sleep 0.2; \"$KEYTOOL\" {command} 2>talk; echo $? >code; }} | true"
        ));
        assert_eq!((desk.read("code").as_str(), talk.as_str()), ("1\n", ""), "{command}");
    }
    if Path::new("/dev/full").exists() {
        let (code, _, talk) = desk.shell("\"$KEYTOOL\" fingerprint many >/dev/full");
        assert_eq!(code, 3);
        assert!(talk.starts_with("error: standard output: cannot write: "), "{talk}");
    }
}

#[test]
fn two_who_append_a_hundred_lines_each_lose_none() {
    let desk = Desk::new();
    std::thread::scope(|scope| {
        for half in [0, 100] {
            let desk = &desk;
            scope.spawn(move || {
                for seed in half..half + 100 {
                    let name = format!("{seed}.pub");
                    desk.write(&name, public_line(seed, &name));
                    desk.done(&["authorize", &name, "--file", "keys"]);
                }
            });
        }
    });
    let mut lines: Vec<_> = desk.read("keys").lines().map(|line| format!("{line}\n")).collect();
    let mut expected: Vec<_> =
        (0..200).map(|seed| public_line(seed, &format!("{seed}.pub"))).collect();
    lines.sort();
    expected.sort();
    assert!(lines == expected, "{} lines", lines.len());
}

#[test]
fn where_there_is_no_room_the_old_file_is_whole() {
    let desk = Desk::new();
    let old = large(50);
    desk.write("known", &old);
    desk.write("k.pub", public_line(2, "x"));
    // The limit is in blocks of 512 or 1,024 bytes; both are too little for the file.
    let limited = |args: &str| {
        desk.shell(&format!("trap '' XFSZ; ulimit -f 2; exec \"$KEYTOOL\" {args} 2>&1"))
    };
    let (code, data, _) = limited("hosts add rpc.example.org --key k.pub --file known");
    assert_eq!(code, 3, "{data}");
    assert!(data.starts_with("error: known: cannot write the new content: "), "{data}");
    assert!(data.ends_with("; the file is as it was\n"), "{data}");
    assert_eq!(desk.read("known"), old);

    let (code, data, _) =
        desk.shell("trap '' XFSZ; ulimit -f 0; exec \"$KEYTOOL\" generate --no-passphrase k 2>&1");
    assert_eq!(code, 3, "{data}");
    let (code, data, _) =
        desk.shell("trap '' XFSZ; ulimit -f 0; exec \"$KEYTOOL\" authorize k.pub --file new 2>&1");
    assert_eq!(code, 3, "{data}");
    assert_eq!(desk.names(), ["k.pub", "known"]);
}

#[test]
#[ignore = "needs root, to mount a file system of 64 KiB"]
fn on_a_full_disk_the_old_file_is_whole() {
    let desk = Desk::new();
    fs::create_dir(desk.path("disk")).expect("a folder");
    desk.write("k.pub", public_line(2, "x"));
    desk.write("old", large(150));
    let (code, data, talk) = desk.shell(
        "mount -t tmpfs -o size=64k none disk && cp old disk/known && \
         cat /dev/zero >disk/filler 2>/dev/null; \
         \"$KEYTOOL\" hosts add rpc.example.org --key k.pub --file disk/known; code=$?; \
         cp disk/known after; ls -A disk | wc -l; umount disk; exit $code",
    );
    assert_eq!(code, 3, "{talk}");
    assert_eq!(data.trim(), "2", "{talk}");
    assert!(talk.contains("No space left on device"), "{talk}");
    assert_eq!(desk.read("after"), desk.read("old"));
}

#[test]
fn a_read_only_file_is_not_changed() {
    let desk = Desk::new();
    desk.write("k.pub", public_line(2, "x"));
    desk.write("keys", "");
    fs::set_permissions(desk.path("keys"), fs::Permissions::from_mode(0o400)).expect("chmod");
    let (code, _, talk) = desk.keytool(&["authorize", "k.pub", "--file", "keys"]);
    if rustix::process::geteuid().is_root() {
        assert_eq!((code, desk.mode("keys")), (0, 0o400));
    } else {
        assert_eq!((code, desk.read("keys").as_str()), (3, ""), "{talk}");
    }
}

#[test]
fn a_file_that_others_can_write_to_is_named() {
    let desk = Desk::new();
    desk.write("k.pub", public_line(2, "x"));
    desk.write("keys", "");
    fs::set_permissions(desk.path("keys"), fs::Permissions::from_mode(0o666)).expect("chmod");
    let (code, _, talk) = desk.keytool(&["authorize", "k.pub", "--file", "keys"]);
    assert_eq!((code, desk.mode("keys")), (0, 0o666));
    assert!(talk.contains("warning: servers refuse this file: keys: the file has mode 0666"));
}

#[test]
fn a_key_can_come_from_standard_input() {
    let desk = Desk::new();
    let mut command = desk.command(KEYTOOL, &["authorize", "-", "--file", "keys"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("keytool");
    let line = public_line(3, "bob@example.org");
    child.stdin.take().expect("its input").write_all(line.as_bytes()).expect("writing to it");
    assert!(child.wait().expect("its end").success());
    assert_eq!(desk.read("keys"), line);
}

#[test]
#[ignore = "needs script of util-linux, for a terminal"]
fn a_passphrase_is_asked_for_on_a_terminal() {
    let desk = Desk::new();
    let (code, data, talk) = desk.shell(
        "(sleep 1; echo secret; sleep 1; echo secret; sleep 3) | \
         script -qec '\"$KEYTOOL\" generate --comment a k' /dev/null",
    );
    assert_eq!(code, 0, "{data}{talk}");
    assert_eq!(desk.keygen(&["-y", "-P", "secret", "-f", "k"]), desk.read("k.pub"));
}

#[test]
fn every_command_has_a_man_page_and_completions() {
    let desk = Desk::new();
    fs::create_dir(desk.path("man1")).expect("a folder");
    let (code, data, talk) = desk.keytool(&["man", "--dir", "man1"]);
    assert_eq!((code, data.as_str()), (0, ""), "{talk}");
    let pages = [
        "",
        "authorize",
        "authorized",
        "authorized-list",
        "authorized-remove",
        "check",
        "completions",
        "explain",
        "explain-client",
        "explain-host",
        "fingerprint",
        "generate",
        "hosts",
        "hosts-add",
        "hosts-find",
        "hosts-hash",
        "hosts-list",
        "hosts-remove",
        "hosts-rotate",
        "hosts-scan",
        "man",
        "passphrase",
        "public",
    ];
    for page in pages {
        let hyphen = if page.is_empty() { "" } else { "-" };
        let text = desk.read(&format!("man1/keytool{hyphen}{page}.1"));
        assert!(text.contains(".TH keytool"), "{page}: {text}");
    }
    assert_eq!(fs::read_dir(desk.path("man1")).expect("the folder").count(), pages.len());
    assert!(desk.done(&["man"]).contains(".SH SUBCOMMANDS"));
    assert_eq!(desk.keytool(&["man", "--dir", "missing"]).0, 3);

    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = desk.done(&["completions", shell]);
        assert!(script.contains("no-passphrase") && script.contains("authorized"), "{shell}");
    }
    let (code, _, talk) = desk.shell("\"$KEYTOOL\" completions bash > script && bash -n script");
    assert_eq!(code, 0, "{talk}");
    assert_eq!(desk.keytool(&["completions", "csh"]).0, 2);
}
