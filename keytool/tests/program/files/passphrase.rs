//! `keytool passphrase`.

use std::fs;
use std::os::unix::fs::symlink;

use crate::files::desk::Desk;

/// A folder with a key and three files with passphrases.
fn desk() -> Desk {
    let desk = Desk::new();
    for name in ["one", "two", "empty"] {
        desk.write(name, if name == "empty" { "" } else { name });
        desk.set_mode(name, 0o600);
    }
    desk
}

#[test]
fn a_passphrase_comes_changes_and_goes() {
    let desk = desk();
    desk.done(&["generate", "--no-passphrase", "--comment", "alice@example.org", "k"]);
    let public = desk.read("k.pub");
    let opens = |passphrase| desk.keygen(&["-y", "-P", passphrase, "-f", "k"]) == public;
    assert!(opens(""));
    for (args, talk, passphrase) in [
        (&["--new-passphrase-file", "one"][..], "a passphrase protects it now", "one"),
        (
            &["--passphrase-file", "one", "--new-passphrase-file", "two"][..],
            "the passphrase was changed",
            "two",
        ),
        (
            &["--passphrase-file", "two", "--no-passphrase"][..],
            "the passphrase was taken away; whoever can read the file has the key",
            "",
        ),
    ] {
        let (code, data, said) = desk.keytool(&[&["passphrase", "k"], args].concat());
        assert_eq!((code, data, said), (0, String::new(), format!("k: {talk}\n")));
        assert!(opens(passphrase), "{args:?}");
        assert_eq!((desk.mode("k"), desk.read("k.pub")), (0o600, public.clone()));
    }
    let before = desk.read("k");
    let (code, _, talk) = desk.keytool(&["passphrase", "k", "--no-passphrase"]);
    assert_eq!((code, talk.as_str()), (0, "k: no passphrase protects it; nothing was changed\n"));
    assert_eq!(desk.read("k"), before);
    assert_eq!(desk.names(), ["empty", "k", "k.pub", "one", "two"]);
}

#[test]
fn what_cannot_be_changes_nothing() {
    let desk = desk();
    desk.keygen(&["-q", "-t", "ed25519", "-a", "1", "-N", "one", "-f", "k"]);
    let before = desk.read("k");
    for (args, code, said) in [
        (&["--passphrase-file", "two", "--no-passphrase"][..], 1, "wrong passphrase"),
        (&["--no-passphrase"], 2, "there is no terminal to ask for it on"),
        (&["--passphrase-file", "one"], 2, "there is no terminal to ask for a new passphrase on"),
        (
            &["--passphrase-file", "one", "--new-passphrase-file", "empty"],
            2,
            "empty: the passphrase is empty",
        ),
        (&["--passphrase-file", "missing", "--no-passphrase"], 3, "missing: cannot read"),
    ] {
        let (is, data, talk) = desk.keytool(&[&["passphrase", "k"], args].concat());
        assert_eq!((is, data.as_str()), (code, ""), "{args:?}: {talk}");
        assert!(talk.contains(said), "{args:?}: {talk}");
        assert_eq!(desk.read("k"), before);
    }
    desk.set_mode("k", 0o640);
    let (code, _, talk) = desk.keytool(&["passphrase", "k", "--no-passphrase"]);
    assert_eq!(code, 3);
    assert!(talk.contains("k: refused, for its mode is 0640"), "{talk}");
    assert_eq!(desk.names(), ["empty", "k", "k.pub", "one", "two"]);
}

#[test]
fn mode_link_and_comment_are_kept() {
    let desk = desk();
    // No UTF-8: what `ssh-keygen` shows escaped, it keeps.
    desk.shell("ssh-keygen -q -t ed25519 -a 1 -N one -C \"$(printf 'caf\\351')\" -f real");
    let comment = |name: &str| {
        let line = desk.run("ssh-keygen", &["-y", "-P", "", "-f", name]).stdout;
        line.splitn(3, |&byte| byte == b' ').nth(2).map(<[u8]>::to_vec)
    };
    symlink("real", desk.path("k")).expect("a link");
    desk.set_mode("real", 0o700);
    desk.done(&["passphrase", "k", "--passphrase-file", "one", "--no-passphrase"]);
    assert!(fs::symlink_metadata(desk.path("k")).expect("the link").is_symlink());
    assert_eq!(desk.mode("real"), 0o700);
    assert_eq!(comment("real"), Some(b"caf\xe9\n".to_vec()));
}

#[test]
#[ignore = "needs script of util-linux, for a terminal"]
fn both_passphrases_are_asked_for_on_a_terminal() {
    let desk = desk();
    desk.keygen(&["-q", "-t", "ed25519", "-a", "1", "-N", "one", "-f", "k"]);
    let (code, data, talk) = desk.shell(
        "(sleep 1; echo one; sleep 1; echo two; sleep 1; echo two; sleep 3) | \
         script -qec '\"$KEYTOOL\" passphrase k' /dev/null",
    );
    assert_eq!(code, 0, "{data}{talk}");
    assert_eq!(desk.keygen(&["-y", "-P", "two", "-f", "k"]), desk.read("k.pub"));

    let before = desk.read("k");
    let (code, data, _) = desk.shell(
        "(sleep 1; echo two; sleep 1; echo; sleep 1; echo; sleep 3) | \
         script -qec '\"$KEYTOOL\" passphrase k' /dev/null",
    );
    assert_eq!(code, 2, "{data}");
    assert!(data.contains("an empty passphrase protects nothing"), "{data}");
    assert_eq!(desk.read("k"), before);
}
