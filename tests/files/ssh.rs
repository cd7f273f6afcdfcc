//! Random known_hosts files, and the real ssh as the judge of what they say about a host.
//!
//! `cargo test --test ssh -- --ignored` needs `ssh`, `ssh-keygen` and `sshd`. Nothing goes over a
//! network: ssh speaks to an sshd of the test's own through pipes, under whatever name the host is
//! to have. `SSH_HOSTS` says how many are asked about (250), `SSH_SEED` repeats a run.
//!
//! Where we are stricter on purpose, ssh is asked about a file in which that shows; [`Line`] says
//! what is what. Left out are IPv6 addresses in files in other spellings than that of ssh, which we find
//! and ssh does not; points off their curve under ECDSA, which ssh passes over and we
//! count as keys of the host, so that it has *changed*; and zones of IPv6 addresses, whose numbers
//! ssh replaces by the names of this machine's interfaces.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "all of it is test code, and not all of it in functions that are tests"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handfast::key::{Identity, PublicKey};
use handfast::trust::{Host, KnownHosts, TrustErrorKind, Verdict};

use crate::random::{Random, number};

const SSHD: &str = "/usr/sbin/sshd";

/// Hosts that are asked about at a time.
const AT_ONCE: u64 = 4;

/// The user's files, and the machine's; the second of them is often missing.
const FILES: [&str; 3] = ["known_hosts", "known_hosts2", "ssh_known_hosts"];

/// What people type.
const NAMES: &[&str] = &[
    "a.example.org",
    "A.Example.ORG",
    "example.org",
    "h",
    "H",
    "rpc_1.example.org.",
    "bücher.example.org",
    "BÜcher.example.org",
    "192.0.2.1",
    "192.0.2.01",
    "192.0.513",
    "3221225985",
    "0xC0.0.0x2.1",
    "192.0.2.1.",
    "256.1",
    "::1",
    "0:0::1",
    "2001:db8::1",
    "2001:DB8:0::1",
    "2001:db8:0:0:1:0:0:1",
    "::ffff:C000:201",
    "::ffff:192.0.2.1",
    "::192.0.2.1",
    "1:0:2:3:4:5:6:7",
    // a pattern is a name like others when it is typed, and so is the type of a key
    "*.example.org",
    "?",
    "!h",
    "#h",
    "ssh-ed25519",
];

const PORTS: [u16; 5] = [22, 2222, 7000, 1, 65535];

fn lookup(name: &str, port: u16) -> String {
    if port == 22 { name.to_owned() } else { format!("[{name}]:{port}") }
}

/// As ssh-keygen hides the names: each lookup with its hash.
fn hashed(folder: &Path) -> Vec<(String, String)> {
    let path = folder.join("to_hash");
    let key = Identity::generate().unwrap().public_key().to_string();
    let names = NAMES.iter().filter(|name| !name.contains(['*', '?', '!', '#']));
    // in the spelling of our own, which the names that are typed have to find
    let hosts = names.flat_map(|name| PORTS.map(|port| Host::new(name, port).unwrap().to_string()));
    let hosts: Vec<_> = hosts.collect();
    let text: String = hosts.iter().map(|host| format!("{host} {key}\n")).collect();
    fs::write(&path, text).unwrap();
    let status = Command::new("ssh-keygen").arg("-qHf").arg(&path).output().unwrap().status;
    assert!(status.success(), "ssh-keygen -H");
    let text = fs::read_to_string(&path).unwrap();
    let hashes = text.lines().map(|line| line.split(' ').next().unwrap().to_owned());
    hosts.into_iter().zip(hashes).collect()
}

/// What all files are made of.
struct Stock {
    /// The server's key first.
    keys: Vec<String>,
    hashed: Vec<(String, String)>,
    long: [String; 2],
}

/// The RSA key of which ssh reads no line.
const TOO_SHORT: usize = 5;

