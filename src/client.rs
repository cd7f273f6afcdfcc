//! Connecting.

mod confirm;
#[cfg(feature = "tokio")]
mod connect;
mod error;
pub(crate) mod handshake;
mod learn;
mod user_files;

pub use error::ConnectError;
pub use user_files::UserFilesError;

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::crypto::Cipher;
use crate::deadlines::Deadlines;
use crate::handshake::{ClientConfig, Exchange, Target};
use crate::key::Identity;
use crate::liveness::Liveness;
use crate::runtime::Tokio;
use crate::session::RekeyPolicy;
use crate::trust::{Host, HostVerifier, KnownHosts, KnownHostsFile, PinnedKeys};

/// Gives the password for a server that asks for one.
type Passwords = Arc<dyn Fn(&PasswordRequest<'_>) -> Option<Zeroizing<String>> + Send + Sync>;

/// What a server asks for when it asks for a password.
#[derive(Debug)]
#[non_exhaustive]
pub struct PasswordRequest<'a> {
    /// The server, whose key was known before.
    pub host: &'a Host,
    /// The login that the client named.
    pub login: &'a str,
    /// The server's own words. Show them behind words of your own that name login and host.
    pub prompt: &'a str,
}

/// Opens connections. Cheap to clone.
///
/// Strict by default: a server whose key is not known is refused, and nothing of the client is
/// revealed to it.
///
/// ```no_run
/// use handfast::{Client, key::Identity, trust::KnownHosts};
///
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::new()
///     .identity(Identity::load("~/.ssh/id_ed25519")?)
///     .known_hosts(KnownHosts::open("~/.ssh/known_hosts")?);
/// let stream = client.connect("rpc.example.org:7000").await?;
/// # Ok(())
/// # }
/// ```
///
/// `M` says how it waits: [`handfast::Client`](crate::Client) and
/// [`blocking::Client`](crate::blocking::Client) are this.
pub struct Client<M = Tokio> {
    pub(crate) config: ClientConfig,
    pub(crate) identity: Option<Identity>,
    pub(crate) verifier: Arc<dyn HostVerifier>,
    pub(crate) learns: Option<KnownHostsFile>,
    pub(crate) passwords: Option<Passwords>,
    pub(crate) deadlines: Deadlines,
    pub(crate) connect_timeout: Duration,
    pub(crate) policy: RekeyPolicy,
    pub(crate) liveness: Liveness,
    pub(crate) waits: PhantomData<fn() -> M>,
}

impl<M> Clone for Client<M> {
    fn clone(&self) -> Self {
        self.like()
    }
}

