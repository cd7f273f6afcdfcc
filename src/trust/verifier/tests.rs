use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::*;
use crate::key::Identity;
use crate::trust::{Contact, EditError, KnownHostsFile, NewHost, ProvedKeys};

fn key(seed: u8) -> PublicKey {
    Identity::from_seed(&[seed; 32]).public_key().clone()
}

fn host(text: &str) -> Host {
    Host::parse(text, Some(22)).unwrap()
}

struct Desk {
    _folder: TempDir,
    path: PathBuf,
}

impl Desk {
    fn new(content: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("known_hosts");
        fs::write(&path, content).unwrap();
        Self { _folder: folder, path }
    }

    fn known(&self) -> KnownHosts {
        KnownHosts::open(&self.path).unwrap()
    }

    fn file(&self) -> KnownHostsFile {
        KnownHostsFile::new(&self.path)
    }

    fn read(&self) -> String {
        fs::read_to_string(&self.path).unwrap()
    }
}

/// [AUTH-5]
#[test]
fn changed_and_revoked_keys_are_refused_under_every_policy_with_the_line() {
    let desk = Desk::new(&format!("changed {}\n@revoked * {}\nboth {}\n", key(1), key(2), key(2)));
    let before = desk.read();
    let known = desk.known();
    let policies: [Box<dyn HostVerifier>; 4] = [
        Box::new(known.clone()),
        Box::new(AcceptNew::new(known.clone(), desk.file())),
        Box::new(Ask::new(known.clone(), |_: &HostQuestion| HostAnswer::Yes).write_to(desk.file())),
        Box::new(PinnedKeys::new([key(2), key(3)]).unless_contradicted_by(known)),
    ];
    for policy in policies {
        let changed = policy.verify(&host("changed"), &key(3)).unwrap_err();
        let text = changed.to_string();
        assert!(matches!(changed, HostKeyError::Changed { .. }), "{text}");
        for part in [key(3).fingerprint(), key(1).fingerprint()] {
            assert!(text.contains(&part.to_string()), "{text}");
        }
        assert!(text.contains(&format!("{}:1", desk.path.display())), "{text}");
        for name in ["new", "both", "changed"] {
            let revoked = policy.verify(&host(name), &key(2)).unwrap_err();
            let text = revoked.to_string();
            assert!(matches!(revoked, HostKeyError::Revoked { .. }), "{text}");
            assert!(text.contains(&key(2).fingerprint().to_string()), "{text}");
            assert!(text.contains(&format!("{}:2", desk.path.display())), "{text}");
        }
        // there is nothing to confirm about either
        assert_eq!(policy.confirm(changed.clone()), Err(changed));
    }
    assert_eq!(desk.read(), before, "nothing was written");
}

#[test]
fn a_new_host_is_written_down_once_and_known_from_then_on() {
    let desk = Desk::new("# mine");
    let policy = AcceptNew::new(desk.known(), desk.file());
    let (a, hashed) = (host("a:7000"), host("b"));
    assert_eq!(policy.verify(&a, &key(1)), Ok(Trusted::New));
    assert_eq!(desk.read(), format!("# mine\n[a]:7000 {}\n", key(1)));
    assert_eq!(policy.verify(&a, &key(1)), Ok(Trusted::Known));
    assert_eq!(policy.clone().hashed(true).verify(&hashed, &key(1)), Ok(Trusted::New));
    assert!(!desk.read().contains("b "), "{}", desk.read());
    assert_eq!(desk.known().verify(&hashed, &key(1)), Ok(Trusted::Known));

    // the snapshot is older than the lines
    let changed = policy.verify(&a, &key(2)).unwrap_err();
    assert!(matches!(changed, HostKeyError::Changed { .. }), "{changed}");
    fs::write(&desk.path, format!("@revoked * {}\n", key(3))).unwrap();
    let revoked = policy.verify(&host("c"), &key(3)).unwrap_err();
    assert!(matches!(revoked, HostKeyError::Revoked { .. }), "{revoked}");
}

#[test]
fn of_two_keys_that_come_at_once_one_is_trusted() {
    let desk = Desk::new("");
    let policy = AcceptNew::new(desk.known(), desk.file());
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let ask = |n: u8| {
            let policy = policy.clone();
            scope.spawn(move || (n % 2, policy.verify(&host("h"), &key(n % 2))))
        };
        let asked: Vec<_> = (0..8).map(ask).collect();
        asked.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let new: Vec<_> = outcomes.iter().filter(|(_, said)| *said == Ok(Trusted::New)).collect();
    let [(first, _)] = *new else { panic!("{outcomes:?}") };
    assert_eq!(desk.read(), format!("h {}\n", key(*first)));
    for (seed, said) in &outcomes {
        match said {
            Ok(_) => assert_eq!(seed, first),
            Err(HostKeyError::Changed { .. }) => assert_ne!(seed, first),
            Err(refused) => panic!("{refused}"),
        }
    }
}

