//! keytool killed while it writes: the file is the old one or the new one, whole, and what else is
//! left lets nobody in and goes with the next change.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use handfast::key::{Identity, KeyError};

use crate::files::desk::{Desk, KEYTOOL, public_line};

/// A file large enough that writing it takes a while.
pub(crate) fn large(lines: usize) -> String {
    let key = Identity::from_seed(&[1; 32]);
    (0..lines).map(|n| format!("host{n}.example.org {} comment\n", key.public_key())).collect()
}

/// Runs keytool and kills it after a while.
fn killed(desk: &Desk, args: &[&str], after: Duration) {
    let mut command = desk.command(KEYTOOL, args);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("keytool");
    std::thread::sleep(after);
    let _ = child.kill();
    child.wait().expect("its end");
}

/// How long a command takes that is let finish.
fn usual(desk: &Desk, args: &[&str]) -> Duration {
    let started = Instant::now();
    desk.done(args);
    started.elapsed()
}

/// From at once to a little longer than it takes, in no order.
fn moment(usual: Duration, round: u32) -> Duration {
    usual * (round * 7 % 30) / 25
}

/// The files that were being written; none of them has a bit of `mode`.
fn left_behind(desk: &Desk, mode: u32) -> Vec<Vec<u8>> {
    let is_new = |name: &String| name.starts_with('.') && name.ends_with(".handfast-new");
    let left: Vec<_> = desk.names().into_iter().filter(is_new).collect();
    left.iter()
        .map(|name| {
            assert_eq!(desk.mode(name) & mode, 0, "{name}");
            fs::read(desk.path(name)).expect("a file")
        })
        .collect()
}

#[test]
fn whoever_is_killed_leaves_the_old_file_or_the_new_one() {
    kill_hosts_add_and_remove(40);
}

#[test]
#[ignore = "long"]
fn three_hundred_kills_leave_the_old_file_or_the_new_one() {
    kill_hosts_add_and_remove(300);
}

fn kill_hosts_add_and_remove(rounds: u32) {
    let desk = Desk::new();
    let old = large(3_000);
    let key = public_line(2, "");
    let new = format!("{old}rpc.example.org {key}").replace(" \n", "\n");
    desk.write("k.pub", key);
    desk.write("known", &old);
    let add = ["hosts", "add", "rpc.example.org", "--key", "k.pub", "--file", "known"];
    let remove = ["hosts", "remove", "rpc.example.org", "--file", "known"];

    let usual = usual(&desk, &add);
    assert!(desk.read("known") == new);

    let (mut is_new, mut changed) = (true, 0);
    for round in 0..rounds {
        let args = if is_new { &remove[..] } else { &add[..] };
        killed(&desk, args, moment(usual, round));
        let now = desk.read("known");
        assert!(now == old || now == new, "round {round}: {} bytes", now.len());
        changed += u32::from((now == new) != is_new);
        is_new = now == new;
    }
    // What they left behind goes with the next one that is let finish.
    if is_new {
        desk.done(&remove);
    }
    desk.done(&add);
    assert!(desk.read("known") == new, "after {changed} changes");
    assert_eq!(desk.names(), ["k.pub", "known"]);
}

#[test]
fn a_killed_authorize_admits_its_key_or_changes_nothing() {
    kill_authorize(30);
}

#[test]
#[ignore = "long"]
fn two_hundred_killed_authorizes_admit_the_key_or_change_nothing() {
    kill_authorize(200);
}

fn kill_authorize(rounds: u32) {
    let desk = Desk::new();
    let old: String = (0..2_000).map(|n| public_line(1, &format!("key {n}"))).collect();
    let (key, other) = (public_line(2, "alice"), public_line(3, "bob"));
    let new = format!("{old}{key}");
    desk.write("k.pub", &key);
    desk.write("other.pub", &other);
    desk.write("keys", &old);
    let authorize = ["authorize", "k.pub", "--file", "keys"];
    let usual = usual(&desk, &authorize);
    for round in 0..rounds {
        desk.write("keys", &old);
        killed(&desk, &authorize, moment(usual, round));
        let now = desk.read("keys");
        assert!(now == old || now == new, "round {round}: {} bytes", now.len());
        for left in left_behind(&desk, 0o022) {
            assert!(new.as_bytes().starts_with(&left), "round {round}: something else was written");
        }
    }
    desk.write("keys", &old);
    desk.done(&["authorize", "other.pub", "--file", "keys"]);
    assert!(desk.read("keys") == format!("{old}{other}"));
    assert_eq!(desk.names(), ["k.pub", "keys", "other.pub"]);
}

#[test]
fn a_killed_hash_leaves_all_names_readable_or_none() {
    kill_hash(30);
}

