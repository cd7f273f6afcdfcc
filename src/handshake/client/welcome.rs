//! Under the traffic keys, until the server has said Welcome.

use std::sync::Arc;

use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::Profile;
use zeroize::Zeroizing;

use crate::crypto::Cipher;
use crate::error::{Error, ErrorCode, Misbehaved, Misuse};
use crate::handshake::proof::{ROTATE_NAMESPACE, ended, proved_key, rotate_challenge, unexpected};
use crate::handshake::{ClientConfig, Established, Exchange, Failure, auth_record, farewell};
use crate::key::PublicKey;
use crate::record::{MAX_CONTENT, Opener, Padding, RecordType, Sealer};
use crate::schedule::{Exporter, Generation};
use crate::session::{Role, Session};
use crate::wire::MAX_PASSWORD;
use crate::wire::auth::{self, AuthRequest, FromServer, Welcome};

/// What a client has under the traffic keys before Welcome.
pub(super) struct Traffic {
    pub(super) config: Arc<ClientConfig>,
    pub(super) cipher: Cipher,
    pub(super) exchange: Exchange,
    pub(super) generation: Generation,
    pub(super) exporter: Exporter,
    pub(super) opener: Opener,
    pub(super) sealer: Sealer,
    pub(super) requests: u8,
    pub(super) closed: bool,
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
    pub(super) const fn new(traffic: Traffic) -> Self {
        Self(traffic)
    }

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
        let challenge = rotate_challenge(exporter, blob).ok()?;
        proved_key(blob, signature, ROTATE_NAMESPACE, challenge.expose())
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
