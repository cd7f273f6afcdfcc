//! What passes between an authenticator and the handshake that it drives.
//!
//! The authenticator is a coroutine: where it needs something of the client it leaves a question
//! and waits. Whoever polls it finds the question, runs the handshake that far, and answers. A
//! handshake that fails drops the authenticator, so no question is ever answered with an error.
//!
//! The authenticator is polled while its question is being answered, and may give the question up
//! (a `select!` with a timer of its own). So questions are numbered: the answer to one that was
//! given up is dropped, and never taken for the answer to a later one.

use core::task::{Poll, Waker};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use crate::handshake::server::Claims;

/// What an authenticator wants of the client.
#[derive(Debug)]
pub(crate) enum Question {
    /// Its words, and the key that it proves.
    Claims,
    /// A password. `key_accepted` tells whether a layer accepted the client's key before.
    #[cfg_attr(
        not(any(feature = "tokio", feature = "blocking")),
        expect(dead_code, reason = "streams read it")
    )]
    Password { prompt: String, key_accepted: bool },
}

#[derive(Debug)]
enum Answer {
    Claims(Arc<Claims>),
    Password(Zeroizing<String>),
}

/// A question, and its number.
#[derive(Debug)]
pub(crate) struct Asked {
    id: u64,
    #[cfg_attr(
        not(any(feature = "tokio", feature = "blocking")),
        expect(dead_code, reason = "streams read it")
    )]
    pub(crate) question: Question,
}

#[derive(Debug, Default)]
struct Slot {
    /// The number of the question that was asked last.
    last: u64,
    question: Option<Asked>,
    answer: Option<(u64, Answer)>,
    /// The client's words, once they are known: no question needs to wait for them again.
    claims: Option<Arc<Claims>>,
    asker: Option<Waker>,
    driver: Option<Waker>,
}

/// The authenticator's end.
#[derive(Debug)]
pub(super) struct Line(Arc<Mutex<Slot>>);

/// The handshake's end.
#[derive(Debug)]
pub(crate) struct Desk(Arc<Mutex<Slot>>);

pub(super) fn conversation() -> (Line, Desk) {
    let slot = Arc::new(Mutex::new(Slot::default()));
    (Line(Arc::clone(&slot)), Desk(slot))
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A question that waits for its answer; dropped before that, it is given up.
struct Waiting<'a> {
    slot: &'a Mutex<Slot>,
    id: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut slot = lock(self.slot);
        slot.question = slot.question.take().filter(|asked| asked.id != self.id);
        slot.answer = slot.answer.take().filter(|(id, _)| *id != self.id);
    }
}

impl Line {
    async fn ask(&mut self, question: Question) -> Answer {
        let waiting = {
            let mut slot = lock(&self.0);
            slot.last = slot.last.wrapping_add(1);
            let id = slot.last;
            slot.question = Some(Asked { id, question });
            if let Some(driver) = slot.driver.take() {
                driver.wake();
            }
            Waiting { slot: &self.0, id }
        };
        core::future::poll_fn(|cx| {
            let mut slot = lock(waiting.slot);
            match slot.answer.take() {
                Some((id, answer)) if id == waiting.id => Poll::Ready(answer),
                _ => {
                    slot.asker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    pub(super) async fn claims(&mut self) -> Arc<Claims> {
        loop {
            if let Some(claims) = &lock(&self.0).claims {
                return Arc::clone(claims);
            }
            if let Answer::Claims(claims) = self.ask(Question::Claims).await {
                return claims;
            }
        }
    }

    pub(super) async fn password(
        &mut self,
        prompt: String,
        key_accepted: bool,
    ) -> Zeroizing<String> {
        loop {
            let prompt = prompt.clone();
            let question = Question::Password { prompt, key_accepted };
            if let Answer::Password(password) = self.ask(question).await {
                return password;
            }
        }
    }
}

#[cfg_attr(
    not(any(feature = "tokio", feature = "blocking")),
    expect(dead_code, reason = "streams drive it")
)]
impl Desk {
    /// The question that waits, if any; else `driver` is woken when one comes.
    pub(crate) fn question(&self, driver: &Waker) -> Option<Asked> {
        let mut slot = lock(&self.0);
        let question = slot.question.take();
        if question.is_none() {
            slot.driver = Some(driver.clone());
        }
        question
    }

    /// The client's words are known, whatever was asked.
    pub(crate) fn learn(&self, claims: Arc<Claims>) {
        lock(&self.0).claims = Some(claims);
    }

    pub(crate) fn claims(&self, asked: &Asked, claims: Arc<Claims>) {
        self.answer(asked, Answer::Claims(claims));
    }

    pub(crate) fn password(&self, asked: &Asked, password: Zeroizing<String>) {
        self.answer(asked, Answer::Password(password));
    }

    fn answer(&self, asked: &Asked, answer: Answer) {
        let mut slot = lock(&self.0);
        if slot.last != asked.id {
            // given up, and another was asked since
            return;
        }
        slot.answer = Some((asked.id, answer));
        if let Some(asker) = slot.asker.take() {
            asker.wake();
        }
    }
}
