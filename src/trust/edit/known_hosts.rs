//! Changing `known_hosts`.

mod lines;

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::TryRng as _;
use rand::rngs::SysRng;

pub use self::lines::{FoundHost, HostLine, HostLineState, MatchedBy};
use super::super::contacts::Writing;
use super::super::file::{Contents, MARK, split_at_blank, trim_start};
use super::super::glued::{glued, glued_revocation};
use super::super::host::looked_up;
use super::super::hosts_field::HostsField;
use super::super::known_hosts::line::{Line, Marker, parse_line, parse_listed};
use super::super::listing::ListedKey;
use super::super::{Host, KnownHosts, Place, Verdict};
use super::lock::Missing;
use super::{Added, Change, EditError, append, change, check_comment, whole_lines};
use crate::crypto::hmac_sha1;
use crate::key::shown::shown_whole;
use crate::key::{KeyError, PublicKey};

/// A `known_hosts` file to be changed: one editor at a time, the old file or the new one and
/// nothing between, and what is not touched stays byte for byte.
///
/// A leading `~/` in its path is the home directory. Links of root, the caller, and the owner of
/// what they lead to are followed, and no others. Owner, group and mode are kept as far as this
/// process may set them; a group that is not kept loses its permissions. Hard links, access control
/// lists and extended attributes are not kept. A file that is a mount of its own gets lines in
/// place, and no other change. All functions read and write the disk, and those that change the
/// file wait up to half a minute for other editors.
///
/// ```
/// use handfast::key::Identity;
/// use handfast::trust::{Added, Host, KnownHosts, KnownHostsFile, NewHost, Verdict};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("known_hosts");
/// let (file, server) = (KnownHostsFile::new(&path), Identity::generate()?);
/// let host = Host::parse("rpc.example.org:7000", None)?;
///
/// let added = file.add(&NewHost::new(&host, server.public_key()).hashed(true))?;
/// assert!(matches!(added, Added::Appended { at } if at.line() == 1));
/// let verdict = KnownHosts::open(&path)?.check(&host, server.public_key());
/// assert!(matches!(verdict, Verdict::Match { .. }));
///
/// assert_eq!(file.remove(&host)?.removed.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct KnownHostsFile {
    pub(super) path: PathBuf,
}

/// A line for `known_hosts`: a host and its key.
#[derive(Debug, Clone)]
pub struct NewHost<'a> {
    host: &'a Host,
    key: &'a PublicKey,
    comment: &'a str,
    hashed: bool,
    beside: bool,
}

impl<'a> NewHost<'a> {
    /// A host and the key that it was found to have.
    #[must_use]
    pub fn new(host: &'a Host, key: &'a PublicKey) -> Self {
        Self { host, key, comment: "", hashed: false, beside: false }
    }

    /// A comment behind the key. Default: none.
    #[must_use]
    pub fn comment(mut self, comment: &'a str) -> Self {
        self.comment = comment;
        self
    }

    /// Whether the name is hidden as `ssh-keygen -H` does it, so that a stolen file does not tell
    /// where its owner goes. Default: no.
    #[must_use]
    pub const fn hashed(mut self, hashed: bool) -> Self {
        self.hashed = hashed;
        self
    }

    /// Whether to add the key although the host is known by another one; both are accepted then.
    /// Default: no.
    #[must_use]
    pub const fn beside_others(mut self, beside: bool) -> Self {
        self.beside = beside;
        self
    }

    /// The line without its end, which reads back as what it was made from.
    ///
    /// # Errors
    /// [`EditError::Name`], [`EditError::Comment`], [`EditError::Randomness`].
    pub fn line(&self) -> Result<String, EditError> {
        let lookup = self.host.lookup();
        check_name(self.host.name())?;
        let hosts =
            if self.hashed { hash(lookup.as_bytes())? } else { lookup.clone().into_owned() };
        let comment = check_comment(self.comment)?;
        let space = if comment.is_empty() { "" } else { " " };
        let line = format!("{hosts} {}{space}{comment}", self.key);
        let read = parse_line(Place::new(&"".into(), 1), line.as_bytes());
        let same = read.is_ok_and(|read| {
            read.is_some_and(|read| {
                read.marker == Marker::None
                    && read.hosts.matches(&lookup)
                    && read.key.public_key().is_ok_and(|key| key == *self.key)
            })
        });
        if same { Ok(line) } else { Err(EditError::Unreadable { text: lookup.into_owned() }) }
    }
}

/// Which lines [`KnownHostsFile::remove`] took away, and which it had to leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemovedHosts {
    /// The lines as they stood before. Those that listed other names, too, lost only this one.
    pub removed: Vec<ListedKey>,
    /// Lines that still say something about the host.
    pub kept: Vec<KeptHost>,
}

