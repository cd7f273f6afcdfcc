//! handfast, with pinned host keys and one line of `authorized_keys`.

use std::sync::Arc;

use handfast::auth::{PeerAddr, PublicKeyCheck, public_key};
use handfast::handshake::client::{self, Answer};
use handfast::handshake::{
    self as core, ClientConfig, ClientFresh, Identities, ServerConfig, ServerFresh, Target, server,
};
use handfast::trust::{AuthorizedKeys, Host, PinnedKeys};
use handfast::{Client, Identity, Server};
use rand::rngs::SysRng;
use tokio::net::TcpStream;

use super::{End, Later, Peer, Result};
use crate::keys;
use crate::variant::{Cipher, Exchange, Variant};

pub struct Handfast {
    client: Client,
    server: Server<PublicKeyCheck>,
    host: Host,
    identity: Identity,
    client_config: Arc<ClientConfig>,
    server_config: Arc<ServerConfig>,
    authorized: AuthorizedKeys,
}

impl Handfast {
    pub fn new(variant: Variant) -> Result<Self> {
        let cipher = match variant.cipher {
            Cipher::ChaCha => handfast::Cipher::ChaCha20Poly1305,
            Cipher::Aes => handfast::Cipher::Aes256Gcm,
        };
        let exchange = match variant.exchange {
            Exchange::Classical => core::Exchange::Classical,
            Exchange::Hybrid => core::Exchange::Hybrid,
        };
        let host_key = Identity::from_seed(&keys::SERVER);
        let identity = Identity::from_seed(&keys::CLIENT);
        let line = format!("{} client", identity.public_key());
        let authorized = AuthorizedKeys::parse("authorized_keys", line.as_bytes())?;
        let host = Host::new("127.0.0.1", 7000)?;

        let mut client_config = ClientConfig::default();
        client_config.ciphers = vec![cipher];
        client_config.exchange = exchange;
        client_config.expected = vec![host_key.public_key().clone()];
        client_config.target = Target::new(host.name(), host.port());
        let mut server_config = ServerConfig::new(Identities::new(host_key.clone()));
        server_config.ciphers = vec![cipher];
        server_config.exchange = exchange;

        Ok(Self {
            client: Client::new()
                .identity(identity.clone())
                .host_verifier(PinnedKeys::new([host_key.public_key().clone()]))
                .ciphers([cipher])
                .exchange(exchange),
            server: Server::new(host_key)
                .authenticator(public_key(authorized.clone()))
                .ciphers([cipher])
                .exchange(exchange),
            host,
            identity,
            client_config: Arc::new(client_config),
            server_config: Arc::new(server_config),
            authorized,
        })
    }

    /// The core, driven by hand, with what an application decides on either side.
    fn in_memory(&self) -> Result<()> {
        let fresh = ClientFresh::draw(&mut SysRng)?;
        let (client, hello) = client::start(Arc::clone(&self.client_config), fresh)?;
        let read = server::hello(&self.server_config, &hello).map_err(|refused| refused.error)?;
        let fresh = ServerFresh::draw(&mut SysRng)?;
        let (server, mut answer) = read.accept(fresh).map_err(|refused| refused.error)?;
        let len = core::hello_len(&answer)?.ok_or("half a hello")?;
        let (hello, auth) = answer.split_at_mut(len);
        let verify = client.read(hello)?.read(auth).map_err(|failure| failure.error)?;
        if !self.client_config.expected.contains(verify.host_key()) {
            return Err("another host key".into());
        }
        let (client, mut auth) =
            verify.trust(Some(&self.identity)).map_err(|failure| failure.error)?;
        let server = server.read(&mut auth).map_err(|failure| failure.error)?;
        let key = server.claims().key.as_ref().ok_or("no key was proved")?;
        let question = handfast::trust::Question::new(key, std::time::SystemTime::now());
        if !matches!(self.authorized.decide(&question), handfast::trust::Decision::Admitted(_)) {
            return Err("the key is not listed".into());
        }
        let (_server, mut welcome) = server.welcome().map_err(|failure| failure.error)?;
        match client.read(&mut welcome).map_err(|failure| failure.error)? {
            Answer::Welcome(_) => Ok(()),
            Answer::Password(_) => Err("a password is asked for".into()),
        }
    }
}

impl Peer for Handfast {
    fn connect(&self, tcp: TcpStream) -> Later<'_, End> {
        Box::pin(async { Ok(Box::new(self.client.connect_over(tcp, &self.host).await?) as End) })
    }

    fn accept(&self, tcp: TcpStream) -> Later<'_, End> {
        Box::pin(async {
            let from = PeerAddr::Ip(tcp.peer_addr()?);
            let (stream, _) = self.server.accept_over(tcp, from).await?;
            Ok(Box::new(stream) as End)
        })
    }

    fn handshake(&self) -> Later<'_, ()> {
        Box::pin(async { self.in_memory() })
    }
}