#[test]
fn what_others_write_while_a_person_thinks_counts() {
    for line in [format!("@revoked * {}\n", key(1)), format!("h {}\n", key(2))] {
        let desk = Desk::new("");
        let (path, text) = (desk.path.clone(), line.clone());
        let ask = Ask::new(desk.known(), move |_: &HostQuestion| {
            fs::write(&path, &text).unwrap();
            HostAnswer::Yes
        });
        let ask = ask.write_to(desk.file());
        let refused = ask.verify(&host("h"), &key(1)).unwrap_err();
        match ask.confirm(refused).unwrap_err() {
            HostKeyError::Revoked { .. } => assert!(line.starts_with('@')),
            HostKeyError::Changed { .. } => assert!(line.starts_with('h')),
            refused => panic!("{refused}"),
        }
        assert_eq!(desk.read(), line);
    }
}

#[test]
fn a_new_host_that_cannot_be_written_down_is_not_trusted() {
    let desk = Desk::new("");
    let nowhere = KnownHostsFile::new(desk.path.join("below").join("known_hosts"));
    let policy = AcceptNew::new(desk.known(), nowhere);
    let refused = policy.verify(&host("a"), &key(1)).unwrap_err();
    assert!(matches!(refused, HostKeyError::NotWritten { .. }), "{refused}");
    let policy = AcceptNew::new(desk.known(), desk.file());
    let refused = policy.verify(&Host::new("a*", 22).unwrap(), &key(1)).unwrap_err();
    assert!(matches!(refused, HostKeyError::NotWritten { .. }), "{refused}");
    assert_eq!(desk.read(), "");
}

#[test]
fn whoever_is_asked_sees_the_key_and_its_other_names() {
    let hidden = "|1|AAECAwQFBgcICQoLDA0ODxAREhM=|AAECAwQFBgcICQoLDA0ODxAREhM=";
    let desk =
        Desk::new(&format!("x,Y {k}\n{hidden} {k}\n@revoked z {k}\nh ssh-ed25519\n", k = key(1)));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let ask = Ask::new(desk.known(), move |question: &HostQuestion| {
        notes.lock().unwrap().push(question.to_string());
        HostAnswer::No
    });
    let refused = ask.verify(&host("h"), &key(1)).unwrap_err();
    let refused = ask.confirm(refused).unwrap_err();
    assert!(matches!(refused, HostKeyError::NotConfirmed { .. }), "{refused}");
    let path = desk.path.display();
    assert_eq!(
        seen.lock().unwrap().as_slice(),
        [format!(
            "The host h is not known: no line of known_hosts is about this host; {path}:4 could \
             not be read: not the text of a public key: there is no key behind its type; expected \
             `ssh-ed25519 AAAA... comment` on one line.\n\
             It proved that it holds the key {}\n{}\n\
             The key is known by other names:\n    x,y ({path}:1)\n    [hashed name] ({path}:2)",
            key(1).fingerprint(),
            key(1).randomart(),
        )]
    );
}

#[test]
fn yes_and_the_right_fingerprint_confirm_and_write() {
    for (answer, confirmed) in [
        ("yes", true),
        ("no", false),
        (&*key(1).fingerprint().to_string(), true),
        (&*key(2).fingerprint().to_string(), false),
    ] {
        let desk = Desk::new("");
        let answer: HostAnswer = answer.parse().unwrap();
        let ask = Ask::new(desk.known(), move |_: &HostQuestion| answer).write_to(desk.file());
        let refused = ask.verify(&host("h"), &key(1)).unwrap_err();
        assert_eq!(ask.confirm(refused).ok(), confirmed.then(|| key(1)));
        let line = format!("h {}\n", key(1));
        assert_eq!(desk.read(), if confirmed { &line } else { "" });
    }
    for text in ["", "y", "Yes", "yes ", "SHA256:", "sha256:x"] {
        assert_eq!(text.parse::<HostAnswer>(), Err(NoHostAnswer), "{text}");
    }
}

