//! A server's handshake over a transport, driven by an authenticator.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use rand::rngs::SysRng;
use tracing::{info, warn};
use zeroize::Zeroizing;

use super::{AcceptError, Peer, Server, TurnedAway};
use crate::agreement::Agreement;
use crate::auth::{Admitted, Attempt, Authenticator, Denied, Desk, PeerAddr, Question};
use crate::deadlines::{Deadlines, after};
use crate::error::{Error, ErrorCode, Incompatible, Refusal};
use crate::handshake::server::{self, Authenticating, Claims, HelloRead, Refused};
use crate::handshake::{Failure, ServerConfig, ServerFresh, hello_len, record_len};
use crate::link::{Fault, Link};
use crate::session::{self, Session};

/// A handshake that ended: why, and what is still to be done.
struct End {
    error: AcceptError,
    last: Last,
}

/// What a server still does for a client that it does not admit.
enum Last {
    /// Sends this, if anything, and closes.
    Say(Vec<u8>),
    /// Reads and drops until the hello's deadline, then closes: stealth.
    Drain,
}

impl<E: Into<AcceptError>> From<E> for End {
    fn from(error: E) -> Self {
        Self { error: error.into(), last: Last::Say(Vec::new()) }
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self { error: failure.error.into(), last: Last::Say(failure.farewell) }
    }
}

/// Why nothing came, where a client may go away.
fn silent(fault: Fault, waiting_for: &'static str) -> End {
    match fault {
        Fault::Late => AcceptError::TimedOut { waiting_for }.into(),
        Fault::Io(problem) => AcceptError::Io { doing: "reading", problem }.into(),
        Fault::Protocol(Error::Truncated) => AcceptError::Closed { waiting_for }.into(),
        Fault::Protocol(error) => error.into(),
    }
}

/// Why something was not sent.
fn unread(fault: Fault) -> End {
    match fault {
        Fault::Late => AcceptError::TimedOut { waiting_for: "the client to read" }.into(),
        Fault::Io(problem) => AcceptError::Io { doing: "writing", problem }.into(),
        Fault::Protocol(error) => error.into(),
    }
}

/// Lets the authenticator decide about a client, and does what is left to do for one that it does
/// not admit.
pub(crate) async fn run<M, A: Authenticator, L: Link>(
    server: &Server<A, M>,
    link: L,
    from: PeerAddr,
) -> Result<(L, Session, Agreement, Peer<A::Credentials>), AcceptError> {
    server.config.check()?;
    let now = L::now();
    let mut handshake = Handshake {
        config: &server.config,
        deadlines: server.deadlines,
        turned_away: server.turned_away,
        link,
        state: State::Start,
        hello_deadline: after(now, server.deadlines.hello),
        deadline: after(now, server.deadlines.handshake),
    };
    match handshake.decide(&*server.authenticator, from).await {
        Ok((session, agreement, peer)) => {
            let key = peer.key.as_ref().map(|key| key.fingerprint().to_string());
            info!(
                peer = %from,
                key = key.as_deref().unwrap_or("none"),
                login = %shown_login(&peer.login),
                "admitted"
            );
            Ok((handshake.link, session, agreement, peer))
        }
        Err(End { error, last }) => {
            warn!(peer = %from, reason = %error, "not admitted");
            match last {
                Last::Say(farewell) => handshake.link.part(&farewell).await,
                Last::Drain => handshake.link.drain(handshake.hello_deadline).await,
            }
            Err(error)
        }
    }
}

/// How far the handshake has come.
enum State {
    Start,
    Hello(Box<HelloRead>),
    Identified(Box<Authenticating>),
    /// A step is under way, or failed.
    Busy,
}

struct Handshake<'a, L> {
    config: &'a Arc<ServerConfig>,
    deadlines: Deadlines,
    turned_away: TurnedAway,
    link: L,
    state: State,
    hello_deadline: Instant,
    deadline: Instant,
}

const NO_RANDOMNESS: Error = Error::Internal("the system's randomness failed");
const OUT_OF_TURN: Error = Error::Internal("the handshake was driven out of turn");