impl Stock {
    fn new(folder: &Path, server: &PublicKey) -> Self {
        let other = || Identity::generate().unwrap().public_key().to_string();
        let keys =
            vec![server.to_string(), other(), other(), rsa(1024), ECDSA.to_owned(), rsa(768)];
        let long = [1022, 1023].map(|len| "x".repeat(len));
        Self { keys, hashed: hashed(folder), long }
    }

    fn key(&self, random: &mut Random) -> &str {
        if random.one_in(2) { &self.keys[0] } else { &self.keys[random.below(self.keys.len())] }
    }
}

const ECDSA: &str = concat!(
    "ecdsa-sha2-nistp256 ",
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFalsTzN1FHHf58lK+yProxvSWSF",
    "i7DuUDREU+ek+SJ1ZtY7my/1YwWGp7sZL0a5ab/hx8/0sSmG0ZysIxiaWNM=",
);

/// A modulus of so many bits; nothing asks whether it is the product of two primes.
fn rsa(bits: usize) -> String {
    let mut modulus = vec![0];
    modulus.extend((0..bits / 8).map(|_| 0xc5));
    let mut blob = Vec::new();
    for field in [&b"ssh-rsa"[..], &[1, 0, 1], &modulus] {
        blob.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
        blob.extend(field);
    }
    format!("ssh-rsa {}", STANDARD.encode(blob))
}

/// A line, and what ssh is given in its place where we are stricter on purpose.
struct Line {
    ours: Vec<u8>,
    theirs: Vec<u8>,
    /// We refuse the file: this line may have been a revocation, and ssh loses it without a word.
    refused: bool,
}

impl Line {
    fn same(text: impl Into<Vec<u8>>) -> Self {
        let ours = text.into();
        Self { theirs: ours.clone(), ours, refused: false }
    }

    fn refused(text: impl Into<Vec<u8>>) -> Self {
        Self { refused: true, ..Self::same(text) }
    }
}

/// A name as a file may have it; an IPv6 address in the spelling of ssh, which does not find others.
fn in_file(name: &str) -> String {
    match name.parse::<std::net::Ipv6Addr>() {
        Ok(_) => Host::new(name, 22).unwrap().name().to_owned(),
        Err(_) => name.to_owned(),
    }
}

fn pattern(random: &mut Random, stock: &Stock, name: &str, port: u16) -> String {
    // the spelling in the file is mostly that of ssh
    let spelled = Host::new(name, port).unwrap();
    let spelled = spelled.name();
    let base = match random.below(16) {
        0..=4 => lookup(spelled, port),
        5 | 6 => spelled.to_owned(),
        7 => lookup(&in_file(name), port),
        8 => lookup(&in_file(random.pick(NAMES)), random.pick(&PORTS)),
        9 => lookup(spelled, random.pick(&PORTS)),
        // in a file it is not the same as the bare name
        10 => format!("[{spelled}]:22"),
        11 => {
            let at = random.below(spelled.len());
            let mut bytes = lookup(spelled, port).into_bytes();
            bytes[at] = random.pick(b"*?");
            String::from_utf8_lossy(&bytes).into_owned()
        }
        12 if random.one_in(4) => random.pick(&[&stock.long[0], &stock.long[1]]).clone(),
        _ => random
            .pick(&[
                "*",
                "?",
                "**",
                "*.example.org",
                "?.example.org",
                "*.EXAMPLE.org",
                "[*]:*",
                "[*.example.org]:2222",
                "[h]:*",
                "[*",
                "192.0.2.*",
                "192.0.2.0/24",
                "2001:db8:*",
                "*:*",
                "h\"",
                "h\\",
                "#",
                "",
            ])
            .to_owned(),
    };
    let base = if random.one_in(6) { base.to_uppercase() } else { base };
    if random.one_in(8) { format!("!{base}") } else { base }
}