#[test]
fn pins_are_keys_or_fingerprints_and_nothing_else_is_trusted() {
    let by_key = PinnedKeys::new([key(1)]);
    let by_print = PinnedKeys::by_fingerprint([key(1).fingerprint()]);
    for pins in [&by_key, &by_print] {
        assert_eq!(pins.verify(&host("h"), &key(1)), Ok(Trusted::Known));
        let refused = pins.verify(&host("h"), &key(2)).unwrap_err();
        let text = refused.to_string();
        assert!(matches!(refused, HostKeyError::NotPinned { .. }), "{text}");
        let (shown, pinned) = (key(2).fingerprint(), key(1).fingerprint());
        assert_eq!(
            text,
            format!(
                "h showed the key {shown}, and the pinned key is {pinned}; ask its operator which \
                 key it has, and only if it is this one pin it"
            )
        );
    }
    assert_eq!(by_key.expected(&host("h")), [key(1)]);
    assert_eq!(by_print.expected(&host("h")), []);
    let none = PinnedKeys::default().verify(&host("h"), &key(1)).unwrap_err();
    assert!(none.to_string().contains("no key is pinned"), "{none}");
}

#[test]
fn hints_tell_nobody_of_a_first_contact() {
    let desk = Desk::new(&format!("[h]:7000 {}\nbare {}\n", key(1), key(2)));
    let policies: [Box<dyn HostVerifier>; 2] = [
        Box::new(AcceptNew::new(desk.known(), desk.file())),
        Box::new(Ask::new(desk.known(), |_: &HostQuestion| HostAnswer::No)),
    ];
    for policy in policies {
        assert_eq!(policy.expected(&host("h:7000")), [key(1)]);
        assert_eq!(policy.expected(&host("new")), []);
        // another key on this port would be new, not changed
        assert_eq!(policy.expected(&host("bare:7000")), []);
    }
}

/// A file for each kind of connection that overlaps with a first contact.
#[test]
fn a_line_of_a_first_contact_makes_no_overlapping_one_known() {
    for hashed in [false, true] {
        let desk = Desk::new("");
        let (host, key) = (host("first.example.org:7000"), key(1));
        let policy = || AcceptNew::new(desk.known(), desk.file()).hashed(hashed);
        let other = policy();
        let first = Contact::begin(&host);
        let second = Contact::begin(&host);
        assert_eq!(policy().verify(&host, &key), Ok(Trusted::New));
        // the same client, another, and those that read the file meanwhile
        assert_eq!(other.verify(&host, &key), Ok(Trusted::New));
        assert_eq!(policy().verify(&host, &key), Ok(Trusted::New));
        assert_eq!(desk.known().verify(&host, &key), Ok(Trusted::New));
        let ask = Ask::new(desk.known(), |_: &HostQuestion| panic!("the host is listed"));
        assert_eq!(ask.verify(&host, &key), Ok(Trusted::New));
        drop(first);
        assert_eq!(desk.known().verify(&host, &key), Ok(Trusted::New));
        assert_eq!(other.verify(&host, &key), Ok(Trusted::New));
        drop(second);
        let _third = Contact::begin(&host);
        assert_eq!(desk.known().verify(&host, &key), Ok(Trusted::Known));
        assert_eq!(other.verify(&host, &key), Ok(Trusted::Known));
    }
}

#[test]
fn what_was_known_before_stays_known_while_others_write() {
    let desk = Desk::new("");
    let (host, key) = (host("before.example.org"), key(1));
    let listed = Desk::new(&format!("before.example.org {key}\n"));
    let known = listed.known();
    let _contact = Contact::begin(&host);
    let policy = AcceptNew::new(desk.known(), desk.file());
    assert_eq!(policy.verify(&host, &key), Ok(Trusted::New));
    assert_eq!(known.verify(&host, &key), Ok(Trusted::Known), "another file lists it");
    let pins = PinnedKeys::new([key.clone()]);
    assert_eq!(pins.verify(&host, &key), Ok(Trusted::Known), "the application brought it");
}

/// Two connections find a line that stood there: neither waits for the other to have looked.
#[test]
fn a_line_that_stood_there_makes_both_of_two_connections_known() {
    let desk = Desk::new("");
    let (host, key) = (host("there.example.org"), key(1));
    let policy = AcceptNew::new(desk.known(), desk.file());
    let _ = desk.file().add(&NewHost::new(&host, &key)).unwrap();
    let _contacts = [Contact::begin(&host), Contact::begin(&host)];
    assert_eq!(policy.verify(&host, &key), Ok(Trusted::Known));
    assert_eq!(policy.verify(&host, &key), Ok(Trusted::Known));
}

