//! Blocking streams over sockets and over transports by script.

mod ends;
mod fake;
mod faults;
mod liveness;
mod sockets;
mod worn;

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::pair::Setup;
use crate::agreement::Agreement;
use crate::blocking::{Begin, Liveness, Stream, Transport};
use crate::error::Error;
use crate::handshake::Established;
use crate::session::{RekeyPolicy, Session};

/// Two ends that know each other, before they have a transport.
pub(super) struct Knot {
    pub(super) client: Half,
    pub(super) server: Half,
}

/// One end.
pub(super) struct Half {
    pub(super) session: Session,
    agreement: Agreement,
    pub(super) policy: RekeyPolicy,
    pub(super) liveness: Liveness,
}

impl Half {
    fn new(established: Established, policy: RekeyPolicy) -> Self {
        let agreement = Agreement {
            cipher: crate::Cipher::ChaCha20Poly1305,
            exchange: crate::handshake::Exchange::Classical,
            protocol: Vec::new(),
            host_key: super::pair::identity(super::pair::HOST).public_key().clone(),
            other_host_keys: Vec::new(),
            exporter: established.exporter,
        };
        let liveness = Liveness::default();
        Self { session: established.session, agreement, policy, liveness }
    }

    pub(super) fn over<IO: Transport>(self, io: IO) -> Stream<IO> {
        let (read, write) = io.into_halves().unwrap();
        Stream::begin(Begin {
            read,
            write,
            session: self.session,
            early: Vec::new(),
            agreement: self.agreement,
            policy: self.policy,
            liveness: self.liveness,
            roll: None,
        })
    }
}

pub(super) fn knot() -> Knot {
    super::limit::bounded();
    let (client, server) = Setup::classical().established();
    Knot {
        client: Half::new(client.established, RekeyPolicy::client()),
        server: Half::new(server, RekeyPolicy::server()),
    }
}

impl Knot {
    /// New keys after so many bytes, as far as the limit of rekeys in a minute goes.
    pub(super) fn rekeying(mut self, client: u64, server: u64) -> Self {
        self.client.policy.bytes = client;
        self.server.policy.bytes = server;
        self
    }

    pub(super) fn over<IO: Transport>(self, (near, far): (IO, IO)) -> (Stream<IO>, Stream<IO>) {
        (self.client.over(near), self.server.over(far))
    }
}

pub(super) fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

/// Bytes that differ from place to place.
pub(super) fn pattern(len: usize) -> Vec<u8> {
    let mut x = 1_u32;
    let mut next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        x.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

#[track_caller]
pub(super) fn inner(error: &std::io::Error) -> &Error {
    let inner = error.get_ref().and_then(|error| error.downcast_ref());
    inner.unwrap_or_else(|| panic!("not of the protocol: {error:?}"))
}

pub(super) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
