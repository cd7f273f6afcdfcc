//! Reading a ClientHello, and answering it.

use std::sync::Arc;

use subtle::ConstantTimeEq;

use super::{AwaitClientAuth, Refused};
use crate::crypto::{Cipher, X25519Secret, encapsulate};
use crate::error::{Error, Incompatible, Malformed, Misbehaved, Refusal};
use crate::handshake::proof::{SERVER_NAMESPACE, finish_auth, hint_for};
use crate::handshake::{Exchange, ServerConfig, ServerFresh, auth_record};
use crate::key::{Identity, sshsig};
use crate::record::{Opener, Sealer};
use crate::schedule::{Agreed, HandshakeSecrets, Transcript};
use crate::wire::auth::ServerAuth;
use crate::wire::frame::{self, HELLO_HEADER, HelloType};
use crate::wire::hello::{self, ClientHello, ServerHello};
use crate::wire::{HINT_LEN, HINTS_LEN, KEM_KEY_LEN, MAX_HOST_KEYS};

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
    pub(super) fn new(config: Arc<ServerConfig>, bytes: &[u8]) -> Result<Self, Refused> {
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
                host_key: self.identity.public_key().clone(),
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