fn hosts(random: &mut Random, stock: &Stock, name: &str, port: u16) -> String {
    if random.one_in(5) {
        let lookup = Host::new(name, port).unwrap().to_string();
        let this = stock.hashed.iter().find(|(host, _)| *host == lookup);
        let (_, hash) = match this {
            Some(this) if !random.one_in(4) => this,
            _ => &stock.hashed[random.below(stock.hashed.len())],
        };
        return if random.one_in(12) { format!("{hash},{name}") } else { hash.clone() };
    }
    let count = 1 + random.below(3);
    let list: Vec<_> = (0..count).map(|_| pattern(random, stock, name, port)).collect();
    match list.join(",") {
        list if list.is_empty() => "h".to_owned(),
        // such a line is a comment, and that is made elsewhere
        list if list.starts_with('#') => format!("h,{list}"),
        list => list,
    }
}

fn line(random: &mut Random, stock: &Stock, name: &str, port: u16) -> Line {
    let hosts = hosts(random, stock, name, port);
    let key = stock.key(random);
    let (key_type, base64) = key.split_once(' ').unwrap();
    let lead = random.pick(&["", "", "", " ", "\t", " \t "]);
    let blank = random.pick(&[" ", " ", "  ", "\t", " \t"]);
    let unreadable = key == stock.keys[TOO_SHORT]
        || (hosts.starts_with('|') && hosts.contains(','))
        || hosts.to_lowercase().contains(&stock.long[1]);
    let comment =
        random.pick(&["", "", " alice@example.org", "\t# x", " ", "\t", " \"", " @revoked h"]);
    let marker =
        random.pick(&["", "", "", "", "", "", "@revoked ", "@revoked  ", "@cert-authority "]);
    match random.below(26) {
        0 => Line::same(random.pick(&["", " ", "# h", "  # @revoked h", "#@revoked h", "\r"])),
        1 => Line::same(format!("{hosts} {key_type} {}", &base64[..base64.len() - 5])),
        2 => Line::same(format!("{hosts} {} {base64}", key_type.to_uppercase())),
        3 => Line::same(
            random.pick(
                &[
                    format!("{hosts} ssh-dss {base64}"),
                    format!("{hosts}{blank}# {key}"),
                    format!("{hosts} {key_type}"),
                    format!("{hosts} {base64}"),
                    format!("{hosts} x {key}"),
                    format!("{hosts} {key}=="),
                    format!("\u{b}{hosts} {key}"),
                    format!("|1|c2FsdA==|c2FsdA== {key}"),
                    format!("|2|{hosts} {key}"),
                    format!("{hosts},@revoked {key}"),
                ]
                .each_ref()
                .map(String::as_str),
            ),
        ),
        // white space of C is nothing inside base64
        4 => {
            let (a, b) = base64.split_at(base64.len() / 2);
            let space = random.pick(&["\r", "\u{b}", "\u{c}"]);
            Line {
                refused: unreadable && !marker.is_empty(),
                ..Line::same(format!("{marker}{hosts} {key_type} {a}{space}{b}"))
            }
        }
        5 => {
            let mut text = format!("{lead}{marker}{hosts}{blank}{key} ").into_bytes();
            text.extend(b"caf\xe9 \xff");
            Line { refused: unreadable && !marker.is_empty(), ..Line::same(text) }
        }
        // To ssh a NUL ends the line, and a key before it counts; to us such a line is none.
        6 => Line {
            ours: format!("{hosts}{blank}{key} x\0y").into(),
            theirs: Vec::new(),
            refused: false,
        },
        7 if random.one_in(2) => Line::refused(match random.below(8) {
            0 => format!("@Revoked {hosts} {key}"),
            1 => format!("@revoked\t{hosts} {key}"),
            2 => format!("@revoke {hosts} {key}"),
            3 => format!("@revoked @revoked {hosts} {key}"),
            4 => format!("@cert-authority {hosts} {key_type}"),
            5 => format!("@revoked {hosts} {key_type} {}", &base64[..base64.len() - 5]),
            6 => format!("@revoked {hosts} {key}\0"),
            // behind bytes that do not show
            _ => format!("\u{feff}\u{feff}@revoked {hosts} {key}"),
        }),
        _ => Line {
            refused: unreadable && !marker.is_empty(),
            ..Line::same(format!("{lead}{marker}{hosts}{blank}{key_type}{blank}{base64}{comment}"))
        },
    }
}

