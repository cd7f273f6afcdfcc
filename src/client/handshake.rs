//! A client's handshake over a transport.

use std::sync::Arc;
use std::time::Instant;

use rand::rngs::SysRng;
use tracing::debug;

use super::{Client, ConnectError, PasswordRequest};
use crate::agreement::Agreement;
use crate::deadlines::after;
use crate::error::{Error, ErrorCode, Misuse};
use crate::handshake::client::{self, Answer};
use crate::handshake::{ClientFresh, Failure, hello_len, record_len};
use crate::key::PublicKey;
use crate::link::{Fault, LenOf, Link, Undone};
use crate::session::{MAX_DATA, Session};
use crate::trust::{Contact, Host, Trusted};

/// Data that an eager client may send, at most: what a server holds for it.
const MAX_EAGER: usize = 65_535;

/// A handshake that ended: why, and what is still to be said.
struct End {
    error: ConnectError,
    farewell: Vec<u8>,
}

impl<E: Into<ConnectError>> From<E> for End {
    fn from(error: E) -> Self {
        Self { error: error.into(), farewell: Vec::new() }
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self { error: failure.error.into(), farewell: failure.farewell }
    }
}

/// A handshake that led to a connection.
pub(crate) struct Connected<L> {
    pub(crate) link: L,
    pub(crate) session: Session,
    pub(crate) agreement: Agreement,
    pub(crate) trusted: Trusted,
}

/// Runs the handshake; on failure says to the server what is to be said.
pub(crate) async fn run<M, L: Link>(
    client: &Client<M>,
    link: L,
    host: &Host,
    eager: Option<&[u8]>,
) -> Result<Connected<L>, ConnectError> {
    let deadline = after(L::now(), client.deadlines.handshake);
    let mut handshake = Handshake { client, host, link, deadline };
    match handshake.run(eager).await {
        Ok((session, agreement, trusted)) => {
            debug!(%host, key = %agreement.host_key.fingerprint(), "connected");
            Ok(Connected { link: handshake.link, session, agreement, trusted })
        }
        Err(End { error, farewell }) => {
            debug!(%host, %error, "not connected");
            handshake.link.part(&farewell).await;
            Err(error)
        }
    }
}

struct Handshake<'a, M, L> {
    client: &'a Client<M>,
    host: &'a Host,
    link: L,
    deadline: Instant,
}

impl<M, L: Link> Handshake<'_, M, L> {
    async fn send(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.link.send(bytes, self.deadline).await.map_err(|fault| match fault {
            Fault::Late => ConnectError::TimedOut { waiting_for: "the server to read" }.into(),
            Fault::Io(problem) => ConnectError::Io { doing: "writing", problem }.into(),
            Fault::Protocol(error) => error.into(),
        })
    }

    async fn receive(
        &mut self,
        len_of: LenOf,
        deadline: Instant,
        waiting_for: &'static str,
    ) -> Result<Vec<u8>, End> {
        let frame = self.link.frame(len_of, deadline.min(self.deadline)).await;
        frame.map_err(|fault| match fault {
            Fault::Late => ConnectError::TimedOut { waiting_for }.into(),
            Fault::Io(problem) => ConnectError::Io { doing: "reading", problem }.into(),
            Fault::Protocol(Error::Truncated) => ConnectError::Closed { waiting_for }.into(),
            Fault::Protocol(error) => error.into(),
        })
    }

    /// Asks the policy, which may wait for a lock or the disk.
    async fn verify(&self, host_key: &PublicKey) -> Result<Trusted, ConnectError> {
        let verifier = &self.client.verifier;
        if !verifier.may_wait() {
            return Ok(verifier.verify(self.host, host_key)?);
        }
        let (verifier, host) = (Arc::clone(verifier), self.host.clone());
        let key = host_key.clone();
        // what is decided after the deadline belongs to this contact all the same
        let contact = Contact::begin(&host);
        let decide = Box::new(move || {
            let _contact = contact;
            verifier.verify(&host, &key)
        });
        match L::aside(self.deadline, decide).await {
            Ok(decided) => Ok(decided?),
            Err(Undone::Late) => Err(ConnectError::TimedOut {
                waiting_for: "the policy to decide about the host key",
            }),
            Err(Undone::Lost) => {
                Err(Error::Internal("the policy about host keys ended without an answer").into())
            }
        }
    }

    async fn run(&mut self, eager: Option<&[u8]>) -> Result<(Session, Agreement, Trusted), End> {
        let data = eager.unwrap_or_default();
        if data.len() > MAX_EAGER {
            let text = "an eager client may send at most 65,535 bytes before Welcome";
            return Err(Error::Misuse(Misuse::Setting(text)).into());
        }
        let client = self.client;
        let config = Arc::new(client.config_for(self.host, eager.is_some()));
        let fresh = ClientFresh::draw(&mut SysRng)
            .map_err(|_| Error::Internal("the system's randomness failed"))?;
        let (state, hello) = client::start(config, fresh)?;
        self.send(&hello).await?;

        let soon = after(L::now(), client.deadlines.server_auth);
        let bytes = self.receive(hello_len, soon, "ServerHello").await?;
        let state = state.read(&bytes)?;
        let mut record = self.receive(record_len, soon, "ServerAuth").await?;
        let state = state.read(&mut record)?;
        let host_key = state.host_key().clone();
        // a host key that is the client's own needs no decision: `trust` refuses it
        let own = client.identity.as_ref().is_some_and(|own| *own.public_key() == host_key);
        let trusted = match own {
            true => Trusted::New,
            false => match self.verify(&host_key).await {
                Ok(trusted) => trusted,
                Err(error) => return Err(End { error, farewell: state.reject() }),
            },
        };
        let (mut state, mut out) = state.trust(client.identity.as_ref())?;
        for chunk in data.chunks(MAX_DATA) {
            out.extend_from_slice(&state.eager_data(chunk)?);
        }
        self.send(&out).await?;

        loop {
            let waiting = self.receive(record_len, self.deadline, "Welcome").await;
            let mut record = match waiting {
                Ok(record) => record,
                Err(end) => return Err(explain(state, end)),
            };
            match state.read(&mut record)? {
                Answer::Welcome(welcomed) => {
                    let established = welcomed.established;
                    let agreement = Agreement {
                        cipher: established.cipher,
                        exchange: established.exchange,
                        protocol: established.protocol,
                        host_key,
                        other_host_keys: welcomed.other_host_keys,
                        exporter: established.exporter,
                    };
                    return Ok((established.session, agreement, trusted));
                }
                Answer::Password(question) if trusted == Trusted::New => {
                    let error = ConnectError::PasswordForNewHost { host: self.host.clone() };
                    return Err(End { error, farewell: question.decline() });
                }
                Answer::Password(question) => {
                    let login = &client.config.login;
                    let request =
                        PasswordRequest { host: self.host, login, prompt: question.prompt() };
                    let password = client.passwords.as_ref().and_then(|ask| ask(&request));
                    let Some(password) = password else {
                        let error = ConnectError::NoPassword { login: login.clone() };
                        return Err(End { error, farewell: question.decline() });
                    };
                    let (next, out) = question.answer(&password)?;
                    self.send(&out).await?;
                    state = next;
                }
            }
        }
    }
}

/// Tells the server why the client ends while it waits for Welcome.
fn explain(state: client::AwaitWelcome, end: End) -> End {
    let code = match &end.error {
        ConnectError::TimedOut { .. } => ErrorCode::TimedOut,
        ConnectError::Handshake(Error::Misbehaved(_)) => ErrorCode::Protocol,
        _ => return end,
    };
    End { farewell: state.abandon(code), ..end }
}
