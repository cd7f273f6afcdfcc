//! The values that every rekey draws anew.

use rand::TryCryptoRng;

use crate::crypto::secret::Secret;

/// A client's share in a rekey.
#[derive(Debug)]
pub(super) struct ClientRekey {
    pub(super) x25519: Secret<32>,
    pub(super) kem: Option<Secret<64>>,
}

impl ClientRekey {
    pub(super) fn draw<R: TryCryptoRng>(hybrid: bool, rng: &mut R) -> Result<Self, R::Error> {
        Ok(Self {
            x25519: Secret::draw(rng)?,
            kem: if hybrid { Some(Secret::draw(rng)?) } else { None },
        })
    }
}

/// A server's share in a rekey.
#[derive(Debug)]
pub(super) struct ServerRekey {
    pub(super) x25519: Secret<32>,
    pub(super) kem: Option<Secret<32>>,
}

impl ServerRekey {
    pub(super) fn draw<R: TryCryptoRng>(hybrid: bool, rng: &mut R) -> Result<Self, R::Error> {
        Ok(Self {
            x25519: Secret::draw(rng)?,
            kem: if hybrid { Some(Secret::draw(rng)?) } else { None },
        })
    }
}
