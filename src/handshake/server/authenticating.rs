//! Deciding about a client that has proved its key, until Welcome.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::crypto::Cipher;
use crate::error::{Error, ErrorCode, Incompatible, Misuse};
use crate::handshake::proof::{ROTATE_NAMESPACE, ended, rotate_challenge, unexpected};
use crate::handshake::{
    Established, Exchange, Failure, ServerConfig, Target, auth_record, farewell,
};
use crate::key::{Identity, PublicKey, sshsig};
use crate::record::{Opener, RecordType, Sealer};
use crate::schedule::{Exporter, Generation};
use crate::session::{Role, Session};
use crate::wire::auth::{self, AuthRequest, Welcome};
use crate::wire::text;

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
/// caller to say. A client that is not eager sends nothing meanwhile; what it sends all the same is
/// for [`Self::interrupted`].
#[must_use]
pub struct Authenticating {
    pub(super) config: Arc<ServerConfig>,
    pub(super) cipher: Cipher,
    pub(super) exchange: Exchange,
    pub(super) host_key: PublicKey,
    pub(super) other_host_keys: Vec<Identity>,
    pub(super) claims: Claims,
    pub(super) requests: u8,
    pub(super) generation: Generation,
    pub(super) exporter: Exporter,
    pub(super) opener: Opener,
    pub(super) sealer: Sealer,
}

impl core::fmt::Debug for Authenticating {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Authenticating").field("claims", &self.claims).finish_non_exhaustive()
    }
}

impl Authenticating {
    /// The host key that the server proved.
    #[must_use]
    pub const fn host_key(&self) -> &PublicKey {
        &self.host_key
    }

    /// What the client said and proved.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Asks for a password: gives the AuthRequest to send.
    ///
    /// # Errors
    ///
    /// Nothing was asked, and the state comes back: the prompt is longer than 255 bytes or no text, eight requests went before, or
    /// the client is eager and cannot be asked.
    pub fn ask_password(
        mut self,
        prompt: &str,
    ) -> Result<(AwaitResponse, Vec<u8>), (Box<Self>, Error)> {
        match self.request(prompt) {
            Ok(out) => Ok((AwaitResponse(self), out)),
            Err(error) => Err((Box::new(self), error)),
        }
    }

    fn request(&mut self, prompt: &str) -> Result<Vec<u8>, Error> {
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
        let mut message = Vec::new();
        AuthRequest::encode_password(&mut message, prompt)?;
        let out = auth_record(&mut self.sealer, &message)?;
        self.requests = self.requests.saturating_add(1);
        Ok(out)
    }

    /// Reads a record that the client sent although it was neither asked nor admitted, and ends.
    ///
    /// An eager client's Data is not for this: it is opened by the session, behind Welcome.
    #[must_use]
    pub fn interrupted(mut self, record: &mut [u8]) -> Failure {
        let error = match self.opener.open(record) {
            Ok(opened) if opened.kind == RecordType::Error => ended(opened.content),
            Ok(opened) => unexpected(opened.kind, "awaiting the server's decision"),
            Err(error) => error,
        };
        match error {
            Error::Ended(_) => Failure::silent(error),
            _ => Failure::told(error, ErrorCode::Protocol, &mut self.sealer),
        }
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
