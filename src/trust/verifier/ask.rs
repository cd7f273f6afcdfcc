//! Hosts about which a person is asked.

use std::fmt;
use std::str::FromStr;

use super::super::{Host, KnownHosts, KnownHostsFile, KnownName};
use super::accept_new::write_down;
use super::{HostKeyError, HostVerifier, Trusted, known_keys};
use crate::key::{Fingerprint, PublicKey};

/// Asks about hosts that are not known.
///
/// Nobody is asked while a server waits: the connection is closed, `ask` is called, and after a yes
/// a new connection is made, which trusts that one key for that host. So a stream that was opened
/// elsewhere ([`connect_over`](crate::Client::connect_over)) is refused like any unknown host.
///
/// ```no_run
/// use handfast::Client;
/// use handfast::trust::{Ask, HostAnswer, HostQuestion, KnownHosts, KnownHostsFile};
///
/// # #[cfg(feature = "tokio")]
/// # fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let known = KnownHosts::open_existing(["~/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"])?;
/// let ask = Ask::new(known, |question: &HostQuestion| {
///     eprintln!("{question}\nDo you trust it? (yes, no, or paste the fingerprint)");
///     let mut line = String::new();
///     let _ = std::io::stdin().read_line(&mut line);
///     line.trim().parse().unwrap_or(HostAnswer::No)
/// });
/// let client = Client::new().host_verifier(ask.write_to(KnownHostsFile::new("~/.ssh/known_hosts")));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Ask<F> {
    known: KnownHosts,
    ask: F,
    file: Option<KnownHostsFile>,
    hashed: bool,
}

impl<F: Fn(&HostQuestion) -> HostAnswer + Send + Sync> Ask<F> {
    /// Asks about hosts that `known` does not know. `ask` may wait for as long as it likes.
    #[must_use]
    pub const fn new(known: KnownHosts, ask: F) -> Self {
        Self { known, ask, file: None, hashed: false }
    }

    /// Where keys are written down that were confirmed. Default: nowhere, so that each connection
    /// asks. A key that cannot be written down is trusted for the one connection, and a line is
    /// logged.
    #[must_use]
    pub fn write_to(mut self, file: KnownHostsFile) -> Self {
        self.file = Some(file);
        self
    }

    /// Whether names are written hashed, as [`NewHost::hashed`](crate::trust::NewHost::hashed).
    /// Default: no.
    #[must_use]
    pub const fn hashed(mut self, hashed: bool) -> Self {
        self.hashed = hashed;
        self
    }

    fn write(&self, host: &Host, key: &PublicKey) -> Result<(), HostKeyError> {
        let Some(file) = &self.file else { return Ok(()) };
        match write_down(file, host, key, self.hashed) {
            Ok(_) => Ok(()),
            Err(HostKeyError::NotWritten { reason, .. }) => {
                tracing::warn!(%host, reason, "key confirmed but not written down");
                Ok(())
            }
            Err(refused) => Err(refused),
        }
    }
}

impl<F: Fn(&HostQuestion) -> HostAnswer + Send + Sync> HostVerifier for Ask<F> {
    fn verify(&self, host: &Host, key: &PublicKey) -> Result<Trusted, HostKeyError> {
        self.known.verify(host, key)
    }

    fn expected(&self, host: &Host) -> Vec<PublicKey> {
        known_keys(&self.known, host)
    }

    fn revokes(&self, host: &Host, key: &PublicKey) -> bool {
        self.known.is_revoked(host, key)
    }

    fn may_wait(&self) -> bool {
        false
    }

    fn confirm(&self, refused: HostKeyError) -> Result<PublicKey, HostKeyError> {
        let HostKeyError::Unknown { host, offered, reason } = refused else { return Err(refused) };
        let others = self.known.names_of(&offered);
        let question = HostQuestion { host, key: offered, reason, others };
        let answer = (self.ask)(&question);
        let HostQuestion { host, key, .. } = question;
        let reason = match answer {
            HostAnswer::Yes => None,
            HostAnswer::Fingerprint(expected) if expected == key.fingerprint() => None,
            HostAnswer::Fingerprint(expected) => Some(format!("{expected} was expected")),
            HostAnswer::No => Some("the answer was no".to_owned()),
        };
        if let Some(reason) = reason {
            return Err(HostKeyError::NotConfirmed { host, offered: key, reason });
        }
        self.write(&host, &key)?;
        Ok(key)
    }
}

impl<F> fmt::Debug for Ask<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("file", &self.file).finish_non_exhaustive()
    }
}

/// What a person is asked: whether a host is to be trusted that is not known.
///
/// Written as some lines that say all of it, without the question itself and without a line end
/// behind the last.
#[derive(Debug, Clone)]
pub struct HostQuestion {
    host: Host,
    key: PublicKey,
    reason: String,
    others: Vec<KnownName>,
}

impl HostQuestion {
    /// The host, as it was asked for.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The key that it proved to hold.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The fingerprint of the key, for a person to compare with that of the host's operator.
    pub fn fingerprint(&self) -> Fingerprint {
        self.key.fingerprint()
    }

    /// The fingerprint as a picture of eleven lines, without a line end behind the last.
    pub fn randomart(&self) -> String {
        self.key.randomart()
    }

    /// Why the host is not known, as a sentence; lines that could not be read are in it.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The names under which the key is known already, in the order of the lines.
    pub fn other_names(&self) -> &[KnownName] {
        &self.others
    }
}

impl fmt::Display for HostQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        writeln!(f, "The host {} is not known: {}.", self.host, self.reason)?;
        writeln!(f, "It proved that it holds the key {}", self.fingerprint())?;
        f.write_str(&self.randomart())?;
        if self.others.is_empty() {
            return f.write_str("\nThe key is not known by any other name.");
        }
        f.write_str("\nThe key is known by other names:")?;
        for name in self.others.iter().take(SHOWN) {
            write!(f, "\n    {name}")?;
        }
        match self.others.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n    and {more} more"),
        }
    }
}

/// What a person says about a host that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostAnswer {
    /// It is the host.
    Yes,
    /// It may be another.
    No,
    /// It is the host if its key has this fingerprint.
    Fingerprint(Fingerprint),
}

/// A text is none of `yes`, `no` and a fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("say yes or no, or paste the fingerprint that the operator of the host gives: SHA256:...")]
pub struct NoHostAnswer;

impl FromStr for HostAnswer {
    type Err = NoHostAnswer;

    /// Reads `yes`, `no` or `SHA256:...`, and nothing that is only like it.
    fn from_str(text: &str) -> Result<Self, NoHostAnswer> {
        match text {
            "yes" => Ok(Self::Yes),
            "no" => Ok(Self::No),
            text => text.parse().map(Self::Fingerprint).map_err(|_| NoHostAnswer),
        }
    }
}
