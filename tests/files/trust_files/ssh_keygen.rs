//! OpenSSH's own tool as the judge of which lines match: `ssh-keygen -F`, over generated files.
//!
//! Not generated, because we differ there on purpose: lines that begin with `@` and cannot be read
//! (we refuse the file), NUL bytes (we refuse the line), byte order marks (we strip one).
//! `HANDFAST_SEED` gives the files of a run again, `HANDFAST_FILES` says how many they are.
//! `ssh-keygen -F` gives matching lines; the verdict over them, with our two rules for ports, is
//! worked out here a second time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use handfast::key::PublicKey;
use handfast::trust::{Host, KnownHosts, Verdict};

use crate::random::{Random, number};
use crate::trust_files::{ECDSA, RSA, keys};

/// The fingerprint of a key of any type, as `ssh-keygen -l` prints it.
pub(crate) fn fingerprint(key: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.pub");
    fs::write(&path, key).unwrap();
    let output = Command::new("ssh-keygen").arg("-lf").arg(&path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(' ').nth(1).unwrap().to_owned()
}

const NAMES: [&str; 7] = [
    "a.example.org",
    "b.example.org",
    "rpc.example.org",
    "example.org",
    "192.0.2.1",
    "2001:db8::1",
    "h",
];
const PORTS: [u16; 3] = [22, 7000, 2222];

fn host(random: &mut Random) -> Host {
    Host::new(random.pick(&NAMES), PORTS[random.below(3)]).unwrap()
}

fn pattern(random: &mut Random) -> String {
    let base = match random.below(4) {
        0 => random
            .pick(&[
                "*",
                "?",
                "*.example.org",
                "?.example.org",
                "*example*",
                "192.0.2.*",
                "2001:*",
                "[*]:*",
                "[*.example.org]:7000",
                "[h]:*",
                "[?]:2222",
                "[h]:22",
                "**",
                "*h*",
                "h ",
                "",
            ])
            .trim()
            .to_owned(),
        _ => host(random).to_string(),
    };
    let base = if random.one_in(6) { base.to_uppercase() } else { base };
    if random.one_in(6) { format!("!{base}") } else { base }
}

fn hosts(random: &mut Random) -> String {
    let count = 1 + random.below(3);
    let list: Vec<_> = (0..count).map(|_| pattern(random)).collect();
    let list = list.join(",");
    // An empty field would make the key's type the hosts.
    if list.is_empty() { "h".to_owned() } else { list }
}

fn broken(random: &mut Random, key: &PublicKey) -> String {
    let hosts = hosts(random);
    let text = key.to_string();
    let base64 = text.split_once(' ').unwrap().1;
    match random.below(8) {
        0 => hosts,
        1 => format!("{hosts} ssh-ed25519"),
        2 => format!("{hosts} ssh-rsa {base64}"),
        3 => format!("{hosts} SSH-ED25519 {base64}"),
        4 => format!("{hosts} ssh-ed25519 {}", &base64[..base64.len() - 5]),
        5 => format!("{hosts} ssh-ed25519 {base64}="),
        6 => format!("{hosts} #{text}"),
        _ => format!("|1|c2FsdA==|{hosts} {text}"),
    }
}

/// A file of `valid` lines only, or of any. Each line of ours has its own key.
fn file(random: &mut Random, keys: &[PublicKey], valid: bool) -> String {
    let mut text = String::new();
    for key in &keys[..1 + random.below(keys.len())] {
        let key_text = match random.below(10) {
            0 => RSA.to_owned(),
            1 => ECDSA.to_owned(),
            _ => key.to_string(),
        };
        let key_text = match random.below(6) {
            0 => key_text.replace(' ', "\t"),
            1 => key_text.replace(' ', " \t "),
            _ => key_text,
        };
        let lead = if valid { "" } else { random.pick(&["", "", "", " ", "\t"]) };
        let marker = random.pick(&["", "", "", "", "@revoked ", "@revoked  ", "@cert-authority "]);
        let comment = random.pick(&["", "", " comment", "\t# two words", " "]);
        let line = match random.below(12) {
            0 => random.pick(&["", "# comment", "  # @revoked"]).to_owned(),
            1 if !valid => broken(random, key),
            _ => format!("{lead}{marker}{} {key_text}{comment}", hosts(random)),
        };
        text.push_str(&line);
        text.push_str(if !valid && random.one_in(8) { "\r\n" } else { "\n" });
    }
    text
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Marker {
    None,
    Revoked,
    CertAuthority,
}

/// The lines that match, by `ssh-keygen -F`; only with `-l` it looks whether their keys can be
/// read.
fn found(path: &Path, lookup: &str) -> BTreeMap<usize, Marker> {
    let output =
        Command::new("ssh-keygen").arg("-lF").arg(lookup).arg("-f").arg(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let head = format!("# Host {lookup} found: line ");
    text.lines()
        .filter_map(|line| {
            let mut words = line.strip_prefix(&head)?.split_whitespace();
            let number = words.next().unwrap().parse().unwrap();
            let marker = match words.next() {
                None => Marker::None,
                Some("REVOKED") => Marker::Revoked,
                Some("CA") => Marker::CertAuthority,
                Some(other) => panic!("{other}"),
            };
            Some((number, marker))
        })
        .collect()
}

/// The verdict in short, from what `ssh-keygen` found for the host and for its bare name.
fn expected(
    exact: &BTreeMap<usize, Marker>,
    bare: &BTreeMap<usize, Marker>,
    mine: impl Fn(usize) -> bool,
) -> String {
    let first = |found: &BTreeMap<usize, Marker>, marker| {
        found.iter().find(|&(&line, &m)| m == marker && mine(line)).map(|(&line, _)| line)
    };
    let revoked = [first(exact, Marker::Revoked), first(bare, Marker::Revoked)];
    if let Some(line) = revoked.into_iter().flatten().min() {
        return format!("revoked {line}");
    }
    if let Some(line) = first(exact, Marker::None) {
        return format!("match {line}");
    }
    let unmarked: Vec<_> =
        exact.iter().filter(|&(_, &m)| m == Marker::None).map(|(&line, _)| line).collect();
    if !unmarked.is_empty() {
        return format!("changed {unmarked:?}");
    }
    match first(bare, Marker::None) {
        Some(line) => format!("fallback {line}"),
        None => "unknown".to_owned(),
    }
}

fn actual(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Match { at, by_port_fallback: true } => format!("fallback {}", at.line()),
        Verdict::Match { at, .. } => format!("match {}", at.line()),
        Verdict::Revoked { at } => format!("revoked {}", at.line()),
        Verdict::Changed { known, .. } => {
            let lines: Vec<_> = known.iter().map(|key| key.place().line()).collect();
            format!("changed {lines:?}")
        }
        Verdict::Unknown { .. } => "unknown".to_owned(),
        other => panic!("{other}"),
    }
}

#[test]
fn matching_is_that_of_ssh_keygen() {
    let seed = number("HANDFAST_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        u64::try_from(now.as_nanos() % u128::from(u64::MAX)).unwrap()
    });
    println!("HANDFAST_SEED={seed}");
    let mut random = Random(seed);
    let keys = keys::<13>();
    let (in_files, absent) = keys.split_at(12);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("known_hosts");
    let mut verdicts = BTreeMap::<String, usize>::new();
    let files = number("HANDFAST_FILES").unwrap_or(40);
    for round in 0..files {
        let hashed = round % 3 == 0;
        fs::write(&path, file(&mut random, in_files, hashed)).unwrap();
        if hashed {
            let status = Command::new("ssh-keygen").arg("-qHf").arg(&path).output().unwrap().status;
            assert!(status.success(), "ssh-keygen -H refuses the file");
            let others = file(&mut random, in_files, false);
            fs::write(&path, fs::read_to_string(&path).unwrap() + &others).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let known = KnownHosts::open(&path).unwrap_or_else(|error| panic!("{error}\n{text}"));
        for _ in 0..3 {
            let host = host(&mut random);
            let exact = found(&path, &host.lookup());
            let bare = match host.port() {
                22 => exact.clone(),
                _ => found(&path, host.name()),
            };
            for key in in_files.iter().chain(absent) {
                let key_text = key.to_string();
                let base64 = key_text.split_once(' ').unwrap().1;
                let expected = expected(&exact, &bare, |line| lines[line - 1].contains(base64));
                let actual = actual(&known.check(&host, key));
                assert_eq!(actual, expected, "{host} {key}\n{text}");
                let kind = actual.split(' ').next().unwrap().to_owned();
                *verdicts.entry(kind).or_default() += 1;
            }
        }
    }
    println!("{verdicts:?}");
    assert_eq!(verdicts.len(), 5, "every verdict was seen: {verdicts:?}");
}
