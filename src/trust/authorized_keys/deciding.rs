//! One look at each line that lists a key, in their order.

use std::sync::Arc;

use super::Line;
use super::decision::{Decision, Entry, Question, RefusedLines};

/// A decision that is being made.
#[derive(Debug)]
pub(in crate::trust) struct Deciding<'a, 'q> {
    question: &'q Question<'a>,
    admitted: Option<Entry>,
    refused: RefusedLines,
}

impl<'a, 'q> Deciding<'a, 'q> {
    pub(in crate::trust) fn new(question: &'q Question<'a>) -> Self {
        Self { question, admitted: None, refused: RefusedLines::default() }
    }

    /// Takes in the next line that lists the key; the first that may be honoured decides.
    pub(in crate::trust) fn look(&mut self, line: &Line) {
        if self.admitted.is_some() {
            return;
        }
        match &line.permissions {
            Ok(permissions) => match self.question.refusal(permissions) {
                Some(why) => self.refused.push(&line.place, || why),
                None => {
                    self.admitted = Some(Entry {
                        place: line.place.clone(),
                        comment: line.comment.clone(),
                        permissions: Arc::clone(permissions),
                        passed_over: std::mem::take(&mut self.refused),
                    });
                }
            },
            Err(why) => self.refused.push(&line.place, || why.clone()),
        }
    }

    pub(in crate::trust) fn done(self) -> Decision {
        match self.admitted {
            Some(entry) => Decision::Admitted(entry),
            None if self.refused.total() == 0 => Decision::Unlisted,
            None => Decision::Refused(self.refused),
        }
    }
}
