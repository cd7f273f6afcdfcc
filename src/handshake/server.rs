//! The server's states.

use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::proof::{
    CLIENT_NAMESPACE, ProofHashes, ROTATE_NAMESPACE, SERVER_NAMESPACE, check_mac, check_signature,
    ended, finish_auth, hint_for, rotate_challenge, unexpected,
};
use super::{
    Established, Exchange, Failure, ServerConfig, ServerFresh, Target, auth_record, farewell,
};
use crate::crypto::{Cipher, X25519Secret, encapsulate};
use crate::error::{
    Error, ErrorCode, Incompatible, Malformed, Misbehaved, Misuse, Refusal, Unproved,
};
use crate::key::{Identity, PublicKey, sshsig};
use crate::record::{Opener, RecordType, Sealer};
use crate::schedule::{Agreed, Exporter, Generation, HandshakeSecrets, Transcript};
use crate::session::{Role, Session};
use crate::wire::auth::{self, AuthRequest, ClientAuth, ServerAuth, Welcome};
use crate::wire::frame::{self, HELLO_HEADER, HelloType};
use crate::wire::hello::{self, ClientHello, ServerHello};
use crate::wire::{HINT_LEN, HINTS_LEN, KEM_KEY_LEN, MAX_HOST_KEYS, text};

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
        self.refusal.map(|code| hello::refusal(code).to_vec()).unwrap_or_default()
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
    hello::refusal(code).to_vec()
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

/// A ClientHello that can be answered.
#[derive(Debug)]
#[must_use]
pub struct HelloRead {
    config: Arc<ServerConfig>,
    cipher: Cipher,
    identity: Identity,
    other_host_keys: Vec<Identity>,
    x25519: [u8; 32],
    mlkem: Option<Box<[u8; KEM_KEY_LEN]>>,
    transcript: Transcript,
}

impl HelloRead {
    fn new(config: Arc<ServerConfig>, bytes: &[u8]) -> Result<Self, Refused> {
        let malformed =
            |cause| Refused::new(Error::malformed("ClientHello", cause), Refusal::Malformed);
        let (kind, len) = frame::hello(bytes)
            .map_err(|error| Refused::unframed(&config, error))?
            .ok_or_else(|| malformed(Malformed::Short("the frame")))?;
        if kind != HelloType::Client {
            let got = kind.name();
            let fault = Misbehaved::Unexpected { got, state: "awaiting ClientHello" };
            return Err(Refused { error: Error::Misbehaved(fault), refusal: None });
        }
        let bytes = bytes.get(..len).ok_or_else(|| malformed(Malformed::Short("the frame")))?;
        let hello = ClientHello::decode(bytes.get(HELLO_HEADER..).unwrap_or_default())
            .map_err(malformed)?;
        let (identity, others) = Self::choose_identity(&config, &hello)?;
        let other_host_keys = match config.stealth {
            Some(_) => Vec::new(),
            None => other_keys(identity, &others),
        };
        let identity = identity.clone();

        let cipher = config.ciphers.iter().copied().find(|c| hello.aeads.contains(&c.id()));
        let cipher = cipher
            .ok_or_else(|| Refused::new(Error::Incompatible(Incompatible::Aead), Refusal::Aead))?;
        let mlkem = match (config.exchange, hello.mlkem) {
            (Exchange::Hybrid, None) => {
                let error = Error::Incompatible(Incompatible::PostQuantum);
                return Err(Refused::new(error, Refusal::PostQuantum));
            }
            (Exchange::Classical, _) => None,
            (_, key) => key.map(|key| Box::new(*key)),
        };
        let mut transcript =
            Transcript::new(&config.prologue).map_err(|error| Refused { error, refusal: None })?;
        transcript.add(bytes);
        Ok(Self {
            cipher,
            identity,
            other_host_keys,
            x25519: *hello.x25519,
            mlkem,
            transcript,
            config,
        })
    }