/// A file of such lines.
fn file(random: &mut Random, stock: &Stock, name: &str, port: u16) -> Line {
    // We take one byte order mark off; to ssh it is a part of the first line.
    let mark = if random.one_in(8) { "\u{feff}" } else { "" };
    let mut file = Line { ours: mark.into(), theirs: Vec::new(), refused: false };
    let lines = random.below(4);
    let ends = !random.one_in(3);
    for number in 1..=lines {
        let line = line(random, stock, name, port);
        let end = random.pick(&["\n", "\n", "\n", "\r\n"]);
        let end = if number == lines && !ends { "" } else { end };
        file.ours.extend([&line.ours, end.as_bytes()].concat());
        file.theirs.extend([&line.theirs, end.as_bytes()].concat());
        file.refused |= line.refused;
    }
    file
}

/// A verdict, by what both say of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    /// With the line, as `known_hosts:3`.
    Match(String),
    Unknown,
    Changed,
    Revoked,
}

impl Said {
    fn kind(&self) -> &'static str {
        match self {
            Self::Match(_) => "match",
            Self::Unknown => "unknown",
            Self::Changed => "changed",
            Self::Revoked => "revoked",
        }
    }
}

/// `known_hosts:3` of a path and line.
fn short(place: &str) -> String {
    place.rsplit('/').next().unwrap().trim_end().to_owned()
}

fn ours(known: &KnownHosts, host: &Host, key: &PublicKey) -> Said {
    match known.check(host, key) {
        Verdict::Match { at, .. } => Said::Match(short(&at.to_string())),
        Verdict::Unknown { .. } => Said::Unknown,
        Verdict::Changed { .. } => Said::Changed,
        Verdict::Revoked { .. } => Said::Revoked,
        other => panic!("{other}"),
    }
}

/// Asks ssh, which speaks to a server with the first key of the stock.
fn theirs(folder: &Path, config: &Path, name: &str, port: u16) -> Said {
    let path = |file: &str| folder.join(file).display().to_string();
    let out = Command::new("ssh")
        .args(["-v", "-F", "none", "-l", "alice", "-p", &port.to_string()])
        .args(["-o", &format!("ProxyCommand={SSHD} -i -f {}", config.display())])
        .args(["-o", &format!("UserKnownHostsFile={} {}", path(FILES[0]), path(FILES[1]))])
        .args(["-o", &format!("GlobalKnownHostsFile={}", path(FILES[2]))])
        .args(["-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes"])
        .args(["-o", "HostKeyAlgorithms=ssh-ed25519", "-o", "KexAlgorithms=curve25519-sha256"])
        .args(["-o", "PreferredAuthentications=none", "-o", "IdentityAgent=none"])
        .args(["-o", "ConnectTimeout=60", name, "true"])
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("ssh: {error}; install openssh-client"));
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let line = |start: &str| {
        said.lines().find_map(|line| line.split_once(start)).map(|(_, rest)| rest.to_owned())
    };
    if said.contains("REVOKED HOST KEY") {
        Said::Revoked
    } else if said.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        Said::Changed
    } else if said.contains("Host key verification failed") {
        // of a name that it would never write it says no more than that
        Said::Unknown
    } else if said.contains("Permission denied") {
        Said::Match(short(&line("debug1: Found key in ").unwrap()))
    } else {
        panic!("ssh to {name} port {port}: {said}");
    }
}

