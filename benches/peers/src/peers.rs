//! The libraries, behind one trait: two ends of a TCP connection become two streams.

mod handfast;
mod plain;
mod russh;
mod rustls;
mod snow;

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use crate::variant::{Library, Variant};

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

pub trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// One end of an established connection.
pub type End = Box<dyn Duplex>;

pub trait Peer: Send + Sync {
    /// The client's end over a connection that is open already.
    fn connect(&self, tcp: TcpStream) -> Later<'_, End>;

    /// The server's end.
    fn accept(&self, tcp: TcpStream) -> Later<'_, End>;

    /// One handshake in memory, both ends.
    fn handshake(&self) -> Later<'_, ()>;
}

/// The library, ready to use.
///
/// # Errors
///
/// It refuses our settings.
pub fn peer(variant: Variant) -> Result<Box<dyn Peer>> {
    Ok(match variant.library {
        Library::Plain => Box::new(plain::Plain),
        Library::Handfast => Box::new(handfast::Handfast::new(variant)?),
        Library::Rustls => Box::new(rustls::Rustls::new(variant)?),
        Library::Snow => Box::new(snow::Snow::new(variant)?),
        Library::Russh => Box::new(russh::Russh::new(variant)),
    })
}

/// Both ends of a connection over loopback.
///
/// # Errors
///
/// The handshake failed.
pub async fn pair(peer: &dyn Peer) -> Result<(End, End)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (client, accepted) = tokio::try_join!(TcpStream::connect(address), listener.accept())?;
    let (server, _) = accepted;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    tokio::try_join!(peer.connect(client), peer.accept(server))
}
