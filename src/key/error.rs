//! Why a key could not be read, made or written.

use std::path::Path;

use super::named::Named;
use super::private_file::{MAX_FILE, MAX_ROUNDS};
use super::{KeyFormat, TextChange};

/// Why a key could not be read, made or written.
///
/// Text of others that stands in a message (a type name, a fingerprint) is escaped and cut; no
/// message holds key material or a passphrase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A well-known kind of SSH key that this version does not take: RSA, ECDSA, DSA, and for now
    /// FIDO keys (`sk-...`) and certificates.
    #[error("{}", unsupported(algorithm))]
    UnsupportedAlgorithm {
        /// Name of the type on the wire, such as `ssh-rsa`.
        algorithm: String,
    },
    /// A key type that is none of those OpenSSH has had.
    #[error("`{algorithm}` is no type of SSH key known here; expected `ssh-ed25519`")]
    UnknownAlgorithm {
        /// What stood in the place of the type, escaped and cut.
        algorithm: String,
    },
    /// The text of a public key does not have the form `type base64 [comment]`.
    #[error(
        "not the text of a public key: {reason}; expected `ssh-ed25519 AAAA... comment` on one line"
    )]
    InvalidText {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The bytes of a public key do not have the form of RFC 8709, section 4.
    #[error("malformed public key: {reason}")]
    InvalidBlob {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The type named in the text is not the one inside the key.
    #[error(
        "the text says the key is of type `{text}`, the key itself says `{blob}`; copy the line anew"
    )]
    TypeMismatch {
        /// Type in the text.
        text: String,
        /// Type in the key, escaped and cut.
        blob: String,
    },
    /// The 32 bytes are not the canonical encoding of a point, or one of small order, under which
    /// anybody can forge.
    #[error(
        "not a usable Ed25519 public key: its 32 bytes are no valid point of the curve, or one of small order"
    )]
    InvalidPoint,
    /// A key larger than any that is read.
    #[error("a public key of {len} bytes; at most {max} are read")]
    BlobTooLarge {
        /// How many bytes there were.
        len: usize,
        /// The limit: [`MAX_BLOB`](super::MAX_BLOB).
        max: usize,
    },
    /// Not a fingerprint as `ssh-keygen -l` prints it.
    #[error(
        "`{seen}` is not a fingerprint; expected `SHA256:` and 43 characters of base64, as `ssh-keygen -l` prints it"
    )]
    InvalidFingerprint {
        /// What was given, escaped and cut.
        seen: String,
    },
    /// Not a private key in OpenSSH's format, or a damaged one.
    #[error("not a private key in OpenSSH's format: {reason}")]
    InvalidPrivateKey {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file of keys in another format than OpenSSH's, and what converts it.
    #[error("{}", self.told(Named::unknown()))]
    OtherFormat {
        /// The format.
        format: KeyFormat,
    },
    /// The text of a private key file was changed on its way, and is not read so.
    #[error("{}", self.told(Named::unknown()))]
    ChangedText {
        /// What happened to it.
        change: TextChange,
    },
    /// A private key file that is larger than any that is read or written.
    #[error("the private key file is larger than the {MAX_FILE} bytes that are read")]
    FileTooLarge,
    /// The private key is encrypted, and no passphrase was given.
    #[error("the private key is protected by a passphrase and none was given")]
    PassphraseNeeded,
    /// The passphrase does not open the private key (or the encrypted part is damaged, which looks
    /// the same).
    #[error("wrong passphrase for the private key")]
    WrongPassphrase,
    /// An empty passphrase was given to protect a private key with.
    #[error(
        "an empty passphrase protects nothing; give one, or none at all to write the key unencrypted"
    )]
    EmptyPassphrase,
    /// A cipher that is not known, or too weak to be supported.
    #[error("{}", self.told(Named::unknown()))]
    UnsupportedCipher {
        /// The cipher's name, escaped and cut.
        cipher: String,
    },
    /// A way to derive keys from passphrases that is not known.
    #[error(
        "the passphrase of the private key goes through `{kdf}`, which is not supported; expected `bcrypt`"
    )]
    UnsupportedKdf {
        /// The function's name, escaped and cut.
        kdf: String,
    },
    /// The file asks for more work than any honest one does; refused before any of it is done.
    #[error("{}", self.told(Named::unknown()))]
    TooManyRounds {
        /// Rounds the file asks for.
        rounds: u32,
    },
    /// The public key in the file does not belong to the private one.
    #[error(
        "the public key in the private key file does not belong to its private key; the file is damaged or forged"
    )]
    PublicHalfMismatch,
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {reason}")]
    Randomness {
        /// What the system said.
        reason: String,
    },
}

impl KeyError {
    /// The message as by `Display`, with this file in the place of `FILE` in the commands that it
    /// shows.
    pub fn for_file(&self, path: impl AsRef<Path>) -> String {
        self.told(Named::path(path.as_ref()))
    }

    fn told(&self, file: Named<'_>) -> String {
        let word = file.word();
        match self {
            Self::OtherFormat { format } if format.is_public() => {
                format!("not a key in OpenSSH's format: {}", format.told(file))
            }
            Self::OtherFormat { format } => {
                format!("not a private key in OpenSSH's format: {}", format.told(file))
            }
            Self::ChangedText { change } => {
                format!("the private key cannot be read: {}", change.told(file))
            }
            Self::UnsupportedCipher { cipher } => format!(
                "the private key is encrypted with `{cipher}`, which is not supported; rewrite it with `ssh-keygen -p -Z aes256-ctr -f {word}`"
            ),
            Self::TooManyRounds { rounds } => format!(
                "the private key asks for {rounds} rounds of bcrypt; at most {MAX_ROUNDS} are done; rewrite it with `ssh-keygen -p -a 24 -f {word}`"
            ),
            // none of the others names a file
            _ => self.to_string(),
        }
    }
}

fn unsupported(algorithm: &str) -> String {
    if algorithm.starts_with("sk-") || algorithm.contains("-cert-") {
        format!(
            "keys of type {algorithm} are not supported yet by this version; \
             use a plain Ed25519 key, made with `ssh-keygen -t ed25519`"
        )
    } else {
        format!(
            "keys of type {algorithm} are not supported; \
             make an Ed25519 key with `ssh-keygen -t ed25519`"
        )
    }
}