    /// The first key, in the server's order, that a hint names; else the set's default, or, of a
    /// stealth server, none. Also gives the rest of the set.
    fn choose_identity<'a>(
        config: &'a ServerConfig,
        hello: &ClientHello<'_>,
    ) -> Result<(&'a Identity, Vec<&'a Identity>), Refused> {
        let mut set = config.identities.set(hello.server_name);
        let hinted = set.iter().position(|identity| {
            let blob = identity.public_key().blob();
            let hint = hint_for(&blob, hello.random, hello.x25519);
            hello.hints.is_some_and(|hints| names(hints, &hint))
        });
        let hinted = match &config.stealth {
            Some(memory) => hinted.filter(|_| memory.first_use(hello.random)),
            None => hinted.or(Some(0)),
        };
        match hinted {
            Some(at) if at < set.len() => {
                let chosen = set.remove(at);
                Ok((chosen, set))
            }
            _ => {
                let error = Error::Denied("the hello names no key of this stealth server".into());
                Err(Refused { error, refusal: None })
            }
        }
    }

    /// Refuses before any key operation: the frame to send. A stealth server sends nothing.
    #[must_use]
    pub fn refuse(self, refusal: Refusal) -> Vec<u8> {
        match self.config.stealth {
            Some(_) => Vec::new(),
            None => hello::refusal(refusal).to_vec(),
        }
    }

    /// Runs the exchange of keys: gives ServerHello and ServerAuth to send.
    ///
    /// # Errors
    ///
    /// Refusal 4: the client's shares yield no secret.
    pub fn accept(self, fresh: ServerFresh) -> Result<(AwaitClientAuth, Vec<u8>), Refused> {
        let config = Arc::clone(&self.config);
        self.run(fresh).map_err(|error| {
            let refusal = matches!(error, Error::Misbehaved(Misbehaved::KeyShare))
                .then_some(Refusal::Malformed);
            Refused { error, refusal }.silence_if_stealth(&config)
        })
    }

    fn run(mut self, fresh: ServerFresh) -> Result<(AwaitClientAuth, Vec<u8>), Error> {
        const UNUSABLE: Error = Error::Misbehaved(Misbehaved::KeyShare);
        let x25519 = X25519Secret::from_bytes(fresh.x25519);
        let share = x25519.public();
        let agreed = x25519.agree(&self.x25519).map_err(|_| UNUSABLE)?;
        let kem = match &self.mlkem {
            Some(key) => Some(encapsulate(key, &fresh.kem).map_err(|_| UNUSABLE)?),
            None => None,
        };
        let (ciphertext, mlkem) = match kem {
            Some((ciphertext, secret)) => (Some(ciphertext), Some(secret)),
            None => (None, None),
        };
        let exchange = if mlkem.is_some() { Exchange::Hybrid } else { Exchange::Classical };
        let mut out = Vec::with_capacity(2048);
        ServerHello {
            random: &fresh.random,
            x25519: &share,
            aead: self.cipher.id(),
            mlkem: ciphertext.as_ref(),
        }
        .encode(&mut out)?;
        self.transcript.add(&out);
        let secrets =
            HandshakeSecrets::derive(&Agreed { mlkem, x25519: agreed }, &self.transcript.hash())?;
        let mut sealer = Sealer::new(self.cipher, &secrets.server)?;
        let opener = Opener::new(self.cipher, &secrets.client)?;

        let mut message = Vec::with_capacity(512);
        ServerAuth::encode_signed(&mut message, &self.identity.public_key().blob())?;
        finish_auth(&mut self.transcript, &mut message, &secrets.server, |th| {
            let signed = sshsig::signed_data(SERVER_NAMESPACE, th);
            Some(sshsig::signature_blob(&self.identity.sign(&signed)))
        })?;
        out.extend_from_slice(&auth_record(&mut sealer, &message)?);
        Ok((
            AwaitClientAuth {
                config: self.config,
                cipher: self.cipher,
                exchange,
                other_host_keys: self.other_host_keys,
                secrets,
                transcript: self.transcript,
                opener,
            },
            out,
        ))
    }
}

/// The other keys of a set, each once: a key may stand under several names.
fn other_keys(chosen: &Identity, set: &[&Identity]) -> Vec<Identity> {
    let mut out: Vec<Identity> = Vec::new();
    for &identity in set {
        let key = identity.public_key();
        let known = core::iter::once(chosen).chain(&out).any(|known| known.public_key() == key);
        if !known && out.len() < MAX_HOST_KEYS {
            out.push(identity.clone());
        }
    }
    out
}

/// Whether any of the hints is this one. All are compared, each in constant time.
fn names(hints: &[u8; HINTS_LEN], hint: &[u8; HINT_LEN]) -> bool {
    let any = hints
        .chunks_exact(HINT_LEN)
        .fold(subtle::Choice::from(0), |any, candidate| any | candidate.ct_eq(hint));
    any.into()
}

/// ServerHello and ServerAuth are out; until ClientAuth is verified the server is silent.
#[derive(Debug)]
#[must_use]
pub struct AwaitClientAuth {
    config: Arc<ServerConfig>,
    cipher: Cipher,
    exchange: Exchange,
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
        let mut sealer = Sealer::new(self.cipher, &generation.server()?)?;
        let opener = Opener::new(self.cipher, &generation.client()?)?;
        let exporter = generation.exporter()?;
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

/// What a client said, and the key that it proved.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Claims {
    /// The key that it proved to hold; none if it proved nothing.
    pub key: Option<PublicKey>,
    /// Who it says it is; empty for nobody. Nothing vouches for it by itself.
    pub login: String,
    /// The application protocols that it named, its favourite first.
    pub protocols: Vec<Vec<u8>>,
    /// The host that it wanted.
    pub target: Target,
    /// Whether it sends Data without waiting; then it cannot be asked for another factor.
    pub eager: bool,
}

