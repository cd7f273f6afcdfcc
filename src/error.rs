//! What can go wrong between two peers, by who is at fault.

use core::fmt;

/// Why a connection, or an attempt at one, came to its end.
///
/// The variants say who is at fault. None of them carries a secret; text from the peer is escaped
/// where it is shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer speaks another protocol.
    #[error("the peer does not speak handfast: {0}")]
    Foreign(Foreign),
    /// The peer sent bytes that are no message.
    #[error("the peer sent a malformed {message}: {cause}")]
    Malformed {
        /// The message that was read.
        message: &'static str,
        /// What is wrong with it.
        cause: Malformed,
    },
    /// The peer sent a message that may not stand there, or says what it may not say.
    #[error("the peer broke the protocol: {0}")]
    Misbehaved(Misbehaved),
    /// Both sides follow the protocol and have too little in common.
    #[error("the peers have too little in common: {0}")]
    Incompatible(Incompatible),
    /// A record does not decrypt: it was changed on the way, or the keys differ.
    #[error(
        "a record does not decrypt: it was changed on the way, or the peers derived other keys"
    )]
    Decrypt,
    /// The peer proved something wrong about itself.
    #[error("the peer is not who it says: {0}")]
    Unproved(Unproved),
    /// The server refused in the clear. Nothing vouches for this answer.
    #[error("the server refused, in words that nothing vouches for: {0}")]
    Refused(Refusal),
    /// The peer ended the connection with an Error record.
    #[error("the peer ended the connection: {0}")]
    Ended(Farewell),
    /// This side decided against the peer.
    #[error("refused: {0}")]
    Denied(String),
    /// The stream ended without the peer's Close: data may be missing.
    #[error("the stream was cut off: it ended without the peer's Close")]
    Truncated,
    /// The peer answered none of the last Pings: it is gone, or cut off.
    #[error("the peer is gone: it answered none of the last Pings")]
    Silent,
    /// This side's listener was shut down.
    #[error("this side was shut down")]
    Stopped,
    /// Nobody sent Data for as long as the settings allow.
    #[error("the connection was idle for longer than allowed")]
    Idle,
    /// Nothing more can be sent under the keys in use until a rekey is done.
    #[error("rekey blocked: read the stream, so that the peer's answer can be found")]
    RekeyBlocked,
    /// The stream was used in a way that it does not allow.
    #[error("{0}")]
    Misuse(Misuse),
    /// The system's randomness, or a primitive, failed.
    #[error("{0}")]
    Internal(&'static str),
}

impl Error {
    pub(crate) const fn malformed(message: &'static str, cause: Malformed) -> Self {
        Self::Malformed { message, cause }
    }

    /// What an established connection tells a peer that caused this, in its last record
    /// ([`Session::fail`](crate::session::Session::fail)); nothing where there is nobody to tell.
    #[must_use]
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Foreign(_)
            | Self::Malformed { .. }
            | Self::Misbehaved(_)
            | Self::Incompatible(_)
            | Self::Unproved(_)
            | Self::Decrypt => Some(ErrorCode::Protocol),
            Self::Internal(_) => Some(ErrorCode::Internal),
            Self::Idle => Some(ErrorCode::TimedOut),
            Self::Denied(_) => Some(ErrorCode::PermissionDenied),
            Self::Refused(_)
            | Self::Ended(_)
            | Self::Truncated
            | Self::Silent
            | Self::Stopped
            | Self::RekeyBlocked
            | Self::Misuse(_) => None,
        }
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        use std::io::ErrorKind;
        let kind = match &error {
            Error::Foreign(_)
            | Error::Malformed { .. }
            | Error::Misbehaved(_)
            | Error::Incompatible(_)
            | Error::Decrypt => ErrorKind::InvalidData,
            Error::Unproved(_) | Error::Denied(_) => ErrorKind::PermissionDenied,
            Error::Refused(_) => ErrorKind::ConnectionRefused,
            Error::Ended(farewell) => match farewell.code {
                ErrorCode::PermissionDenied | ErrorCode::Revoked | ErrorCode::FactorNeeded => {
                    ErrorKind::PermissionDenied
                }
                ErrorCode::TimedOut => ErrorKind::TimedOut,
                _ => ErrorKind::ConnectionAborted,
            },
            Error::Truncated => ErrorKind::UnexpectedEof,
            Error::Silent | Error::Idle => ErrorKind::TimedOut,
            Error::Stopped => ErrorKind::ConnectionAborted,
            Error::RekeyBlocked => ErrorKind::Deadlock,
            Error::Misuse(Misuse::AfterClose | Misuse::Ended) => ErrorKind::BrokenPipe,
            Error::Misuse(_) => ErrorKind::InvalidInput,
            Error::Internal(_) => ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

/// What a peer that does not speak handfast seems to speak, by its first three bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Foreign {
    /// A TLS record.
    #[error("it seems to speak TLS")]
    Tls,
    /// An SSH identification string.
    #[error("it seems to speak SSH")]
    Ssh,
    /// An HTTP request or answer.
    #[error("it seems to speak HTTP")]
    Http,
    /// Something else.
    #[error("it speaks an unknown protocol")]
    Other,
}

