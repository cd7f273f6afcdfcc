//! Which connections of this process are still deciding about a host, and which of its keys were
//! written down meanwhile.
//!
//! A first contact writes down the key of its host before anything vouches for that key. Until all
//! connections that overlap with the writing have ended, such a line makes no key known: whoever
//! answers for the host could otherwise be told a password by the second of two connections at
//! once. A line for a name without a port counts for each of its ports, and so do connections to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Host;
use crate::key::PublicKey;

static CONTACTS: Mutex<Contacts> = Mutex::new(Contacts { clock: 0, hosts: BTreeMap::new() });

/// Moments are numbered: nothing is earlier than what was seen before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Moment(u64);

impl Moment {
    pub(super) fn now() -> Self {
        lock().tick()
    }
}

struct Contacts {
    clock: u64,
    hosts: BTreeMap<Box<str>, AtHost>,
}

#[derive(Default)]
struct AtHost {
    /// When the connections began that are still deciding, and to which port.
    deciding: BTreeSet<(Moment, u16)>,
    written: Vec<Written>,
}

/// A key that was written down, or is being written.
struct Written {
    port: u16,
    key: PublicKey,
    began: Moment,
    ended: Option<Moment>,
}

fn lock() -> MutexGuard<'static, Contacts> {
    // no step under the lock can leave it half done
    CONTACTS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Contacts {
    fn tick(&mut self) -> Moment {
        self.clock = self.clock.saturating_add(1);
        Moment(self.clock)
    }

    fn at(&mut self, name: &str) -> &mut AtHost {
        self.hosts.entry(name.into()).or_default()
    }

    /// Forgets what no connection that is still deciding has overlapped with.
    fn tidy(&mut self, name: &str) {
        let Some(host) = self.hosts.get_mut(name) else { return };
        let AtHost { deciding, written } = host;
        written.retain(|written| written.overlaps(deciding, |_| true));
        if host.deciding.is_empty() && host.written.is_empty() {
            self.hosts.remove(name);
        }
    }
}

impl Written {
    /// Whether it is being written, or was when one of the connections to these ports was deciding
    /// that still is.
    fn overlaps(&self, all: &BTreeSet<(Moment, u16)>, ports: impl Fn(u16) -> bool) -> bool {
        let Some(ended) = self.ended else { return true };
        all.iter().take_while(|(began, _)| *began < ended).any(|(_, port)| ports(*port))
    }
}

/// The port of a host as its lines have it.
fn port(host: &Host) -> u16 {
    match host.port() {
        0 => BARE,
        port => port,
    }
}

/// The port that stands in no line.
const BARE: u16 = 22;

/// A connection that is deciding about a host, until it is dropped.
#[cfg(any(test, feature = "tokio", feature = "blocking"))]
#[derive(Debug)]
pub(crate) struct Contact {
    name: Box<str>,
    began: Moment,
    port: u16,
}

#[cfg(any(test, feature = "tokio", feature = "blocking"))]
impl Contact {
    pub(crate) fn begin(host: &Host) -> Self {
        let mut contacts = lock();
        let began = contacts.tick();
        let port = port(host);
        contacts.at(host.name()).deciding.insert((began, port));
        Self { name: host.name().into(), began, port }
    }
}

#[cfg(any(test, feature = "tokio", feature = "blocking"))]
impl Drop for Contact {
    fn drop(&mut self) {
        let mut contacts = lock();
        contacts.at(&self.name).deciding.remove(&(self.began, self.port));
        contacts.tidy(&self.name);
    }
}

/// Keys of a host that are being written down, until it is dropped.
#[derive(Debug)]
pub(super) struct Writing {
    name: Box<str>,
    began: Moment,
}

