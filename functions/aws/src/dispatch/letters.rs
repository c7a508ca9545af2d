//! Messages as SNS takes them, each written once for all devices that get the same.

use crate::sns::{Channel, Letter};
use push::message::Rendered;
use push::{Platform, Span};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What tells one letter from another: the place of the user in the part, where it is for one, by which way it goes, and how
/// many whole seconds after the message was accepted, as what is left of its time to live stands in it.
type Key = (Option<usize>, Channel, u64);

/// The letters of one page.
#[derive(Default)]
pub(super) struct Letters(Mutex<HashMap<Key, Option<Arc<Letter>>>>);

impl Letters {
    /// The letter for an endpoint of a user's, or of anybody's, so long after the message was accepted: the one that is
    /// there, or what `render` gives, which is nothing where the time to live is over.
    pub fn of(
        &self,
        user: Option<usize>,
        (platform, endpoint): (Platform, &str),
        age: Span,
        render: impl FnOnce() -> Option<Rendered>,
    ) -> Option<Arc<Letter>> {
        let channel = Channel::of(platform, endpoint);
        let key = (user, channel, age.millis() / 1000);
        let mut letters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let letter = letters
            .entry(key)
            .or_insert_with(|| render().map(|rendered| Arc::new(Letter::new(channel, &rendered))));
        letter.clone()
    }
}
