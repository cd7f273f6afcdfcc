//! Letting the authenticator decide: alone, beside the client, and beside a question to the client.

use std::pin::{Pin, pin};
use std::task::Poll;

use super::{AUTHENTICATORS, End, Handshake, OUT_OF_TURN, State, silent};
use crate::agreement::Agreement;
use crate::auth::{Admitted, Asked, Attempt, Authenticator, Denied, Desk, PeerAddr, Question};
use crate::error::{Error, ErrorCode};
use crate::link::{Beside, CAPACITY, Expect, Fault, Link};
use crate::server::{AcceptError, Peer};
use crate::session::{self, Session};

/// What an eager client may have sent before it is admitted, at most.
const HELD: usize = 65_535;

const DECISION: &str = "the authenticators' decision";

type Verdict<C> = Result<Admitted<C>, Denied>;

/// What an authenticator came to.
enum Step<C> {
    Asked(Asked),
    Done(Verdict<C>),
}

impl<L: Link> Handshake<'_, L> {
    /// Lets the authenticator decide, running the handshake as far as it asks.
    pub(super) async fn decide<A: Authenticator>(
        &mut self,
        authenticator: &A,
        from: PeerAddr,
    ) -> Result<(Session, Agreement, Peer<A::Credentials>), End> {
        if self.hidden.is_some() {
            // a stealth server looks at the hello before anything else
            self.hello().await?;
        }
        let (attempt, desk) = Attempt::new(from);
        let verdict = {
            let mut decision = pin!(authenticator.authenticate(attempt));
            loop {
                let asked = match self.consult(decision.as_mut(), &desk).await? {
                    Step::Done(verdict) => break verdict,
                    Step::Asked(asked) => asked,
                };
                if let Some(verdict) = self.answer_beside(asked, &desk, decision.as_mut()).await? {
                    break verdict;
                }
            }
        };
        match verdict {
            Ok(admitted) => self.admit(admitted, from).await,
            Err(denied) => Err(self.deny(denied).await),
        }
    }

    /// Waits for the authenticator's next question or its decision, and notices meanwhile when the
    /// client goes away or breaks the protocol.
    async fn consult<C: Send>(
        &mut self,
        mut decision: Pin<&mut (impl Future<Output = Verdict<C>> + Send)>,
        desk: &Desk,
    ) -> Result<Step<C>, End> {
        let mut step = pin!(std::future::poll_fn(|cx| match decision.as_mut().poll(cx) {
            Poll::Ready(verdict) => Poll::Ready(Step::Done(verdict)),
            Poll::Pending => match desk.question(cx.waker()) {
                Some(asked) => Poll::Ready(Step::Asked(asked)),
                None => Poll::Pending,
            },
        }));
        let expect = match &self.state {
            State::Identified(state) if state.claims().eager => Expect::Bytes(HELD),
            // it has nothing to say before it is asked or admitted
            State::Identified(_) => Expect::Frame(session::record_len),
            _ => Expect::Bytes(CAPACITY),
        };
        let deadline = self.hidden.unwrap_or(self.deadline);
        match self.link.beside(expect, deadline, step.as_mut()).await {
            Ok(Beside::Done(step)) => Ok(step),
            Ok(Beside::Frame(mut record)) => {
                match std::mem::replace(&mut self.state, State::Busy) {
                    State::Identified(state) => Err(state.interrupted(&mut record).into()),
                    _ => Err(OUT_OF_TURN.into()),
                }
            }
            // an eager client that has sent its Close has not gone away without a word
            Ok(Beside::Gone) if self.is_eager() && self.link.ends_in_close() => {
                match L::within(deadline, step.as_mut()).await {
                    Some(step) => Ok(step),
                    None => Err(self.too_late(AUTHENTICATORS)),
                }
            }
            Ok(Beside::Gone) => Err(AcceptError::Closed { waiting_for: DECISION }.into()),
            Err(Fault::Late) => Err(self.too_late(AUTHENTICATORS)),
            Err(Fault::Protocol(error @ Error::Misbehaved(_))) => {
                Err(self.say(error.into(), ErrorCode::Protocol))
            }
            Err(fault) => Err(silent(fault, DECISION)),
        }
    }

    fn is_eager(&self) -> bool {
        matches!(&self.state, State::Identified(state) if state.claims().eager)
    }

    /// Answers a question while the authenticator goes on: it may have timers of its own, give the
    /// question up, and decide without the answer.
    async fn answer_beside<C: Send>(
        &mut self,
        asked: Asked,
        desk: &Desk,
        mut decision: Pin<&mut (impl Future<Output = Verdict<C>> + Send)>,
    ) -> Result<Option<Verdict<C>>, End> {
        let mut verdict = None;
        let mut answer = pin!(self.answer(asked, desk));
        let answered = std::future::poll_fn(|cx| {
            if let Poll::Ready(answered) = answer.as_mut().poll(cx) {
                return Poll::Ready(Some(answered));
            }
            if verdict.is_none()
                && let Poll::Ready(decided) = decision.as_mut().poll(cx)
            {
                verdict = Some(decided);
            }
            match &verdict {
                Some(Err(_)) => Poll::Ready(None),
                // a client that was asked answers before it is told that it is admitted
                Some(Ok(_)) | None => Poll::Pending,
            }
        });
        if let Some(answered) = answered.await {
            answered?;
        }
        Ok(verdict)
    }

    async fn answer(&mut self, asked: Asked, desk: &Desk) -> Result<(), End> {
        let claims = self.claims().await?;
        match &asked.question {
            Question::Claims => desk.claims(&asked, claims),
            Question::Password { prompt, key_accepted } => {
                desk.learn(claims);
                let password = self.password(prompt, *key_accepted).await?;
                desk.password(&asked, password);
            }
        }
        Ok(())
    }
}
