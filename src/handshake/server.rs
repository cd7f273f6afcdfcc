//! The server's states.

mod authenticating;
mod hello;

pub use authenticating::{Authenticating, AwaitResponse, Claims};
pub use hello::HelloRead;

use std::sync::Arc;

use super::proof::{CLIENT_NAMESPACE, ProofHashes, check_mac, check_signature, ended, unexpected};
use super::{Exchange, Failure, ServerConfig, Target};
use crate::crypto::Cipher;
use crate::error::{Error, ErrorCode, Misbehaved, Refusal, Unproved};
use crate::key::{Identity, PublicKey};
use crate::record::{Opener, RecordType, Sealer};
use crate::schedule::{HandshakeSecrets, Transcript};
use crate::wire::auth::ClientAuth;
use crate::wire::hello as wire;

/// A hello that was not taken: why, and the Refusal, if any, that says so.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refused {
    /// What is wrong.
    pub error: Error,
    /// What to answer; nothing where the protocol asks for silence.
    pub refusal: Option<Refusal>,
}

impl Refused {
    const fn new(error: Error, refusal: Refusal) -> Self {
        Self { error, refusal: Some(refusal) }
    }

    /// The frame to send; empty for silence.
    #[must_use]
    pub fn frame(&self) -> Vec<u8> {
        self.refusal.map(|code| wire::refusal(code).to_vec()).unwrap_or_default()
    }

    /// A stealth server says nothing, whatever is wrong.
    fn silence_if_stealth(mut self, config: &ServerConfig) -> Self {
        if config.stealth.is_some() {
            self.refusal = None;
        }
        self
    }

    /// What bytes that frame no hello deserve ([`super::hello_len`] says what is wrong).
    #[must_use]
    pub fn unframed(config: &ServerConfig, error: Error) -> Self {
        let refusal = match &error {
            Error::Misbehaved(Misbehaved::Version(_)) => Some(Refusal::Version),
            Error::Malformed { message: "ClientHello", .. } => Some(Refusal::Malformed),
            _ => None,
        };
        Self { error, refusal }.silence_if_stealth(config)
    }
}

/// A Refusal's frame, for servers that refuse without having read a hello: those that are busy.
#[must_use]
pub fn refusal(code: Refusal) -> Vec<u8> {
    wire::refusal(code).to_vec()
}

/// Reads a ClientHello, checks it, and chooses cipher and host key. No public-key work is done.
///
/// # Errors
///
/// Refusal 4 for a malformed body, 2 without a cipher in common, 3 where ML-KEM is required and
/// not offered; silence for another frame, and for everything at a stealth server.
pub fn hello(config: &Arc<ServerConfig>, bytes: &[u8]) -> Result<HelloRead, Refused> {
    HelloRead::new(Arc::clone(config), bytes).map_err(|refused| refused.silence_if_stealth(config))
}

/// ServerHello and ServerAuth are out; until ClientAuth is verified the server is silent.
#[derive(Debug)]
#[must_use]
pub struct AwaitClientAuth {
    config: Arc<ServerConfig>,
    cipher: Cipher,
    exchange: Exchange,
    host_key: PublicKey,
    other_host_keys: Vec<Identity>,
    secrets: HandshakeSecrets,
    transcript: Transcript,
    opener: Opener,
}

impl AwaitClientAuth {
    /// Reads ClientAuth: decryption, form and MAC, then the key and its signature.
    ///
    /// # Errors
    ///
    /// Silence for a record that does not decrypt, or whose form or MAC is wrong; the farewell is
    /// Error 2 for an unknown key type, a bad point, the server's own key, a foreign target or a
    /// wrong signature.
    pub fn read(mut self, record: &mut [u8]) -> Result<Authenticating, Failure> {
        let opened = self.opener.open(record)?;
        match opened.kind {
            RecordType::Auth => {}
            RecordType::Error => return Err(ended(opened.content).into()),
            other => return Err(unexpected(other, "awaiting ClientAuth").into()),
        }
        let message = &*opened.content;
        let claims =
            ClientAuth::decode(message).map_err(|cause| Error::malformed("ClientAuth", cause))?;
        let proof = claims.proof;
        let th = ProofHashes::add(&mut self.transcript, message, &proof);
        check_mac(&self.secrets.client, &th, &proof)?;

        let generation = self.secrets.into_generation(self.transcript.hash());
        let traffic = generation.traffic()?;
        let mut sealer = Sealer::new(self.cipher, &traffic.server()?)?;
        let opener = Opener::new(self.cipher, &traffic.client()?)?;
        let exporter = traffic.exporter()?;
        let key = match identify(&self.config, &claims, &th.signed) {
            Ok(key) => key,
            Err(error) => {
                return Err(Failure::told(error, ErrorCode::PermissionDenied, &mut sealer));
            }
        };
        Ok(Authenticating {
            claims: Claims {
                key,
                login: claims.login.to_owned(),
                protocols: claims.protocols.iter().map(<[u8]>::to_vec).collect(),
                target: Target { name: claims.target.0.to_owned(), port: claims.target.1 },
                eager: claims.eager,
            },
            requests: 0,
            config: self.config,
            cipher: self.cipher,
            exchange: self.exchange,
            host_key: self.host_key,
            other_host_keys: self.other_host_keys,
            generation,
            exporter,
            opener,
            sealer,
        })
    }
}

/// What is judged once the MAC has shown that the client's words are whole.
fn identify(
    config: &ServerConfig,
    claims: &ClientAuth<'_>,
    th: &[u8; 32],
) -> Result<Option<PublicKey>, Error> {
    let key = if claims.proof.key.is_empty() {
        None
    } else {
        Some(check_signature(&claims.proof, CLIENT_NAMESPACE, th)?)
    };
    if let Some(key) = &key
        && config.identities.iter().any(|identity| identity.public_key() == key)
    {
        return Err(Error::Unproved(Unproved::OwnKey));
    }
    if !config.names.is_empty() && !config.names.iter().any(|name| name == claims.target.0) {
        return Err(Error::Unproved(Unproved::Target));
    }
    Ok(key)
}
