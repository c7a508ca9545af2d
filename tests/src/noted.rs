//! Every secret, token and user id that a story used: what no log line may hold.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

static NOTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes a word that may not be logged, and hands it back.
pub(crate) fn note(word: impl Into<String>) -> String {
    let word = word.into();
    NOTED
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(word.clone());
    word
}

/// All words noted so far.
#[must_use]
pub fn noted() -> Vec<String> {
    let noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    noted.iter().cloned().collect()
}