/// A line that still says something about a host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptHost {
    /// The line as it stood before.
    pub line: ListedKey,
    /// Why it was left.
    pub why: WhyKept,
}

/// Why a line was left that says something about a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhyKept {
    /// It is marked: a revocation, or a certificate authority.
    Marker,
    /// It is a pattern, which stands for other hosts, too.
    Pattern,
    /// It lists the name without the port, and its key is accepted on every port.
    BareName,
}

impl KnownHostsFile {
    /// Names a file; nothing is read yet.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned() }
    }

    /// Adds a line, unless one lists the key for this host with this port. A file that does not
    /// exist is made, with mode 0600; its folder is not.
    ///
    /// # Errors
    /// [`EditError::OtherKey`] if the host is known by another key and
    /// [`beside_others`](NewHost::beside_others) was not said, [`EditError::Revoked`],
    /// [`EditError::Name`], [`EditError::Comment`], and whatever keeps the file from being read
    /// or written.
    pub fn add(&self, new: &NewHost<'_>) -> Result<Added, EditError> {
        let text = new.line()?;
        let writing = RefCell::new(None);
        change(&self.path, Missing::Create, |contents| {
            // told before the line can be read
            if let Some(earlier) = writing.take() {
                Writing::undo(earlier);
            }
            let (bytes, added) = adding(contents, new, &text)?;
            writing.replace(bytes.as_ref().map(|_| Writing::begin(new.host, [new.key])));
            Ok((bytes, added))
        })
    }

    /// Takes a host with its port off every line that lists it by its name or the hash of it. A
    /// line that is left without a name goes, and one whose other names would read as a hash, a
    /// marker or a comment; patterns and lines with a marker stay.
    ///
    /// # Errors
    /// [`EditError::InvalidLine`]: as `ssh-keygen -R`, this changes no file with a line that cannot
    /// be read, which may list the host, too. Whatever keeps the file from being read or written,
    /// also that it does not exist.
    pub fn remove(&self, host: &Host) -> Result<RemovedHosts, EditError> {
        change(&self.path, Missing::Refuse, |contents| removing(contents, host))
    }
}

/// A file with a line more, unless it says so already.
pub(super) fn adding(
    contents: &Contents,
    new: &NewHost<'_>,
    text: &str,
) -> Result<Change<Added>, EditError> {
    match KnownHosts::of(contents)?.check(new.host, new.key) {
        Verdict::Match { at, by_port_fallback: false } => {
            return Ok((None, Added::AlreadyThere { at }));
        }
        Verdict::Revoked { at } => {
            return Err(EditError::Revoked { host: new.host.clone(), at });
        }
        Verdict::Changed { known, .. } if !new.beside => {
            return Err(EditError::OtherKey { host: new.host.clone(), known });
        }
        Verdict::Match { .. }
        | Verdict::Changed { .. }
        | Verdict::Unknown { .. }
        | Verdict::CertificateRefused { .. } => {}
    }
    let (bytes, number) = append(contents, text);
    Ok((Some(bytes), Added::Appended { at: Place::new(contents.name(), number) }))
}

/// A file without a host.
pub(super) fn removing(
    contents: &Contents,
    host: &Host,
) -> Result<Change<RemovedHosts>, EditError> {
    check_lines(contents)?;
    let mut out = Vec::new();
    let mut result = RemovedHosts::default();
    for (number, whole, line) in whole_lines(contents) {
        let place = Place::new(contents.name(), number);
        let (kept, removed) = without(host, whole, line, &place);
        if removed {
            check_whole(line, &place)?;
        }
        out.extend_from_slice(&kept);
        let Ok(Some((_, listed))) = parse_listed(place, line) else { continue };
        if let Some(why) = still_says(host, &kept) {
            result.kept.push(KeptHost { line: listed.clone(), why });
        }
        if removed {
            result.removed.push(listed);
        }
    }
    Ok(((!result.removed.is_empty()).then(|| contents.with_mark(&out)), result))
}

/// Whether a line for the bare name says something about the host with its port.
fn counts_for_port(line: &Line, host: &Host) -> bool {
    host.lookup() != host.name()
        && line.marker != Marker::CertAuthority
        && line.hosts.matches(host.name())
}

/// That all lines can be read, and none hides a revocation.
pub(super) fn check_lines(contents: &Contents) -> Result<(), EditError> {
    for (number, _, line) in whole_lines(contents) {
        let at = Place::new(contents.name(), number);
        let fault = match parse_line(at.clone(), line) {
            Err(fault) => Some(glued(line).unwrap_or(fault)),
            Ok(_) => glued_revocation(line),
        };
        if let Some(fault) = fault {
            return Err(EditError::InvalidLine { at, fault });
        }
    }
    Ok(())
}

