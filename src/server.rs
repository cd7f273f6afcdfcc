//! Accepting.

#[cfg(feature = "tokio")]
mod accept;
mod error;
pub(crate) mod handshake;
#[cfg(feature = "tokio")]
mod listener;
pub(crate) mod places;
pub(crate) mod queue;
pub(crate) mod report;
pub(crate) mod slots;

pub use error::AcceptError;
#[cfg(feature = "tokio")]
pub use listener::Listener;

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::auth::{Authenticator, Nobody, PeerAddr, nobody};
use crate::crypto::Cipher;
use crate::deadlines::Deadlines;
use crate::handshake::{Exchange, Identities, ServerConfig, Stealth, Target};
use crate::key::{Identity, PublicKey};
use crate::liveness::Liveness;
use crate::runtime::Tokio;
use crate::session::RekeyPolicy;
use crate::trust::Host;

/// Accepts connections: a host key, and what decides whom to admit. Cheap to clone.
///
/// Until it is given an [authenticator](Self::authenticator) it admits nobody.
///
/// ```no_run
/// use handfast::auth::{Authenticator, ip_allowlist, public_key};
/// use handfast::{Server, key::Identity, trust::AuthorizedKeys};
///
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = AuthorizedKeys::open("authorized_keys")?;
/// let server = Server::new(Identity::load("host_ed25519")?)
///     .authenticator(ip_allowlist(["10.0.0.0/8", "::1"])?.and(public_key(keys)));
/// let listener = server.listen("0.0.0.0:7000").await?;
/// loop {
///     let (stream, peer) = listener.accept().await?;
///     tokio::spawn(async move {
///         println!("{} from {}", peer.login, peer.address);
///         drop(stream);
///     });
/// }
/// # }
/// ```
///
/// `M` says how it waits: [`handfast::Server`](crate::Server) and
/// [`blocking::Server`](crate::blocking::Server) are this.
#[derive(Debug)]
pub struct Server<A = Nobody, M = Tokio> {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) authenticator: Arc<A>,
    pub(crate) deadlines: Deadlines,
    pub(crate) limits: Limits,
    pub(crate) policy: RekeyPolicy,
    pub(crate) liveness: Liveness,
    pub(crate) turned_away: TurnedAway,
    pub(crate) strangers: Arc<AtomicU64>,
    pub(crate) waits: PhantomData<fn() -> M>,
}

impl<A, M> Clone for Server<A, M> {
    fn clone(&self) -> Self {
        self.like()
    }
}

/// What a client hears that is refused before any key operation, for its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TurnedAway {
    /// Refusal 6 (not allowed), once its hello was read.
    #[default]
    Told,
    /// Nothing: the connection is closed.
    InSilence,
}

/// How many connections a listener holds that are not authenticated yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// All of them. 256.
    pub unauthenticated: usize,
    /// From one IPv4 address or one IPv6 /64. 64.
    pub from_one_network: usize,
    /// Whether the second limit holds for loopback addresses, too. It does not.
    pub count_loopback: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { unauthenticated: 256, from_one_network: 64, count_loopback: false }
    }
}

/// What a server knows of a client that it admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer<C> {
    /// The key that the client proved to hold; none if it chose to prove nothing.
    pub key: Option<PublicKey>,
    /// Who it says it is; empty for nobody. Only the authenticators vouch for it.
    pub login: String,
    /// Where it comes from.
    pub address: PeerAddr,
    /// The name and port that it asked for.
    pub target: Target,
    /// What the authenticators gave.
    pub credentials: C,
}

impl<M> Server<Nobody, M> {
    /// A server with this host key, which admits nobody yet.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self {
            config: Arc::new(ServerConfig::new(Identities::new(identity))),
            authenticator: Arc::new(nobody()),
            deadlines: Deadlines::default(),
            limits: Limits::default(),
            policy: RekeyPolicy::server(),
            liveness: Liveness::default(),
            turned_away: TurnedAway::default(),
            strangers: Arc::default(),
            waits: PhantomData,
        }
    }

    /// A server with this machine's SSH host key, `/etc/ssh/ssh_host_ed25519_key`: its key is the one
    /// that clients of SSH know the machine by. Reading it takes root, as sshd has. Unix only.
    ///
    /// Like every other server it admits nobody until it is told whom: the machine's host key says
    /// which machine this is, and nothing of who may use a service on it. For the keys that sshd
    /// would admit say
    /// [`public_key_by_login("%h/.ssh/authorized_keys")`](crate::auth::public_key_by_login), for
    /// others [`public_key`](crate::auth::public_key) with a file of the service's own.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`](crate::trust::KeyFileError): the machine has no such key, or this program may
    /// not read it.
    #[cfg(unix)]
    pub fn from_system_files() -> Result<Self, crate::trust::KeyFileError> {
        Identity::load("/etc/ssh/ssh_host_ed25519_key").map(Self::new)
    }
}

