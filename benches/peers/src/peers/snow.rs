//! snow: Noise XX, with the plainest framing that serves it well: a length of two bytes before
//! each message, one message a write, decrypted straight into the reader's buffer where it fits.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use snow::{Builder, HandshakeState, TransportState};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use super::{End, Later, Peer, Result};
use crate::keys;
use crate::variant::{Cipher, Variant};

/// The longest Noise message, and what of it is plaintext.
const MESSAGE: usize = 65_535;
const PAYLOAD: usize = MESSAGE - TAG;
const TAG: usize = 16;
const HEADER: usize = 2;

pub struct Snow {
    pattern: &'static str,
    client: [u8; 32],
    server: [u8; 32],
}

impl Snow {
    pub fn new(variant: Variant) -> Result<Self> {
        let pattern = match variant.cipher {
            Cipher::ChaCha => "Noise_XX_25519_ChaChaPoly_SHA256",
            Cipher::Aes => "Noise_XX_25519_AESGCM_SHA256",
        };
        Ok(Self { pattern, client: keys::CLIENT, server: keys::SERVER })
    }

    fn builder<'a>(&self, key: &'a [u8; 32]) -> Result<Builder<'a>> {
        Ok(Builder::new(self.pattern.parse()?).local_private_key(key)?)
    }

    fn check(&self, state: &HandshakeState, seed: &[u8; 32]) -> Result<()> {
        let known = x25519_public(seed);
        match state.get_remote_static() {
            Some(key) if key == known => Ok(()),
            _ => Err("another static key".into()),
        }
    }

    fn in_memory(&self) -> Result<()> {
        let mut client = self.builder(&self.client)?.build_initiator()?;
        let mut server = self.builder(&self.server)?.build_responder()?;
        let (mut wire, mut payload) = ([0; 512], [0; 512]);
        let len = client.write_message(&[], &mut wire)?;
        server.read_message(&wire[..len], &mut payload)?;
        let len = server.write_message(&[], &mut wire)?;
        client.read_message(&wire[..len], &mut payload)?;
        let len = client.write_message(&[], &mut wire)?;
        server.read_message(&wire[..len], &mut payload)?;
        client.into_transport_mode()?;
        server.into_transport_mode()?;
        Ok(())
    }
}

fn x25519_public(seed: &[u8; 32]) -> [u8; 32] {
    x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(*seed)).to_bytes()
}

async fn send(tcp: &mut TcpStream, state: &mut HandshakeState) -> Result<()> {
    let mut message = [0; 512];
    let len = state.write_message(&[], &mut message[HEADER..])?;
    message[..HEADER].copy_from_slice(&u16::try_from(len)?.to_be_bytes());
    tcp.write_all(&message[..HEADER + len]).await?;
    Ok(())
}

async fn receive(tcp: &mut TcpStream, state: &mut HandshakeState) -> Result<()> {
    let (mut message, mut payload) = ([0; 512], [0; 512]);
    let len = usize::from(tcp.read_u16().await?);
    let message = message.get_mut(..len).ok_or("the message is too long")?;
    tcp.read_exact(message).await?;
    state.read_message(message, &mut payload)?;
    Ok(())
}

impl Peer for Snow {
    fn connect(&self, mut tcp: TcpStream) -> Later<'_, End> {
        Box::pin(async move {
            let mut state = self.builder(&self.client)?.build_initiator()?;
            send(&mut tcp, &mut state).await?;
            receive(&mut tcp, &mut state).await?;
            self.check(&state, &keys::SERVER)?;
            send(&mut tcp, &mut state).await?;
            Ok(Box::new(Framed::new(tcp, state.into_transport_mode()?)) as End)
        })
    }

    fn accept(&self, mut tcp: TcpStream) -> Later<'_, End> {
        Box::pin(async move {
            let mut state = self.builder(&self.server)?.build_responder()?;
            receive(&mut tcp, &mut state).await?;
            send(&mut tcp, &mut state).await?;
            receive(&mut tcp, &mut state).await?;
            self.check(&state, &keys::CLIENT)?;
            Ok(Box::new(Framed::new(tcp, state.into_transport_mode()?)) as End)
        })
    }

    fn handshake(&self) -> Later<'_, ()> {
        Box::pin(async { self.in_memory() })
    }
}

