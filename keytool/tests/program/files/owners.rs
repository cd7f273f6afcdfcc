//! Files and links of other users, groups that cannot be given, and files that are mounts: what
//! only root can set up. And what the kernel is asked for while a file is written.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown, lchown, symlink};

use crate::files::desk::{Desk, KEYTOOL, public_line};

const ALICE: u32 = 54_321;
const BOB: u32 = 54_322;

/// A folder that all users can enter, with a copy of keytool that all can run, and two keys.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.set_mode("", 0o755);
    fs::copy(KEYTOOL, desk.path("keytool")).expect("a copy of keytool");
    desk.write("a.pub", public_line(1, "a"));
    desk.write("b.pub", public_line(2, "b"));
    desk
}

fn give(desk: &Desk, name: &str, user: u32, mode: u32) {
    chown(desk.path(name), Some(user), Some(user)).expect("chown");
    desk.set_mode(name, mode);
}

fn folder_of(desk: &Desk, name: &str, user: u32, mode: u32) {
    fs::create_dir(desk.path(name)).expect("a folder");
    give(desk, name, user, mode);
}

fn link_of(desk: &Desk, to: &str, name: &str, user: u32) {
    symlink(to, desk.path(name)).expect("a link");
    lchown(desk.path(name), Some(user), Some(user)).expect("lchown");
}

/// Runs a command of keytool as a user who is in no group but their own.
fn as_user(desk: &Desk, user: u32, args: &str) -> (i32, String) {
    let (code, data, _) = desk.shell(&format!(
        "setpriv --reuid={user} --regid={user} --clear-groups ./keytool {args} 2>&1"
    ));
    (code, data)
}

fn owner(desk: &Desk, name: &str) -> (u32, u32, u32) {
    let metadata = fs::metadata(desk.path(name)).expect("a file");
    (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777)
}

#[test]
#[ignore = "needs root"]
fn root_follows_no_link_that_another_user_has_laid() {
    let desk = desk();
    folder_of(&desk, "root", 0, 0o700);
    folder_of(&desk, "alice", ALICE, 0o755);
    desk.done(&["generate", "--no-passphrase", "root/key"]);
    for file in ["keys", "known"] {
        desk.write(&format!("root/{file}"), format!("h {}", public_line(3, "x")));
    }
    let files = ["keys", "known", "key", "key.pub"];
    for file in files {
        link_of(&desk, &format!("../root/{file}"), &format!("alice/{file}"), ALICE);
    }
    link_of(&desk, "../root", "alice/folder", ALICE);
    let before = files.map(|file| desk.read(&format!("root/{file}")));
    desk.write("pass", "secret");
    desk.set_mode("pass", 0o600);
    let real = fs::canonicalize(desk.path("root")).expect("a folder");
    for place in ["alice", "alice/folder"] {
        for (command, name) in [
            ("authorize a.pub --file", "keys"),
            ("authorized remove a.pub --file", "keys"),
            ("hosts add b.example.org --key a.pub --file", "known"),
            ("hosts remove h --file", "known"),
            ("hosts hash --file", "known"),
            ("generate --force --no-passphrase", "key"),
            ("passphrase --new-passphrase-file pass", "key"),
        ] {
            let (code, talk) = as_user(&desk, 0, &format!("{command} {place}/{name}"));
            assert_eq!(code, 3, "{command}: {talk}");
            assert!(talk.contains(&format!("user id {ALICE} has laid")), "{command}: {talk}");
            assert!(talk.contains(&real.join(name).display().to_string()), "{command}: {talk}");
        }
    }
    // a new key goes into no folder that such a link leads to
    let (code, _, talk) = desk.keytool(&["generate", "--no-passphrase", "alice/folder/new"]);
    assert_eq!(code, 3, "{talk}");
    assert_eq!(files.map(|file| desk.read(&format!("root/{file}"))), before);
    assert_eq!(fs::read_dir(desk.path("root")).expect("a folder").count(), files.len());

    // what is alice's own is edited through her links, and stays hers
    desk.write("alice/own", "");
    give(&desk, "alice/own", ALICE, 0o600);
    link_of(&desk, "own", "alice/link", ALICE);
    desk.done(&["authorize", "a.pub", "--file", "alice/link"]);
    assert_eq!(desk.read("alice/own"), public_line(1, "a"));
    assert_eq!(owner(&desk, "alice/own"), (ALICE, ALICE, 0o600));
    // and a link of root's is followed for everybody
    symlink("alice/own", desk.path("roots")).expect("a link");
    let (code, talk) = as_user(&desk, ALICE, "authorize b.pub --file roots");
    assert_eq!(code, 0, "{talk}");
    assert_eq!(desk.read("alice/own"), public_line(1, "a") + &public_line(2, "b"));
}

