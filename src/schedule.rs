//! Transcript and key schedule (docs/PROTOCOL.md, "Key schedule").

use crate::crypto::secret::Secret;
use crate::crypto::{HkdfExpand, Mac, Sha256, hkdf_extract, sha256};
use crate::error::{Error, Misuse};

/// `export` gives at most this many bytes: 255 blocks of SHA-256 (RFC 5869, 2.3).
pub(crate) const MAX_EXPORT: usize = 8160;
/// A label's length is one byte, of which `hf1 ` takes four.
const MAX_LABEL: usize = 251;

/// What can be derived from one secret, by labels.
struct Labels(HkdfExpand);

impl Labels {
    const TOO_LONG: Error = Error::Misuse(Misuse::ExportLength);

    fn of(secret: &Secret<32>) -> Result<Self, Error> {
        HkdfExpand::new(secret).map(Self).map_err(|_| Self::TOO_LONG)
    }

    /// `Label(secret, label, context, n)`, with `n` the length of `out`.
    fn derive_into(&self, label: &str, context: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let len = u16::try_from(out.len()).map_err(|_| Self::TOO_LONG)?;
        if out.len() > MAX_EXPORT || label.len() > MAX_LABEL {
            return Err(Self::TOO_LONG);
        }
        let label_len = u8::try_from(label.len().saturating_add(4)).map_err(|_| Self::TOO_LONG)?;
        let context_len = u8::try_from(context.len()).map_err(|_| Self::TOO_LONG)?;
        let length = len.to_be_bytes();
        let info: [&[u8]; 6] =
            [&length, &[label_len], b"hf1 ", label.as_bytes(), &[context_len], context];
        self.0.expand(&info, out).map_err(|_| Self::TOO_LONG)
    }

    fn derive(&self, label: &str, context: &[u8]) -> Result<Secret<32>, Error> {
        let mut out = Secret::zero();
        self.derive_into(label, context, out.expose_mut())?;
        Ok(out)
    }
}

/// A single one.
fn label(secret: &Secret<32>, label: &str, context: &[u8]) -> Result<Secret<32>, Error> {
    Labels::of(secret)?.derive(label, context)
}

/// The running hash over the messages.
#[derive(Clone)]
pub(crate) struct Transcript(Sha256);

impl core::fmt::Debug for Transcript {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Transcript")
    }
}

impl Transcript {
    pub(crate) fn new(prologue: &[u8]) -> Result<Self, Error> {
        let len = u32::try_from(prologue.len())
            .map_err(|_| Error::Misuse(Misuse::Setting("the prologue is longer than 4 GiB")))?;
        let mut hash = Sha256::new();
        hash.update(b"handfast/1");
        hash.update(&len.to_be_bytes());
        hash.update(prologue);
        Ok(Self(hash))
    }

    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// `th` up to and including what was added last.
    pub(crate) fn hash(&self) -> [u8; 32] {
        self.0.clone().finish()
    }
}

/// What the exchange of keys agreed on: ML-KEM's secret where it was used, then X25519's.
#[derive(Debug)]
pub(crate) struct Agreed {
    pub(crate) mlkem: Option<Secret<32>>,
    pub(crate) x25519: Secret<32>,
}

impl Agreed {
    pub(crate) fn extract(&self, salt: &[u8; 32]) -> Secret<32> {
        let Some(mlkem) = &self.mlkem else {
            return hkdf_extract(salt, &self.x25519);
        };
        let mut ikm = Secret::<64>::zero();
        let (front, back) = ikm.expose_mut().split_at_mut(32);
        front.copy_from_slice(mlkem.expose());
        back.copy_from_slice(self.x25519.expose());
        hkdf_extract(salt, &ikm)
    }
}

/// One direction's secret under the handshake or the traffic keys.
#[derive(Debug)]
pub(crate) struct DirectionSecret(Secret<32>);

