//! What an exploration came by: a model that never gets anywhere breaks no invariant either.

use crate::world::{Answer, Refused, World};
use push::change::Case;
use std::sync::atomic::{AtomicU32, Ordering};

/// The cases of the rules that were written, and the answers that were given, gathered by all threads.
#[derive(Debug, Default)]
pub struct Reached {
    cases: AtomicU32,
    answers: AtomicU32,
}

/// The cases that calls of the model can come to.
pub const CASES: [Case; 14] = [
    Case::New,
    Case::Renewal,
    Case::TokenRefresh,
    Case::OwnerChange,
    Case::Reinstall,
    Case::OwnerChangeAndReinstall,
    Case::StaleToken,
    Case::AnonymousTakeover,
    Case::Unregister,
    Case::Removal,
    Case::Revival,
    Case::Overtaken,
    Case::LogoutMarker,
    Case::Erasure,
];

/// The answers that calls of the model can get.
pub const ANSWERS: [Answer; 10] = [
    Answer::Registered,
    Answer::Unchanged,
    Answer::Overtaken,
    Answer::LoggedOut,
    Answer::Refused(Refused::Unauthorized),
    Answer::Refused(Refused::NotFound),
    Answer::Unavailable,
    Answer::Removed,
    Answer::Erased,
    Answer::Sent,
];

fn note<T: PartialEq>(all: &[T], one: &T, seen: &AtomicU32) {
    if let Some(n) = all.iter().position(|other| other == one) {
        seen.fetch_or(1 << n, Ordering::Relaxed);
    }
}

fn missing<T: Copy>(all: &[T], seen: &AtomicU32) -> Vec<T> {
    let seen = seen.load(Ordering::Relaxed);
    let numbered = all.iter().enumerate();
    numbered
        .filter(|(n, _)| seen & (1 << n) == 0)
        .map(|(_, one)| *one)
        .collect()
}

impl Reached {
    pub(crate) fn case(&self, case: Case) {
        note(&CASES, &case, &self.cases);
    }

    pub(crate) fn answers(&self, before: &World, after: &World) {
        for (before, after) in before.calls.iter().zip(&after.calls) {
            if before.answer().is_none()
                && let Some(answer) = after.answer()
            {
                note(&ANSWERS, &answer, &self.answers);
            }
        }
    }

    /// The cases that were never written.
    #[must_use]
    pub fn cases_missed(&self) -> Vec<Case> {
        missing(&CASES, &self.cases)
    }

    /// The answers that were never given.
    #[must_use]
    pub fn answers_missed(&self) -> Vec<Answer> {
        missing(&ANSWERS, &self.answers)
    }
}
