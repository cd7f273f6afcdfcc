//! `known_hosts`: which keys belong to which hosts.

pub(super) mod line;
mod names;
mod verdict;

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use self::line::{Line, Marker, hides_marker, is_marked, parse_line};
pub use self::names::KnownName;
pub use self::verdict::{KnownKey, Verdict};
pub(super) use self::verdict::{known_by, listed_keys};
use super::contacts::{Moment, is_fresh};
use super::file::{Contents, Ownership, trim_start};
use super::glued::{glued, glued_revocation};
use super::key_text::KeyText;
use super::place::REMEMBERED;
use super::{Host, LineFault, Place, SkippedLines, TrustError, TrustErrorKind};
use crate::key::{Fingerprint, KeyError, PublicKey, Revocable};

/// What one or more `known_hosts` files said when they were read; a snapshot that is cheap to
/// clone.
///
/// ```
/// use handfast::key::Identity;
/// use handfast::trust::{Host, KnownHosts, Verdict};
///
/// let server = Identity::generate()?;
/// let text = format!("# the servers of example.org\n*.example.org {}\n", server.public_key());
/// let known = KnownHosts::parse("known_hosts", text.as_bytes())?;
///
/// let verdict = known.check(&Host::parse("rpc.example.org:22", None)?, server.public_key());
/// assert!(matches!(verdict, Verdict::Match { at, .. } if at.to_string() == "known_hosts:2"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct KnownHosts(Arc<Lines>);

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<Line>,
    skipped: Arc<SkippedLines>,
    /// When all of it had been read.
    read: Moment,
}

