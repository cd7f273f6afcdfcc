//! russh: one session channel used as a stream.

use std::borrow::Cow;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use russh::keys::ssh_key::private::{Ed25519Keypair, KeypairData};
use russh::keys::{
    Algorithm, PrivateKey, PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate,
};
use russh::server::{Auth, ChannelOpenHandle, VerifiedPublicKey};
use russh::{Channel, ChannelStream, Preferred, cipher, client, compression, kex, server};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::{End, Later, Peer, Result};
use crate::keys;
use crate::variant::{Cipher, Exchange, Variant};

/// As large as a packet may be, and a window that never makes a writer wait for long.
const PACKET: u32 = 65_535;
const WINDOW: u32 = 64 << 20;

pub struct Russh {
    client: Arc<client::Config>,
    server: Arc<server::Config>,
    key: Arc<PrivateKey>,
}

fn private_key(seed: &[u8; 32]) -> PrivateKey {
    let pair = Ed25519Keypair::from_seed(seed);
    PrivateKey::try_from(KeypairData::from(pair)).expect("an Ed25519 key")
}

impl Russh {
    pub fn new(variant: Variant) -> Self {
        let cipher = match variant.cipher {
            Cipher::ChaCha => cipher::CHACHA20_POLY1305,
            Cipher::Aes => cipher::AES_256_GCM,
        };
        let exchange = match variant.exchange {
            Exchange::Classical => kex::CURVE25519,
            Exchange::Hybrid => kex::MLKEM768X25519_SHA256,
        };
        let strict = [
            kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
            kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
        ];
        let preferred = Preferred {
            kex: Cow::Owned([&[exchange][..], &strict].concat()),
            key: Cow::Owned(vec![Algorithm::Ed25519]),
            cipher: Cow::Owned(vec![cipher]),
            compression: Cow::Owned(vec![compression::NONE]),
            ..Preferred::default()
        };
        Self {
            client: Arc::new(client::Config {
                preferred: preferred.clone(),
                window_size: WINDOW,
                maximum_packet_size: PACKET,
                nodelay: true,
                ..client::Config::default()
            }),
            server: Arc::new(server::Config {
                preferred,
                window_size: WINDOW,
                maximum_packet_size: PACKET,
                nodelay: true,
                keys: vec![private_key(&keys::SERVER)],
                auth_rejection_time: Duration::ZERO,
                ..server::Config::default()
            }),
            key: Arc::new(private_key(&keys::CLIENT)),
        }
    }

    /// Up to the place where the server has admitted the client.
    async fn dial<IO>(&self, io: IO) -> Result<client::Handle<ClientSide>>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let known = private_key(&keys::SERVER).public_key().clone();
        let client = ClientSide { known };
        let mut handle = client::connect_stream(Arc::clone(&self.client), io, client).await?;
        let key = PrivateKeyWithHashAlg::new(Arc::clone(&self.key), None);
        if !handle.authenticate_publickey("client", key).await?.success() {
            return Err("the server refused the key".into());
        }
        Ok(handle)
    }

    fn server_side(&self) -> (ServerSide, oneshot::Receiver<Channel<server::Msg>>) {
        let (opened, channel) = oneshot::channel();
        let listed = self.key.public_key().clone();
        (ServerSide { listed, opened: Some(opened) }, channel)
    }

    async fn in_memory(&self) -> Result<()> {
        let (client, server) = tokio::io::duplex(64 << 10);
        let (handler, _channel) = self.server_side();
        let (session, handle) = tokio::join!(
            server::run_stream(Arc::clone(&self.server), server, handler),
            self.dial(client)
        );
        // both ends are dropped, and with them their tasks end
        drop(handle?);
        let _gone = session?.await;
        Ok(())
    }
}

impl Peer for Russh {
    fn connect(&self, tcp: TcpStream) -> Later<'_, End> {
        Box::pin(async {
            let handle = self.dial(tcp).await?;
            let stream = handle.channel_open_session().await?.into_stream();
            Ok(Box::new(ClientEnd { stream, _handle: handle }) as End)
        })
    }

    fn accept(&self, tcp: TcpStream) -> Later<'_, End> {
        Box::pin(async {
            let (handler, channel) = self.server_side();
            let session = server::run_stream(Arc::clone(&self.server), tcp, handler).await?;
            drop(session); // its task goes on
            Ok(Box::new(channel.await?.into_stream()) as End)
        })
    }

    fn handshake(&self) -> Later<'_, ()> {
        Box::pin(self.in_memory())
    }
}

struct ClientSide {
    known: PublicKey,
}

impl client::Handler for ClientSide {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> std::result::Result<bool, Self::Error> {
        Ok(match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                key.key_data() == self.known.key_data()
            }
            PublicKeyOrCertificate::Certificate(_) => false,
        })
    }
}

struct ServerSide {
    listed: PublicKey,
    opened: Option<oneshot::Sender<Channel<server::Msg>>>,
}

impl server::Handler for ServerSide {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        _: &str,
        key: VerifiedPublicKey<'_>,
    ) -> std::result::Result<Auth, Self::Error> {
        let listed = key.public_key.key_data() == self.listed.key_data();
        Ok(if listed { Auth::Accept } else { Auth::reject() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<server::Msg>,
        reply: ChannelOpenHandle,
        _: &mut server::Session,
    ) -> std::result::Result<(), Self::Error> {
        reply.accept().await;
        if let Some(opened) = self.opened.take() {
            let _ = opened.send(channel);
        }
        Ok(())
    }
}

/// The client's stream, and the handle that keeps its session.
struct ClientEnd {
    stream: ChannelStream<client::Msg>,
    _handle: client::Handle<ClientSide>,
}

impl AsyncRead for ClientEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for ClientEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
