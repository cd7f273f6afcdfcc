//! A server's handshake over a transport, driven by an authenticator.

mod asking;
mod deciding;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::report::{Report, Undecided, Whose, whose};
use super::{AcceptError, Peer, Server, TurnedAway};
use crate::agreement::Agreement;
use crate::auth::{Account, Admitted, Authenticator, Denied, PeerAddr};
use crate::deadlines::{Deadlines, after};
use crate::error::{Error, ErrorCode, Refusal};
use crate::handshake::server::{
    Authenticating, AwaitClientAuth, AwaitResponse, Claims, HelloRead, Refused,
};
use crate::handshake::{Failure, ServerConfig};
use crate::link::{Fault, Link};
use crate::session::Session;

/// A handshake that ended: why, and what is still to be said.
struct End {
    error: AcceptError,
    farewell: Vec<u8>,
}

impl<E: Into<AcceptError>> From<E> for End {
    fn from(error: E) -> Self {
        Self { error: error.into(), farewell: Vec::new() }
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self { error: failure.error.into(), farewell: failure.farewell }
    }
}

impl From<Refused> for End {
    fn from(refused: Refused) -> Self {
        Self { farewell: refused.frame(), error: refused.error.into() }
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

/// Lets the authenticator decide about a client whose connection was accepted at `since`, and does
/// what is left to do for one that it does not admit.
pub(crate) async fn run<M, A: Authenticator, L: Link>(
    server: &Server<A, M>,
    link: L,
    from: PeerAddr,
    since: Instant,
) -> Result<(L, Session, Agreement, Peer<A::Credentials>), AcceptError> {
    server.config.check()?;
    let now = L::now();
    let deadline = after(now, server.deadlines.handshake);
    // what a stealth server does not answer ends so long after it was accepted, wherever it waited
    let hidden = server.config.stealth.is_some().then(|| {
        let until = after(since, server.deadlines.until_hello());
        until.min(deadline)
    });
    let mut handshake = Handshake {
        config: &server.config,
        deadlines: server.deadlines,
        turned_away: server.turned_away,
        link,
        state: State::Start,
        claims: None,
        greeted: false,
        asked: false,
        account: Account::default(),
        hidden,
        hello_deadline: hidden.unwrap_or_else(|| after(now, server.deadlines.until_hello())),
        deadline,
    };
    let undecided = Undecided::new(from, since, L::now);
    let outcome = handshake.decide(&*server.authenticator, from).await;
    undecided.decided();
    let took = L::now().saturating_duration_since(since);
    let claims = handshake.claims.clone();
    let report =
        Report { peer: from, claims: claims.as_deref(), account: &handshake.account, took };
    match outcome {
        Ok((session, agreement, peer)) => {
            report.admitted();
            Ok((handshake.link, session, agreement, peer))
        }
        Err(End { error, farewell }) => {
            let whose = handshake.whose(&error);
            if whose == Whose::Stranger {
                server.strangers.fetch_add(1, Ordering::Relaxed);
            }
            report.not_admitted(whose, &error, handshake.asked);
            match handshake.hidden {
                Some(until) => handshake.link.drain(until).await,
                None => handshake.link.part(&farewell).await,
            }
            Err(error)
        }
    }
}

/// How far the handshake has come. While the client is awaited the state stays here, so that the
/// authenticator can decide in the middle of that.
enum State {
    Start,
    Hello(Box<HelloRead>),
    /// ServerAuth was sent; ClientAuth is awaited until then.
    Proving(Box<AwaitClientAuth>, Instant),
    Identified(Box<Authenticating>),
    /// A password was asked for.
    Asked(Box<AwaitResponse>),
    /// A step is under way, or failed.
    Busy,
}

struct Handshake<'a, L> {
    config: &'a Arc<ServerConfig>,
    deadlines: Deadlines,
    turned_away: TurnedAway,
    link: L,
    state: State,
    /// What the client said and proved, once that is known.
    claims: Option<Arc<Claims>>,
    /// What came was a hello of this protocol, though perhaps not one that is taken.
    greeted: bool,
    /// The answer to a request for a password is awaited.
    asked: bool,
    /// How the authenticators decided.
    account: Account,
    /// A stealth server that has not answered reads on until then, whatever is wrong.
    hidden: Option<Instant>,
    hello_deadline: Instant,
    deadline: Instant,
}

const AUTHENTICATORS: &str = "the authenticators";
const NO_RANDOMNESS: Error = Error::Internal("the system's randomness failed");
const OUT_OF_TURN: Error = Error::Internal("the handshake was driven out of turn");

impl<L: Link> Handshake<'_, L> {
    async fn admit<C>(
        &mut self,
        admitted: Admitted<C>,
        from: PeerAddr,
    ) -> Result<(Session, Agreement, Peer<C>), End> {
        self.account = admitted.account().clone();
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
        self.account = denied.account().clone();
        if matches!(self.state, State::Start)
            && let Err(end) = self.hello().await
        {
            // what is wrong with the hello is said first; the reason was the address all the same
            return End { error, ..end };
        }
        match std::mem::replace(&mut self.state, State::Busy) {
            State::Hello(hello) => match self.turned_away {
                TurnedAway::Told => End { error, farewell: hello.refuse(Refusal::NotAllowed) },
                TurnedAway::InSilence => error.into(),
            },
            state => {
                self.state = state;
                self.refuse(error)
            }
        }
    }

    /// Whose no this is.
    fn whose(&self, error: &AcceptError) -> Whose {
        let ours = matches!(
            error,
            AcceptError::TimedOut { waiting_for: AUTHENTICATORS }
                | AcceptError::Handshake(Error::Internal(_))
        );
        if self.greeted || ours { whose(error) } else { Whose::Stranger }
    }

    fn refuse(&mut self, error: AcceptError) -> End {
        self.say(error, ErrorCode::PermissionDenied)
    }

    /// Ends with an Error record, where the client is far enough to be told.
    fn say(&mut self, error: AcceptError, code: ErrorCode) -> End {
        let farewell = match std::mem::replace(&mut self.state, State::Busy) {
            State::Identified(state) => state.refuse(code),
            State::Asked(state) => state.abandon(code),
            State::Start | State::Hello(_) | State::Proving(..) | State::Busy => Vec::new(),
        };
        End { error, farewell }
    }

    fn too_late(&mut self, waiting_for: &'static str) -> End {
        self.say(AcceptError::TimedOut { waiting_for }, ErrorCode::TimedOut)
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), End> {
        self.hidden = None;
        self.link.send(bytes, self.deadline).await.map_err(unread)
    }
}
