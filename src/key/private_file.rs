//! OpenSSH's private key files (PROTOCOL.key in OpenSSH's source).
//!
//! The format is read here, so that every limit holds before any work is done and every fault has
//! its own error; the crate `ssh-key` does the ciphers and bcrypt, and writes.

use ssh_key::encoding::base64::{Base64, Encoding as _};
use ssh_key::private::{Ed25519Keypair, KeypairData, PrivateKey};
use ssh_key::{Cipher, Kdf, LineEnding};
use zeroize::Zeroizing;

use super::blob::{ED25519, Reader};
use super::public::{blob_type, foreign_type};
use super::shown::shown;
use super::text_change::TextChange;
use super::{KeyError, PublicKey, identity};
use crate::crypto::SigningKey;
use crate::crypto::secret::Secret;

mod form;

#[cfg(feature = "files")]
pub(super) use self::form::is_private;

/// Largest private key file, in bytes, that is read or written.
pub const MAX_FILE: usize = 65_536;

/// Most rounds of bcrypt that a private key file may ask for (some fifteen seconds of work).
/// OpenSSH writes 24.
pub const MAX_ROUNDS: u32 = 2048;

/// What newer versions of `ssh-keygen` write by default.
const ROUNDS: u32 = 24;
const SALT: usize = 16;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";

/// Some writers pad an unencrypted key to 16 bytes, and always.
const MAX_PADDING: usize = 16;

/// What a private key file holds.
pub(super) struct Content {
    pub(super) seed: Secret<32>,
    pub(super) signing: SigningKey,
    /// As it stands in the file, which need not be UTF-8.
    pub(super) comment: Vec<u8>,
}

pub(super) fn read(text: &[u8], passphrase: Option<&[u8]>) -> Result<Content, KeyError> {
    with_sealed(text, |sealed| match (sealed.lock, passphrase) {
        (None, _) => open(sealed.body, sealed.public, invalid("its two check numbers differ")),
        (Some(_), None) => Err(KeyError::PassphraseNeeded),
        (Some(lock), Some(passphrase)) => {
            let body = lock.unlock(sealed.body, passphrase)?;
            open(&body, sealed.public, KeyError::WrongPassphrase)
        }
    })
}

/// The public key that stands outside of what a passphrase protects.
pub(super) fn public_half(text: &[u8]) -> Result<PublicKey, KeyError> {
    with_sealed(text, |sealed| Ok(sealed.public))
}

fn with_sealed<T>(
    text: &[u8],
    then: impl FnOnce(Sealed<'_>) -> Result<T, KeyError>,
) -> Result<T, KeyError> {
    let (base64, _) = form::read(text)?;
    // Sized before it is filled, so that no copy stays behind; decoded in constant time.
    let mut blob = Zeroizing::new(vec![0; base64.len()]);
    let blob =
        Base64::decode(&*base64, &mut blob).map_err(|_| invalid("its base64 is not valid"))?;
    then(Sealed::read(blob)?)
}

/// What happened to the text of a file that is read all the same.
pub(super) fn text_changes(text: &[u8]) -> Result<Vec<TextChange>, KeyError> {
    form::read(text).map(|(_, changes)| changes)
}

fn invalid(reason: &'static str) -> KeyError {
    KeyError::InvalidPrivateKey { reason }
}

fn short() -> KeyError {
    invalid("it ends too soon")
}

/// The outer part of the file, all of it checked.
struct Sealed<'a> {
    lock: Option<Lock>,
    public: PublicKey,
    body: &'a [u8],
}

struct Lock {
    cipher: Cipher,
    kdf: Kdf,
    tag: Option<[u8; 16]>,
}

impl<'a> Sealed<'a> {
    fn read(blob: &'a [u8]) -> Result<Self, KeyError> {
        let mut reader = Reader::new(blob);
        if reader.take(MAGIC.len()) != Some(MAGIC) {
            return Err(invalid("it does not begin with `openssh-key-v1`"));
        }
        let cipher = reader.string().ok_or_else(short)?;
        let kdf = reader.string().ok_or_else(short)?;
        let options = reader.string().ok_or_else(short)?;
        if reader.u32().ok_or_else(short)? != 1 {
            return Err(invalid("it does not hold exactly one key"));
        }
        let public = reader.string().ok_or_else(short)?;
        let algorithm = blob_type(public)?;
        if algorithm != ED25519.as_bytes() {
            return Err(foreign_type(algorithm));
        }
        let public = PublicKey::from_blob(public)?;
        let body = reader.string().ok_or_else(short)?;
        let (lock, block) = if cipher == b"none" {
            if kdf != b"none" || !options.is_empty() {
                return Err(invalid("it is not encrypted, yet speaks of a passphrase"));
            }
            (None, 8)
        } else {
            let cipher = known_cipher(cipher)?;
            let kdf = bcrypt(kdf, options)?;
            let tag =
                if cipher.has_tag() { Some(*reader.array().ok_or_else(short)?) } else { None };
            (Some(Lock { cipher, kdf, tag }), cipher.block_size())
        };
        if !reader.is_empty() {
            return Err(invalid("there are bytes behind its end"));
        }
        if body.is_empty() || body.len().checked_rem(block) != Some(0) {
            return Err(invalid(
                "the length of its private part is no multiple of the cipher's block",
            ));
        }
        Ok(Self { lock, public, body })
    }
}

