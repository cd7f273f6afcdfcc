//! Lines that people do not write, many to a login: a client offers a hundred keys of which it has
//! the public halves alone, and sshd says of each whether it would admit it.
//!
//! `SSHD_LINES` says how often a hundred keys are asked about (10), `SSHD_SEED` repeats a run. Where
//! we are stricter on purpose, only that is asked: whom we admit, sshd admits.
//!
//! Left out are local times where the clock may be put forward: there sshd takes a time in summer for
//! an hour later than the clock shows it, and we do not.

mod cases;

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use handfast::key::{Identity, PublicKey};
use handfast::trust::{AuthorizedKeys, Decision, LineFault, OptionFault, Question, WhyRefused};
use jiff::tz::TimeZone;

use self::cases::{ODD, broken_keys};
use crate::random::{Random, number};
use crate::sshd::Daemon;

/// As many identities as ssh takes.
const KEYS: usize = 100;

/// On both sides of UTC, as far from it as there are, and that of Ireland.
const ZONES: &[&str] = &["IST-5:30", "LINT-14", "BIT12", "IST-1GMT0,M10.5.0,M3.5.0/1"];

/// A line with some characters added, taken out, doubled and exchanged.
fn garbled(random: &mut Random, line: &str) -> String {
    const MORE: &[char] = &[
        ',', '"', '\\', ' ', '\t', '=', '!', '*', '?', '#', '\r', '-', '/', ':', '.', '0', '1',
        '2', 'Z', 'n', 'o', 'P', '\'', '\u{b}', '\n', '%', '[', '@',
    ];
    let mut chars: Vec<_> = line.chars().collect();
    for _ in 0..=random.below(3) {
        let at = random.below(chars.len());
        match random.below(4) {
            0 if chars.len() > 1 => drop(chars.remove(at)),
            1 => chars.insert(at, chars[at]),
            2 => chars[at] = random.pick(MORE),
            _ => chars.insert(at, random.pick(MORE)),
        }
    }
    chars.into_iter().collect()
}

/// A time some hours from now, as the clock of this zone shows it.
fn around_now(random: &mut Random) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    // never so near that it passes between the two answers
    let away = 1200 + random.below(15 * 3600) as i64;
    let at = now as i64 + if random.one_in(2) { away } else { -away };
    // this machine's own clock may be one that is put forward
    let (zone, suffix) = if random.one_in(3) || std::env::var_os("SSHD_TIMES").is_none() {
        (TimeZone::UTC, random.pick(&["Z", "utc"]))
    } else {
        (TimeZone::system(), "")
    };
    let at = jiff::Timestamp::from_second(at).unwrap().to_zoned(zone);
    let form = random.pick(&["%Y%m%d%H%M", "%Y%m%d%H%M%S"]);
    format!("expiry-time=\"{}{suffix}\" @", at.strftime(form))
}

fn stanza(random: &mut Random, key: &str, number: usize) -> String {
    let (key_type, blob) = key.split_once(' ').unwrap();
    if std::env::var_os("SSHD_TIMES").is_some() {
        return around_now(random).replace('@', key);
    }
    if let Some(line) = ODD.get(number) {
        return line.replace('@', key);
    }
    let broken = broken_keys(key_type, blob);
    if let Some(line) = broken.get(number - ODD.len()) {
        return line.clone();
    }
    let one = |random: &mut Random| {
        let line = random.pick(ODD);
        match random.below(8) {
            0 => around_now(random).replace('@', key),
            1 => {
                let short: Vec<_> = broken.iter().filter(|line| line.len() < 200).collect();
                let line = random.pick(&short);
                garbled(random, line)
            }
            2 => {
                let end = line.strip_suffix(" @").unwrap_or("pty");
                format!("{},{end} @", crate::sshd::option(random)).replace('@', key)
            }
            3 => format!("{} {key}", crate::sshd::option(random)),
            _ => garbled(random, line).replace('@', key),
        }
    };
    let mut lines = vec![one(random)];
    while random.one_in(3) {
        lines.push(one(random));
    }
    lines.join(random.pick(&["\n", "\r\n"]))
}

/// Where we refuse on purpose what sshd may take: see the documentation of `handfast::trust`.
fn on_purpose(fault: &OptionFault) -> bool {
    match fault {
        OptionFault::Forwarding { .. } | OptionFault::NotText { .. } => true,
        OptionFault::From { .. } => true,
        // strptime(3) takes a blank for the first digit of a number
        OptionFault::Expiry { value, reason } => {
            !reason.starts_with("not a time of the form") || value.contains(' ')
        }
        _ => false,
    }
}

/// Whether we admit the key; `None` where we refuse it and sshd may do otherwise.
fn ours(stanza: &str, key: &PublicKey, from: IpAddr) -> (Option<bool>, String) {
    // a byte order mark is passed over at the start of a file, and nowhere else
    let text = format!("\n{stanza}");
    let read = AuthorizedKeys::parse("authorized_keys", text.as_bytes()).unwrap();
    let question = Question::new(key, SystemTime::now()).from(from).honours_command();
    let decision = read.decide(&question);
    let said = format!("{decision}; {}", read.skipped());
    let excused = match &decision {
        Decision::Admitted(_) => return (Some(true), said),
        Decision::Refused(lines) => lines.lines().iter().any(
            |line| matches!(line.why(), WhyRefused::BadOptions { fault } if on_purpose(fault)),
        ),
        _ => false,
    };
    let nul = read.skipped().lines().iter().any(|line| *line.fault() == LineFault::Nul);
    ((!excused && !nul).then_some(false), said)
}

