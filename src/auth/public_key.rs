//! Authenticators that read `authorized_keys`.

use std::net::{IpAddr, SocketAddr};
#[cfg(unix)]
use std::sync::Arc;
use std::time::SystemTime;
#[cfg(unix)]
use std::time::{Duration, Instant};

use super::account::Source;
#[cfg(unix)]
use super::readers::Readers;
use super::{Admitted, Attempt, Authenticator, Denied, PeerAddr};
use crate::key::PublicKey;
use crate::trust::{AuthorizedKeys, Decision, Permissions, Place, Question};
#[cfg(unix)]
use crate::trust::{LoginPath, LoginPathError, StrictModes};

/// Admits clients whose key stands in `authorized_keys`, on a line that counts now and for where
/// they come from: see [`trust`](crate::trust#options-of-authorized_keys).
#[must_use]
pub const fn public_key(keys: AuthorizedKeys) -> PublicKeyCheck {
    PublicKeyCheck { keys, application: Application { honours_command: false } }
}

/// See [`public_key`] and [`public_key_by_login`].
#[derive(Debug, Clone)]
pub struct PublicKeyCheck<K = AuthorizedKeys> {
    keys: K,
    application: Application,
}

impl<K> PublicKeyCheck<K> {
    /// The application carries out the command of [`AuthorizedLogin::permissions`], where there is
    /// one, whatever the client asks for. Without this, lines with `command=` admit nobody.
    #[must_use]
    pub const fn honours_command(mut self) -> Self {
        self.application.honours_command = true;
        self
    }
}

/// What the application has said of itself.
#[derive(Debug, Clone, Copy)]
struct Application {
    honours_command: bool,
}

/// What [`public_key`] knows of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthorizedLogin {
    /// The key that it proved to hold.
    pub key: PublicKey,
    /// The line that admitted it.
    pub place: Place,
    /// That line's comment.
    pub comment: String,
    /// What that line's options ask for, which has been checked, and what they hand to the
    /// application.
    pub permissions: Permissions,
}

impl Authenticator for PublicKeyCheck {
    type Credentials = AuthorizedLogin;

    async fn authenticate(
        &self,
        mut attempt: Attempt,
    ) -> Result<Admitted<AuthorizedLogin>, Denied> {
        attempt.account.enter("public_key");
        let Some(key) = attempt.public_key().await else {
            return attempt.deny("the client proved no key");
        };
        let question = self.application.question(&key, address(attempt.peer_addr()));
        let decision = self.keys.decide(&question);
        let source = Source {
            file: self.keys.path().to_owned(),
            line: line(&decision),
            read: Some(self.keys.read_at()),
        };
        attempt.account.by(source);
        conclude(attempt, key, decision)
    }
}

/// Admits clients whose key stands in the file of the login that they name: a path with `%u` in it
/// for the login, or `%h` at its start for that user's home directory, such as `/etc/rpc/keys/%u`
/// or `%h/.ssh/authorized_keys`; see [`LoginPath`]. Unix only.
///
/// The file is read for each attempt, once the client has proved a key, so a key that is taken out
/// of it is out. It is read line by line on a thread of its own, and nothing of it is kept; how many
/// such threads there are at a time is bounded ([`PublicKeyCheck::at_once`]). A client waits for its
/// turn before its login is looked at. A reading that hangs, as on a network file system whose
/// server is gone, ends the handshake at its deadline, and counts until it has ended itself. A client that names no login, one that cannot be part of a path, or one that has no
/// file, is refused, and learns no more than any other: a refusal comes after 10 ms, or 20 or 40
/// where reading takes so long, as with sshd. A file that takes longer to read than the others, or a
/// user database that does, can still be told by the time. Whom this admits has proved the login,
/// too.
///
/// # Errors
///
/// [`LoginPathError::Path`].
#[cfg(unix)]
pub fn public_key_by_login(path: &str) -> Result<PublicKeyByLogin, LoginPathError> {
    let keys =
        LoginFiles { path: path.parse()?, modes: StrictModes::Full, readers: Readers::shared() };
    Ok(PublicKeyCheck { keys, application: Application { honours_command: false } })
}

/// See [`public_key_by_login`].
#[cfg(unix)]
pub type PublicKeyByLogin = PublicKeyCheck<LoginFiles>;

/// A file for each login: see [`public_key_by_login`].
#[cfg(unix)]
#[derive(Debug, Clone)]
pub struct LoginFiles {
    path: LoginPath,
    modes: StrictModes,
    readers: Arc<Readers>,
}

#[cfg(unix)]
impl PublicKeyCheck<LoginFiles> {
    /// Other checks of owner and mode. Default: [`StrictModes::Full`].
    #[must_use]
    pub fn strict_modes(mut self, modes: StrictModes) -> Self {
        self.keys.modes = modes;
        self
    }

    /// How many files are read at a time: in all, and for the clients of one IPv4 address or one
    /// IPv6 /64; at least one. Loopback and Unix sockets count in the first alone. Others wait for
    /// their turn, as long as the handshake may last.
    ///
    /// Default: 16 and 4, which all authenticators of this process share that are not told
    /// otherwise; after this, this one and its clones have threads of their own.
    #[must_use]
    pub fn at_once(mut self, all: usize, from_one_network: usize) -> Self {
        self.keys.readers = Readers::new(all, from_one_network);
        self
    }
}

