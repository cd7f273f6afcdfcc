//! What a handshake asks the client for, as far as the authenticator wants it.
//!
//! Each of these can be dropped while it waits for the client: the state stays where it is, and
//! bytes that were read stay with the link.

use std::sync::Arc;

use rand::rngs::SysRng;
use zeroize::Zeroizing;

use super::{End, Handshake, NO_RANDOMNESS, OUT_OF_TURN, State, silent};
use crate::deadlines::after;
use crate::error::{Error, ErrorCode, Incompatible};
use crate::handshake::server::{self, Authenticating, Claims, Refused};
use crate::handshake::{ServerFresh, hello_len, record_len};
use crate::link::{Fault, Link};
use crate::server::AcceptError;
use crate::session;

impl<L: Link> Handshake<'_, L> {
    /// Reads the hello, unless that was done.
    pub(super) async fn hello(&mut self) -> Result<(), End> {
        if !matches!(self.state, State::Start) {
            return Ok(());
        }
        let frame = self.link.frame(hello_len, self.hello_deadline).await;
        self.state = State::Busy;
        self.greeted = match &frame {
            Ok(_) => true,
            Err(Fault::Protocol(error)) => !matches!(error, Error::Foreign(_) | Error::Truncated),
            Err(Fault::Io(_) | Fault::Late) => false,
        };
        let refused = match frame {
            Ok(bytes) => match server::hello(self.config, &bytes) {
                Ok(hello) => {
                    self.state = State::Hello(Box::new(hello));
                    return Ok(());
                }
                Err(refused) => refused,
            },
            Err(Fault::Protocol(error)) if error != Error::Truncated => {
                Refused::unframed(self.config, error)
            }
            Err(fault) => return Err(silent(fault, "ClientHello")),
        };
        Err(refused.into())
    }

    /// Runs the handshake until the client has proved its key, unless that was done.
    pub(super) async fn claims(&mut self) -> Result<Arc<Claims>, End> {
        if let Some(claims) = &self.claims {
            return Ok(Arc::clone(claims));
        }
        self.hello().await?;
        if let State::Hello(_) = &self.state {
            self.prove().await?;
        }
        let State::Proving(_, deadline) = &self.state else { return Err(OUT_OF_TURN.into()) };
        let record = self.link.frame(record_len, *deadline).await;
        let State::Proving(state, _) = std::mem::replace(&mut self.state, State::Busy) else {
            return Err(OUT_OF_TURN.into());
        };
        let mut record = record.map_err(|fault| silent(fault, "ClientAuth"))?;
        let state = state.read(&mut record).map_err(|failure| match failure.error {
            Error::Ended(farewell) if farewell.code == ErrorCode::PermissionDenied => {
                AcceptError::HostKeyRefused.into()
            }
            _ => End::from(failure),
        })?;
        let claims = Arc::new(state.claims().clone());
        self.state = State::Identified(Box::new(state));
        self.claims = Some(Arc::clone(&claims));
        Ok(claims)
    }

    /// Sends ServerHello and ServerAuth.
    async fn prove(&mut self) -> Result<(), End> {
        let State::Hello(hello) = std::mem::replace(&mut self.state, State::Busy) else {
            return Err(OUT_OF_TURN.into());
        };
        let fresh = ServerFresh::draw(&mut SysRng).map_err(|_| NO_RANDOMNESS)?;
        let (state, out) = hello.accept(fresh)?;
        self.send(&out).await?;
        let deadline = after(L::now(), self.deadlines.client_auth).min(self.deadline);
        self.state = State::Proving(Box::new(state), deadline);
        Ok(())
    }

    /// Asks for a password, once the client has proved its key.
    pub(super) async fn password(
        &mut self,
        prompt: &str,
        key_accepted: bool,
    ) -> Result<Zeroizing<String>, End> {
        let eager = |state: &Authenticating| state.claims().eager;
        if matches!(&self.state, State::Identified(state) if eager(state)) {
            let error = Error::Incompatible(Incompatible::Eager).into();
            let code =
                if key_accepted { ErrorCode::FactorNeeded } else { ErrorCode::PermissionDenied };
            return Err(self.say(error, code));
        }
        let State::Identified(state) = std::mem::replace(&mut self.state, State::Busy) else {
            return Err(OUT_OF_TURN.into());
        };
        let (state, out) = match state.ask_password(prompt) {
            Ok(asked) => asked,
            Err((state, error)) => {
                self.state = State::Identified(state);
                return Err(self.say(error.into(), ErrorCode::Internal));
            }
        };
        self.send(&out).await?;
        let deadline = after(L::now(), self.deadlines.response).min(self.deadline);
        self.state = State::Asked(Box::new(state));
        self.asked = true;
        let waiting_for = "the answer to a request for a password";
        let mut record = match self.link.frame(session::record_len, deadline).await {
            Ok(record) => record,
            Err(Fault::Protocol(error @ Error::Misbehaved(_))) => {
                return Err(self.say(error.into(), ErrorCode::Protocol));
            }
            Err(Fault::Late) => return Err(self.too_late(waiting_for)),
            Err(fault) => return Err(silent(fault, waiting_for)),
        };
        let State::Asked(state) = std::mem::replace(&mut self.state, State::Busy) else {
            return Err(OUT_OF_TURN.into());
        };
        let (state, password) = state.read(&mut record)?;
        self.state = State::Identified(Box::new(state));
        self.asked = false;
        Ok(password)
    }
}