impl<M> Default for Client<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> Client<M> {
    /// A client that knows no host and proves no key yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            config: ClientConfig::default(),
            identity: None,
            verifier: Arc::new(PinnedKeys::default()),
            learns: None,
            passwords: None,
            deadlines: Deadlines::default(),
            connect_timeout: Duration::from_secs(30),
            policy: RekeyPolicy::client(),
            liveness: Liveness::default(),
            waits: PhantomData,
        }
    }

    /// The key that the client proves to servers it trusts. Without one it proves nothing.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// The hosts that it knows; others are refused.
    #[must_use]
    pub fn known_hosts(self, known_hosts: KnownHosts) -> Self {
        self.host_verifier(known_hosts)
    }

    /// What decides about host keys, in the place of a `known_hosts` file: see [`HostVerifier`] for
    /// the policies there are.
    #[must_use]
    pub fn host_verifier(mut self, verifier: impl HostVerifier + 'static) -> Self {
        self.verifier = Arc::new(verifier);
        self
    }

    /// Adds the other keys that known hosts prove to hold to this file, so that a host can change
    /// its key without a break; as [`KnownHostsFile::learn`], after the handshake and before the
    /// stream is handed out. Only keys of hosts that `file` itself lists are learned, none that is
    /// revoked there or [elsewhere](HostVerifier::revokes), and none is removed. What cannot be learned is logged, and is no error. Default: nothing is learned.
    #[must_use]
    pub fn learn_host_keys(mut self, file: KnownHostsFile) -> Self {
        self.learns = Some(file);
        self
    }

    /// Who the client says it is: at most 255 bytes without control characters. Default: nobody.
    #[must_use]
    pub fn login(mut self, login: impl Into<String>) -> Self {
        self.config.login = login.into();
        self
    }

    /// Answers servers that ask for a password; `None` declines. Without this the client declines.
    /// Runs where the handshake runs, so it should not wait for long; people are better asked
    /// before.
    #[must_use]
    pub fn password<F>(mut self, answer: F) -> Self
    where
        F: Fn(&PasswordRequest<'_>) -> Option<Zeroizing<String>> + Send + Sync + 'static,
    {
        self.passwords = Some(Arc::new(answer));
        self
    }

    /// The application protocols that the client speaks, its favourite first: at most 16 names of
    /// 1 to 255 bytes. The server picks one; [`Stream::protocol`](crate::Stream::protocol) tells which.
    #[must_use]
    pub fn protocols<P: Into<Vec<u8>>>(mut self, names: impl IntoIterator<Item = P>) -> Self {
        self.config.protocols = names.into_iter().map(Into::into).collect();
        self
    }

    /// The AEADs that the client accepts, its favourite first. Default: ChaCha20-Poly1305, then
    /// AES-256-GCM.
    #[must_use]
    pub fn ciphers(mut self, ciphers: impl IntoIterator<Item = Cipher>) -> Self {
        self.config.ciphers = ciphers.into_iter().collect();
        self
    }

    /// The exchange of keys. Default: X25519 with ML-KEM-768 and nothing less.
    #[must_use]
    pub const fn exchange(mut self, exchange: Exchange) -> Self {
        self.config.exchange = exchange;
        self
    }

    /// A name for the server to choose its host key by, readable by everyone on the way. Default:
    /// none; the name asked for is told encrypted all the same.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.config.server_name = Some(name.into());
        self
    }

    /// What both applications said on this stream before the handshake; a handshake between sides
    /// that heard different words fails. Default: nothing.
    #[must_use]
    pub fn prologue(mut self, prologue: impl Into<Vec<u8>>) -> Self {
        self.config.prologue = prologue.into();
        self
    }

    /// Time limits of the handshake.
    #[must_use]
    pub const fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// How long looking up a name and trying all its addresses may take. Default: 30 s. On threads
    /// that block the look-up is the system's, and not limited.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// When new keys are made. Default: after 2^30 bytes or 2^20 records in one direction, or an
    /// hour.
    #[must_use]
    pub const fn rekey(mut self, policy: RekeyPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// How streams find out that their peer is gone. Default: by Pings, after two minutes.
    #[must_use]
    pub const fn liveness(mut self, liveness: Liveness) -> Self {
        self.liveness = liveness;
        self
    }

    /// The same settings, for another way to wait.
    pub(crate) fn like<N>(&self) -> Client<N> {
        Client {
            config: self.config.clone(),
            identity: self.identity.clone(),
            verifier: Arc::clone(&self.verifier),
            learns: self.learns.clone(),
            passwords: self.passwords.clone(),
            deadlines: self.deadlines,
            connect_timeout: self.connect_timeout,
            policy: self.policy,
            liveness: self.liveness,
            waits: PhantomData,
        }
    }

    fn config_for(&self, host: &Host, eager: bool) -> ClientConfig {
        let mut config = self.config.clone();
        config.target = Target::new(host.name(), host.port());
        config.expected = self.verifier.expected(host);
        config.eager = eager;
        config
    }
}

impl<M> fmt::Debug for Client<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("config", &self.config)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Where a name leads to, and why it did not.
pub(crate) fn list_failures(failures: &[(SocketAddr, std::io::Error)]) -> String {
    if failures.is_empty() {
        return "it has no address".to_owned();
    }
    let all: Vec<_> =
        failures.iter().map(|(address, error)| format!("{address}: {error}")).collect();
    all.join("; ")
}