#[test]
fn a_key_learned_meanwhile_makes_no_overlapping_connection_known() {
    let (host, key, other) = (host("learn.example.org:7000"), key(1), [key(2)]);
    let desk = Desk::new(&format!("[learn.example.org]:7000 {key}\n"));
    let first = Contact::begin(&host);
    let second = Contact::begin(&host);
    let learned = desk.file().learn(&ProvedKeys::new(&host, &key, &other)).unwrap();
    assert_eq!(learned.added.len(), 1);
    drop(first);
    assert_eq!(desk.known().verify(&host, &other[0]), Ok(Trusted::New));
    assert_eq!(desk.known().verify(&host, &key), Ok(Trusted::Known));
    drop(second);
    assert_eq!(desk.known().verify(&host, &other[0]), Ok(Trusted::Known));
}

/// Its plain key is revoked, as ssh has it.
#[test]
fn a_revocation_that_is_written_as_a_certificate_counts_under_every_policy() {
    const PLAIN: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIARFCB7lVkwByOR4BM6bSLtiwlaG1/yID/S093q6xkrI";
    const CERTIFICATE: &str = "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIOoEuqmZQLTid0Bi7yPthJFYuWpueUaMbKvqUZBpuXEXAAAAIARFCB7lVkwByOR4BM6bSLtiwlaG1/yID/S093q6xkrIAAAAAAAAAAAAAAACAAAAAmlkAAAACgAAAAZoMS5sYWIAAAAAAAAAAP//////////AAAAAAAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACDPz8DGkdJSReNxViz3PLWhIw6GR5cGIRudjMQVOtHAXQAAAFMAAAALc3NoLWVkMjU1MTkAAABACo8yTAayh8GYIZaQ3xDkPxkQ+zyHw/P8d+TIwcqfGSv10qqWkBMTx9rcT/Yv7wKmd1YEua8x+J1nR5mD5//aBg==";
    const AUTHORITY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM/PwMaR0lJF43FWLPc8taEjDoZHlwYhG52MxBU60cBd";
    let host = host("h1.lab");
    let key: PublicKey = PLAIN.parse().unwrap();
    let desk = Desk::new(&format!("h1.lab {PLAIN}\n@revoked * {CERTIFICATE}\n"));
    let is_revoked = |verdict: Result<Trusted, HostKeyError>| {
        let Err(HostKeyError::Revoked { at, .. }) = verdict else { panic!("{verdict:?}") };
        assert_eq!(at.line(), 2);
    };
    let known = desk.known();
    let empty = KnownHosts::parse("", b"").unwrap();
    is_revoked(known.verify(&host, &key));
    is_revoked(AcceptNew::new(known.clone(), desk.file()).verify(&host, &key));
    is_revoked(AcceptNew::new(empty, desk.file()).verify(&host, &key));
    is_revoked(Ask::new(known.clone(), |_: &HostQuestion| HostAnswer::Yes).verify(&host, &key));
    let pins = PinnedKeys::new([key.clone()]).unless_contradicted_by(known.clone());
    is_revoked(pins.verify(&host, &key));
    assert!(known.revokes(&host, &key) && known.expected(&host).is_empty());
    let added = desk.file().add(&NewHost::new(&host, &key));
    assert!(matches!(added, Err(EditError::Revoked { .. })), "{added:?}");

    // the certificate, its plain key or its authority: the certificate is revoked
    for revoked in [CERTIFICATE, PLAIN, AUTHORITY] {
        let text = format!("@cert-authority * {AUTHORITY}\n@revoked * {revoked}\n");
        let known = KnownHosts::parse("", text.as_bytes()).unwrap();
        let verdict = known.check_text(&host, CERTIFICATE).unwrap();
        assert!(matches!(&verdict, Verdict::Revoked { at } if at.line() == 2), "{verdict}");
    }
    // the revocation of the authority's key is none of a plain key that it has certified
    let known = KnownHosts::parse("", format!("@revoked * {AUTHORITY}\n").as_bytes()).unwrap();
    assert!(matches!(known.check(&host, &key), Verdict::Unknown { .. }));
    // one that is damaged may revoke any key
    let damaged = format!(
        "@revoked * {}\n",
        CERTIFICATE.replace("AAAAAAAAAAAAAAAAAAAAMw", "AAAAAAAAAAAAAAAAAAAANw")
    );
    let error = KnownHosts::parse("known_hosts", damaged.as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "known_hosts:1: the line begins with `@` and is not understood: the key is not a \
         well-formed `ssh-ed25519-cert-v01@openssh.com` key; correct or remove it"
    );
}
