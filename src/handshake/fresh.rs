//! The values that every handshake draws anew.

use rand::{TryCryptoRng, TryRng};

use crate::crypto::secret::Secret;
use crate::wire::{HINT_LEN, HINTS, MAX_AEADS};

fn bytes<const N: usize, R: TryCryptoRng>(rng: &mut R) -> Result<[u8; N], R::Error> {
    let mut out = [0; N];
    rng.try_fill_bytes(&mut out)?;
    Ok(out)
}

/// As many bytes as are wanted in all, drawn at once: asking the operating system for a few costs
/// as much as asking it for all of them. Whoever wants more gets it from the source.
struct Ahead<'a, R, const N: usize> {
    source: &'a mut R,
    drawn: Secret<N>,
    used: usize,
}

impl<'a, R: TryCryptoRng, const N: usize> Ahead<'a, R, N> {
    fn draw(source: &'a mut R) -> Result<Self, R::Error> {
        Ok(Self { drawn: Secret::draw(source)?, source, used: 0 })
    }
}

impl<R: TryCryptoRng, const N: usize> TryRng for Ahead<'_, R, N> {
    type Error = R::Error;

    fn try_next_u32(&mut self) -> Result<u32, R::Error> {
        bytes(self).map(u32::from_le_bytes)
    }

    fn try_next_u64(&mut self) -> Result<u64, R::Error> {
        bytes(self).map(u64::from_le_bytes)
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), R::Error> {
        let end = self.used.saturating_add(out.len());
        let Some(next) = self.drawn.expose().get(self.used..end) else {
            return self.source.try_fill_bytes(out);
        };
        out.copy_from_slice(next);
        self.used = end;
        Ok(())
    }
}

impl<R: TryCryptoRng, const N: usize> TryCryptoRng for Ahead<'_, R, N> {}

/// What a client's hello is made of; one hello each.
#[derive(Debug)]
pub struct ClientFresh {
    pub(crate) random: [u8; 32],
    pub(crate) x25519: Secret<32>,
    pub(crate) kem: Secret<64>,
    /// One filler for each place among the hints.
    pub(crate) fillers: [[u8; HINT_LEN]; HINTS],
    /// The places that real hints take, the first hint's first.
    pub(crate) places: [usize; HINTS],
    pub(crate) grease: Grease,
}

/// An AEAD id and an extension that nobody knows, so that nobody comes to rely on their absence.
#[derive(Debug)]
pub(crate) struct Grease {
    pub(crate) aead: u8,
    /// Its place in the list; taken modulo the number of places.
    pub(crate) aead_place: usize,
    pub(crate) extension: u16,
    body: [u8; 16],
    body_len: usize,
}

/// AEAD ids that stand for nothing.
const GREASE_AEADS: [u8; 4] = [0x1a, 0x3a, 0x5a, 0x7a];

pub(crate) const fn is_grease_aead(id: u8) -> bool {
    matches!(id, 0x1a | 0x3a | 0x5a | 0x7a)
}

impl Grease {
    pub(crate) fn body(&self) -> &[u8] {
        self.body.get(..self.body_len).unwrap_or_default()
    }

    fn draw<R: TryCryptoRng>(rng: &mut R) -> Result<Self, R::Error> {
        let [aead, place, kind, len] = bytes(rng)?;
        let high = (kind & 0xf0) | 0x0a;
        Ok(Self {
            aead: GREASE_AEADS.get(usize::from(aead % 4)).copied().unwrap_or(0x1a),
            aead_place: usize::from(place) % (MAX_AEADS + 1),
            extension: u16::from_be_bytes([high, high]),
            body: bytes(rng)?,
            body_len: usize::from(len) % 17,
        })
    }

    #[cfg(test)]
    pub(crate) fn fixed(aead: u8, aead_place: usize, extension: u16, drawn: &[u8]) -> Self {
        let mut body = [0; 16];
        body[..drawn.len()].copy_from_slice(drawn);
        Self { aead, aead_place, extension, body, body_len: drawn.len() }
    }
}

impl ClientFresh {
    /// Draws all of it.
    ///
    /// # Errors
    ///
    /// The source of randomness failed.
    pub fn draw<R: TryCryptoRng>(rng: &mut R) -> Result<Self, R::Error> {
        const FRESH: usize = HINT_LEN * HINTS + 4 * (HINTS - 1) + 32 + 32 + 64 + 4 + 16;
        let rng = &mut Ahead::<_, FRESH>::draw(rng)?;
        let mut fillers = [[0; HINT_LEN]; HINTS];
        for filler in &mut fillers {
            *filler = bytes(rng)?;
        }
        let mut places = core::array::from_fn(|place| place);
        for last in (1..HINTS).rev() {
            // 2^32 is so much larger than 8 that the bias cannot be seen
            let other = usize::try_from(rng.try_next_u32()?).unwrap_or(0) % last.saturating_add(1);
            places.swap(last, other);
        }
        Ok(Self {
            random: bytes(rng)?,
            x25519: Secret::draw(rng)?,
            kem: Secret::draw(rng)?,
            fillers,
            places,
            grease: Grease::draw(rng)?,
        })
    }
}

/// What a server's hello is made of; one hello each.
#[derive(Debug)]
pub struct ServerFresh {
    pub(crate) random: [u8; 32],
    pub(crate) x25519: Secret<32>,
    pub(crate) kem: Secret<32>,
}

impl ServerFresh {
    /// Draws all of it.
    ///
    /// # Errors
    ///
    /// The source of randomness failed.
    pub fn draw<R: TryCryptoRng>(rng: &mut R) -> Result<Self, R::Error> {
        let rng = &mut Ahead::<_, 96>::draw(rng)?;
        Ok(Self { x25519: Secret::draw(rng)?, kem: Secret::draw(rng)?, random: bytes(rng)? })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Counts how often it is asked.
    #[derive(Default)]
    struct Counting(usize);

    impl TryRng for Counting {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            self.0 += 1;
            Ok(7)
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            self.0 += 1;
            Ok(7)
        }

        fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
            self.0 += 1;
            out.fill(7);
            Ok(())
        }
    }

    impl TryCryptoRng for Counting {}

    #[test]
    fn a_hello_asks_the_system_once() {
        let mut source = Counting::default();
        let Ok(_client) = ClientFresh::draw(&mut source);
        assert_eq!(source.0, 1, "a client's");
        let Ok(_server) = ServerFresh::draw(&mut source);
        assert_eq!(source.0, 2, "a server's");
    }
}