/// Noise messages on TCP. Its buffers begin small, and grow once for connections that need it.
struct Framed {
    tcp: TcpStream,
    noise: TransportState,
    /// Ciphertext that was read: `start..end`.
    arrived: Vec<u8>,
    start: usize,
    end: usize,
    /// Plaintext that the reader had no room for: `taken..ready`.
    opened: Vec<u8>,
    taken: usize,
    ready: usize,
    /// Ciphertext on its way out: `sent..sealed`.
    leaving: Vec<u8>,
    sent: usize,
    sealed: usize,
}

const SMALL: usize = 2 << 10;
const LARGE: usize = 2 * (HEADER + MESSAGE);

fn broken(error: snow::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

impl Framed {
    fn new(tcp: TcpStream, noise: TransportState) -> Self {
        Self {
            tcp,
            noise,
            arrived: vec![0; SMALL],
            start: 0,
            end: 0,
            opened: Vec::new(),
            taken: 0,
            ready: 0,
            leaving: Vec::new(),
            sent: 0,
            sealed: 0,
        }
    }

    /// A whole message, if one is there.
    fn message(&self) -> Option<std::ops::Range<usize>> {
        let arrived = self.arrived.get(self.start..self.end)?;
        let (header, rest) = arrived.split_first_chunk::<HEADER>()?;
        let len = usize::from(u16::from_be_bytes(*header));
        (rest.len() >= len).then(|| self.start + HEADER..self.start + HEADER + len)
    }

    fn poll_arrive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.end == self.arrived.len() {
            self.arrived.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            self.arrived.resize(LARGE, 0);
        }
        let mut buf = ReadBuf::new(&mut self.arrived[self.end..]);
        ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buf))?;
        let len = buf.filled().len();
        self.end += len;
        Poll::Ready(Ok(len))
    }

    fn poll_leave(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.sealed {
            let left = &self.leaving[self.sent..self.sealed];
            self.sent += ready!(Pin::new(&mut self.tcp).poll_write(cx, left))?;
        }
        (self.sent, self.sealed) = (0, 0);
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Framed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        loop {
            let left = &this.opened[this.taken..this.ready];
            let len = left.len().min(buf.remaining());
            buf.put_slice(&left[..len]);
            this.taken += len;
            if buf.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let Some(message) = this.message() else {
                if buf.filled().len() > before || ready!(this.poll_arrive(cx))? == 0 {
                    return Poll::Ready(Ok(()));
                }
                continue;
            };
            this.start = message.end;
            let message = &this.arrived[message];
            if buf.remaining() >= message.len() {
                let room = buf.initialize_unfilled();
                let len = this.noise.read_message(message, room).map_err(broken)?;
                buf.advance(len);
            } else {
                if this.opened.len() < message.len() {
                    this.opened.resize(message.len(), 0);
                }
                this.ready = this.noise.read_message(message, &mut this.opened).map_err(broken)?;
                this.taken = 0;
            }
        }
    }
}

impl AsyncWrite for Framed {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // while the socket is full, messages gather as far as there is room
        if this.sealed + HEADER + data.len().min(PAYLOAD) + TAG > LARGE {
            ready!(this.poll_leave(cx))?;
        }
        let mut taken = 0;
        while taken < data.len() {
            let payload = &data[taken..];
            let payload = &payload[..payload.len().min(PAYLOAD)];
            let (at, whole) = (this.sealed, HEADER + payload.len() + TAG);
            if at + whole > LARGE {
                break;
            }
            if this.leaving.len() < at + whole {
                this.leaving.resize(at + whole, 0);
            }
            let message = &mut this.leaving[at + HEADER..];
            let len = this.noise.write_message(payload, message).map_err(broken)?;
            let header = u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
            this.leaving[at..at + HEADER].copy_from_slice(&header);
            this.sealed = at + HEADER + len;
            taken += payload.len();
        }
        match this.poll_leave(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(taken)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_leave(cx))?;
        Pin::new(&mut this.tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_leave(cx))?;
        Pin::new(&mut this.tcp).poll_shutdown(cx)
    }
}
