//! The client's states.

mod welcome;

pub use welcome::{Answer, AnswerPassword, AwaitWelcome, Welcomed};

use std::sync::Arc;

use super::fresh::is_grease_aead;
use super::proof::{
    CLIENT_NAMESPACE, ProofHashes, SERVER_NAMESPACE, check_mac, check_signature, ended,
    finish_auth, hint_for, unexpected,
};
use super::{ClientConfig, ClientFresh, Exchange, Failure, auth_record, farewell};
use crate::crypto::{Cipher, KemKey, X25519Secret};
use crate::error::{Error, ErrorCode, Incompatible, Malformed, Misbehaved, Unproved};
use crate::key::{Identity, PublicKey, sshsig};
use crate::record::{Opener, RecordType, Sealer};
use crate::schedule::{Agreed, HandshakeSecrets, Transcript};
use crate::wire::auth::{ClientAuth, ServerAuth};
use crate::wire::frame::{self, HELLO_HEADER, HelloType};
use crate::wire::hello::{self, ClientHello, ServerHello};
use crate::wire::{HINT_LEN, HINTS, HINTS_LEN};
use welcome::Traffic;

/// Begins: gives the ClientHello to send.
///
/// # Errors
///
/// [`Error::Misuse`]: the settings are not ones that the protocol can express.
pub fn start(
    config: Arc<ClientConfig>,
    fresh: ClientFresh,
) -> Result<(AwaitServerHello, Vec<u8>), Error> {
    config.check()?;
    let x25519 = X25519Secret::from_bytes(fresh.x25519);
    let share = x25519.public();
    let kem = (config.exchange != Exchange::Classical).then(|| KemKey::generate(&fresh.kem));

    let mut aeads: Vec<u8> = config.ciphers.iter().map(|cipher| cipher.id()).collect();
    let places = aeads.len().saturating_add(1);
    aeads.insert(fresh.grease.aead_place.checked_rem(places).unwrap_or(0), fresh.grease.aead);

    let mut hints = fresh.fillers;
    for (key, place) in config.expected.iter().take(HINTS).zip(fresh.places) {
        if let Some(hint) = hints.get_mut(place) {
            *hint = hint_for(&key.blob(), &fresh.random, &share);
        }
    }
    let mut all_hints = [0; HINTS_LEN];
    for (to, from) in all_hints.chunks_exact_mut(HINT_LEN).zip(&hints) {
        to.copy_from_slice(from);
    }

    let hello = ClientHello {
        random: &fresh.random,
        x25519: &share,
        aeads: &aeads,
        mlkem: kem.as_ref().map(KemKey::encapsulation_key),
        hints: Some(&all_hints),
        server_name: config.server_name.as_deref(),
        grease: Some((fresh.grease.extension, fresh.grease.body())),
    };
    let mut out = Vec::new();
    hello.encode(&mut out)?;
    let mut transcript = Transcript::new(&config.prologue)?;
    transcript.add(&out);
    Ok((AwaitServerHello { config, x25519, kem, transcript }, out))
}

/// The ClientHello is out.
#[derive(Debug)]
#[must_use]
pub struct AwaitServerHello {
    config: Arc<ClientConfig>,
    x25519: X25519Secret,
    kem: Option<KemKey>,
    transcript: Transcript,
}

impl AwaitServerHello {
    /// Reads the server's frame: ServerHello or Refusal. What stands behind it is not looked at.
    ///
    /// # Errors
    ///
    /// Whatever is wrong, the client ends without a word.
    pub fn read(self, bytes: &[u8]) -> Result<AwaitServerAuth, Error> {
        const SHORT: Error = Error::malformed("ServerHello", Malformed::Short("the frame"));
        let (kind, len) = frame::hello(bytes)?.ok_or(SHORT)?;
        let bytes = bytes.get(..len).ok_or(SHORT)?;
        let body = bytes.get(HELLO_HEADER..).unwrap_or_default();
        match kind {
            HelloType::Server => self.server_hello(bytes, body),
            HelloType::Refusal => Err(hello::decode_refusal(body)
                .map_or_else(|cause| Error::malformed("Refusal", cause), Error::Refused)),
            HelloType::Client => Err(Error::Misbehaved(Misbehaved::Unexpected {
                got: "ClientHello",
                state: "awaiting ServerHello",
            })),
        }
    }

    fn server_hello(mut self, bytes: &[u8], body: &[u8]) -> Result<AwaitServerAuth, Error> {
        let hello = ServerHello::decode(body, self.kem.is_some())?;
        let cipher = Cipher::from_id(hello.aead)
            .filter(|cipher| !is_grease_aead(hello.aead) && self.config.ciphers.contains(cipher))
            .ok_or(Error::Misbehaved(Misbehaved::NotOffered("a cipher")))?;
        if hello.mlkem.is_none() && self.config.exchange == Exchange::Hybrid {
            return Err(Error::Incompatible(Incompatible::PostQuantum));
        }
        let mlkem = match (&self.kem, hello.mlkem) {
            (Some(kem), Some(ciphertext)) => Some(
                kem.decapsulate(ciphertext).map_err(|_| Error::Misbehaved(Misbehaved::KeyShare))?,
            ),
            _ => None,
        };
        let exchange = if mlkem.is_some() { Exchange::Hybrid } else { Exchange::Classical };
        let x25519 =
            self.x25519.agree(hello.x25519).map_err(|_| Error::Misbehaved(Misbehaved::KeyShare))?;
        self.transcript.add(bytes);
        let secrets = HandshakeSecrets::derive(&Agreed { mlkem, x25519 }, &self.transcript.hash())?;
        Ok(AwaitServerAuth {
            opener: Opener::new(cipher, &secrets.server)?,
            sealer: Sealer::new(cipher, &secrets.client)?,
            config: self.config,
            cipher,
            exchange,
            secrets,
            transcript: self.transcript,
        })
    }
}

