//! The ways from one end to the other: plain TCP over loopback, and the library over the same.

use handfast::auth::{Anonymous, PeerAddr, anonymous};
use handfast::key::Identity;
use handfast::trust::{Host, PinnedKeys};
use handfast::{Cipher, Client, Server, Stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// What bytes go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Plain,
    Handfast(Cipher),
}

impl Way {
    /// Plain TCP, which the others are held against, comes first.
    pub(crate) const ALL: [Self; 3] =
        [Self::Plain, Self::Handfast(Cipher::ChaCha20Poly1305), Self::Handfast(Cipher::Aes256Gcm)];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain TCP",
            Self::Handfast(cipher) => cipher.name(),
        }
    }
}

/// What a measurement is made with: one code for every way.
pub(crate) trait Measure {
    type Output;

    async fn over<S>(self, client: S, server: S) -> Self::Output
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static;
}

/// Two programs' settings.
pub(crate) struct Ends {
    client: Client,
    server: Server<Anonymous>,
    host: Host,
}

impl Ends {
    pub(crate) fn new() -> Self {
        let host = Identity::generate().unwrap();
        let pinned = PinnedKeys::new([host.public_key().clone()]);
        Self {
            client: Client::new().host_verifier(pinned).identity(Identity::generate().unwrap()),
            server: Server::new(host).authenticator(anonymous()),
            host: Host::new("localhost", 7000).unwrap(),
        }
    }

    /// Opens a connection and measures with it. The opening is not part of what is measured.
    pub(crate) async fn measure<M: Measure>(&self, way: Way, measure: M) -> M::Output {
        match way {
            Way::Plain => {
                let (client, server) = tcp().await;
                measure.over(client, server).await
            }
            Way::Handfast(cipher) => {
                let (client, server) = self.handfast(cipher).await;
                measure.over(client, server).await
            }
        }
    }

    /// Both ends of a connection through the library.
    pub(crate) async fn handfast(&self, cipher: Cipher) -> (Stream, Stream) {
        let (client, server) = tcp().await;
        let connect = self.client.clone().ciphers([cipher]);
        let (client, server) = tokio::join!(
            connect.connect_over(client, &self.host),
            self.server.accept_over(server, PeerAddr::Unknown),
        );
        (client.unwrap(), server.unwrap().0)
    }
}

/// Both ends of a connection over loopback.
pub(crate) async fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (client, (server, _)) = (client.unwrap(), server.unwrap());
    for stream in [&client, &server] {
        // as the library sets it
        stream.set_nodelay(true).unwrap();
    }
    (client, server)
}