#[test]
#[ignore = "needs root"]
fn a_user_edits_after_root_has_and_the_other_way_round() {
    let desk = desk();
    folder_of(&desk, "alice", ALICE, 0o755);
    // a file that root makes in alice's folder is hers
    desk.done(&["authorize", "a.pub", "--file", "alice/keys"]);
    assert_eq!(owner(&desk, "alice/keys"), (ALICE, ALICE, 0o600));
    let lock = "alice/.keys.handfast-lock";
    // a lock file that a killed process has left is taken over by both
    for user in [0, ALICE, 0] {
        desk.write(lock, "");
        give(&desk, lock, ALICE, 0o600);
        for command in ["authorize b.pub", "authorized remove b.pub"] {
            let (code, talk) = as_user(&desk, user, &format!("{command} --file alice/keys"));
            assert_eq!(code, 0, "{user}: {talk}");
        }
        assert!(!desk.path(lock).exists());
    }
    assert_eq!(desk.read("alice/keys"), public_line(1, "a"));
    assert_eq!(owner(&desk, "alice/keys"), (ALICE, ALICE, 0o600));
    // root is held up while it edits: what alice finds then is hers to open
    let (code, data, talk) = desk.shell(&format!(
        "strace -qq -o /dev/null -e inject=rename,renameat,renameat2:delay_enter=700000 \
         ./keytool authorize b.pub --file alice/keys & sleep 0.4; stat -c '%u %a' {lock}; wait $!"
    ));
    assert_eq!((code, data.trim()), (0, &*format!("{ALICE} 600")), "{talk}");
}

/// A process of bob's can read the file and nothing else.
#[test]
#[ignore = "needs root"]
fn another_user_can_neither_hold_the_lock_nor_put_one_there() {
    let desk = desk();
    folder_of(&desk, "alice", ALICE, 0o755);
    desk.write("alice/keys", "");
    give(&desk, "alice/keys", ALICE, 0o644);
    let (code, data, talk) = desk.shell(&format!(
        "setpriv --reuid={BOB} --regid={BOB} --clear-groups flock alice/keys sleep 20 & \
         sleep 0.5; timeout 10 setpriv --reuid={ALICE} --regid={ALICE} --clear-groups \
         ./keytool authorize a.pub --file alice/keys; code=$?; kill $!; exit $code"
    ));
    assert_eq!(code, 0, "{data}{talk}");

    // in a folder that is everybody's, a lock file of bob's is named
    let lock = "tmp/.keys.handfast-lock";
    folder_of(&desk, "tmp", 0, 0o1777);
    for (name, user, mode) in [("tmp/keys", ALICE, 0o644), (lock, BOB, 0o666)] {
        desk.write(name, "");
        give(&desk, name, user, mode);
    }
    for user in [ALICE, 0] {
        let (code, talk) = as_user(&desk, user, "authorize a.pub --file tmp/keys");
        assert_eq!(code, 3, "{talk}");
        assert!(talk.contains("tmp/.keys.handfast-lock is in the way"), "{talk}");
        assert!(talk.contains(&format!("it belongs to user id {BOB}")), "{talk}");
    }
    assert_eq!(owner(&desk, lock), (BOB, BOB, 0o666));
    fs::remove_file(desk.path(lock)).expect("the lock file");
    let (code, talk) = as_user(&desk, ALICE, "authorize a.pub --file tmp/keys");
    assert_eq!((code, desk.read("tmp/keys")), (0, public_line(1, "a")), "{talk}");
    // where only its owner can replace the file, another user is told so
    desk.set_mode("tmp/keys", 0o666);
    let (code, talk) = as_user(&desk, BOB, "authorize b.pub --file tmp/keys");
    assert_eq!(code, 3, "{talk}");
    assert!(talk.contains("its folder is sticky (mode 1777)"), "{talk}");
    assert_eq!(desk.read("tmp/keys"), public_line(1, "a"));
}