impl<A, M> Server<A, M> {
    /// The same settings, for another way to wait.
    pub(crate) fn like<N>(&self) -> Server<A, N> {
        Server {
            config: Arc::clone(&self.config),
            authenticator: Arc::clone(&self.authenticator),
            deadlines: self.deadlines,
            limits: self.limits,
            policy: self.policy,
            liveness: self.liveness,
            turned_away: self.turned_away,
            strangers: Arc::clone(&self.strangers),
            waits: PhantomData,
        }
    }

    /// The same settings for a listener, which counts strangers by itself.
    pub(crate) fn for_listener(mut self) -> (Self, Arc<AtomicU64>) {
        let strangers = Arc::<AtomicU64>::default();
        self.strangers = Arc::clone(&strangers);
        (self, strangers)
    }

    /// How many connections that this server and its clones accepted over streams (`accept_over`)
    /// came from no handfast client: health checks, scans, HTTP, TLS. The log has them at the level
    /// DEBUG. A listener counts its own.
    #[must_use]
    pub fn strangers(&self) -> u64 {
        self.strangers.load(Ordering::Relaxed)
    }

    /// What decides whom to admit.
    #[must_use]
    pub fn authenticator<B: Authenticator>(self, authenticator: B) -> Server<B, M> {
        Server {
            config: self.config,
            authenticator: Arc::new(authenticator),
            deadlines: self.deadlines,
            limits: self.limits,
            policy: self.policy,
            liveness: self.liveness,
            turned_away: self.turned_away,
            strangers: self.strangers,
            waits: PhantomData,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }

    /// All host keys, for servers that have several: old and new side by side, or some by name.
    #[must_use]
    pub fn identities(self, identities: Identities) -> Self {
        self.with(|config| config.identities = identities)
    }

    /// The AEADs that the server accepts; it picks the first of them that the client lists.
    /// Default: ChaCha20-Poly1305, then AES-256-GCM.
    #[must_use]
    pub fn ciphers(self, ciphers: impl IntoIterator<Item = Cipher>) -> Self {
        self.with(|config| config.ciphers = ciphers.into_iter().collect())
    }

    /// The exchange of keys. Default: X25519 with ML-KEM-768 and nothing less.
    #[must_use]
    pub fn exchange(self, exchange: Exchange) -> Self {
        self.with(|config| config.exchange = exchange)
    }

    /// The application protocols that the server speaks; it picks the first of them that the
    /// client names, and refuses a client that names others only. Default: none.
    #[must_use]
    pub fn protocols<P: Into<Vec<u8>>>(self, names: impl IntoIterator<Item = P>) -> Self {
        self.with(|config| config.protocols = names.into_iter().map(Into::into).collect())
    }

    /// The names by which clients may ask for this server, in the spelling of [`Host`], which they
    /// are brought into; ports are not compared. Clients that ask for another are refused, so that
    /// a connection for one service cannot be led to another with the same key. Default: any name.
    #[must_use]
    pub fn names<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        self.with(|config| {
            config.names = names.into_iter().map(|name| spelled(&name.into())).collect();
        })
    }

    /// What both applications said on this stream before the handshake. Default: nothing.
    #[must_use]
    pub fn prologue(self, prologue: impl Into<Vec<u8>>) -> Self {
        self.with(|config| config.prologue = prologue.into())
    }

    /// Answers only clients that know one of its host keys; to all others it is a port that reads
    /// and never speaks, and closes when the time for the hello is over
    /// ([`Deadlines::hello`], or [`Deadlines::handshake`] where that is shorter). Its host keys must
    /// be used for nothing else.
    ///
    /// The hello is read before an authenticator is asked. What an authenticator does before it asks
    /// for something that the client proves counts toward the same time, so that a client that is
    /// refused by then finds no difference.
    ///
    /// A listener without room for another connection accepts none until there is room: closing one
    /// at once would tell what listens there.
    #[must_use]
    pub fn stealth(self) -> Self {
        self.with(|config| config.stealth = Some(Stealth::new()))
    }

    /// What clients hear that are refused for their address. Default: Refusal 6.
    #[must_use]
    pub const fn turned_away(mut self, turned_away: TurnedAway) -> Self {
        self.turned_away = turned_away;
        self
    }

    /// Time limits of the handshake.
    #[must_use]
    pub const fn deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// Limits on connections that are not authenticated yet.
    #[must_use]
    pub const fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How streams find out that their peer is gone. Default: by Pings, after two minutes.
    #[must_use]
    pub const fn liveness(mut self, liveness: Liveness) -> Self {
        self.liveness = liveness;
        self
    }

    /// When the server asks for new keys. Default: after twice what a client lets pass.
    #[must_use]
    pub const fn rekey(mut self, policy: RekeyPolicy) -> Self {
        self.policy = policy;
        self
    }
}

/// A name as clients ask for it; nobody can ask for one that is none.
fn spelled(name: &str) -> String {
    Host::new(name, 0).map_or_else(|_| name.to_owned(), |host| host.name().to_owned())
}