/// One host, looked for in files of its own; what both say, if ssh was asked.
fn ask(seed: u64, folder: &Path, config: &Path, stock: &Stock, key: &PublicKey) -> Option<Said> {
    let mut random = Random(seed);
    let (name, port) = (random.pick(NAMES), random.pick(&PORTS));
    // For a name that ssh would never write, it says of the name without the port what it else
    // keeps to itself, and it cannot be told what it says of the host.
    let port = if name.contains(['*', '?', '#']) { 22 } else { port };
    let host = Host::new(name, port).unwrap();
    let [own, for_ssh] = ["ours", "theirs"].map(|side| folder.join(format!("{side}_{seed}")));
    fs::create_dir(&own).unwrap();
    fs::create_dir(&for_ssh).unwrap();
    let (mut refused, mut all) = (false, String::new());
    for file_name in FILES {
        if file_name == FILES[1] && random.one_in(2) {
            continue;
        }
        let file = file(&mut random, stock, name, port);
        fs::write(own.join(file_name), &file.ours).unwrap();
        fs::write(for_ssh.join(file_name), &file.theirs).unwrap();
        refused |= file.refused;
        all += &format!("--- {file_name}\n{}\n", file.ours.escape_ascii());
    }
    let about = format!("SSH_SEED={seed} SSH_HOSTS=1: {name} port {port}, {host}\n{all}");
    let paths: Vec<PathBuf> = FILES.iter().map(|file| own.join(file)).collect();
    let known = match KnownHosts::open_existing(&paths) {
        Ok(known) => known,
        Err(error) => {
            let marked = matches!(
                error.kind(),
                TrustErrorKind::MarkedLine { .. } | TrustErrorKind::HiddenMarker { .. }
            );
            assert!(marked && refused, "we refuse the files: {error}\n{about}");
            return None;
        }
    };
    assert!(!refused, "we do not refuse the files\n{about}");
    let (ours, mut theirs) = (ours(&known, &host, key), theirs(&for_ssh, config, name, port));
    // What is revoked for the bare name we take for revoked on every port.
    let marked = all.contains("@revoked");
    if marked && port != 22 && self::theirs(&for_ssh, config, name, 22) == Said::Revoked {
        theirs = Said::Revoked;
    }
    assert_eq!(ours, theirs, "we say the first; {}\n{about}", known.skipped());
    fs::remove_dir_all(own).unwrap();
    fs::remove_dir_all(for_ssh).unwrap();
    Some(ours)
}

#[test]
#[ignore = "needs sshd"]
fn ssh_trusts_the_hosts_that_we_trust() {
    let hosts = number("SSH_HOSTS").unwrap_or(250);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = number("SSH_SEED").unwrap_or(now.as_nanos() as u64);
    println!("SSH_SEED={seed}");
    // as root it wants the folder that its service would have made
    let _ = fs::create_dir("/run/sshd");

    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Identity::generate().unwrap();
    server.save(folder.join("host"), None).unwrap();
    let config = folder.join("config");
    fs::write(&config, format!("HostKey {}\n", folder.join("host").display())).unwrap();
    let stock = Stock::new(folder, server.public_key());

    let counts = Mutex::new(BTreeMap::<_, u64>::new());
    std::thread::scope(|scope| {
        for first in 0..AT_ONCE {
            let (config, stock, counts) = (&config, &stock, &counts);
            let key = server.public_key();
            scope.spawn(move || {
                for host in (first..hosts).step_by(AT_ONCE as usize) {
                    let said = ask(seed.wrapping_add(host), folder, config, stock, key);
                    let kind = said.map_or("refused by us", |said| said.kind());
                    *counts.lock().unwrap().entry(kind).or_default() += 1;
                }
            });
        }
    });
    let counts = counts.lock().unwrap();
    println!("{counts:?}");
    assert!(hosts < 100 || counts.len() == 5, "all of it happens: {counts:?}");
}
