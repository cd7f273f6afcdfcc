//! Connecting.

mod error;
mod handshake;

pub use error::ConnectError;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use crate::crypto::Cipher;
use crate::deadlines::{Deadlines, after};
use crate::handshake::{ClientConfig, Exchange, Target};
use crate::key::Identity;
use crate::session::RekeyPolicy;
use crate::stream::{Liveness, Stream, Transport};
use crate::trust::{Host, HostVerifier, KnownHosts, PinnedKeys};

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
#[derive(Clone)]
pub struct Client {
    config: ClientConfig,
    identity: Option<Identity>,
    verifier: Arc<dyn HostVerifier>,
    passwords: Option<Passwords>,
    deadlines: Deadlines,
    connect_timeout: Duration,
    policy: RekeyPolicy,
    liveness: Liveness,
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// A client that knows no host and proves no key yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            config: ClientConfig::default(),
            identity: None,
            verifier: Arc::new(PinnedKeys::default()),
            passwords: None,
            deadlines: Deadlines::default(),
            connect_timeout: Duration::from_secs(30),
            policy: RekeyPolicy::client(),
            liveness: Liveness::default(),
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

    /// What decides about host keys, in the place of a `known_hosts` file.
    #[must_use]
    pub fn host_verifier(mut self, verifier: impl HostVerifier + 'static) -> Self {
        self.verifier = Arc::new(verifier);
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
    /// 1 to 255 bytes. The server picks one; [`Stream::protocol`] tells which.
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

    /// How long looking up a name and trying all its addresses may take. Default: 30 s.
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

    /// How streams find out that their peer is gone. Default: by the transport alone.
    #[must_use]
    pub const fn liveness(mut self, liveness: Liveness) -> Self {
        self.liveness = liveness;
        self
    }

    /// Connects to `name:port` over TCP: tries all addresses of the name in turn, runs the
    /// handshake, and returns once the server has said Welcome.
    ///
    /// # Errors
    ///
    /// Whatever kept the connection from coming about, on either side; see [`ConnectError`].
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped closes what it had opened.
    pub async fn connect(&self, address: &str) -> Result<Stream, ConnectError> {
        let (host, tcp) = self.open(address).await?;
        self.connect_over(tcp, &host).await
    }

    /// The same without waiting for Welcome before sending: `data`, at most 65,535 bytes, goes out
    /// behind the client's proof, and saves a round trip. The server hands it to its application
    /// once it has admitted the client; it cannot ask this client for another factor.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`]; also if `data` is too long, or more than one protocol is named.
    pub async fn connect_eager(&self, address: &str, data: &[u8]) -> Result<Stream, ConnectError> {
        let (host, tcp) = self.open(address).await?;
        self.connect_over_eager(tcp, &host, data).await
    }

    /// Connects over a Unix socket. `host` is what the server's key is filed under.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    #[cfg(unix)]
    pub async fn connect_unix(
        &self,
        path: impl AsRef<std::path::Path>,
        host: &Host,
    ) -> Result<Stream<tokio::net::UnixStream>, ConnectError> {
        let path = path.as_ref();
        let stream = timeout(self.connect_timeout, tokio::net::UnixStream::connect(path))
            .await
            .map_err(|_| ConnectError::TimedOut {
                waiting_for: "the socket to take the connection",
            })?
            .map_err(|problem| ConnectError::Io {
                doing: "connecting to the Unix socket",
                problem,
            })?;
        self.connect_over(stream, host).await
    }

    /// Runs the handshake over a stream that is open already; [`Any`](crate::stream::Any) takes
    /// every `AsyncRead + AsyncWrite`. `host` is what the server's key is filed under.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    pub async fn connect_over<IO: Transport>(
        &self,
        io: IO,
        host: &Host,
    ) -> Result<Stream<IO>, ConnectError> {
        handshake::run(self, io, host, None).await
    }

    /// [`Self::connect_over`] without waiting for Welcome, as [`Self::connect_eager`].
    ///
    /// # Errors
    ///
    /// As [`Self::connect_eager`].
    pub async fn connect_over_eager<IO: Transport>(
        &self,
        io: IO,
        host: &Host,
        data: &[u8],
    ) -> Result<Stream<IO>, ConnectError> {
        handshake::run(self, io, host, Some(data)).await
    }

    /// Opens TCP to the first address of a name that takes it.
    async fn open(&self, address: &str) -> Result<(Host, TcpStream), ConnectError> {
        let host = Host::parse(address, None)?;
        let deadline = after(Instant::now(), self.connect_timeout);
        let open = async {
            let addresses = tokio::net::lookup_host((host.name(), host.port()))
                .await
                .map_err(|problem| ConnectError::Resolve { host: host.clone(), problem })?;
            let mut failures = Vec::new();
            let addresses: Vec<_> = addresses.collect();
            let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
            for address in addresses {
                // an address that swallows everything must not use up the time of the others
                let share = deadline.saturating_duration_since(Instant::now()) / left.max(1);
                left = left.saturating_sub(1);
                let connected = timeout(share, TcpStream::connect(address)).await;
                match connected.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
                    Ok(stream) => {
                        stream.set_nodelay(true).map_err(|problem| ConnectError::Io {
                            doing: "setting TCP_NODELAY",
                            problem,
                        })?;
                        return Ok(stream);
                    }
                    Err(problem) => failures.push((address, problem)),
                }
            }
            Err(ConnectError::Unreachable { host: host.clone(), failures })
        };
        // a little later than the last address, whose failure says more
        let limit = self.connect_timeout.saturating_add(Duration::from_millis(100));
        let stream = timeout(limit, open).await.map_err(|_| ConnectError::TimedOut {
            waiting_for: "an address to take the connection",
        })??;
        Ok((host, stream))
    }

    fn config_for(&self, host: &Host, eager: bool) -> ClientConfig {
        let mut config = self.config.clone();
        config.target = Target::new(host.name(), host.port());
        config.expected = self.verifier.expected(host);
        config.eager = eager;
        config
    }
}

impl fmt::Debug for Client {
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
