//! Connecting on tokio.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::handshake::{self, Connected};
use super::{Client, ConnectError};
use crate::deadlines::after;
use crate::runtime::Tokio;
use crate::stream::{Begin, Handshaking, Stream, Transport, aside};
use crate::trust::{Contact, Host, HostKeyError};

impl Client<Tokio> {
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
        self.to(address, None).await
    }

    /// The same without waiting for Welcome before sending: `data`, at most 65,535 bytes, goes out
    /// behind the client's proof, and saves a round trip. The server hands it to its application
    /// once it has admitted the client; it cannot ask this client for another factor.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`]; also if `data` is too long, or more than one protocol is named.
    pub async fn connect_eager(&self, address: &str, data: &[u8]) -> Result<Stream, ConnectError> {
        self.to(address, Some(data)).await
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
        let _contact = Contact::begin(host);
        let path = path.as_ref();
        let open = || async {
            timeout(self.connect_timeout, tokio::net::UnixStream::connect(path))
                .await
                .map_err(|_| ConnectError::TimedOut {
                    waiting_for: "the socket to take the connection",
                })?
                .map_err(|problem| ConnectError::Io {
                    doing: "connecting to the Unix socket",
                    problem,
                })
        };
        match self.connect_over(open().await?, host).await {
            Err(ConnectError::HostKey(refused)) => {
                self.confirmed(refused).await?.connect_over(open().await?, host).await
            }
            done => done,
        }
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
        self.over(io, host, None).await
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
        self.over(io, host, Some(data)).await
    }

    /// Connects over TCP, and once more if the host is not known and somebody says that it is the
    /// right one.
    async fn to(&self, address: &str, eager: Option<&[u8]>) -> Result<Stream, ConnectError> {
        let _contact = Contact::begin(&Host::parse(address, None)?);
        let (host, tcp) = self.open(address).await?;
        match self.over(tcp, &host, eager).await {
            Err(ConnectError::HostKey(refused)) => {
                let again = self.confirmed(refused).await?;
                let (host, tcp) = again.open(address).await?;
                again.over(tcp, &host, eager).await
            }
            done => done,
        }
    }

    /// Asks about a host that was refused, where a person may take their time.
    async fn confirmed(&self, refused: HostKeyError) -> Result<Self, HostKeyError> {
        if !matches!(refused, HostKeyError::Unknown { .. }) {
            return Err(refused);
        }
        let (client, unasked) = (self.clone(), refused.clone());
        let asked = tokio::task::spawn_blocking(move || client.confirm(refused));
        // whoever was asked has panicked, or the runtime ends
        asked.await.unwrap_or(Err(unasked))
    }

    /// Opens TCP to the first address of a name that takes it.
    async fn open(&self, address: &str) -> Result<(Host, TcpStream), ConnectError> {
        let host = Host::parse(address, None)?;
        let deadline = Instant::from_std(after(Instant::now().into_std(), self.connect_timeout));
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

    async fn over<IO: Transport>(
        &self,
        io: IO,
        host: &Host,
        eager: Option<&[u8]>,
    ) -> Result<Stream<IO>, ConnectError> {
        let _contact = Contact::begin(host);
        let link = Handshaking::new(io);
        let connected = handshake::run(self, link, host, eager).await?;
        if let Some(lesson) = self.lesson(host, &connected) {
            // whoever connects gets the stream, whatever becomes of the lesson
            let _ = aside::run(lesson).await;
        }
        let Connected { link, session, agreement, .. } = connected;
        let (policy, liveness) = (self.policy, self.liveness);
        let roll = None;
        Ok(Stream::begin(Begin {
            transport: link.into_left(),
            session,
            agreement,
            policy,
            liveness,
            roll,
        }))
    }
}
