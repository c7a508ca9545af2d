//! The list of tags, kept for a while: every app asks for it, and all of it is one partition of the table, which
//! subscribing reads too.

use aws::Clock;
use aws::store::{Consistency, Fault, Store};
use push::tag::Tag;
use push::{Span, TagName, Time};
use std::sync::{Arc, Mutex, PoisonError};

/// The first tags, by their names.
pub(crate) type List = Arc<[(TagName, Tag)]>;

/// What this environment knows of the list.
pub(crate) struct KeptTags {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Clone)]
enum State {
    Unknown,
    /// This environment has changed a tag since it read the list: the next read must show that.
    Changed,
    Read {
        tags: List,
        /// How many tags were asked for.
        most: usize,
        at: Time,
    },
}

/// So long a list that was read is answered again.
const FRESH: Span = Span::from_seconds(10);

impl KeptTags {
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            state: Mutex::new(State::Unknown),
        }
    }

    /// At least the first `most` tags: as they were at most ten seconds ago, or, for `Strong`, as they are.
    pub async fn first(
        &self,
        store: &Store,
        most: usize,
        wanted: Consistency,
    ) -> Result<List, Fault> {
        let now = (self.clock)();
        let state = self.state().clone();
        let consistency = match state {
            State::Read {
                tags,
                most: read,
                at,
            } if wanted == Consistency::Eventual && read >= most && now.since(at) < FRESH => {
                return Ok(tags);
            }
            State::Changed => Consistency::Strong,
            State::Unknown | State::Read { .. } => wanted,
        };
        let tags: List = store.first_tags(most, consistency).await?.into();
        *self.state() = State::Read {
            tags: Arc::clone(&tags),
            most,
            at: now,
        };
        Ok(tags)
    }

    /// To be called before a tag is changed: whatever becomes of that, the list is read anew.
    pub fn forget(&self) {
        *self.state() = State::Changed;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