/// What is wrong with the form of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// A field runs past the end of what holds it.
    #[error("{0} runs past its end")]
    Short(&'static str),
    /// Bytes are left over.
    #[error("bytes are left over behind {0}")]
    Leftover(&'static str),
    /// A field is longer, or a list has more entries, than allowed.
    #[error("{0} is longer than allowed")]
    Long(&'static str),
    /// A field that may not be empty is.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// A list names something twice, or is not in order.
    #[error("{0} holds an entry twice or out of order")]
    Order(&'static str),
    /// Text is not UTF-8, or holds control or format characters.
    #[error("{0} is not plain text")]
    Text(&'static str),
    /// A field has a value that it may not have.
    #[error("{0} has a value that is not allowed")]
    Value(&'static str),
    /// A field that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
}

/// What a peer did that the protocol forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misbehaved {
    /// Another message than the ones that may stand here.
    #[error("{got} came where it may not stand ({state})")]
    Unexpected {
        /// The message that came.
        got: &'static str,
        /// What this side was doing.
        state: &'static str,
    },
    /// A hello of another version of the frame.
    #[error("its hello has the form {0}, not 1")]
    Version(u8),
    /// A record's length is outside its bounds.
    #[error("a record has the length {0}, outside its bounds")]
    RecordLength(u16),
    /// A record's plaintext has no type.
    #[error("a record has no type")]
    NoType,
    /// An X25519 share, or an ML-KEM key, that yields no secret.
    #[error("its key share is unusable")]
    KeyShare,
    /// The MAC over the transcript is wrong.
    #[error("the MAC over the handshake is wrong")]
    Mac,
    /// The server chose what the client had not offered.
    #[error("it chose {0}, which was not offered")]
    NotOffered(&'static str),
    /// Data or a second Close came after Close.
    #[error("{0} came after its Close")]
    AfterClose(&'static str),
    /// More than 8 Pings without an answer taken, or a Pong that answers none.
    #[error("{0}")]
    Ping(&'static str),
    /// A key was used beyond its limit.
    #[error("it used a key beyond 2^24 records or 2^38 bytes")]
    KeyWornOut,
    /// A rekey record out of turn or against the rules.
    #[error("rekey: {0}")]
    Rekey(&'static str),
    /// Too many of something.
    #[error("too many {0}")]
    TooMany(&'static str),
}

/// Why two peers that both follow the protocol cannot talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Incompatible {
    /// No AEAD in common.
    #[error("no cipher in common")]
    Aead,
    /// One side requires the post-quantum exchange, the other does not take part in it.
    #[error("one side requires X25519 with ML-KEM-768 and the other offers X25519 alone")]
    PostQuantum,
    /// Both name application protocols and share none.
    #[error("no application protocol in common")]
    Protocol,
    /// A key of a type that this version does not take.
    #[error("the peer's key is of the type `{0}`, which this version does not take")]
    KeyType(KeyType),
    /// An eager client would have to prove more than its key.
    #[error("an eager client cannot be asked for another factor")]
    Eager,
}

/// A key type that the protocol knows and this version does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyType {
    /// An OpenSSH certificate.
    #[error("ssh-ed25519-cert-v01@openssh.com")]
    Certificate,
    /// A FIDO security key.
    #[error("sk-ssh-ed25519@openssh.com")]
    SecurityKey,
    /// A certificate over a FIDO security key.
    #[error("sk-ssh-ed25519-cert-v01@openssh.com")]
    SecurityKeyCertificate,
    /// Any other.
    #[error("unknown")]
    Other,
}

/// What a peer failed to prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unproved {
    /// The key is no valid Ed25519 key.
    #[error("its key is not a valid Ed25519 key")]
    Key,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// The peer's key is this side's own.
    #[error("its key is this side's own key")]
    OwnKey,
    /// The client wanted another server.
    #[error("it wants a server of another name")]
    Target,
}

/// How the stream was misused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// Data after `shutdown`.
    #[error("data was written after the stream was shut down")]
    AfterClose,
    /// An export under a label that the protocol keeps for itself.
    #[error("the export label `opaque` or `host key` is the protocol's own; choose another")]
    ReservedLabel,
    /// An export of more than 8,160 bytes, or with a label of more than 251.
    #[error("an export is at most 8,160 bytes long, its label at most 251")]
    ExportLength,
    /// A setting that the protocol cannot express.
    #[error("{0}")]
    Setting(&'static str),
    /// The connection has ended.
    #[error("the connection has ended")]
    Ended,
}

/// The reasons a server can give in the clear (Refusal).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// 1: version not supported.
    #[error("version not supported")]
    Version,
    /// 2: no AEAD in common.
    #[error("no cipher in common")]
    Aead,
    /// 3: post-quantum exchange required.
    #[error("it requires X25519 with ML-KEM-768")]
    PostQuantum,
    /// 4: malformed.
    #[error("it could not read this side's hello")]
    Malformed,
    /// 5: busy.
    #[error("it is busy; try again later")]
    Busy,
    /// 6: not allowed.
    #[error("not allowed from here")]
    NotAllowed,
    /// Any other code.
    #[error("code {0}")]
    Other(u8),
}

impl Refusal {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Version => 1,
            Self::Aead => 2,
            Self::PostQuantum => 3,
            Self::Malformed => 4,
            Self::Busy => 5,
            Self::NotAllowed => 6,
            Self::Other(code) => code,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Version,
            2 => Self::Aead,
            3 => Self::PostQuantum,
            4 => Self::Malformed,
            5 => Self::Busy,
            6 => Self::NotAllowed,
            other => Self::Other(other),
        }
    }
}

/// The codes of Error records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// 1: this side broke the protocol.
    Protocol,
    /// 2: permission denied.
    PermissionDenied,
    /// 3: timed out.
    TimedOut,
    /// 4: no application protocol in common.
    NoProtocol,
    /// 5: shutting down.
    ShuttingDown,
    /// 6: key revoked or certificate expired.
    Revoked,
    /// 7: another factor is needed, told to an eager client.
    FactorNeeded,
    /// 8: internal.
    Internal,
    /// 128 and up: the application's own.
    Application(u16),
    /// A code that this version does not know.
    Other(u16),
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Protocol => 1,
            Self::PermissionDenied => 2,
            Self::TimedOut => 3,
            Self::NoProtocol => 4,
            Self::ShuttingDown => 5,
            Self::Revoked => 6,
            Self::FactorNeeded => 7,
            Self::Internal => 8,
            Self::Application(code) | Self::Other(code) => code,
        }
    }

    /// The code of a number on the wire.
    #[must_use]
    pub const fn from_number(number: u16) -> Self {
        match number {
            1 => Self::Protocol,
            2 => Self::PermissionDenied,
            3 => Self::TimedOut,
            4 => Self::NoProtocol,
            5 => Self::ShuttingDown,
            6 => Self::Revoked,
            7 => Self::FactorNeeded,
            8 => Self::Internal,
            128.. => Self::Application(number),
            _ => Self::Other(number),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol => f.write_str("protocol error (1)"),
            Self::PermissionDenied => f.write_str("permission denied (2)"),
            Self::TimedOut => f.write_str("timed out (3)"),
            Self::NoProtocol => f.write_str("no application protocol in common (4)"),
            Self::ShuttingDown => f.write_str("shutting down (5)"),
            Self::Revoked => f.write_str("key revoked or certificate expired (6)"),
            Self::FactorNeeded => {
                f.write_str("another factor is needed (7); connect without eager")
            }
            Self::Internal => f.write_str("internal error (8)"),
            Self::Application(code) => write!(f, "the application's code {code}"),
            Self::Other(code) => write!(f, "code {code}"),
        }
    }
}

/// What a peer's Error record says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Farewell {
    /// Its code.
    pub code: ErrorCode,
    /// Its text, at most 255 bytes; often empty.
    pub text: String,
}

impl fmt::Display for Farewell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if !self.text.is_empty() {
            write!(f, ": {}", self.text.escape_debug())?;
        }
        Ok(())
    }
}

impl std::error::Error for Farewell {}