/// The handshake keys are there.
#[derive(Debug)]
#[must_use]
pub struct AwaitServerAuth {
    config: Arc<ClientConfig>,
    cipher: Cipher,
    exchange: Exchange,
    secrets: HandshakeSecrets,
    transcript: Transcript,
    opener: Opener,
    sealer: Sealer,
}

impl AwaitServerAuth {
    /// Reads ServerAuth: decryption, form and MAC, then the key and its signature.
    ///
    /// # Errors
    ///
    /// The farewell is Error 1 for a wrong form or MAC, Error 2 for a wrong key or signature.
    pub fn read(mut self, record: &mut [u8]) -> Result<VerifyHost, Failure> {
        match self.check(record) {
            Ok(host_key) => Ok(VerifyHost {
                config: self.config,
                cipher: self.cipher,
                exchange: self.exchange,
                secrets: self.secrets,
                transcript: self.transcript,
                sealer: self.sealer,
                host_key,
            }),
            Err(error) => {
                let code = match error {
                    Error::Ended(_) => return Err(Failure::silent(error)),
                    Error::Unproved(_) | Error::Incompatible(_) => ErrorCode::PermissionDenied,
                    _ => ErrorCode::Protocol,
                };
                Err(Failure::told(error, code, &mut self.sealer))
            }
        }
    }

    fn check(&mut self, record: &mut [u8]) -> Result<PublicKey, Error> {
        let opened = self.opener.open(record)?;
        match opened.kind {
            RecordType::Auth => {}
            RecordType::Error => return Err(ended(opened.content)),
            other => return Err(unexpected(other, "awaiting ServerAuth")),
        }
        let message = &*opened.content;
        let proof = ServerAuth::decode(message)
            .map_err(|cause| Error::malformed("ServerAuth", cause))?
            .proof;
        let th = ProofHashes::add(&mut self.transcript, message, &proof);
        check_mac(&self.secrets.server, &th, &proof)?;
        check_signature(&proof, SERVER_NAMESPACE, &th.signed)
    }
}

/// The server proved a host key; whether to trust it is for the caller to say. Until then nothing
/// of the client was revealed.
#[derive(Debug)]
#[must_use]
pub struct VerifyHost {
    config: Arc<ClientConfig>,
    cipher: Cipher,
    exchange: Exchange,
    secrets: HandshakeSecrets,
    transcript: Transcript,
    sealer: Sealer,
    host_key: PublicKey,
}

impl VerifyHost {
    /// The key that the server proved to hold.
    #[must_use]
    pub const fn host_key(&self) -> &PublicKey {
        &self.host_key
    }

    /// Ends the handshake: gives the Error 2 to send.
    #[must_use]
    pub fn reject(mut self) -> Vec<u8> {
        farewell(ErrorCode::PermissionDenied, &mut self.sealer)
    }

    /// Goes on with a server that is trusted: proves `identity`, or nothing, and gives the
    /// ClientAuth to send.
    ///
    /// # Errors
    ///
    /// [`Unproved::OwnKey`]: the host key is the client's own.
    pub fn trust(
        mut self,
        identity: Option<&Identity>,
    ) -> Result<(AwaitWelcome, Vec<u8>), Failure> {
        if identity.is_some_and(|identity| *identity.public_key() == self.host_key) {
            let error = Error::Unproved(Unproved::OwnKey);
            return Err(Failure::told(error, ErrorCode::PermissionDenied, &mut self.sealer));
        }
        let config = &self.config;
        let blob = identity.map(|identity| identity.public_key().blob());
        let mut message = Vec::new();
        ClientAuth::encode_signed(
            &mut message,
            config.eager,
            &config.login,
            &config.protocols,
            blob.as_ref().map_or(&[][..], |blob| &blob[..]),
            (&config.target.name, config.target.port),
        )?;
        finish_auth(&mut self.transcript, &mut message, &self.secrets.client, |th| {
            identity.map(|identity| {
                sshsig::signature_blob(&identity.sign(&sshsig::signed_data(CLIENT_NAMESPACE, th)))
            })
        })?;
        let out = auth_record(&mut self.sealer, &message)?;
        let generation = self.secrets.into_generation(self.transcript.hash());
        let traffic = generation.traffic()?;
        let opener = Opener::new(self.cipher, &traffic.server()?)?;
        let sealer = Sealer::new(self.cipher, &traffic.client()?)?;
        let exporter = traffic.exporter()?;
        Ok((
            AwaitWelcome::new(Traffic {
                opener,
                sealer,
                exporter,
                generation,
                config: self.config,
                cipher: self.cipher,
                exchange: self.exchange,
                requests: 0,
                closed: false,
            }),
            out,
        ))
    }
}
