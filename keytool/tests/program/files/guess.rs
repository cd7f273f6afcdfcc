//! What is read from standard input, from several files, and named by its comment.

use super::desk::{Desk, public_line};

#[test]
fn several_keys_are_admitted_from_standard_input_and_files() {
    let desk = Desk::new();
    let [alice, bob, carol] =
        ["alice", "bob", "carol"].map(|name| name.to_owned() + "@example.org");
    let line = |seed, name: &str| public_line(seed, name);
    let agent = format!("{}{}", line(1, &alice), line(2, &bob));
    desk.write("agent", format!("{agent}ssh-rsa AAAAB3NzaC1yc2E= {carol}\n"));
    desk.write("carol.pub", line(3, &carol));
    let (code, _, talk) = desk.shell("\"$KEYTOOL\" authorize - carol.pub --file admitted < agent");
    assert_eq!(code, 1, "{talk}");
    assert!(talk.contains("not added: standard input:3"), "{talk}");
    let admitted = format!("{agent}{}", line(3, &carol));
    assert_eq!(desk.read("admitted"), admitted);

    let (code, _, talk) = desk.shell("head -n 2 agent | \"$KEYTOOL\" authorize - --file admitted");
    assert_eq!((code, desk.read("admitted")), (0, admitted.clone()), "{talk}");
    let (code, _, talk) = desk.shell("\"$KEYTOOL\" authorize - --file admitted < /dev/null");
    assert_eq!((code, desk.read("admitted")), (3, admitted), "{talk}");
    assert!(talk.starts_with("error: standard input: there is nothing in it"), "{talk}");

    let (code, _, talk) =
        desk.shell("\"$KEYTOOL\" authorized remove - --file admitted < carol.pub");
    assert_eq!((code, desk.read("admitted")), (0, agent), "{talk}");
}

#[test]
fn a_key_is_removed_by_the_comment_of_its_line() {
    let desk = Desk::new();
    let [one, two, three] = [(1, "alice"), (2, "alice"), (3, "bob smith")]
        .map(|(seed, comment)| public_line(seed, comment));
    let all = format!("{one}restrict {two}{three}");
    desk.write("admitted", &all);
    let remove = |what: &[&str]| {
        desk.keytool(&[&["authorized", "remove", "--file", "admitted"], what].concat())
    };
    let (code, _, talk) = remove(&["alice"]);
    assert_eq!((code, desk.read("admitted")), (1, all), "{talk}");
    assert!(talk.starts_with("error: alice: 2 keys have this comment (admitted:1: SHA256:"));
    assert_eq!(remove(&["bob"]).0, 1);
    let (code, _, talk) = remove(&["bob smith"]);
    assert_eq!((code, desk.read("admitted")), (0, format!("{one}restrict {two}")), "{talk}");
    let (code, _, talk) = remove(&["alice", "--all"]);
    assert_eq!((code, desk.read("admitted")), (0, String::new()), "{talk}");
}

#[test]
fn a_private_key_is_read_from_standard_input() {
    let desk = Desk::new();
    desk.done(&["generate", "-f", "k", "-N", "", "-t", "ed25519", "-q", "-C", "alice"]);
    let (code, data, talk) = desk.shell("cat k | \"$KEYTOOL\" public -");
    assert_eq!((code, data), (0, desk.read("k.pub")), "{talk}");
    desk.write("old", "a passphrase\n");
    desk.set_mode("old", 0o600);
    desk.done(&["passphrase", "k", "--new-passphrase-file", "old"]);
    let (code, data, talk) = desk.shell("cat k | \"$KEYTOOL\" public - --passphrase-file old");
    assert_eq!(code, 0, "{talk}");
    assert!(desk.read("k.pub").starts_with(data.trim_end()), "{data}");
    let (code, _, talk) = desk.shell("cat k | \"$KEYTOOL\" public -");
    assert_eq!(code, 2, "{talk}");
}

/// A fingerprint with a hyphen in it is another one.
#[test]
fn man_pages_break_no_words_and_show_values_and_examples() {
    let desk = Desk::new();
    desk.done(&["man", "--dir", "."]);
    for name in desk.names() {
        let page = desk.read(&name);
        assert!(page.contains("\n.nh\n") && page.contains("\n.SH EXAMPLES\n"), "{name}");
        assert!(!page.contains(".SH EXTRA"), "{name}");
    }
    let page = desk.read("keytool-hosts-add.1");
    let synopsis = page.split(".SH SYNOPSIS\n").nth(1).expect("a synopsis");
    let synopsis = synopsis.lines().next().expect("a line");
    assert!(synopsis.contains("[\\fB\\-\\-fingerprint\\fR \\fISHA256:...\\fR]"), "{synopsis}");
    assert!(synopsis.ends_with("\\fIHOST[:PORT]\\fR"), "{synopsis}");
    let examples = page.split(".SH EXAMPLES\n").nth(1).expect("examples");
    assert!(examples.contains("\n.nf\nkeytool hosts add rpc.example.org:7000\nkeytool "), "{page}");
    assert_eq!(desk.done(&["man", "hosts", "add"]).trim_end(), page.trim_end());
}