fn known_cipher(name: &[u8]) -> Result<Cipher, KeyError> {
    str::from_utf8(name)
        .ok()
        .and_then(|name| Cipher::new(name).ok())
        .filter(|cipher| !matches!(cipher, Cipher::None | Cipher::TdesCbc))
        .ok_or_else(|| KeyError::UnsupportedCipher { cipher: shown(name) })
}

fn bcrypt(name: &[u8], options: &[u8]) -> Result<Kdf, KeyError> {
    if name != b"bcrypt" {
        return Err(KeyError::UnsupportedKdf { kdf: shown(name) });
    }
    let mut reader = Reader::new(options);
    let salt = reader.string().ok_or_else(short)?;
    let rounds = reader.u32().ok_or_else(short)?;
    if !reader.is_empty() || salt.is_empty() || rounds == 0 {
        return Err(invalid("its salt or number of rounds is not valid"));
    }
    if rounds > MAX_ROUNDS {
        return Err(KeyError::TooManyRounds { rounds });
    }
    Ok(Kdf::Bcrypt { salt: salt.to_vec(), rounds })
}

impl Lock {
    fn unlock(&self, body: &[u8], passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let wrong = |_| KeyError::WrongPassphrase;
        let (key, iv) = self.kdf.derive_key_and_iv(self.cipher, passphrase).map_err(wrong)?;
        let mut body = Zeroizing::new(body.to_vec());
        self.cipher
            .decrypt(&key, &iv, &mut body, self.tag.map(Into::into))
            .map_err(|_| KeyError::WrongPassphrase)?;
        Ok(body)
    }
}

/// Reads the private part. `differ` is what it means if the two check numbers do: nobody can
/// tell a wrong passphrase from a damaged file.
fn open(body: &[u8], public: PublicKey, differ: KeyError) -> Result<Content, KeyError> {
    let mut reader = Reader::new(body);
    let (first, second) = (reader.u32().ok_or_else(short)?, reader.u32().ok_or_else(short)?);
    if first != second {
        return Err(differ);
    }
    let algorithm = reader.string().ok_or_else(short)?;
    if algorithm != ED25519.as_bytes() {
        return Err(KeyError::PublicHalfMismatch);
    }
    let inner = reader.string().ok_or_else(short)?;
    let pair = reader.string().ok_or_else(short)?;
    let comment = reader.string().ok_or_else(short)?;
    let padding = reader.rest();
    if padding.len() > MAX_PADDING || !padding.iter().copied().eq((1..=u8::MAX).take(padding.len()))
    {
        return Err(invalid("its padding is not 1, 2, 3 ..."));
    }
    let (seed, again) = pair
        .split_first_chunk::<32>()
        .filter(|(_, again)| again.len() == 32)
        .ok_or_else(|| invalid("an Ed25519 private key has 64 bytes"))?;
    let seed = identity::seed(seed);
    let signing = SigningKey::from_seed(&seed);
    // OpenSSH would sign with whatever public key stands in the file, which gives the private key
    // away.
    if signing.public() != *public.as_bytes()
        || inner != public.as_bytes()
        || again != public.as_bytes()
    {
        return Err(KeyError::PublicHalfMismatch);
    }
    Ok(Content { seed, signing, comment: comment.to_vec() })
}

pub(super) fn write(
    seed: &Secret<32>,
    comment: &[u8],
    passphrase: Option<&[u8]>,
) -> Result<Zeroizing<String>, KeyError> {
    // What surrounds the comment stays far below 1,024 bytes; base64 makes four bytes of three.
    if comment.len() > MAX_FILE / 2 {
        return Err(KeyError::FileTooLarge);
    }
    let unwritable = |_| invalid("it could not be written");
    let pair = Ed25519Keypair::from_seed(seed.expose());
    let mut key = PrivateKey::new(KeypairData::Ed25519(pair), comment).map_err(unwritable)?;
    if let Some(passphrase) = passphrase {
        if passphrase.is_empty() {
            return Err(KeyError::EmptyPassphrase);
        }
        let mut salt = vec![0; SALT];
        identity::random(&mut salt)?;
        let mut check = [0; 4];
        identity::random(&mut check)?;
        let kdf = Kdf::Bcrypt { salt, rounds: ROUNDS };
        key = key
            .encrypt_with(Cipher::Aes256Ctr, kdf, u32::from_be_bytes(check), passphrase)
            .map_err(unwritable)?;
    }
    key.to_openssh(LineEnding::LF).map_err(unwritable)
}

/// The same file under another passphrase, or none; it has been read back.
#[cfg(feature = "files")]
pub(super) fn reseal(
    text: &[u8],
    old: Option<&[u8]>,
    new: Option<&[u8]>,
) -> Result<Zeroizing<String>, KeyError> {
    let content = read(text, old)?;
    let resealed = write(&content.seed, &content.comment, new)?;
    let again = read(resealed.as_bytes(), new)?;
    if again.signing.public() != content.signing.public() || again.comment != content.comment {
        return Err(invalid("it could not be written"));
    }
    Ok(resealed)
}

#[cfg(test)]
mod tests;