impl KnownHosts {
    /// Reads a file; `~/` at the start of `path` stands for the home directory.
    ///
    /// As in OpenSSH, it does not matter who owns the file or may write to it.
    ///
    /// # Errors
    /// Whatever keeps the file from being read, and a line that begins with `@` and is not
    /// understood. A file that does not exist is an error too: an empty file says that no host is
    /// known yet.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TrustError> {
        Self::open_all([path])
    }

    /// Reads several files as one, in their order.
    ///
    /// # Errors
    /// As [`open`](Self::open), for the first file that is refused.
    pub fn open_all(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<Self, TrustError> {
        let files = paths.into_iter().map(|path| Contents::read(path.as_ref(), Ownership::Any));
        Self::collect(files)
    }

    /// As [`open_all`](Self::open_all), but passes over files that do not exist, as OpenSSH does: for
    /// the places where a user may have a file and need not.
    ///
    /// # Errors
    /// As [`open`](Self::open), for the first file that exists and is refused.
    pub fn open_existing(
        paths: impl IntoIterator<Item = impl AsRef<Path>>,
    ) -> Result<Self, TrustError> {
        let files = paths.into_iter().map(|path| Contents::read(path.as_ref(), Ownership::Any));
        let is_missing = |file: &Result<Contents, TrustError>| {
            file.as_ref().is_err_and(|error| matches!(error.kind(), TrustErrorKind::NotFound))
        };
        Self::collect(files.filter(|file| !is_missing(file)))
    }

    /// Takes the bytes of a file that comes from elsewhere; `name` stands for its path in messages.
    ///
    /// # Errors
    /// As [`open`](Self::open), where it is about the contents.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, TrustError> {
        Self::collect([Contents::new(name, bytes)])
    }

    /// As [`parse`](Self::parse), for a file that has been read.
    pub(super) fn of(contents: &Contents) -> Result<Self, TrustError> {
        Self::collect([Ok(contents.clone())])
    }

    fn collect(
        files: impl IntoIterator<Item = Result<Contents, TrustError>>,
    ) -> Result<Self, TrustError> {
        let mut lines = Vec::new();
        let mut skipped = SkippedLines::default();
        let mut warned = 0usize;
        for file in files {
            let file = file?;
            for line in file.lines() {
                let (number, bytes) = line?;
                let place = Place::new(file.name(), number);
                let parsed = parse_line(place.clone(), bytes);
                // A revocation that cannot be read must not get lost.
                if let Some(kind) = lost_revocation(bytes, parsed.as_ref().err()) {
                    return Err(TrustError::new(file.name(), Some(number), kind));
                }
                match parsed {
                    Ok(Some(line)) => {
                        warned = warned.saturating_add(warn_of(&line, warned).into());
                        lines.push(line);
                    }
                    Ok(None) => {}
                    Err(fault) => skipped.push(place, glued(bytes).unwrap_or(fault)),
                }
            }
        }
        Ok(Self(Arc::new(Lines { lines, skipped: Arc::new(skipped), read: Moment::now() })))
    }

    /// Judges the key that a host has proved to hold.
    ///
    /// As OpenSSH does it, over all lines that match the host:
    ///
    /// 1. A line marked `@revoked` with this key, or with a certificate of it:
    ///    [`Verdict::Revoked`], whatever other lines say. Here, and only here, a line for the bare
    ///    name holds for every port.
    /// 2. An unmarked line with this key: [`Verdict::Match`].
    /// 3. Any other unmarked line, also with another type of key: [`Verdict::Changed`].
    /// 4. For other ports than 22, an unmarked line with this key for the bare name:
    ///    [`Verdict::Match`] with `by_port_fallback`, which is logged. Another key for the bare
    ///    name says nothing about this port.
    /// 5. [`Verdict::Unknown`].
    pub fn check(&self, host: &Host, key: &PublicKey) -> Verdict {
        let blob = key.blob();
        self.check_blob(host, Revocable { key: &blob, authority: None })
    }

    /// Judges a key of any type, or a certificate, from its text: `type base64 [comment]` as in a
    /// `.pub` file. The verdict is that of [`check`](Self::check). A certificate is
    /// [`Verdict::Revoked`] if its plain key or its authority's key is, and otherwise always
    /// [`Verdict::CertificateRefused`].
    ///
    /// A match says that OpenSSH would let the host in. This library connects to hosts with Ed25519
    /// keys only.
    ///
    /// # Errors
    /// The text is not one of a key.
    pub fn check_text(&self, host: &Host, text: impl AsRef<[u8]>) -> Result<Verdict, LineFault> {
        let (key, _comment) = KeyText::parse(trim_start(text.as_ref()))?;
        if key.is_certificate() {
            if let Some(at) = self.revoked_at(host, key.revocable()) {
                return Ok(Verdict::Revoked { at: at.clone() });
            }
            return Ok(Verdict::CertificateRefused { authority: self.authority(host).cloned() });
        }
        Ok(self.check_blob(host, key.revocable()))
    }

    /// Judges a plain key.
    fn check_blob(&self, host: &Host, key: Revocable<&[u8]>) -> Verdict {
        if let Some(at) = self.revoked_at(host, key) {
            return Verdict::Revoked { at: at.clone() };
        }
        let blob = key.key;
        let mut found = None;
        let mut others = Vec::new();
        for line in self.unmarked(&host.lookup()) {
            if line.key.blob() == blob {
                found = Some(&line.place);
                break;
            }
            others.push(line);
        }
        if let Some(at) = found {
            return Verdict::Match { at: at.clone(), by_port_fallback: false };
        }
        if let Some(first) = others.first() {
            let at = first.place.clone();
            return Verdict::Changed { at, known: others.into_iter().map(KnownKey::new).collect() };
        }
        let fallback = |bare: &str| self.unmarked(bare).find(|line| line.key.blob() == blob);
        if let Some(at) = bare_name(host).and_then(fallback) {
            tracing::warn!(
                %host, key = %Fingerprint::of_blob(blob), place = %at.place,
                "host key accepted because a line lists it for the name without the port"
            );
            return Verdict::Match { at: at.place.clone(), by_port_fallback: true };
        }
        let authority = self.authority(host).cloned();
        Verdict::Unknown { skipped: Arc::clone(&self.0.skipped), authority }
    }

    /// The keys that [`check`](Self::check) would accept for this host, in the order of their lines
    /// and each once.
    ///
    /// Those listed for the bare name are among them only where they would be accepted by port
    /// fallback, that is, if no line matches the host with its port.
    pub fn keys_for(&self, host: &Host) -> Vec<PublicKey> {
        let name = match bare_name(host) {
            Some(bare) if !self.knows(host) => bare.into(),
            _ => host.lookup(),
        };
        // each line is held against the name once, however many keys there are
        let mut seen: HashSet<&[u8]> =
            self.revoked(host, |_| true).map(|line| line.key.plain()).collect();
        let lines = self.unmarked(&name);
        let once = lines.filter_map(|line| seen.insert(line.key.blob()).then_some(&line.key));
        once.filter_map(|key| key.public_key().ok()).collect()
    }

    /// Whether an unmarked line matches this host with its port, so that a key that no line lists
    /// is *changed* and not unknown.
    pub fn knows(&self, host: &Host) -> bool {
        self.unmarked(&host.lookup()).next().is_some()
    }

    /// Whether a line revokes this key for this host.
    pub(super) fn is_revoked(&self, host: &Host, key: &PublicKey) -> bool {
        let blob = key.blob();
        self.revoked_at(host, Revocable { key: &blob, authority: None }).is_some()
    }

    /// The names under which unmarked lines list a key, in the order of the lines.
    pub fn names_of(&self, key: &PublicKey) -> Vec<KnownName> {
        let blob = key.blob();
        let lists = |line: &&Line| line.marker == Marker::None && line.key.blob() == blob;
        self.0.lines.iter().filter(lists).map(KnownName::new).collect()
    }

    /// Whether a line that lists the key may have been written by a connection to the host that
    /// overlaps with one which is still deciding about it.
    pub(super) fn is_fresh(&self, host: &Host, key: &PublicKey) -> bool {
        is_fresh(host, key, self.0.read)
    }

    /// The lines that were passed over because they could not be read.
    pub fn skipped(&self) -> &SkippedLines {
        &self.0.skipped
    }

    fn unmarked(&self, lookup: &str) -> impl Iterator<Item = &Line> {
        let unmarked = |line: &&Line| line.marker == Marker::None && line.hosts.matches(lookup);
        self.0.lines.iter().filter(unmarked)
    }

    /// The first line that names a certificate authority for the host.
    fn authority(&self, host: &Host) -> Option<&Place> {
        let lookup = host.lookup();
        let names =
            |line: &&Line| line.marker == Marker::CertAuthority && line.hosts.matches(&lookup);
        self.0.lines.iter().find(names).map(|line| &line.place)
    }

    /// The first line that revokes the key.
    fn revoked_at(&self, host: &Host, key: Revocable<&[u8]>) -> Option<&Place> {
        let mut revoked = self.revoked(host, |line| key.is_revoked_by(&line.key.plain()));
        revoked.next().map(|line| &line.place)
    }

    /// Those of some lines that revoke a key for the host; one for the bare name holds for each
    /// port.
    fn revoked(&self, host: &Host, some: impl Fn(&Line) -> bool) -> impl Iterator<Item = &Line> {
        let (lookup, bare) = (host.lookup().into_owned(), bare_name(host).map(str::to_owned));
        let applies = move |line: &&Line| {
            line.marker == Marker::Revoked
                && some(line)
                && (line.hosts.matches(&lookup)
                    || bare.as_deref().is_some_and(|bare| line.hosts.matches(bare)))
        };
        self.0.lines.iter().filter(applies)
    }
}

