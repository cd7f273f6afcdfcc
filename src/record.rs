//! Records: an AEAD over content, type and padding, in place.

mod open;
mod seal;

pub(crate) use open::{Opened, Opener};
pub(crate) use seal::{Padding, Sealer};

use crate::crypto::{AeadKey, Cipher, TAG_LEN};
use crate::error::Error;
use crate::schedule::DirectionSecret;

/// Records that one key protects, at most.
pub(crate) const MAX_RECORDS: u64 = 1 << 24;
/// Ciphertext bytes that one key protects, at most.
pub(crate) const MAX_BYTES: u64 = 1 << 38;
/// A sender stops sending Data this many records before a limit, to keep room for a rekey.
pub(crate) const RESERVE_RECORDS: u64 = 64;
/// A record's n, at most.
pub(crate) const MAX_RECORD: usize = 65_535;
/// Data that fits one record.
pub(crate) const MAX_CONTENT: usize = MAX_RECORD - TAG_LEN - 1;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordType {
    Auth,
    Data,
    Close,
    Error,
    Ping,
    Pong,
    RekeyAsk,
    RekeyInit,
    RekeyReply,
    RekeyDone,
    /// 128 and up: ignored after Welcome.
    Later(u8),
    /// 11 to 127: nothing that may be sent.
    Unknown(u8),
}

impl RecordType {
    pub(crate) const fn id(self) -> u8 {
        match self {
            Self::Auth => 1,
            Self::Data => 2,
            Self::Close => 3,
            Self::Error => 4,
            Self::Ping => 5,
            Self::Pong => 6,
            Self::RekeyAsk => 7,
            Self::RekeyInit => 8,
            Self::RekeyReply => 9,
            Self::RekeyDone => 10,
            Self::Later(id) | Self::Unknown(id) => id,
        }
    }

    const fn from_id(id: u8) -> Self {
        match id {
            1 => Self::Auth,
            2 => Self::Data,
            3 => Self::Close,
            4 => Self::Error,
            5 => Self::Ping,
            6 => Self::Pong,
            7 => Self::RekeyAsk,
            8 => Self::RekeyInit,
            9 => Self::RekeyReply,
            10 => Self::RekeyDone,
            128.. => Self::Later(id),
            _ => Self::Unknown(id),
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Auth => "Auth",
            Self::Data => "Data",
            Self::Close => "Close",
            Self::Error => "Error",
            Self::Ping => "Ping",
            Self::Pong => "Pong",
            Self::RekeyAsk => "RekeyAsk",
            Self::RekeyInit => "RekeyInit",
            Self::RekeyReply => "RekeyReply",
            Self::RekeyDone => "RekeyDone",
            Self::Later(_) => "a record of a type from 128",
            Self::Unknown(_) => "a record of an unknown type",
        }
    }
}

/// One direction's key, and how much it has protected.
#[derive(Debug)]
struct Direction {
    key: AeadKey,
    iv: [u8; 12],
    sequence: u64,
    bytes: u64,
}

impl Direction {
    fn new(cipher: Cipher, secret: &DirectionSecret) -> Result<Self, Error> {
        let (key, iv) = secret.key_and_iv()?;
        let key = AeadKey::new(cipher, &key)
            .map_err(|_| Error::Internal("the cipher is not available in this build"))?;
        Ok(Self { key, iv, sequence: 0, bytes: 0 })
    }

    /// `iv XOR (0^4 || u64(sequence))`.
    fn nonce(&self) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, count) in nonce.iter_mut().skip(4).zip(self.sequence.to_be_bytes()) {
            *byte ^= count;
        }
        nonce
    }

    fn count(&mut self, n: usize) {
        self.sequence = self.sequence.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
    }

    /// Whether one more record of `n` bytes, and `reserve` of the largest behind it, stay within
    /// what the key may protect.
    fn has_room(&self, n: usize, reserve: u64) -> bool {
        const LARGEST: u64 = 65_535;
        let n = u64::try_from(n).unwrap_or(u64::MAX);
        self.sequence.saturating_add(reserve) < MAX_RECORDS
            && self.bytes.saturating_add(n).saturating_add(reserve.saturating_mul(LARGEST))
                <= MAX_BYTES
    }
}
