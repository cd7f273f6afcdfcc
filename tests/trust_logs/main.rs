//! What is not as its author may expect is logged with its place.
//!
//! A process of its own: `tracing` remembers for each event whether anybody wanted it, so all tests
//! here must share one subscriber that is there before the first event.
#![cfg(feature = "files")]
#![expect(clippy::unwrap_used, reason = "all of it is test code")]

#[cfg(all(unix, feature = "tokio", feature = "blocking"))]
mod servers;

use std::cell::RefCell;
use std::io;
use std::sync::Once;

use handfast::key::PublicKey;
use handfast::trust::{AuthorizedKeys, Host, KnownHosts};

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

struct Log;

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that `work` logs.
fn logged(work: impl FnOnce()) -> Vec<String> {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        tracing_subscriber::fmt()
            .with_writer(|| Log)
            .with_env_filter("handfast=debug")
            .with_ansi(false)
            .with_target(false)
            .without_time()
            .init();
    });
    LOG.take();
    work();
    let text = String::from_utf8(LOG.take()).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

fn key() -> PublicKey {
    (0..=u8::MAX).find_map(|n| PublicKey::from_bytes(&[n; 32]).ok()).unwrap()
}

#[test]
fn known_hosts() {
    let a = key();
    let text = format!("h\nx {a}\n@cert-authority h {a}\n");
    let parse = || KnownHosts::parse("known_hosts", text.as_bytes()).unwrap();
    assert_eq!(
        logged(|| drop(parse())),
        [
            "WARN line passed over: it could not be read place=known_hosts:1 reason=it ends before the key",
            "WARN line adds no trust: this version does not honour certificates place=known_hosts:3",
        ]
    );
    let known = parse();
    assert_eq!(
        logged(|| drop(known.check(&Host::new("x", 7000).unwrap(), &a))),
        [format!(
            "WARN host key accepted because a line lists it for the name without the port \
             host=[x]:7000 key={} place=known_hosts:2",
            a.fingerprint()
        )]
    );
    assert_eq!(logged(|| drop(known.keys_for(&Host::new("x", 7000).unwrap()))), [""; 0]);
    assert_eq!(logged(|| drop(known.check(&Host::new("x", 22).unwrap(), &a))), [""; 0]);
}

#[test]
fn authorized_keys() {
    let a = key();
    let text = format!("zone {a}\ncert-authority {a}\n{a}\nssh-ed25519\n");
    assert_eq!(
        logged(|| drop(AuthorizedKeys::parse("authorized_keys", text.as_bytes()))),
        [
            "WARN line admits nobody place=authorized_keys:1 \
             reason=its option `zone` is not known",
            "WARN line admits nobody place=authorized_keys:2 \
             reason=the entry is a certificate authority, which this version does not honour",
            "WARN line passed over: it could not be read place=authorized_keys:4 \
             reason=not the text of a public key: there is no key behind its type; \
             expected `ssh-ed25519 AAAA... comment` on one line",
        ]
    );
}

#[test]
fn broken_files_do_not_flood_the_log() {
    let lines = logged(|| drop(KnownHosts::parse("known_hosts", "h\n".repeat(1000).as_bytes())));
    assert_eq!(lines.len(), 65);
    assert!(lines[64].contains("not logged one by one"), "{}", lines[64]);
    let text = format!("@cert-authority h {}\n", key()).repeat(1000);
    let lines = logged(|| drop(KnownHosts::parse("known_hosts", text.as_bytes())));
    assert_eq!(lines.len(), 65);
    assert!(lines[64].contains("not logged one by one"), "{}", lines[64]);
    let text = format!("tunnel=\"1\" {}\n", key()).repeat(1000);
    let lines = logged(|| drop(AuthorizedKeys::parse("authorized_keys", text.as_bytes())));
    assert_eq!(lines.len(), 65);
    assert!(lines[64].contains("not logged one by one"), "{}", lines[64]);
}