#[test]
#[ignore = "needs root"]
fn where_the_group_cannot_be_kept_nobody_gains_access() {
    let desk = desk();
    folder_of(&desk, "alice", ALICE, 0o755);
    for (before, after) in
        [(0o600, 0o600), (0o644, 0o604), (0o640, 0o600), (0o664, 0o604), (0o604, 0o600)]
    {
        desk.write("alice/known", format!("h {}", public_line(3, "x")));
        chown(desk.path("alice/known"), Some(ALICE), Some(0)).expect("chown");
        desk.set_mode("alice/known", before);
        for command in ["add b.example.org --key a.pub", "remove h"] {
            let (code, talk) =
                as_user(&desk, ALICE, &format!("hosts {command} --file alice/known"));
            assert_eq!(code, 0, "{talk}");
            assert_eq!(owner(&desk, "alice/known"), (ALICE, ALICE, after), "{before:o}");
        }
        assert!(desk.read("alice/known").starts_with("b.example.org "));
    }
    desk.done(&["generate", "--no-passphrase", "alice/key"]);
    chown(desk.path("alice/key"), Some(ALICE), Some(0)).expect("chown");
    desk.write("pass", "secret");
    give(&desk, "pass", ALICE, 0o600);
    let (code, talk) = as_user(&desk, ALICE, "passphrase --new-passphrase-file pass alice/key");
    assert_eq!(code, 0, "{talk}");
    assert_eq!(owner(&desk, "alice/key"), (ALICE, ALICE, 0o600));
}

/// As in a container whose user namespace has no number for an owner or a group.
#[test]
#[ignore = "needs root"]
fn ids_without_a_number_in_the_container_are_no_hindrance() {
    let desk = desk();
    for (owner, group) in [(0, BOB), (BOB, 0), (BOB, BOB)] {
        desk.write("known", format!("h {}", public_line(3, "x")));
        chown(desk.path("known"), Some(owner), Some(group)).expect("chown");
        desk.set_mode("known", 0o666);
        let (code, data, _) = desk.shell(
            "unshare --user --map-root-user sh -c './keytool hosts add b.example.org --key a.pub \
             --file known && ./keytool hosts remove h --file known' 2>&1",
        );
        assert_eq!(code, 0, "{data}");
        assert!(desk.read("known").starts_with("b.example.org "), "{owner} {group}");
        let metadata = fs::metadata(desk.path("known")).expect("a file");
        let mode = if group == BOB { 0o606 } else { 0o666 };
        assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o7777), (0, 0, mode));
    }
}

/// `docker run -v FILE:FILE`
#[test]
#[ignore = "needs root, to mount a file"]
fn a_file_that_is_a_mount_of_its_own_gets_lines_in_place() {
    let desk = desk();
    let line = format!("h {}", public_line(3, "x"));
    for name in ["outside", "inside"] {
        desk.write(name, line.trim_end());
    }
    let before = fs::metadata(desk.path("outside")).expect("a file").ino();
    let (code, data, _) = desk.shell(
        "unshare --mount sh -c 'mount --bind outside inside && \
         ./keytool hosts add b.example.org --key a.pub --file inside && \
         { ./keytool hosts remove h --file inside; echo $?; \
           ./keytool hosts hash --file inside; echo $?; \
           flock inside sleep 8 & sleep 0.3; \
           timeout 7 ./keytool hosts add c --key a.pub --file inside; echo $?; kill $!; }' 2>&1",
    );
    assert_eq!(code, 0, "{data}");
    let mount = "error: inside: the file is a mount of its own, so that no other file can take its place; mount its folder instead, or change the file outside of the container; nothing was changed\n3\n";
    let busy =
        "error: inside: another program holds the lock on the file; try again when it is done\n3\n";
    assert!(data.ends_with(&format!("{mount}{mount}{busy}")), "{data}");
    let added = format!("b.example.org {}\n", public_line(1, "").trim_end());
    assert_eq!(desk.read("outside"), line.clone() + &added);
    assert_eq!(fs::metadata(desk.path("outside")).expect("a file").ino(), before);
    assert_eq!(desk.read("inside"), line.trim_end());
}

