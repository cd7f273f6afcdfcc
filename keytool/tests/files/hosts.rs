//! `keytool hosts hash`.

use crate::desk::{Desk, public_line};

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