#[test]
#[ignore = "long"]
fn two_hundred_killed_hashes_leave_all_names_readable_or_none() {
    kill_hash(200);
}

fn kill_hash(rounds: u32) {
    let desk = Desk::new();
    let old = large(1_000);
    desk.write("known", &old);
    let hash = ["hosts", "hash", "--file", "known"];
    let usual = usual(&desk, &hash);
    for round in 0..rounds {
        desk.write("known", &old);
        killed(&desk, &hash, moment(usual, round));
        let _ = left_behind(&desk, 0o022);
        let now = desk.read("known");
        let hashed = now.lines().filter(|line| line.starts_with("|1|")).count();
        assert!(now == old || (hashed, now.lines().count()) == (1_000, 1_000), "round {round}");
        assert!(now.ends_with(" comment\n"), "round {round}");
    }
    desk.write("known", &old);
    desk.done(&hash);
    assert_eq!(desk.names(), ["known"]);
}

#[test]
fn a_killed_generate_leaves_no_half_key() {
    kill_generate(30);
}

#[test]
#[ignore = "long"]
fn a_hundred_killed_generates_leave_no_half_key() {
    kill_generate(100);
}

fn kill_generate(rounds: u32) {
    let desk = Desk::new();
    for round in 0..rounds {
        let name = format!("k{round}");
        let after = Duration::from_micros(u64::from(round) * 300);
        killed(&desk, &["generate", "--no-passphrase", &name], after);
        if desk.path(&name).exists() {
            assert_eq!(desk.mode(&name), 0o600);
            desk.done(&["public", &name]);
        }
    }
}

#[test]
fn a_killed_passphrase_leaves_the_key_under_the_old_one_or_the_new_one() {
    kill_passphrase_removal(30);
}

#[test]
#[ignore = "long"]
fn two_hundred_killed_passphrases_leave_the_key_under_one_of_both() {
    kill_passphrase_removal(200);
}

fn kill_passphrase_removal(rounds: u32) {
    let desk = Desk::new();
    desk.write("old", "old");
    desk.set_mode("old", 0o600);
    // With one round the key is opened at once, so that most of the time goes into writing.
    desk.keygen(&["-q", "-t", "ed25519", "-a", "1", "-N", "old", "-C", "alice", "-f", "k"]);
    let old = desk.read("k");
    let args = ["passphrase", "--passphrase-file", "old", "--no-passphrase", "k"];
    let usual = usual(&desk, &args);
    let public = Identity::load(desk.path("k")).expect("the key").public_key().clone();
    for round in 0..rounds {
        desk.write("k", &old);
        killed(&desk, &args, moment(usual, round));
        assert_eq!(desk.mode("k"), 0o600);
        let _ = left_behind(&desk, 0o077);
        let now = desk.read("k");
        if now != old {
            let identity = Identity::from_openssh(&now, None).expect("the key, unprotected");
            assert_eq!((identity.public_key(), identity.comment()), (&public, "alice"));
        }
    }
    desk.write("k", &old);
    desk.done(&args);
    assert_eq!(desk.names(), ["k", "k.pub", "old"]);
}

#[test]
fn a_key_that_gets_a_passphrase_leaves_no_copy_without_one() {
    kill_passphrase_addition(8);
}

#[test]
#[ignore = "long"]
fn forty_killed_passphrases_leave_no_copy_without_one() {
    kill_passphrase_addition(40);
}

fn kill_passphrase_addition(rounds: u32) {
    let desk = Desk::new();
    desk.write("new", "new");
    desk.set_mode("new", 0o600);
    desk.done(&["generate", "--no-passphrase", "--comment", "alice", "k"]);
    let old = desk.read("k");
    let public = Identity::load(desk.path("k")).expect("the key").public_key().clone();
    let args = ["passphrase", "--new-passphrase-file", "new", "k"];
    let usual = usual(&desk, &args);
    for round in 0..rounds {
        desk.write("k", &old);
        // The work of the passphrase comes first; it is the end that matters.
        killed(&desk, &args, usual * (80 + round % 30) / 100);
        for left in left_behind(&desk, 0o077) {
            assert!(Identity::from_openssh(&left, None).is_err(), "round {round}: unprotected");
        }
        let now = desk.read("k");
        if now != old {
            assert_eq!(
                Identity::from_openssh(&now, None).expect_err("protected"),
                KeyError::PassphraseNeeded
            );
            let identity = Identity::from_openssh(&now, Some(b"new")).expect("the key");
            assert_eq!((identity.public_key(), identity.comment()), (&public, "alice"));
        }
    }
    desk.write("k", &old);
    desk.done(&args);
    assert_eq!(desk.names(), ["k", "k.pub", "new"]);
}
