//! What can be wrong with `known_hosts`.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::path::Path;

use handfast::key::{Fingerprint, shell_path};
use handfast::trust::{Host, HostError, KnownHosts, ListedKey, Verdict, glued, list_keys};

use super::findings::{Findings, Severity};
use super::modes;
use super::public_key::WEAK;
use crate::paths;

const REMEDY: &str = "correct or remove it";

/// Names of one line that are tried; nobody lists more, and trying takes long.
const MOST_NAMES: usize = 32;

/// How often a name is held against a line that revokes; that takes long, too.
const MOST_COMPARED: usize = 200_000;

pub(super) fn check(path: &Path, bytes: &[u8], findings: &mut Findings) {
    modes::check(path, findings);
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.split(|&byte| byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        lines.extend(Line::read(number, line, findings));
    }
    let mut revoking: HashMap<_, Vec<_>> = HashMap::new();
    for line in lines.iter().filter(|line| line.marker == Some("@revoked")) {
        let marked = [b"@revoked ", line.unmarked].concat();
        if let Ok(known) = KnownHosts::parse("", &marked) {
            revoking.entry(line.fingerprint()).or_default().push((line.number, known));
        }
    }
    let usable = Usable::of(&lines);
    let mut said = HashMap::new();
    let mut left = MOST_COMPARED;
    for line in &lines {
        line.check_key(&usable, path, findings);
        line.check_names(findings);
        line.check_repetition(&mut said, findings);
        let revoking = revoking.get(&line.fingerprint()).map(Vec::as_slice).unwrap_or_default();
        line.check_revoked(revoking, &mut left, findings);
    }
    if left == 0 {
        findings.warning(
            None,
            "it revokes keys on so many lines that not all of them were compared with the others",
            "write one line for each revoked key: `@revoked * KEY`",
        );
    }
}

/// The names for which some line has a key that is supported.
struct Usable<'a> {
    names: HashSet<&'a str>,
    /// Whether there are hashed ones. Which line is about the same host as another, hashes do not
    /// tell, and `ssh` writes a line for each key of a host.
    hashed: bool,
}

impl<'a> Usable<'a> {
    fn of(lines: &'a [Line<'_>]) -> Self {
        let usable = lines.iter().filter(|line| line.marker.is_none());
        let usable = usable.filter(|line| line.key.public_key().is_some());
        let names: HashSet<_> = usable.flat_map(Line::names).collect();
        let hashed = names.iter().any(|name| name.starts_with('|'));
        Self { names, hashed }
    }

    fn has_all(&self, line: &Line<'_>) -> bool {
        line.names()
            .filter(|name| !name.starts_with('!'))
            .all(|name| self.names.contains(name) || (self.hashed && name.starts_with('|')))
    }
}

/// A line that was read.
struct Line<'a> {
    number: usize,
    key: ListedKey,
    marker: Option<&'static str>,
    /// The list of names, in lower case.
    hosts: String,
    /// The line from its hosts on.
    unmarked: &'a [u8],
}

impl<'a> Line<'a> {
    fn read(number: usize, line: &'a [u8], findings: &mut Findings) -> Option<Self> {
        // Told of already.
        if glued(line).is_some() {
            return None;
        }
        // A byte order mark counts at the start of a file only.
        let alone = [b"\n", line].concat();
        let fault = match KnownHosts::parse("", &alone) {
            Ok(known) => known.skipped().lines().first().map(|line| line.fault().to_string()),
            Err(error) => Some(error.kind().to_string()),
        };
        if let Some(fault) = fault {
            findings.message(Severity::Error, number, &fault, REMEDY);
            return None;
        }
        let (keys, _) = list_keys("", &alone).ok()?;
        let key = keys.into_iter().next()?;
        let marker = ["@revoked", "@cert-authority"]
            .into_iter()
            .find(|marker| key.before().starts_with(marker));
        let line = line.trim_ascii_start();
        let unmarked = match marker {
            Some(marker) => line.get(marker.len()..).unwrap_or_default().trim_ascii_start(),
            None => line,
        };
        let hosts = unmarked.split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
        let hosts = String::from_utf8_lossy(hosts).to_ascii_lowercase();
        Some(Self { number, key, marker, hosts, unmarked })
    }

    fn fingerprint(&self) -> Fingerprint {
        self.key.fingerprint()
    }