#[cfg(unix)]
impl Authenticator for PublicKeyCheck<LoginFiles> {
    type Credentials = AuthorizedLogin;

    async fn authenticate(
        &self,
        mut attempt: Attempt,
    ) -> Result<Admitted<AuthorizedLogin>, Denied> {
        attempt.account.enter("public_key_by_login");
        let Some(key) = attempt.public_key().await else {
            return attempt.deny("the client proved no key");
        };
        let login = attempt.login().await;
        let (files, application) = (self.keys.clone(), self.application);
        let (asked, address) = (key.clone(), address(attempt.peer_addr()));
        let read = move || {
            let question = application.question(&asked, address);
            files.path.decide_and_name(&login, &files.modes, &question)
        };
        let admits = |read: &Result<(Decision, Arc<str>), LoginPathError>| {
            matches!(read, Ok((Decision::Admitted(_), _)))
        };
        // before anything depends on the login, so that the wait tells nothing of it
        let permit = self.keys.readers.permit(attempt.peer_addr()).await;
        match permit.work(move || unhurried(read, admits)).await {
            Some(Ok((decision, file))) => {
                let line = line(&decision);
                attempt.account.by(Source { file: file.as_ref().to_owned(), line, read: None });
                if matches!(decision, Decision::Admitted(_)) {
                    attempt.vouch_for_login();
                }
                conclude(attempt, key, decision)
            }
            Some(Err(error)) => {
                if let LoginPathError::File(error) = &error {
                    let (file, line) = (error.path().to_owned(), error.line());
                    attempt.account.by(Source { file, line, read: None });
                }
                let reason = format!("the key {}: {error}", key.fingerprint());
                attempt.deny(reason)
            }
            None => attempt
                .deny("the login's file was not read: this process may have no threads to spare"),
        }
    }
}

/// How long the shortest refusal takes.
#[cfg(unix)]
const SHORTEST: Duration = Duration::from_millis(10);

/// What takes longer is let go as soon as it is done: the thread is wanted by others.
#[cfg(unix)]
const LONGEST: Duration = Duration::from_secs(5);

/// Does the work, and where it admits nobody returns at the end of a step of time that is twice the
/// one before, so that the time tells little about what was read, and whether there was anything.
#[cfg(unix)]
fn unhurried<T>(work: impl FnOnce() -> T, admits: impl FnOnce(&T) -> bool) -> T {
    let began = Instant::now();
    let outcome = work();
    if !admits(&outcome) {
        let took = began.elapsed();
        let mut end = SHORTEST;
        while end < took && end < LONGEST {
            end = end.saturating_mul(2);
        }
        std::thread::sleep(end.saturating_sub(took));
    }
    outcome
}

impl Application {
    fn question(self, key: &PublicKey, from: Option<IpAddr>) -> Question<'_> {
        let mut question = Question::new(key, SystemTime::now());
        if let Some(address) = from {
            question = question.from(address);
        }
        if self.honours_command {
            question = question.honours_command();
        }
        question
    }
}

/// The line that decided, or the first of those that list the key and do not admit it.
fn line(decision: &Decision) -> Option<usize> {
    match decision {
        Decision::Admitted(entry) => Some(entry.place().line()),
        Decision::Refused(lines) => lines.lines().first().map(|line| line.place().line()),
        Decision::Unlisted => None,
    }
}

fn conclude(
    mut attempt: Attempt,
    key: PublicKey,
    decision: Decision,
) -> Result<Admitted<AuthorizedLogin>, Denied> {
    match decision {
        Decision::Admitted(entry) => {
            attempt.accept_key();
            attempt.admit(AuthorizedLogin {
                key,
                place: entry.place().clone(),
                comment: entry.comment().to_owned(),
                permissions: entry.permissions().clone(),
            })
        }
        refused => {
            let reason = format!("the key {}: {refused}", key.fingerprint());
            attempt.deny(reason)
        }
    }
}

/// The address that `from=` is held against. One that holds only within a zone has none: the same
/// address can be another host in another zone, and OpenSSH holds it against no network either.
fn address(peer: PeerAddr) -> Option<IpAddr> {
    match peer {
        PeerAddr::Ip(SocketAddr::V6(address)) if address.scope_id() != 0 => None,
        peer => peer.ip(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn refusals_end_at_steps_of_time_and_admissions_at_once() {
        let took = |work: u64, admits: bool| {
            let began = Instant::now();
            unhurried(|| std::thread::sleep(Duration::from_millis(work)), |()| admits);
            began.elapsed()
        };
        assert!(took(0, false) >= SHORTEST);
        assert!(took(12, false) >= 2 * SHORTEST);
        assert!(took(22, false) >= 4 * SHORTEST);
        let waits: u32 = (0..20).map(|_| u32::from(took(0, true) >= SHORTEST)).sum();
        assert!(waits < 20, "those who are let in wait for nothing");
    }
}