#[test]
#[ignore = "needs root, to mount a file"]
fn a_private_key_that_is_a_mount_is_not_half_changed() {
    let desk = desk();
    desk.done(&["generate", "--no-passphrase", "outside"]);
    for (name, content) in [("inside", ""), ("pass", "secret")] {
        desk.write(name, content);
        desk.set_mode(name, 0o600);
    }
    let before = desk.read("outside");
    for command in ["passphrase --new-passphrase-file pass", "generate --force --no-passphrase"] {
        let (code, data, _) = desk.shell(&format!(
            "unshare --mount sh -c 'mount --bind outside inside && ./keytool {command} inside' 2>&1"
        ));
        assert_eq!(code, 3, "{data}");
        assert!(data.contains("mount its folder instead"), "{data}");
        assert_eq!(desk.read("outside"), before);
    }
}

/// What the kernel is asked for, in order, as `strace` writes it.
#[test]
#[ignore = "needs strace"]
fn a_new_file_is_exclusive_private_and_on_the_disk_before_it_takes_its_place() {
    let desk = Desk::new();
    desk.write("a.pub", public_line(1, "a"));
    desk.write("known", "");
    for (args, place) in [
        ("hosts add h --key a.pub --file known", "rename"),
        ("hosts add h --key a.pub --file new", "link"),
        ("generate --no-passphrase key", "link"),
        ("generate --no-passphrase --force key", "rename"),
    ] {
        let (code, _, talk) =
            desk.shell(&format!("umask 0; strace -f -o trace \"$KEYTOOL\" {args}"));
        assert_eq!(code, 0, "{talk}");
        let trace = desk.read("trace");
        let lines: Vec<_> = trace.lines().collect();
        let next = |from: usize, parts: &[&str]| {
            let found = lines.iter().enumerate().skip(from);
            let mut found = found.filter(|(_, line)| parts.iter().all(|part| line.contains(part)));
            let Some((line, _)) = found.next() else {
                panic!("{args}: {parts:?} after line {from} of\n{trace}")
            };
            line
        };
        let returned = |line: usize| lines[line].rsplit(" = ").next().unwrap_or("").to_owned();
        let made = |line: &&&str| line.contains("O_CREAT");
        assert!(lines.iter().any(|line| line.contains("O_CREAT")), "{trace}");
        for line in lines.iter().filter(made) {
            assert!(
                ["O_EXCL", "O_NOFOLLOW", ", 0600)"].iter().all(|it| line.contains(it)),
                "{line}"
            );
        }
        // the lock file has no content; what is written comes last
        let mut from = 0;
        let written = lines.iter().rposition(|line| line.contains("O_CREAT")).unwrap_or(0);
        for created in
            lines.iter().enumerate().filter(|(_, l)| l.contains("O_CREAT")).map(|it| it.0)
        {
            let fd = returned(created);
            if created == written || args.starts_with("generate") {
                from = next(created, &[&format!(" write({fd}, ")]);
                from = next(from, &[&format!("fsync({fd})")]);
            }
        }
        let placed = next(from, &[place, ".handfast-new\""]);
        let folder = next(placed, &["openat(", "\".\"", "O_RDONLY", "O_DIRECTORY"]);
        next(folder, &[&format!("fsync({})", returned(folder))]);
    }
}

#[test]
#[ignore = "needs root, to set the attributes of a folder"]
fn a_folder_with_an_attribute_that_bars_changes_is_named_as_such() {
    let desk = desk();
    folder_of(&desk, "folder", 0, 0o755);
    let line = format!("h {}", public_line(3, "x"));
    desk.write("folder/known", &line);
    for (attribute, file) in [("i", "known"), ("a", "known"), ("i", "new"), ("a", "new")] {
        let (code, data, _) = desk.shell(&format!(
            "chattr +{attribute} folder && \
             {{ ./keytool hosts add b.example.org --key a.pub --file folder/{file}; echo $?; }} 2>&1; \
             chattr -{attribute} folder"
        ));
        assert_eq!(code, 0, "{data}");
        let expected = format!(
            "error: folder/{file}: cannot make or remove files in its folder while that has the attribute `i` or `a` (`lsattr -d` shows it, `chattr` takes it away): Operation not permitted (os error 1); the file is as it was\n3\n"
        );
        assert_eq!(data, expected, "{attribute} {file}");
        assert_eq!(desk.read("folder/known"), line);
    }
}