    /// The elements of the list, or the one hashed name.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.hosts.split(',').filter(|name| !name.is_empty())
    }

    fn check_key(&self, usable: &Usable<'_>, path: &Path, findings: &mut Findings) {
        match (self.marker, self.key.public_key()) {
            (Some("@cert-authority"), _) => findings.warning(
                self.number,
                "it adds no trust, for this version does not honour certificates",
                "list the keys of the hosts themselves",
            ),
            // Who is shut out may have any key.
            (Some(_), _) | (None, Some(_)) => {}
            (None, None) if self.key.key_type() == "ssh-ed25519" => {
                findings.error(self.number, WEAK, "remove it, and ask where it comes from");
            }
            // Each key of a host has its line, and one that is supported is among them.
            (None, None) if usable.has_all(self) => {}
            (None, None) => findings.warning(
                self.number,
                &format!(
                    "keys of type {} are not supported, and with any other key the host counts as changed",
                    self.key.key_type()
                ),
                &format!(
                    "add the host's Ed25519 key with `keytool hosts add {} --beside --file {}`",
                    self.host_word(),
                    shell_path(path)
                ),
            ),
        }
    }

    /// The first host that the line is about, as a word of a command for a shell.
    fn host_word(&self) -> String {
        let host = self.names().filter(|name| !name.contains(['*', '?', '!', '|']));
        host.flat_map(|name| Host::parse(name, Some(22)))
            .next()
            .map_or_else(|| "HOST".to_owned(), |host| paths::host_word(&host))
    }

    /// Names that no host that anybody asks for has.
    fn check_names(&self, findings: &mut Findings) {
        if self.hosts.starts_with('|') {
            return;
        }
        if self.names().all(|name| name.starts_with('!')) {
            return findings.warning(
                self.number,
                "it never matches, for it only says which hosts it is not about",
                "add the names it is about, or `*`",
            );
        }
        // The marker does not matter for which hosts a line is about.
        let Ok(alone) = KnownHosts::parse("", &[b"\n", self.unmarked].concat()) else { return };
        for name in self.names().filter(|name| !name.starts_with('!')).take(MOST_NAMES) {
            let remedy = if is_network(name) {
                "list the addresses, or write a pattern such as `10.1.*`"
            } else if let Some(bare) = name.strip_suffix(":22") {
                let bare = bare.trim_start_matches('[').trim_end_matches(']');
                &format!("write `{bare}`: port 22 stands in no name")
            } else if let Err(HostError::Ambiguous { address, port, .. }) = asked(name) {
                let problem = format!("`{name}` can be read in two ways, and stands for port 22");
                let remedy = format!(
                    "write `[{address}]:{port}`, or `{}`",
                    Host::new(name, 22).map_or(name.to_owned(), |host| host.to_string())
                );
                findings.warning(self.number, &problem, &remedy);
                continue;
            } else if name.contains(['*', '?']) {
                continue;
            } else if let Some(host) = asked(name).ok().filter(|host| alone.knows(host)) {
                let host = host.to_string();
                if host != name {
                    findings.warning(
                        self.number,
                        &format!(
                            "`{name}` is not how ssh looks the address up, which finds no such line"
                        ),
                        &format!("write `{host}`"),
                    );
                }
                continue;
            } else {
                match asked(name) {
                    Ok(host) if host.to_string() != name => &format!("write `{host}`"),
                    _ => REMEDY,
                }
            };
            let problem = format!("`{name}` never matches: no host is looked up by it here");
            findings.warning(self.number, &problem, remedy);
        }
    }

    /// Whether earlier lines have said all of it.
    fn check_repetition<'b>(
        &'b self,
        said: &mut HashMap<(Option<&'static str>, Fingerprint, &'b str), usize>,
        findings: &mut Findings,
    ) {
        // A negation is about its own line only; a list that is too long counts as one name.
        let whole = self.names().any(|name| name.starts_with('!'))
            || self.names().nth(MOST_NAMES).is_some();
        let names: Vec<_> = if whole { vec![self.hosts.as_str()] } else { self.names().collect() };
        let mut earlier = None;
        let mut news = false;
        for name in names {
            match said.insert((self.marker, self.fingerprint(), name), self.number) {
                Some(number) => earlier = earlier.or(Some(number)),
                None => news = true,
            }
        }
        if let (Some(earlier), false) = (earlier, news) {
            let problem = format!("it says nothing that line {earlier} has not said");
            findings.warning(self.number, &problem, "remove one of the two");
        }
    }

    /// Whether a line revokes its key; `left` is how much may still be compared.
    fn check_revoked(
        &self,
        revoking: &[(usize, KnownHosts)],
        left: &mut usize,
        findings: &mut Findings,
    ) {
        let (None, Some(key)) = (self.marker, self.key.public_key()) else { return };
        if revoking.is_empty() {
            return;
        }
        let hosts: Vec<_> =
            self.names().take(MOST_NAMES).flat_map(|name| Host::parse(name, Some(22))).collect();
        if hosts.is_empty() {
            return;
        }
        for (number, known) in revoking {
            *left = left.saturating_sub(hosts.len());
            if *left == 0 {
                return;
            }
            let is_revoked =
                |host: &&Host| matches!(known.check(host, key), Verdict::Revoked { .. });
            if let Some(host) = hosts.iter().find(is_revoked) {
                let problem =
                    format!("it does not count for {host}: line {number} revokes the key");
                return findings.warning(self.number, &problem, "remove it");
            }
        }
    }
}

/// The host that somebody asks for by a name of the file.
fn asked(name: &str) -> Result<Host, HostError> {
    Host::parse(name, Some(22))
}

/// An address with the length of a prefix, which is no pattern.
fn is_network(name: &str) -> bool {
    name.split_once('/').is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok())
}
