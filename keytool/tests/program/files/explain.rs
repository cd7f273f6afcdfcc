//! `keytool explain client`, where owners and modes matter.

use crate::files::desk::{Desk, public_line};

#[test]
fn a_file_that_others_can_change_admits_nobody_and_an_open_folder_is_told() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("folder")).expect("a folder");
    desk.write("folder/keys", public_line(1, "alice"));
    desk.write("alice.pub", public_line(1, "alice"));
    let keys = desk.path("folder/keys");
    let keys = keys.to_str().expect("a path in UTF-8");
    let explained = || {
        let asked = ["--login", "alice", "--from", "192.0.2.7", "--key", "alice.pub"];
        let (code, data, talk) =
            desk.keytool(&[&["explain", "client", "--authorized-keys", keys], &asked[..]].concat());
        assert_eq!(talk, "");
        (code, data.lines().next().expect("a verdict").to_owned())
    };
    desk.set_mode("folder/keys", 0o644);
    assert_eq!(explained(), (0, format!("accept: {keys}:1 admits this key")));
    desk.set_mode("folder", 0o777);
    let (code, verdict) = explained();
    assert_eq!(code, 0);
    assert!(verdict.contains("; but servers refuse the file by default: "), "{verdict}");
    assert!(verdict.contains("mode 0777"), "{verdict}");
    desk.set_mode("folder/keys", 0o666);
    let (code, verdict) = explained();
    assert_eq!(code, 1);
    assert!(verdict.starts_with("reject: ") && verdict.contains("mode 0666"), "{verdict}");
    // It is the file that decides, and no line of it.
    let asked = ["--login", "alice", "--from", "192.0.2.7", "--key", "alice.pub", "--json"];
    let (_, data, _) =
        desk.keytool(&[&["explain", "client", "--authorized-keys", keys], &asked[..]].concat());
    assert!(data.contains(&format!("\"file\": \"{keys}\",\n  \"line\": null,")), "{data}");
}

#[test]
fn times_to_the_last_are_asked_about_and_told() {
    let desk = Desk::new();
    let key = public_line(1, "alice");
    desk.write("authorized_keys", format!("expiry-time=\"99991231235959Z\" {key}"));
    desk.write("alice.pub", key);
    let keys = desk.path("authorized_keys");
    let keys = keys.to_str().expect("a path in UTF-8");
    let explained = |at: &str| {
        let asked = ["--login", "alice", "--from", "::1", "--key", "alice.pub", "--json"];
        let file = ["explain", "client", "--authorized-keys", keys, "--at", at];
        desk.keytool(&[&file[..], &asked[..]].concat())
    };
    for at in ["9999-12-31T23:59:59Z", "253402300799", "2030-01-01T00:00:00+14:00", "0"] {
        let (code, data, talk) = explained(at);
        assert_eq!(code, 0, "{at}: {data}{talk}");
        // a line that ends must not look like one that does not
        assert!(data.contains("\"expires\": \"9999-12-31T23:59:59Z\""), "{data}");
    }
    for at in ["2030-01-01", "2030-01-01T00:00Z", "2030-01-01T00:00:00Z[UTC]", "1893456000000"] {
        let (code, _, talk) = explained(at);
        assert_eq!(code, 2, "{at}");
        assert!(talk.contains("not a time; write it as "), "{talk}");
    }
}

#[test]
fn a_line_that_could_not_be_read_is_named_where_none_lists_the_key() {
    let desk = Desk::new();
    let key = public_line(1, "alice");
    desk.write("alice.pub", &key);
    desk.write("authorized_keys", key.replacen("AAAA", "AAA", 1));
    let keys = desk.path("authorized_keys");
    let keys = keys.to_str().expect("a path in UTF-8");
    let asked = ["--login", "alice", "--from", "::1", "--key", "alice.pub"];
    let (code, data, _) =
        desk.keytool(&[&["explain", "client", "--authorized-keys", keys], &asked[..]].concat());
    assert_eq!(code, 1);
    let begin =
        format!("reject: no line of authorized_keys lists this key; {keys}:1 could not be read: ");
    assert!(data.starts_with(&begin), "{data}");
}

#[test]
fn a_fingerprint_from_a_log_is_explained_like_the_key() {
    let desk = Desk::new();
    let (alice, bob) = (public_line(1, "alice"), public_line(2, "bob"));
    desk.write("authorized_keys", format!("# keys\nexpiry-time=\"20200101Z\" {alice}{bob}"));
    let print = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let key: handfast::key::PublicKey = words[..2].join(" ").trim().parse().expect("a key");
        key.fingerprint().to_string()
    };
    let keys = desk.path("authorized_keys");
    let keys = keys.to_str().expect("a path in UTF-8");
    let explained = |key: &str| {
        let asked = ["--login", "alice", "--from", "192.0.2.7", "--key", key];
        desk.keytool(&[&["explain", "client", "--authorized-keys", keys], &asked[..]].concat())
    };
    let (code, data, talk) = explained(&print(&bob));
    assert_eq!((code, talk.as_str()), (0, ""));
    assert!(data.starts_with(&format!("accept: {keys}:3 admits this key\n")), "{data}");
    assert!(data.contains(&print(&bob)), "{data}");
    let (code, data, _) = explained(&print(&alice));
    assert_eq!(code, 1);
    assert!(data.starts_with(&format!("reject: {keys}:2: the entry has expired")), "{data}");
    let stranger = print(&public_line(3, "carol"));
    let (code, data, _) = explained(&stranger);
    assert_eq!(code, 1);
    assert!(data.starts_with("reject: no line of authorized_keys lists this key\n"), "{data}");
    assert!(data.contains("`keytool authorize FILE.pub --file "), "{data}");
    let (code, _, talk) = explained("SHA256:short");
    assert_eq!(code, 2);
    assert!(talk.contains("`SHA256:short` is not a fingerprint"), "{talk}");
}