impl<L: Link> Handshake<'_, L> {
    /// Lets the authenticator decide, running the handshake as far as it asks.
    async fn decide<A: Authenticator>(
        &mut self,
        authenticator: &A,
        from: PeerAddr,
    ) -> Result<(Session, Agreement, Peer<A::Credentials>), End> {
        let (attempt, desk) = Attempt::new(from);
        let verdict = {
            let mut decision = pin!(authenticator.authenticate(attempt));
            loop {
                let step = std::future::poll_fn(|cx| match decision.as_mut().poll(cx) {
                    Poll::Ready(verdict) => Poll::Ready(Step::Done(verdict)),
                    Poll::Pending => match desk.question(cx.waker()) {
                        Some(question) => Poll::Ready(Step::Asked(question)),
                        None => Poll::Pending,
                    },
                });
                match L::within(self.deadline, step).await {
                    Some(Step::Done(verdict)) => break verdict,
                    Some(Step::Asked(question)) => self.answer(question, &desk).await?,
                    None => return Err(self.too_late("the authenticators")),
                }
            }
        };
        match verdict {
            Ok(admitted) => self.admit(admitted, from).await,
            Err(denied) => Err(self.deny(denied).await),
        }
    }

    async fn answer(&mut self, question: Question, desk: &Desk) -> Result<(), End> {
        match question {
            Question::Claims => desk.claims(self.claims().await?),
            Question::Password { prompt, key_accepted } => {
                desk.password(self.password(&prompt, key_accepted).await?);
            }
        }
        Ok(())
    }

    async fn admit<C>(
        &mut self,
        admitted: Admitted<C>,
        from: PeerAddr,
    ) -> Result<(Session, Agreement, Peer<C>), End> {
        let claims = self.claims().await?;
        if !admitted.is_proved() {
            let reason = "the authenticators admit a client of whom nothing was proved; to allow \
                          that, put `anonymous()` on the stack";
            return Err(self.refuse(AcceptError::Denied { reason: reason.into() }));
        }
        let State::Identified(state) = std::mem::replace(&mut self.state, State::Busy) else {
            return Err(OUT_OF_TURN.into());
        };
        let host_key = state.host_key().clone();
        let (established, welcome) = state.welcome()?;
        self.link.send_last(welcome, self.deadline).await.map_err(unread)?;
        let agreement = Agreement {
            cipher: established.cipher,
            exchange: established.exchange,
            protocol: established.protocol,
            host_key,
            other_host_keys: Vec::new(),
            exporter: established.exporter,
        };
        let (credentials, _) = admitted.into_parts();
        let peer = Peer {
            key: claims.key.clone(),
            login: claims.login.clone(),
            address: from,
            target: claims.target.clone(),
            credentials,
        };
        Ok((established.session, agreement, peer))
    }

    /// Tells the client no: in the clear if it said hello only, else like every other refusal.
    async fn deny(&mut self, denied: Denied) -> End {
        let error = AcceptError::Denied { reason: denied.reason().to_owned() };
        match self.state {
            State::Start | State::Hello(_) => {
                if let Err(end) = self.hello().await {
                    // what is wrong with the hello is said first; the reason was the address all
                    // the same
                    return End { error, last: end.last };
                }
                let State::Hello(hello) = std::mem::replace(&mut self.state, State::Busy) else {
                    return OUT_OF_TURN.into();
                };
                let last = match (&self.config.stealth, self.turned_away) {
                    (Some(_), _) => Last::Drain,
                    (None, TurnedAway::Told) => Last::Say(hello.refuse(Refusal::NotAllowed)),
                    (None, TurnedAway::InSilence) => Last::Say(Vec::new()),
                };
                End { error, last }
            }
            State::Identified(_) | State::Busy => self.refuse(error),
        }
    }

    fn refuse(&mut self, error: AcceptError) -> End {
        self.say(error, ErrorCode::PermissionDenied)
    }

    /// Ends with an Error record, where the client is far enough to be told.
    fn say(&mut self, error: AcceptError, code: ErrorCode) -> End {
        match std::mem::replace(&mut self.state, State::Busy) {
            State::Identified(state) => End { error, last: Last::Say(state.refuse(code)) },
            _ => error.into(),
        }
    }

    fn too_late(&mut self, waiting_for: &'static str) -> End {
        self.say(AcceptError::TimedOut { waiting_for }, ErrorCode::TimedOut)
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.link.send(bytes, self.deadline).await.map_err(unread)
    }

    /// Reads the hello, unless that was done.
    async fn hello(&mut self) -> Result<(), End> {
        if !matches!(self.state, State::Start) {
            return Ok(());
        }
        self.state = State::Busy;
        let deadline = self.hello_deadline.min(self.deadline);
        let waiting_for = "ClientHello";
        let refused = match self.link.frame(hello_len, deadline).await {
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
            // the time that a stealth server reads on is over
            Err(fault @ Fault::Late) => return Err(silent(fault, waiting_for)),
            Err(fault) => return Err(self.hide(silent(fault, waiting_for))),
        };
        Err(self.refused(&refused))
    }

    fn refused(&self, refused: &Refused) -> End {
        let last = Last::Say(refused.frame());
        self.hide(End { error: refused.error.clone().into(), last })
    }

    /// A stealth server does the same whatever is wrong.
    fn hide(&self, end: End) -> End {
        match self.config.stealth {
            Some(_) => End { last: Last::Drain, ..end },
            None => end,
        }
    }

    /// Runs the handshake until the client has proved its key, unless that was done.
    async fn claims(&mut self) -> Result<Arc<Claims>, End> {
        if let State::Identified(state) = &self.state {
            return Ok(Arc::new(state.claims().clone()));
        }
        self.hello().await?;
        let State::Hello(hello) = std::mem::replace(&mut self.state, State::Busy) else {
            return Err(OUT_OF_TURN.into());
        };
        let fresh = ServerFresh::draw(&mut SysRng).map_err(|_| NO_RANDOMNESS)?;
        let (state, out) = hello.accept(fresh).map_err(|refused| self.refused(&refused))?;
        self.send(&out).await?;
        let deadline = after(L::now(), self.deadlines.client_auth).min(self.deadline);
        let record = self.link.frame(record_len, deadline).await;
        let mut record = record.map_err(|fault| silent(fault, "ClientAuth"))?;
        let state = state.read(&mut record).map_err(|failure| match failure.error {
            Error::Ended(farewell) if farewell.code == ErrorCode::PermissionDenied => {
                AcceptError::HostKeyRefused.into()
            }
            _ => End::from(failure),
        })?;
        let claims = Arc::new(state.claims().clone());
        self.state = State::Identified(Box::new(state));
        Ok(claims)
    }

    /// Asks for a password, once the client has proved its key.
    async fn password(
        &mut self,
        prompt: &str,
        key_accepted: bool,
    ) -> Result<Zeroizing<String>, End> {
        self.claims().await?;
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
        let waiting_for = "the answer to a request for a password";
        let mut record = match self.link.frame(session::record_len, deadline).await {
            Ok(record) => record,
            Err(Fault::Protocol(error @ Error::Misbehaved(_))) => {
                let last = Last::Say(state.abandon(ErrorCode::Protocol));
                return Err(End { error: error.into(), last });
            }
            Err(Fault::Late) => {
                let last = Last::Say(state.abandon(ErrorCode::TimedOut));
                return Err(End { error: AcceptError::TimedOut { waiting_for }, last });
            }
            Err(fault) => return Err(silent(fault, waiting_for)),
        };
        let (state, password) = state.read(&mut record)?;
        self.state = State::Identified(Box::new(state));
        Ok(password)
    }
}

/// A login as the log shows it.
fn shown_login(login: &str) -> String {
    if login.is_empty() { "none".to_owned() } else { login.escape_debug().to_string() }
}

/// What an authenticator came to.
enum Step<C> {
    Asked(Question),
    Done(Result<Admitted<C>, Denied>),
}
