//! What passes between an authenticator and the handshake that it drives.
//!
//! The authenticator is a coroutine: where it needs something of the client it leaves a question
//! and waits. Whoever polls it finds the question, runs the handshake that far, and answers. A
//! handshake that fails drops the authenticator, so no question is ever answered with an error.

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

#[derive(Debug, Default)]
struct Slot {
    question: Option<Question>,
    answer: Option<Answer>,
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

impl Line {
    async fn ask(&mut self, question: Question) -> Answer {
        {
            let mut slot = lock(&self.0);
            slot.answer = None;
            slot.question = Some(question);
            if let Some(driver) = slot.driver.take() {
                driver.wake();
            }
        }
        core::future::poll_fn(|cx| {
            let mut slot = lock(&self.0);
            match slot.answer.take() {
                Some(answer) => Poll::Ready(answer),
                None => {
                    slot.asker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }

    pub(super) async fn claims(&mut self) -> Arc<Claims> {
        loop {
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
    pub(crate) fn question(&self, driver: &Waker) -> Option<Question> {
        let mut slot = lock(&self.0);
        let question = slot.question.take();
        if question.is_none() {
            slot.driver = Some(driver.clone());
        }
        question
    }

    pub(crate) fn claims(&self, claims: Arc<Claims>) {
        self.answer(Answer::Claims(claims));
    }

    pub(crate) fn password(&self, password: Zeroizing<String>) {
        self.answer(Answer::Password(password));
    }

    fn answer(&self, answer: Answer) {
        let mut slot = lock(&self.0);
        slot.answer = Some(answer);
        if let Some(asker) = slot.asker.take() {
            asker.wake();
        }
    }
}
