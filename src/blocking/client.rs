//! Connecting, on a thread that waits.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Instant;

use super::link::Handshaking;
use super::{Client, Stream, Transport, wait};
use crate::client::handshake::{self, Connected};
use crate::client::{self, ConnectError};
use crate::deadlines::after;
use crate::runtime::Tokio;
use crate::trust::{Contact, Host};

use super::connection::Begin;

/// The same settings for threads that block.
impl From<client::Client<Tokio>> for Client {
    fn from(client: client::Client<Tokio>) -> Self {
        client.like()
    }
}

impl Client {
    /// Connects to `name:port` over TCP: tries all addresses of the name in turn, runs the
    /// handshake, and returns once the server has said Welcome. Looking up the name takes as long
    /// as the system's resolver does; the time limit of the rest is
    /// [`connect_timeout`](client::Client::connect_timeout).
    ///
    /// # Errors
    ///
    /// Whatever kept the connection from coming about, on either side; see [`ConnectError`].
    pub fn connect(&self, address: &str) -> Result<Stream, ConnectError> {
        self.to(address, None)
    }

    /// The same without waiting for Welcome before sending: `data`, at most 65,535 bytes, goes out
    /// behind the client's proof, and saves a round trip. The server hands it to its application
    /// once it has admitted the client; it cannot ask this client for another factor.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`]; also if `data` is too long, or more than one protocol is named.
    pub fn connect_eager(&self, address: &str, data: &[u8]) -> Result<Stream, ConnectError> {
        self.to(address, Some(data))
    }

    /// Connects over a Unix socket. `host` is what the server's key is filed under. A server whose
    /// queue is full is waited for without a limit.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    #[cfg(unix)]
    pub fn connect_unix(
        &self,
        path: impl AsRef<std::path::Path>,
        host: &Host,
    ) -> Result<Stream<std::os::unix::net::UnixStream>, ConnectError> {
        let _contact = Contact::begin(host);
        let open = || {
            std::os::unix::net::UnixStream::connect(path.as_ref()).map_err(|problem| {
                ConnectError::Io { doing: "connecting to the Unix socket", problem }
            })
        };
        match self.connect_over(open()?, host) {
            Err(ConnectError::HostKey(refused)) => {
                self.confirm(refused)?.connect_over(open()?, host)
            }
            done => done,
        }
    }

    /// Runs the handshake over a stream that is open already. `host` is what the server's key is
    /// filed under.
    ///
    /// # Errors
    ///
    /// As [`Self::connect`].
    pub fn connect_over<IO: Transport>(
        &self,
        io: IO,
        host: &Host,
    ) -> Result<Stream<IO>, ConnectError> {
        self.over(io, host, None)
    }

    /// [`Self::connect_over`] without waiting for Welcome, as [`Self::connect_eager`].
    ///
    /// # Errors
    ///
    /// As [`Self::connect_eager`].
    pub fn connect_over_eager<IO: Transport>(
        &self,
        io: IO,
        host: &Host,
        data: &[u8],
    ) -> Result<Stream<IO>, ConnectError> {
        self.over(io, host, Some(data))
    }

    /// Connects over TCP, and once more if the host is not known and somebody says that it is the
    /// right one.
    fn to(&self, address: &str, eager: Option<&[u8]>) -> Result<Stream, ConnectError> {
        let _contact = Contact::begin(&Host::parse(address, None)?);
        let (host, tcp) = self.open(address)?;
        match self.over(tcp, &host, eager) {
            Err(ConnectError::HostKey(refused)) => {
                let again = self.confirm(refused)?;
                let (host, tcp) = again.open(address)?;
                again.over(tcp, &host, eager)
            }
            done => done,
        }
    }

    fn over<IO: Transport>(
        &self,
        io: IO,
        host: &Host,
        eager: Option<&[u8]>,
    ) -> Result<Stream<IO>, ConnectError> {
        let _contact = Contact::begin(host);
        let link = Handshaking::new(io)
            .map_err(|problem| ConnectError::Io { doing: "taking the stream apart", problem })?;
        let connected = wait::forever(handshake::run(self, link, host, eager))?;
        if let Some(lesson) = self.lesson(host, &connected) {
            lesson();
        }
        let Connected { link, session, agreement, .. } = connected;
        let (read, write, early) = link.into_parts();
        let (policy, liveness) = (self.policy, self.liveness);
        let begin = Begin { read, write, session, early, agreement, policy, liveness, roll: None };
        Ok(Stream::begin(begin))
    }

    /// Opens TCP to the first address of a name that takes it.
    fn open(&self, address: &str) -> Result<(Host, TcpStream), ConnectError> {
        let host = Host::parse(address, None)?;
        let deadline = after(Instant::now(), self.connect_timeout);
        let addresses = (host.name(), host.port())
            .to_socket_addrs()
            .map_err(|problem| ConnectError::Resolve { host: host.clone(), problem })?;
        let mut failures = Vec::new();
        let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        for address in addresses {
            // an address that swallows everything must not use up the time of the others
            let share = deadline.saturating_duration_since(Instant::now()) / left.max(1);
            left = left.saturating_sub(1);
            if share.is_zero() {
                failures.push((address, std::io::ErrorKind::TimedOut.into()));
                continue;
            }
            match TcpStream::connect_timeout(&address, share) {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(|problem| ConnectError::Io {
                        doing: "setting TCP_NODELAY",
                        problem,
                    })?;
                    return Ok((host, stream));
                }
                Err(problem) => failures.push((address, problem)),
            }
        }
        Err(ConnectError::Unreachable { host, failures })
    }
}
