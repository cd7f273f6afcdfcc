//! TCP and nothing else: what all others cost more than.

use tokio::net::TcpStream;

use super::{End, Later, Peer};

pub struct Plain;

impl Peer for Plain {
    fn connect(&self, tcp: TcpStream) -> Later<'_, End> {
        Box::pin(async { Ok(Box::new(tcp) as End) })
    }

    fn accept(&self, tcp: TcpStream) -> Later<'_, End> {
        Box::pin(async { Ok(Box::new(tcp) as End) })
    }

    fn handshake(&self) -> Later<'_, ()> {
        Box::pin(async { Err("plain TCP has no handshake".into()) })
    }
}