/// That a line which is to go is one entry, or else another would go with it.
pub(super) fn check_whole(line: &[u8], at: &Place) -> Result<(), EditError> {
    match glued(line) {
        Some(fault) => Err(EditError::InvalidLine { at: at.clone(), fault }),
        None => Ok(()),
    }
}

/// What stays of a line when it no longer lists the host, and whether something went.
pub(super) fn without(host: &Host, whole: &[u8], line: &[u8], place: &Place) -> (Vec<u8>, bool) {
    let lookup = host.lookup();
    let stays = (whole.to_vec(), false);
    let Ok(Some(read)) = parse_line(place.clone(), line) else { return stays };
    if read.marker != Marker::None || !read.hosts.matches(&lookup) {
        return stays;
    }
    let from_hosts = trim_start(line);
    let (hosts, rest) = split_at_blank(from_hosts);
    if matches!(read.hosts, HostsField::Hashed { .. }) {
        return (Vec::new(), true);
    }
    let is_it = |name: &&[u8]| {
        let spelled = looked_up(&name.to_ascii_lowercase());
        let name = spelled.as_ref().map_or(*name, |spelled| spelled.as_bytes());
        is_name(name) && name.eq_ignore_ascii_case(lookup.as_bytes())
    };
    let names: Vec<_> = hosts.split(|&byte| byte == b',').collect();
    let others: Vec<_> = names.iter().copied().filter(|name| !is_it(name)).collect();
    if others.len() == names.len() {
        return stays;
    }
    if others.iter().all(|name| name.is_empty() || name.starts_with(b"!")) {
        return (Vec::new(), true);
    }
    let blanks = line.len().saturating_sub(from_hosts.len());
    let end = whole.get(line.len()..).unwrap_or_default();
    let before = line.get(..blanks).unwrap_or_default();
    let others = others.join(&b","[..]);
    // a name that now stands first must not make a hash, a marker or a comment of the line
    let left = [before, &others, rest].concat();
    let same = |read: Line| {
        let meant = HostsField::parse(&others).is_ok_and(|hosts| hosts == read.hosts);
        read.marker == Marker::None && matches!(read.hosts, HostsField::Patterns(_)) && meant
    };
    let reads = !left.starts_with(MARK)
        && parse_line(place.clone(), &left).is_ok_and(|read| read.is_some_and(same));
    if reads { ([&left, end].concat(), true) } else { (Vec::new(), true) }
}

/// Neither a pattern nor a negation.
fn is_name(name: &[u8]) -> bool {
    !name.starts_with(b"!") && !name.iter().any(|byte| matches!(byte, b'*' | b'?'))
}

/// Why what stays of a line still counts for the host, if it does.
fn still_says(host: &Host, kept: &[u8]) -> Option<WhyKept> {
    let kept = kept.strip_suffix(b"\n").unwrap_or(kept);
    let kept = kept.strip_suffix(b"\r").unwrap_or(kept);
    let line = parse_line(Place::new(&"".into(), 1), kept).ok()??;
    let exact = line.hosts.matches(&host.lookup());
    let bare = counts_for_port(&line, host);
    match line.marker {
        _ if !exact && !bare => None,
        Marker::Revoked | Marker::CertAuthority => Some(WhyKept::Marker),
        Marker::None if exact => Some(WhyKept::Pattern),
        Marker::None => Some(WhyKept::BareName),
    }
}

/// As OpenSSH never writes some names: they would be a pattern, a list, a marker or a hash.
fn check_name(name: &str) -> Result<(), EditError> {
    let reason = if name.contains(['@', '?', '*', '#', '[', ']', '|', '\'', '"', '\\', '!']) {
        "a character that has a meaning in the file: one of @?*#[]|'\"\\!"
    } else if name.contains(|c: char| c == ',' || c.is_control() || c.is_whitespace()) {
        "a comma, blank or control character"
    } else if shown_whole(name) != name {
        "a character that shows as nothing or turns the direction of text"
    } else {
        return Ok(());
    };
    Err(EditError::Name { name: name.to_owned(), reason })
}

/// The name as `ssh-keygen -H` writes it.
pub(super) fn hash(lookup: &[u8]) -> Result<String, EditError> {
    let mut salt = [0; 20];
    SysRng.try_fill_bytes(&mut salt).map_err(|error| {
        EditError::Randomness(KeyError::Randomness { reason: error.to_string() })
    })?;
    let hash = hmac_sha1(&salt, lookup);
    Ok(format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(hash)))
}