/// The numbers of the keys that sshd would admit.
fn theirs(daemon: &Daemon, folder: &Path, from: IpAddr) -> BTreeSet<usize> {
    let to = if from.is_ipv4() { "127.0.0.1" } else { "::1" };
    let mut ssh = Command::new("ssh");
    ssh.args(["-v", "-F", "none", "-p", &daemon.port.to_string(), "-b", &from.to_string()])
        .args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes"])
        .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
        .args(["-o", "GlobalKnownHostsFile=/dev/null", "-o", "ConnectTimeout=60"]);
    for number in 0..KEYS {
        // unlike `-i` this does not ask for the private half
        ssh.arg("-o").arg(format!("IdentityFile={}", identity(folder, number).display()));
    }
    let out = ssh.args([to, "true"]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    // it has no private key to go on with
    assert!(
        out.status.code() == Some(255) && said.contains("Permission denied"),
        "ssh ended with {:?}: {said}",
        out.status
    );
    let numbers = |before: &str| -> BTreeSet<usize> {
        said.lines()
            .filter_map(|line| line.strip_prefix(before))
            .map(|rest| rest.rsplit_once("odd_").unwrap().1.split(' ').next().unwrap())
            .map(|number| number.parse().unwrap())
            .collect()
    };
    assert_eq!(numbers("debug1: Offering public key: ").len(), KEYS, "{said}");
    numbers("debug1: Server accepts key: ")
}

fn identity(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("odd_{number}"))
}

#[test]
#[ignore = "needs sshd"]
fn sshd_reads_odd_lines_as_we_do() {
    let rounds = number("SSHD_LINES").unwrap_or(10) as usize;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = number("SSHD_SEED").unwrap_or(now.as_nanos() as u64);
    println!("SSHD_SEED={seed}");
    let mut random = Random(seed);
    let _ = fs::create_dir("/run/sshd");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    Identity::generate().unwrap().save(folder.join("host"), None).unwrap();
    let daemon = Daemon::start(folder, 0);
    let keys: Vec<_> = (0..KEYS)
        .map(|number| {
            let key = Identity::generate().unwrap().public_key().clone();
            fs::write(identity(folder, number).with_extension("pub"), format!("{key}\n")).unwrap();
            key
        })
        .collect();

    // not every machine has IPv6
    let both = std::net::TcpListener::bind("[::1]:0").is_ok();
    let addresses: &[_] =
        if both { &["127.0.0.1", "127.0.0.2", "::1"] } else { &["127.0.0.1", "127.0.0.2"] };
    let (mut differences, mut admitted, mut stricter) = (Vec::new(), 0, 0);
    for round in 0..rounds {
        let stanzas: Vec<_> = keys
            .iter()
            .enumerate()
            .map(|(at, key)| stanza(&mut random, &key.to_string(), round * KEYS + at))
            .collect();
        let end = if random.one_in(2) { "\n" } else { "" };
        fs::write(&daemon.keys, stanzas.join("\n") + end).unwrap();
        let from = random.pick(addresses).parse().unwrap();
        let theirs = theirs(&daemon, folder, from);
        for (number, (stanza, key)) in stanzas.iter().zip(&keys).enumerate() {
            let (ours, said) = ours(stanza, key, from);
            let admits = theirs.contains(&number);
            admitted += usize::from(admits);
            stricter += usize::from(ours.is_none() && admits);
            if ours.is_some_and(|ours| ours != admits) {
                let stanza: String =
                    stanza.replace(&key.to_string(), "@").chars().take(400).collect();
                differences.push(format!(
                    "from {from} sshd {}, and we say: {said}\n{stanza:?}",
                    if admits { "admits" } else { "refuses" }
                ));
            }
        }
    }
    let all = rounds * KEYS;
    println!("of {all} keys sshd admitted {admitted}; we were stricter on purpose with {stricter}");
    assert!(
        differences.is_empty(),
        "SSHD_SEED={seed}: {} differences\n{}",
        differences.len(),
        differences.join("\n\n")
    );
    assert!(rounds < 10 || (admitted * 10 > all && admitted * 10 < all * 9), "both happen");
}

/// Times without `Z` are those of the zone that the server runs in.
#[test]
#[ignore = "needs sshd"]
fn sshd_reads_them_so_in_other_time_zones() {
    for zone in ZONES {
        let out = Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "sshd::odd_lines::sshd_reads_odd_lines_as_we_do",
                "--nocapture",
            ])
            .env("TZ", zone)
            .env("SSHD_LINES", "1")
            .env("SSHD_TIMES", "only")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stdout) + String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success() && said.contains("1 passed"), "TZ={zone}: {said}");
    }
}