/// The client's words are whole and its key, if any, is proved; whether to admit it is for the
/// caller to say. Nothing more is read meanwhile.
#[must_use]
pub struct Authenticating {
    config: Arc<ServerConfig>,
    cipher: Cipher,
    exchange: Exchange,
    other_host_keys: Vec<Identity>,
    claims: Claims,
    requests: u8,
    generation: Generation,
    exporter: Exporter,
    opener: Opener,
    sealer: Sealer,
}

impl core::fmt::Debug for Authenticating {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Authenticating").field("claims", &self.claims).finish_non_exhaustive()
    }
}

impl Authenticating {
    /// What the client said and proved.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Asks for a password: gives the AuthRequest to send.
    ///
    /// # Errors
    ///
    /// [`Misuse`]: the prompt is longer than 255 bytes or no text, eight requests went before, or
    /// the client is eager and cannot be asked.
    pub fn ask_password(mut self, prompt: &str) -> Result<(AwaitResponse, Vec<u8>), Error> {
        const MAX_REQUESTS: u8 = 8;
        let setting = |text| Err(Error::Misuse(Misuse::Setting(text)));
        if self.claims.eager {
            return Err(Error::Incompatible(Incompatible::Eager));
        }
        if prompt.len() > auth::MAX_PROMPT || !text::is_plain(prompt) {
            return setting("a prompt is at most 255 bytes without control characters");
        }
        if self.requests >= MAX_REQUESTS {
            return setting("a client can be asked for at most 8 factors");
        }
        self.requests = self.requests.saturating_add(1);
        let mut message = Vec::new();
        AuthRequest::encode_password(&mut message, prompt)?;
        let out = auth_record(&mut self.sealer, &message)?;
        Ok((AwaitResponse(self), out))
    }

    /// Refuses: gives the Error to send, without text.
    #[must_use]
    pub fn refuse(mut self, code: ErrorCode) -> Vec<u8> {
        farewell(code, &mut self.sealer)
    }

    /// Admits: chooses the application protocol and gives Welcome to send.
    ///
    /// # Errors
    ///
    /// The farewell is Error 4: both sides name application protocols and share none.
    pub fn welcome(mut self) -> Result<(Established, Vec<u8>), Failure> {
        let ours = &self.config.protocols;
        let theirs = &self.claims.protocols;
        let protocol = match ours.iter().find(|name| theirs.contains(name)) {
            Some(name) => name.clone(),
            None if ours.is_empty() || theirs.is_empty() => Vec::new(),
            None => {
                let error = Error::Incompatible(Incompatible::Protocol);
                return Err(Failure::told(error, ErrorCode::NoProtocol, &mut self.sealer));
            }
        };
        let mut host_keys = Vec::new();
        for identity in &self.other_host_keys {
            let blob = identity.public_key().blob();
            let challenge = rotate_challenge(&self.exporter, &blob)?;
            let signed = sshsig::signed_data(ROTATE_NAMESPACE, challenge.expose());
            let signature = sshsig::signature_blob(&identity.sign(&signed));
            host_keys.push((blob.to_vec(), signature.to_vec()));
        }
        let mut message = Vec::new();
        Welcome::encode(&mut message, &protocol, &host_keys)?;
        let out = auth_record(&mut self.sealer, &message)?;
        let established = Established {
            session: Session::new(
                Role::Server,
                self.cipher,
                self.exchange == Exchange::Hybrid,
                self.generation,
                self.sealer,
                self.opener,
            ),
            protocol,
            cipher: self.cipher,
            exchange: self.exchange,
            exporter: self.exporter,
        };
        Ok((established, out))
    }
}

/// A password was asked for.
#[derive(Debug)]
#[must_use]
pub struct AwaitResponse(Authenticating);

impl AwaitResponse {
    /// Reads the answer: the password, prepared as the client prepared it.
    ///
    /// # Errors
    ///
    /// The farewell is Error 1 for anything but the answer asked for; none when the client itself
    /// ended the connection.
    pub fn read(
        mut self,
        record: &mut [u8],
    ) -> Result<(Authenticating, Zeroizing<String>), Failure> {
        match self.check(record) {
            Ok(password) => Ok((self.0, password)),
            Err(error @ Error::Ended(_)) => Err(Failure::silent(error)),
            Err(error) => Err(Failure::told(error, ErrorCode::Protocol, &mut self.0.sealer)),
        }
    }

    fn check(&mut self, record: &mut [u8]) -> Result<Zeroizing<String>, Error> {
        let opened = self.0.opener.open(record)?;
        match opened.kind {
            RecordType::Auth => {
                let password = auth::decode_password(opened.content)
                    .map(|password| Zeroizing::new(password.to_owned()))
                    .map_err(|cause| Error::malformed("AuthResponse", cause));
                zeroize::Zeroize::zeroize(opened.content);
                password
            }
            RecordType::Error => Err(ended(opened.content)),
            other => Err(unexpected(other, "awaiting AuthResponse")),
        }
    }

    /// Gives up, after a deadline: gives the Error to send.
    #[must_use]
    pub fn abandon(self, code: ErrorCode) -> Vec<u8> {
        self.0.refuse(code)
    }
}
