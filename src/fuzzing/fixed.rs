//! Keys and randomness that never change.

use std::convert::Infallible;
use std::sync::OnceLock;

use rand::{TryCryptoRng, TryRng};

use crate::crypto::secret::Secret;
use crate::crypto::{KemKey, X25519Secret, encapsulate};
use crate::handshake::{ClientFresh, ServerFresh};
use crate::key::Identity;
use crate::wire::{KEM_CIPHERTEXT_LEN, KEM_KEY_LEN};

/// Randomness that gives the same byte always. The names are the sides that draw from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fixed(u8);

/// A client in a handshake.
pub(super) const CLIENT: Fixed = Fixed(0x15);
/// A server in a handshake.
pub(super) const SERVER: Fixed = Fixed(0x22);
/// The side under test in a rekey.
pub(super) const LOCAL: Fixed = Fixed(0x33);
/// Its peer in a rekey.
pub(super) const PEER: Fixed = Fixed(0x44);

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.into())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.into())
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.fill(self.0);
        Ok(())
    }
}

impl TryCryptoRng for Fixed {}

impl Fixed {
    pub(super) fn client_fresh(mut self) -> ClientFresh {
        let Ok(fresh) = ClientFresh::draw(&mut self);
        fresh
    }

    pub(super) fn server_fresh(mut self) -> ServerFresh {
        let Ok(fresh) = ServerFresh::draw(&mut self);
        fresh
    }

    /// What whoever draws from this has as its share.
    pub(super) fn x25519(self) -> X25519Secret {
        X25519Secret::from_bytes(Secret::new([self.0; 32]))
    }

    /// What a client that draws from this has as its share.
    pub(super) fn kem(self) -> &'static KemKey {
        static CLIENT_KEY: OnceLock<KemKey> = OnceLock::new();
        static LOCAL_KEY: OnceLock<KemKey> = OnceLock::new();
        static PEER_KEY: OnceLock<KemKey> = OnceLock::new();
        let cell = match self {
            CLIENT => &CLIENT_KEY,
            LOCAL => &LOCAL_KEY,
            _ => &PEER_KEY,
        };
        cell.get_or_init(|| KemKey::from_seed(&Secret::new([self.0; 64])))
    }

    /// What a server that draws from this encapsulates.
    pub(super) fn encapsulate(
        self,
        key: &[u8; KEM_KEY_LEN],
    ) -> Option<([u8; KEM_CIPHERTEXT_LEN], Secret<32>)> {
        encapsulate(key, &Secret::new([self.0; 32])).ok()
    }

    /// The secret behind a ciphertext that a server, which draws from this, made for `key`. None
    /// where the server's library draws for itself and the key is not the one of `client`.
    pub(super) fn encapsulated(
        self,
        client: Self,
        key: &[u8; KEM_KEY_LEN],
        ciphertext: &[u8; KEM_CIPHERTEXT_LEN],
    ) -> Option<Secret<32>> {
        let kem = client.kem();
        if kem.encapsulation_key() == key {
            return kem.decapsulate(ciphertext).ok();
        }
        self.encapsulate(key).filter(|(again, _)| again == ciphertext).map(|(_, secret)| secret)
    }
}

/// One identity, made once: that takes as long as a signature.
fn identity(seed: u8) -> Identity {
    static ALL: [OnceLock<Identity>; 5] = [const { OnceLock::new() }; 5];
    let make = || Identity::from_seed(&[seed; 32]);
    ALL.get(usize::from(seed)).map_or_else(make, |cell| cell.get_or_init(make).clone())
}

pub(super) fn host() -> Identity {
    identity(1)
}

/// A second key of the host.
pub(super) fn other_host() -> Identity {
    identity(2)
}

/// The host's key under a name of its own.
pub(super) fn named_host() -> Identity {
    identity(3)
}

pub(super) fn alice() -> Identity {
    identity(4)
}

/// The name that the client wants and that names the host.
pub(super) const NAME: &str = "rpc.example.org";
pub(super) const PORT: u16 = 7000;
pub(super) const LOGIN: &str = "alice";
pub(super) const PASSWORD: &str = "correct horse";
