//! Authenticators that read `authorized_keys`.

use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

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

/// See [`public_key`].
#[derive(Debug, Clone)]
pub struct PublicKeyCheck {
    keys: AuthorizedKeys,
    application: Application,
}

impl PublicKeyCheck {
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
        let Some(key) = attempt.public_key().await else {
            return attempt.deny("the client proved no key");
        };
        decide(attempt, key, &self.keys, self.application)
    }
}

/// Admits clients whose key stands in the file of the login that they name: a path with `%u` in it
/// for the login, or `%h` at its start for that user's home directory, such as `/etc/rpc/keys/%u`
/// or `%h/.ssh/authorized_keys`; see [`LoginPath`]. Unix only.
///
/// The file is read for each attempt, once the client has proved a key, so a key that is taken out
/// of it is out. A client that names no login, one that cannot be part of a path, or one that has no
/// file, is refused, and learns no more than any other. Whom this admits has proved the login, too.
///
/// # Errors
///
/// [`LoginPathError::Path`].
#[cfg(unix)]
pub fn public_key_by_login(path: &str) -> Result<PublicKeyByLogin, LoginPathError> {
    Ok(PublicKeyByLogin {
        path: path.parse()?,
        modes: StrictModes::Full,
        application: Application { honours_command: false },
    })
}

/// See [`public_key_by_login`].
#[cfg(unix)]
#[derive(Debug, Clone)]
pub struct PublicKeyByLogin {
    path: LoginPath,
    modes: StrictModes,
    application: Application,
}

#[cfg(unix)]
impl PublicKeyByLogin {
    /// As [`PublicKeyCheck::honours_command`].
    #[must_use]
    pub const fn honours_command(mut self) -> Self {
        self.application.honours_command = true;
        self
    }

    /// Other checks of owner and mode. Default: [`StrictModes::Full`].
    #[must_use]
    pub fn strict_modes(mut self, modes: StrictModes) -> Self {
        self.modes = modes;
        self
    }
}

#[cfg(unix)]
impl Authenticator for PublicKeyByLogin {
    type Credentials = AuthorizedLogin;

    async fn authenticate(
        &self,
        mut attempt: Attempt,
    ) -> Result<Admitted<AuthorizedLogin>, Denied> {
        let Some(key) = attempt.public_key().await else {
            return attempt.deny("the client proved no key");
        };
        let login = attempt.login().await;
        let (path, modes) = (self.path.clone(), self.modes.clone());
        match beside(move || path.open(&login, &modes)).await {
            Some(Ok(keys)) => decide(attempt, key, &keys, self.application),
            Some(Err(error)) => {
                let reason = format!("the key {}: {error}", key.fingerprint());
                attempt.deny(reason)
            }
            None => attempt.deny("the runtime ended before the login's file was read"),
        }
    }
}

/// Reads the disk where that holds up nobody: beside the tasks of the runtime, if there is one.
#[cfg(unix)]
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        return runtime.spawn_blocking(work).await.ok();
    }
    Some(work())
}

fn decide(
    mut attempt: Attempt,
    key: PublicKey,
    keys: &AuthorizedKeys,
    application: Application,
) -> Result<Admitted<AuthorizedLogin>, Denied> {
    let mut question = Question::new(&key, SystemTime::now());
    if let Some(address) = address(attempt.peer_addr()) {
        question = question.from(address);
    }
    if application.honours_command {
        question = question.honours_command();
    }
    match keys.decide(&question) {
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