impl DirectionSecret {
    pub(crate) fn key_and_iv(&self) -> Result<(Secret<32>, [u8; 12]), Error> {
        let labels = Labels::of(&self.0)?;
        let mut iv = [0; 12];
        labels.derive_into("iv", b"", &mut iv)?;
        Ok((labels.derive("key", b"")?, iv))
    }

    /// The MAC that ends an Auth message.
    pub(crate) fn mac(&self, th: &[u8; 32]) -> Result<Mac, Error> {
        let fin = label(&self.0, "finished", b"")?;
        Ok(Mac::of(&fin, th))
    }

    #[cfg(test)]
    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// The secrets behind ServerHello.
#[derive(Debug)]
pub(crate) struct HandshakeSecrets {
    pub(crate) client: DirectionSecret,
    pub(crate) server: DirectionSecret,
    main: Secret<32>,
}

impl HandshakeSecrets {
    /// `th` ends with ServerHello.
    pub(crate) fn derive(agreed: &Agreed, th: &[u8; 32]) -> Result<Self, Error> {
        let handshake = agreed.extract(&[0; 32]);
        let labels = Labels::of(&handshake)?;
        let derived = labels.derive("derived", b"")?;
        Ok(Self {
            client: DirectionSecret(labels.derive("c hs", th)?),
            server: DirectionSecret(labels.derive("s hs", th)?),
            main: hkdf_extract(derived.expose(), &Secret::<32>::zero()),
        })
    }

    /// `th` ends with ClientAuth.
    pub(crate) fn into_generation(self, th: [u8; 32]) -> Generation {
        Generation { main: self.main, tr: th }
    }
}

/// The secrets of the traffic keys in use, and what the next ones grow from.
#[derive(Debug)]
pub(crate) struct Generation {
    main: Secret<32>,
    tr: [u8; 32],
}

/// The main secret, taken in for whatever is derived from it.
pub(crate) struct Traffic<'a> {
    main: Labels,
    tr: &'a [u8; 32],
}

impl Traffic<'_> {
    pub(crate) fn client(&self) -> Result<DirectionSecret, Error> {
        self.main.derive("c ap", self.tr).map(DirectionSecret)
    }

    pub(crate) fn server(&self) -> Result<DirectionSecret, Error> {
        self.main.derive("s ap", self.tr).map(DirectionSecret)
    }

    /// The exporter; only the first generation's counts.
    pub(crate) fn exporter(&self) -> Result<Exporter, Error> {
        self.main.derive("exporter", self.tr).map(Exporter)
    }
}

impl Generation {
    pub(crate) fn traffic(&self) -> Result<Traffic<'_>, Error> {
        Ok(Traffic { main: Labels::of(&self.main)?, tr: &self.tr })
    }

    /// The generation behind a rekey.
    pub(crate) fn next(&self, agreed: &Agreed, init: &[u8], reply: &[u8]) -> Result<Self, Error> {
        let tr = sha256(&[&self.tr, init, reply]);
        let salt = label(&self.main, "rekey", &tr)?;
        Ok(Self { main: agreed.extract(salt.expose()), tr })
    }

    #[cfg(test)]
    pub(crate) fn expose_main(&self) -> &[u8; 32] {
        self.main.expose()
    }
}

/// Derives values that both ends of a connection share and nobody else knows.
#[derive(Debug)]
pub(crate) struct Exporter(Secret<32>);

impl Exporter {
    /// `export(label, context, n)` with `n` the length of `out`.
    pub(crate) fn export(&self, name: &str, context: &[u8], out: &mut [u8]) -> Result<(), Error> {
        if matches!(name, "opaque" | "host key") {
            return Err(Error::Misuse(Misuse::ReservedLabel));
        }
        self.export_reserved(name, context, out)
    }

    /// The same with the protocol's own labels.
    pub(crate) fn export_reserved(
        &self,
        name: &str,
        context: &[u8],
        out: &mut [u8],
    ) -> Result<(), Error> {
        let secret = label(&self.0, name, b"")?;
        Labels::of(&secret)?.derive_into("export", &sha256(&[context]), out)
    }

    #[cfg(test)]
    pub(crate) fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}
