//! The client's states.

use std::sync::Arc;

use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::Profile;
use zeroize::Zeroizing;

use super::fresh::is_grease_aead;
use super::proof::{
    CLIENT_NAMESPACE, ProofHashes, ROTATE_NAMESPACE, SERVER_NAMESPACE, check_mac, check_signature,
    ended, finish_auth, hint_for, read_key, rotate_challenge, unexpected,
};
use super::{ClientConfig, ClientFresh, Established, Exchange, Failure, auth_record, farewell};
use crate::crypto::{Cipher, KemKey, X25519Secret};
use crate::error::{Error, ErrorCode, Incompatible, Malformed, Misbehaved, Misuse, Unproved};
use crate::key::{Identity, PublicKey, sshsig};
use crate::record::{MAX_CONTENT, Opener, Padding, RecordType, Sealer};
use crate::schedule::{Agreed, Exporter, Generation, HandshakeSecrets, Transcript};
use crate::session::{Role, Session};
use crate::wire::auth::{self, AuthRequest, ClientAuth, FromServer, ServerAuth, Welcome};
use crate::wire::frame::{self, HELLO_HEADER, HelloType};
use crate::wire::hello::{self, ClientHello, ServerHello};
use crate::wire::{HINT_LEN, HINTS, HINTS_LEN, MAX_PASSWORD};

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
    let kem = (config.exchange != Exchange::Classical).then(|| KemKey::from_seed(&fresh.kem));

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
        Ok((
            AwaitWelcome(Traffic {
                opener: Opener::new(self.cipher, &generation.server()?)?,
                sealer: Sealer::new(self.cipher, &generation.client()?)?,
                exporter: generation.exporter()?,
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

/// What a client has under the traffic keys before Welcome.
struct Traffic {
    config: Arc<ClientConfig>,
    cipher: Cipher,
    exchange: Exchange,
    generation: Generation,
    exporter: Exporter,
    opener: Opener,
    sealer: Sealer,
    requests: u8,
    closed: bool,
}

impl core::fmt::Debug for Traffic {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Traffic").field("cipher", &self.cipher).finish_non_exhaustive()
    }
}

/// ClientAuth is out.
#[derive(Debug)]
#[must_use]
pub struct AwaitWelcome(Traffic);

/// What the server wants next.
#[derive(Debug)]
pub enum Answer {
    /// A password.
    Password(Box<AnswerPassword>),
    /// Nothing more: the connection is there.
    Welcome(Box<Welcomed>),
}

/// The connection is there.
#[derive(Debug)]
#[non_exhaustive]
pub struct Welcomed {
    /// The connection.
    pub established: Established,
    /// Other host keys that the server proved to hold (docs/PROTOCOL.md, host_keys); none unless
    /// the server has several. A key without a good proof is left out.
    pub other_host_keys: Vec<PublicKey>,
}

impl AwaitWelcome {
    /// Seals Data that an eager client sends without waiting; gives the record to send.
    ///
    /// # Errors
    ///
    /// The client is not eager, the data is empty or longer than a record takes, or Close went
    /// before it.
    pub fn eager_data(&mut self, data: &[u8]) -> Result<Vec<u8>, Error> {
        let traffic = &mut self.0;
        if traffic.closed {
            return Err(Error::Misuse(Misuse::AfterClose));
        }
        if !traffic.config.eager || data.is_empty() || data.len() > MAX_CONTENT {
            return Err(Error::Misuse(Misuse::Setting(
                "before Welcome an eager client may send 1 to 65,518 bytes at a time",
            )));
        }
        let mut out = Vec::new();
        traffic.sealer.seal(RecordType::Data, data, Padding::None, &mut out)?;
        Ok(out)
    }

    /// Seals the Close of an eager client that has no more to say; gives the record to send.
    ///
    /// # Errors
    ///
    /// The client is not eager, or Close went before.
    pub fn eager_close(&mut self) -> Result<Vec<u8>, Error> {
        let traffic = &mut self.0;
        if traffic.closed {
            return Err(Error::Misuse(Misuse::AfterClose));
        }
        if !traffic.config.eager {
            return Err(Error::Misuse(Misuse::Setting(
                "before Welcome only an eager client may send Close",
            )));
        }
        let mut out = Vec::new();
        traffic.sealer.seal(RecordType::Close, &[], Padding::None, &mut out)?;
        traffic.closed = true;
        Ok(out)
    }

    /// Reads one record of the server's: AuthRequest, Welcome or Error.
    ///
    /// # Errors
    ///
    /// The farewell is Error 1, or Error 2 for a factor that this version does not know; none
    /// when the server itself ended the connection.
    pub fn read(mut self, record: &mut [u8]) -> Result<Answer, Failure> {
        let opened = match self.0.opener.open(record) {
            Ok(opened) => opened,
            Err(error) => return Err(self.0.fail(error, ErrorCode::Protocol)),
        };
        let fault = match opened.kind {
            RecordType::Auth => match FromServer::decode(opened.content) {
                Ok(FromServer::Request(request)) => return self.0.request(request),
                Ok(FromServer::Welcome(welcome)) => return self.0.welcome(welcome),
                Err(cause) => Error::malformed("Auth", cause),
            },
            RecordType::Error => match ended(opened.content) {
                error @ Error::Ended(_) => return Err(Failure::silent(error)),
                malformed => malformed,
            },
            other => unexpected(other, "awaiting Welcome"),
        };
        Err(self.0.fail(fault, ErrorCode::Protocol))
    }

    /// Ends the handshake, after a deadline or at the caller's wish: gives the Error to send.
    #[must_use]
    pub fn abandon(mut self, code: ErrorCode) -> Vec<u8> {
        farewell(code, &mut self.0.sealer)
    }
}

impl Traffic {
    fn fail(mut self, error: Error, code: ErrorCode) -> Failure {
        Failure::told(error, code, &mut self.sealer)
    }

    fn request(mut self, request: AuthRequest<'_>) -> Result<Answer, Failure> {
        const MAX_REQUESTS: u8 = 8;
        let protocol = |fault| Error::Misbehaved(fault);
        if self.config.eager {
            let fault =
                Misbehaved::Unexpected { got: "AuthRequest", state: "eager, awaiting Welcome" };
            return Err(self.fail(protocol(fault), ErrorCode::Protocol));
        }
        self.requests = self.requests.saturating_add(1);
        if self.requests > MAX_REQUESTS {
            let fault = Misbehaved::TooMany("requests for another factor");
            return Err(self.fail(protocol(fault), ErrorCode::Protocol));
        }
        match request {
            AuthRequest::Password(prompt) => {
                let prompt = prompt.to_owned();
                Ok(Answer::Password(Box::new(AnswerPassword { traffic: self, prompt })))
            }
            AuthRequest::Unknown => {
                let error =
                    Error::Denied("the server asks for a factor unknown to this version".into());
                Err(self.fail(error, ErrorCode::PermissionDenied))
            }
        }
    }

    fn welcome(self, welcome: Welcome<'_>) -> Result<Answer, Failure> {
        let chosen = welcome.protocol;
        if !chosen.is_empty() && !self.config.protocols.iter().any(|name| name == chosen) {
            let fault = Misbehaved::NotOffered("an application protocol");
            return Err(self.fail(Error::Misbehaved(fault), ErrorCode::Protocol));
        }
        let other_host_keys = proved_host_keys(&welcome, &self.exporter);
        let protocol = chosen.to_owned();
        let session = Session::new(
            Role::Client,
            self.cipher,
            self.exchange == Exchange::Hybrid,
            self.generation,
            self.sealer,
            self.opener,
        );
        let established = Established {
            session: if self.closed { session.closed_early() } else { session },
            protocol,
            cipher: self.cipher,
            exchange: self.exchange,
            exporter: self.exporter,
        };
        Ok(Answer::Welcome(Box::new(Welcomed { established, other_host_keys })))
    }
}

/// The server's other host keys, as far as they are proved. One that is not is passed over: most
/// clients ignore all of them, so it cannot end a connection.
fn proved_host_keys(welcome: &Welcome<'_>, exporter: &Exporter) -> Vec<PublicKey> {
    let proved = |(blob, signature): (&[u8], &[u8])| {
        let key = read_key(blob).ok()?;
        let challenge = rotate_challenge(exporter, blob).ok()?;
        let signature = sshsig::parse_signature_blob(signature).ok()?;
        let signed = sshsig::signed_data(ROTATE_NAMESPACE, challenge.expose());
        key.verify(&signed, &signature).is_ok().then_some(key)
    };
    welcome.host_keys().filter_map(proved).collect()
}

/// The server wants a password.
#[derive(Debug)]
#[must_use]
pub struct AnswerPassword {
    traffic: Traffic,
    prompt: String,
}

impl AnswerPassword {
    /// The server's words, to be shown behind the client's own, which name login and host.
    #[must_use]
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// Answers; the password is prepared as an OpaqueString (RFC 8265). Gives the record to send.
    ///
    /// # Errors
    ///
    /// The password is empty, longer than 1,024 bytes, or holds control characters.
    pub fn answer(mut self, password: &str) -> Result<(AwaitWelcome, Vec<u8>), Failure> {
        let prepared = Zeroizing::new(
            OpaqueString::new().enforce(password).map(|text| text.into_owned()).unwrap_or_default(),
        );
        if prepared.is_empty() || prepared.len() > MAX_PASSWORD {
            let error = Error::Denied(
                "a password is 1 to 1,024 bytes long, without control characters".into(),
            );
            return Err(self.traffic.fail(error, ErrorCode::PermissionDenied));
        }
        let mut message = Zeroizing::new(Vec::with_capacity(MAX_PASSWORD + 4));
        auth::encode_password(&mut message, &prepared)?;
        let out = auth_record(&mut self.traffic.sealer, &message)?;
        Ok((AwaitWelcome(self.traffic), out))
    }

    /// Declines: gives the Error 2 to send.
    #[must_use]
    pub fn decline(mut self) -> Vec<u8> {
        farewell(ErrorCode::PermissionDenied, &mut self.traffic.sealer)
    }
}