impl Writing {
    pub(super) fn begin<'a>(host: &Host, keys: impl IntoIterator<Item = &'a PublicKey>) -> Self {
        let mut contacts = lock();
        let began = contacts.tick();
        let port = port(host);
        let writing = |key: &PublicKey| Written { port, key: key.clone(), began, ended: None };
        contacts.at(host.name()).written.extend(keys.into_iter().map(writing));
        Self { name: host.name().into(), began }
    }

    /// Nothing came of it.
    pub(super) fn undo(self) {
        lock().at(&self.name).written.retain(|it| it.began != self.began);
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let mut contacts = lock();
        let now = contacts.tick();
        let began = self.began;
        let ours = contacts.at(&self.name).written.iter_mut().filter(|it| it.began == began);
        ours.for_each(|it| it.ended = Some(now));
        contacts.tidy(&self.name);
    }
}

/// Whether a line that lists the key for this host, read by the moment `read`, may be one that was
/// written while a connection was deciding about the host which still is.
pub(super) fn is_fresh(host: &Host, key: &PublicKey, read: Moment) -> bool {
    let contacts = lock();
    let Some(at) = contacts.hosts.get(host.name()) else { return false };
    let ours = port(host);
    let counts = |it: &&Written| it.port == ours || it.port == BARE;
    at.written.iter().filter(counts).any(|it| {
        let overlaps = || it.overlaps(&at.deciding, |port| port == ours || port == it.port);
        it.key == *key && it.began < read && overlaps()
    })
}

#[cfg(test)]
#[cfg(any(test, feature = "tokio", feature = "blocking"))]
mod tests {
    use super::*;
    use crate::key::Identity;

    fn key(seed: u8) -> PublicKey {
        Identity::from_seed(&[seed; 32]).public_key().clone()
    }

    fn host(name: &str, port: u16) -> Host {
        Host::new(name, port).unwrap()
    }

    #[test]
    fn a_line_counts_when_all_that_overlapped_have_ended() {
        let host = host("overlap.example.org", 7000);
        let (key, other) = (key(1), key(2));
        let fresh = || is_fresh(&host, &key, Moment::now());
        let before = Moment::now();
        let first = Contact::begin(&host);
        let second = Contact::begin(&host);
        assert!(!fresh());
        drop(Writing::begin(&host, [&key]));
        assert!(fresh() && !is_fresh(&host, &key, before), "what was read before is known");
        assert!(!is_fresh(&host, &other, Moment::now()), "another key");
        drop(first);
        assert!(fresh(), "the second began before the line was written");
        let third = Contact::begin(&host);
        drop(second);
        assert!(!fresh(), "the third began after the line was written");
        drop(third);
        assert!(!lock().hosts.contains_key(host.name()), "nothing is kept");
    }

    #[test]
    fn a_line_without_a_port_counts_for_each_and_one_with_a_port_for_that() {
        let name = "ports.example.org";
        let fresh = |port| is_fresh(&host(name, port), &key(1), Moment::now());
        for (contact, written, expected) in [
            (7000, 22, [false, true, false]),
            (22, 22, [true, true, true]),
            (0, 22, [true, true, true]),
            (22, 0, [true, true, true]),
            (7000, 7000, [false, true, false]),
            (22, 7000, [false, false, false]),
            (7001, 7000, [false, false, false]),
        ] {
            let contact = Contact::begin(&host(name, contact));
            drop(Writing::begin(&host(name, written), [&key(1)]));
            assert_eq!([22, 7000, 7001].map(fresh), expected, "{contact:?} {written}");
        }
        assert!(!is_fresh(&host("other.example.org", 7000), &key(1), Moment::now()));
    }

    #[test]
    fn what_is_being_written_is_fresh_for_whom_it_overlaps() {
        let host = host("writing.example.org", 22);
        let writing = Writing::begin(&host, [&key(1), &key(2)]);
        assert!(is_fresh(&host, &key(1), Moment::now()), "nobody knows how far it is");
        let contact = Contact::begin(&host);
        let other = Writing::begin(&host, [&key(3)]);
        other.undo();
        assert!(!is_fresh(&host, &key(3), Moment::now()), "it was not written");
        drop(writing);
        assert!([1, 2].iter().all(|&seed| is_fresh(&host, &key(seed), Moment::now())));
        drop(contact);
        assert!(!is_fresh(&host, &key(1), Moment::now()));
        assert!(!lock().hosts.contains_key(host.name()), "nothing is kept");
    }
}
