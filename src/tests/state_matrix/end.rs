//! An end in any state, driven as the owner of its stream drives it.

use std::sync::Arc;

use super::super::pair::{Rng, Setup, noon};
use crate::error::{Error, ErrorCode};
use crate::handshake::client::{Answer, AwaitServerAuth, AwaitServerHello, AwaitWelcome};
use crate::handshake::server::{self, AwaitClientAuth, AwaitResponse, Refused};
use crate::handshake::{self, ServerConfig};
use crate::session::{self, Role, Session};

/// An end, driven as the owner of a stream drives it.
#[expect(clippy::large_enum_variant, reason = "one at a time, in a test")]
pub(super) enum End {
    ClientHello(AwaitServerHello),
    ClientAuth(AwaitServerAuth),
    ClientWelcome(AwaitWelcome),
    ServerHello(Arc<ServerConfig>),
    ServerAuth(AwaitClientAuth),
    ServerAsked(AwaitResponse),
    /// With whether the connection has ended in an error.
    Open(Box<Session>, bool),
}

pub(super) struct Outcome {
    pub(super) error: Option<Error>,
    pub(super) sent: Vec<u8>,
    pub(super) next: String,
}

fn over(error: Error, sent: Vec<u8>) -> Outcome {
    Outcome { error: Some(error), sent, next: String::new() }
}

fn on(next: &str, sent: Vec<u8>) -> Outcome {
    Outcome { error: None, sent, next: next.to_owned() }
}

impl End {
    /// Takes what arrives on the stream, of which the first message counts.
    pub(super) fn feed(self, bytes: &[u8]) -> Outcome {
        match self {
            Self::ClientHello(state) => match handshake::hello_len(bytes) {
                Ok(len) => match state.read(&bytes[..len.unwrap()]) {
                    Ok(_) => on("C-AUTH", Vec::new()),
                    Err(error) => over(error, Vec::new()),
                },
                Err(error) => over(error, Vec::new()),
            },
            Self::ServerHello(config) => {
                let told = |refused: Refused| {
                    let sent = refused.frame();
                    over(refused.error, sent)
                };
                let len = match handshake::hello_len(bytes) {
                    Ok(len) => len.unwrap(),
                    Err(error) => return told(Refused::unframed(&config, error)),
                };
                let read = server::hello(&config, &bytes[..len]);
                match read.and_then(|read| read.accept(Setup::default().server_fresh())) {
                    Ok((_, sent)) => on("S-AUTH", sent),
                    Err(refused) => told(refused),
                }
            }
            Self::ClientAuth(state) => match handshake::record_len(bytes) {
                Err(error) => over(error, Vec::new()),
                Ok(len) => match state.read(&mut bytes[..len.unwrap()].to_vec()) {
                    Ok(_) => on("C-DECIDE", Vec::new()),
                    Err(failure) => over(failure.error, failure.farewell),
                },
            },
            Self::ServerAuth(state) => match handshake::record_len(bytes) {
                Err(error) => over(error, Vec::new()),
                Ok(len) => match state.read(&mut bytes[..len.unwrap()].to_vec()) {
                    Ok(_) => on("S-DECIDE", Vec::new()),
                    Err(failure) => over(failure.error, failure.farewell),
                },
            },
            Self::ClientWelcome(state) => match handshake::record_len(bytes) {
                Err(error) => over(error, state.abandon(ErrorCode::Protocol)),
                Ok(len) => match state.read(&mut bytes[..len.unwrap()].to_vec()) {
                    Ok(Answer::Password(question)) => {
                        on("C-WELCOME", question.answer("x").unwrap().1)
                    }
                    Ok(Answer::Welcome(welcomed)) => {
                        let session = welcomed.established.session;
                        on(&name("C", session), Vec::new())
                    }
                    Err(failure) => over(failure.error, failure.farewell),
                },
            },
            // the client is authenticated: REC-4 is over
            Self::ServerAsked(state) => match session::record_len(bytes) {
                Err(error) => over(error, state.abandon(ErrorCode::Protocol)),
                Ok(len) => match state.read(&mut bytes[..len.unwrap()].to_vec()) {
                    Ok(_) => on("S-DECIDE", Vec::new()),
                    Err(failure) => over(failure.error, failure.farewell),
                },
            },
            Self::Open(session, ended) => open(*session, ended, bytes),
        }
    }
}

fn open(mut session: Session, ended: bool, bytes: &[u8]) -> Outcome {
    let role = session.role_letter();
    let result = session::record_len(bytes).and_then(|len| {
        session.receive(&mut bytes[..len.unwrap()].to_vec(), noon(), &mut Rng::new(8)).map(|_| ())
    });
    let mut sent = Vec::new();
    if let Err(error) = result {
        if !matches!(error, Error::Ended(_)) {
            session.fail(ErrorCode::Protocol, "", &mut sent).unwrap();
        }
        return over(error, sent);
    }
    session.transmit(&mut sent).unwrap();
    match (ended, session.is_over()) {
        (true, _) => on(&format!("{role}-FAILED"), sent),
        (false, true) => on(&format!("{role}-OVER"), sent),
        (false, false) => on(&name(role, session), sent),
    }
}

impl Session {
    fn role_letter(&self) -> &'static str {
        match self.role() {
            Role::Client => "C",
            Role::Server => "S",
        }
    }
}

/// The name of an open session's state.
fn name(role: &str, session: Session) -> String {
    let (sender, receiver, control) = session.into_parts();
    let base = match (sender.is_open(), receiver.is_closed()) {
        (true, false) => "OPEN",
        (false, false) => "SENT",
        (true, true) => "RECV",
        (false, true) => "OVER",
    };
    let suffix = match control.rekey_state().as_str() {
        "Idle" => "",
        "InitSent" => "-INIT",
        "Asked" => "-ASK",
        "ReplySent" => "-REPLY",
        other => panic!("{other} lasts only until what is due is sent"),
    };
    format!("{role}-{base}{suffix}")
}