/// Why a line refuses its file, if it could be a revocation, or hold one, that is not understood;
/// `fault` is what is wrong with the line.
fn lost_revocation(line: &[u8], fault: Option<&LineFault>) -> Option<TrustErrorKind> {
    // bytes that do not show part no words
    let whole = line;
    let line = match line.contains(&0) {
        true => Cow::Owned(line.iter().copied().filter(|byte| *byte != 0).collect()),
        false => Cow::Borrowed(line),
    };
    let fault = fault.map(|fault| glued(&line).unwrap_or_else(|| fault.clone()));
    match fault {
        Some(fault) if is_marked(whole) => Some(TrustErrorKind::MarkedLine { fault }),
        Some(fault) if hides_marker(&line) => Some(TrustErrorKind::HiddenMarker { fault }),
        _ => glued_revocation(&line).map(|fault| TrustErrorKind::GluedRevocation { fault }),
    }
}

/// The name alone, if the host is not looked up by it anyway.
fn bare_name(host: &Host) -> Option<&str> {
    (host.lookup() != host.name()).then(|| host.name())
}

/// Logs a line that was read and yet does not do what its author may expect, unless that was said
/// `before` of enough others; whether it is such a line.
fn warn_of(line: &Line, before: usize) -> bool {
    let place = &line.place;
    let weak = match line.key.public_key() {
        _ if line.marker == Marker::CertAuthority => None,
        Err(fault @ KeyError::InvalidPoint) => Some(LineFault::Key(fault)),
        _ => return false,
    };
    match weak {
        _ if before > REMEMBERED => {}
        _ if before == REMEMBERED => {
            tracing::warn!(%place, "further lines of no effect are not logged one by one");
        }
        Some(reason) => tracing::warn!(%place, %reason, "key is never accepted"),
        None => {
            tracing::warn!(%place, "line adds no trust: this version does not honour certificates");
        }
    }
    true
}

#[cfg(test)]
mod tests;
