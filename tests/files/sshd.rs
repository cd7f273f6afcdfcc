//! Random authorized_keys files, and a real sshd as the judge of who is let in.
//!
//! `cargo test --test sshd -- --ignored` needs `sshd` and `ssh`; it starts daemons on loopback ports
//! with everything in a temporary folder, and logs in as whoever runs it. `SSHD_LOGINS` says how
//! often (300), `SSHD_SEED` repeats a run.
//!
//! Left out is where we differ on purpose: `permitopen`, `permitlisten` and `tunnel`; addresses in
//! the spellings of `inet_aton`, mapped into IPv6 or malformed in ways that OpenSSH takes for
//! patterns; days that there are not, and times before 1970; NUL and what is not UTF-8.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "all of it is test code, and not all of it in functions that are tests"
)]

mod odd_lines;

use std::fs;
use std::net::{IpAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use handfast::key::Identity;
use handfast::trust::{AuthorizedKeys, Decision, Question};

use crate::random::{Random, number};

const SSHD: &str = "/usr/sbin/sshd";

/// Daemons at a time.
const DAEMONS: u64 = 4;

/// Ends the daemon, also where a test fails.
struct Daemon {
    child: Child,
    port: u16,
    keys: PathBuf,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    fn start(folder: &Path, number: u64) -> Self {
        let keys = folder.join(format!("authorized_keys_{number}"));
        fs::write(&keys, "").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = folder.join(format!("config_{number}"));
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nListenAddress ::1\nHostKey {}\n\
             AuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPidFile none\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             PermitUserEnvironment yes\nMaxStartups 100\nMaxAuthTries 1000\nUseDNS no\nForceCommand true\n",
            folder.join("host").display(),
            keys.display()
        );
        fs::write(&config, text).unwrap();
        let log = fs::File::create(folder.join(format!("log_{number}"))).unwrap();
        let child = Command::new(SSHD)
            .args(["-D", "-e", "-f"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{SSHD}: {error}; install openssh-server"));
        let daemon = Self { child, port, keys };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "sshd does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        daemon
    }

    /// Whether sshd lets alice's key in from there.
    fn admits(&self, folder: &Path, file: &str, from: IpAddr) -> bool {
        fs::write(&self.keys, file).unwrap();
        let to = if from.is_ipv4() { "127.0.0.1" } else { "::1" };
        let out = Command::new("ssh")
            .args(["-F", "none", "-p", &self.port.to_string(), "-b", &from.to_string(), "-i"])
            .arg(folder.join("alice"))
            .args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes"])
            .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
            .args(["-o", "GlobalKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"])
            .args(["-o", "ConnectTimeout=30", to, "true"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        match out.status.code() {
            Some(0) => true,
            Some(255) if said.contains("Permission denied") => false,
            code => panic!("ssh ended with {code:?}: {said}"),
        }
    }
}

fn from_list(random: &mut Random) -> String {
    const ELEMENTS: &[&str] = &[
        "127.0.0.1",
        "127.0.0.2",
        "127.0.0.0/8",
        "127.0.0.0/30",
        "127.0.0.4/30",
        "127.0.0.*",
        "127.0.0.?",
        "127.*",
        "*",
        "?*",
        "10.0.0.0/8",
        "192.0.2.1",
        "0.0.0.0/0",
        "::1",
        "::1/128",
        "::/0",
        "::*",
        "2001:db8::/32",
        "rpc.example.org",
        "LOCALHOST",
        "127.0.0.1 ",
        "a b",
        // refused by both
        "",
        "127.0.0.1/8",
        "127.0.0.0/33",
        "::1/64",
    ];
    let elements: Vec<_> = (0..=random.below(3))
        .map(|_| {
            let element = loop {
                let element = random.pick(ELEMENTS);
                // what is malformed is rarer
                if !matches!(element, "" | "127.0.0.1/8" | "127.0.0.0/33" | "::1/64")
                    || random.one_in(4)
                {
                    break element;
                }
            };
            format!("{}{element}", if random.one_in(4) { "!" } else { "" })
        })
        .collect();
    elements.join(",")
}

fn option(random: &mut Random) -> String {
    const FLAGS: &[&str] = &[
        "restrict",
        "pty",
        "no-pty",
        "No-Port-Forwarding",
        "port-forwarding",
        "agent-forwarding",
        "no-agent-forwarding",
        "X11-forwarding",
        "no-x11-forwarding",
        "user-rc",
        "no-user-rc",
        "verify-required",
        "no-touch-required",
        "no-verify-required",
        "touch-required",
    ];
    const TIMES: &[&str] = &[
        "20370101",
        "20370101Z",
        "203701011200utc",
        "20370101120059z",
        "20200101",
        "20200101Z",
        "20200229",
        "202001011200",
        "19700102Z",
    ];
    const BAD: &[&str] = &[
        "zone",
        "no-restrict",
        "no-cert-authority",
        "command=x",
        "from",
        "from='*'",
        "restrict=\"x\"",
        "environment=\"A\"",
        "environment=\"=b\"",
        "environment=\"A B=c\"",
        "cert-authority",
        "principals=\"alice\"",
        "cert-authority,principals=\"alice\"",
        "command=\"a\"b",
        "pty=",
        "expiry-time=\"soon\"",
        "expiry-time=\"20371301\"",
        "expiry-time=\"2037\"",
        "command=\"a\\\\\"",
        "\"pty\"",
        "pty;",
        "expiry-time=\"20370101ZZ\"",
    ];
    match random.below(12) {
        0..=3 => format!("from=\"{}\"", from_list(random)),
        4 | 5 => format!("expiry-time=\"{}\"", random.pick(TIMES)),
        6 => random
            .pick(&[
                "command=\"echo \\\"a, b\\\" #\"",
                "command=\"\"",
                "COMMAND=\"a\\n\"",
                "environment=\"A=b\"",
                "environment=\"A_1=\"",
                "environment=\"A=b c=d\"",
            ])
            .to_owned(),
        7 if random.one_in(2) => random.pick(BAD).to_owned(),
        _ => random.pick(FLAGS).to_owned(),
    }
}

fn line(random: &mut Random, keys: &[String; 2]) -> String {
    let key = if random.one_in(4) { &keys[1] } else { &keys[0] };
    let mut options: Vec<_> = (0..random.below(4)).map(|_| option(random)).collect();
    if random.one_in(6) {
        options.extend(options.first().cloned());
    }
    let comma = if random.one_in(8) { ",," } else { "," };
    let mut text = options.join(comma);
    if random.one_in(10) {
        text = format!(",{text},");
    }
    let blank = random.pick(&[" ", "  ", "\t", " \t"]);
    let lead = random.pick(&["", "", "", " ", "\t"]);
    let comment = random.pick(&["", " alice", " # x", "\talice@example.org "]);
    let space = if text.is_empty() { "" } else { blank };
    match random.below(14) {
        0 => "# nothing".to_owned(),
        1 => format!("#{key}"),
        2 => format!("{text}{space}"),
        3 => format!("{text} pty {key}"),
        4 => format!("{text}{space}{}", key.replacen("ssh-ed25519", "ssh-rsa", 1)),
        5 => format!("{text}{space}{}", &key[..key.len() - 5]),
        _ => format!("{lead}{text}{space}{}{comment}", key.replacen(' ', blank, 1)),
    }
}

fn file(random: &mut Random, keys: &[String; 2]) -> String {
    let end = random.pick(&["\n", "\n", "\r\n"]);
    let lines: Vec<_> = (0..=random.below(3)).map(|_| line(random, keys)).collect();
    let mark = if random.one_in(3) { "" } else { end };
    format!("{}{mark}", lines.join(end))
}

#[test]
#[ignore = "needs sshd"]
fn sshd_lets_in_whom_we_let_in() {
    let logins = number("SSHD_LOGINS").unwrap_or(300);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = number("SSHD_SEED").unwrap_or(now.as_nanos() as u64);
    println!("SSHD_SEED={seed}");
    // as root it wants the folder that its service would have made
    let _ = fs::create_dir("/run/sshd");

    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let keys = ["alice", "bob"].map(|name| {
        let identity = Identity::generate().unwrap();
        identity.save(folder.join(name), None).unwrap();
        identity.public_key().to_string()
    });
    Identity::generate().unwrap().save(folder.join("host"), None).unwrap();
    let alice = keys[0].parse().unwrap();

    let counts = Mutex::new([0, 0]);
    std::thread::scope(|scope| {
        for number in 0..DAEMONS {
            let (keys, counts, alice) = (&keys, &counts, &alice);
            scope.spawn(move || {
                let daemon = Daemon::start(folder, number);
                for login in (number..logins).step_by(DAEMONS as usize) {
                    let mut random = Random(seed.wrapping_add(login));
                    let file = file(&mut random, keys);
                    let from = random.pick(&["127.0.0.1", "127.0.0.2", "127.0.0.5", "::1"]);
                    let from: IpAddr = from.parse().unwrap();
                    let read = AuthorizedKeys::parse("authorized_keys", file.as_bytes()).unwrap();
                    let question =
                        Question::new(alice, SystemTime::now()).from(from).honours_command();
                    let ours = read.decide(&question);
                    let admits = matches!(ours, Decision::Admitted(_));
                    counts.lock().unwrap()[usize::from(admits)] += 1;
                    let theirs = daemon.admits(folder, &file, from);
                    assert_eq!(
                        admits,
                        theirs,
                        "SSHD_SEED={} SSHD_LOGINS=1: from {from}, we say: {ours}; {}\n{file}",
                        seed.wrapping_add(login),
                        read.skipped()
                    );
                }
            });
        }
    });
    let [refused, admitted] = *counts.lock().unwrap();
    println!("{admitted} logins were let in and {refused} were not, by both");
    assert!(logins < 100 || (admitted * 10 > logins && refused * 10 > logins), "both happen");
}
