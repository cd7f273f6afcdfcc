//! The handshake without I/O: one type per state, consumed by each step.
//!
//! ```text
//! client::start ─► AwaitServerHello ─► AwaitServerAuth ─► VerifyHost ─► AwaitWelcome ─► Established
//!                                                                         ▲      │
//!                                                                         └ AnswerPassword
//! server::hello ─► HelloRead ─► AwaitClientAuth ─► Authenticating ─► Established
//!                                                    ▲       │
//!                                                    └ AwaitResponse
//! ```
//!
//! A step takes one whole frame or record ([`hello_len`], [`record_len`] find where it ends) and
//! gives the next state, with the bytes to send. A failed step gives a [`Failure`]: what went
//! wrong, and the bytes, if any, that may still be sent before the stream is closed. The decision
//! whether to trust the peer is a state ([`client::VerifyHost`], [`server::Authenticating`]), so it
//! can take its time and cannot be left out.

pub mod client;
mod config;
pub(crate) mod fresh;
mod proof;
mod replay;
pub mod server;

pub use config::{ClientConfig, Exchange, Identities, ServerConfig, Target};
pub use fresh::{ClientFresh, ServerFresh};
pub use replay::Stealth;

use crate::crypto::Cipher;
use crate::error::{Error, ErrorCode, Farewell};
use crate::record::{Padding, RecordType, Sealer};
use crate::schedule::Exporter;
use crate::session::Session;
use crate::wire::frame;

/// A handshake that failed: why, and what may still be sent.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// What went wrong.
    pub error: Error,
    /// Bytes to send before the stream is closed; empty where the protocol asks for silence.
    pub farewell: Vec<u8>,
}

impl Failure {
    const fn silent(error: Error) -> Self {
        Self { error, farewell: Vec::new() }
    }

    fn told(error: Error, code: ErrorCode, sealer: &mut Sealer) -> Self {
        Self { error, farewell: farewell(code, sealer) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::silent(error)
    }
}

/// An Error record without text, padded as everything before Welcome is. Where it cannot be made
/// there is nothing to say.
fn farewell(code: ErrorCode, sealer: &mut Sealer) -> Vec<u8> {
    let mut content = Vec::new();
    let mut out = Vec::new();
    if Farewell::encode(code, "", &mut content).is_err()
        || sealer.seal(RecordType::Error, &content, Padding::AUTH, &mut out).is_err()
    {
        out.clear();
    }
    out
}

/// Seals one Auth record.
fn auth_record(sealer: &mut Sealer, message: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    sealer.seal(RecordType::Auth, message, Padding::AUTH, &mut out)?;
    Ok(out)
}

/// How many bytes the hello frame at the front of `bytes` has, once that can be told.
///
/// # Errors
///
/// The bytes are no hello of this protocol, or one with too long a body.
pub fn hello_len(bytes: &[u8]) -> Result<Option<usize>, Error> {
    Ok(frame::hello(bytes)?.map(|(_, len)| len))
}

/// How many bytes the record at the front of `bytes` has, once that can be told: at most 16,386
/// from a peer that is not authenticated yet. A server that awaits an answer to a question has a
/// client that is ([`server::AwaitResponse`]), and asks [`crate::session::record_len`].
///
/// # Errors
///
/// The length is outside the bounds of a peer that is not authenticated yet.
pub fn record_len(bytes: &[u8]) -> Result<Option<usize>, Error> {
    frame::record(bytes, crate::wire::MAX_EARLY_RECORD)
}

/// What the two sides agreed on in a handshake.
#[derive(Debug)]
#[non_exhaustive]
pub struct Established {
    /// Sends and receives from here on.
    pub session: Session,
    /// The application protocol chosen; empty for none.
    pub protocol: Vec<u8>,
    /// The AEAD of the records.
    pub cipher: Cipher,
    /// The exchange of keys that was run; never [`Exchange::PreferHybrid`].
    pub exchange: Exchange,
    pub(crate) exporter: Exporter,
}

impl Established {
    /// Fills `out` with a value that both ends of this connection share and nobody else knows.
    ///
    /// # Errors
    ///
    /// The label is reserved, or more than 8,160 bytes are asked for.
    pub fn export(&self, label: &str, context: &[u8], out: &mut [u8]) -> Result<(), Error> {
        self.exporter.export(label, context, out)
    }
}
