//! When the next endpoint may be made again: by a pace that all senders share in the table.

use crate::store::Fault;
use crate::{Clock, Failure, Start, Store};
use push::pace::{AHEAD, SharedPace};
use push::{Span, Time};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::sleep;

/// Gives turns, each a slot of its own. Every environment of a sender has one.
pub(super) struct Creates {
    pace: SharedPace,
    clock: Clock,
    /// No slot is asked for before.
    closed: Mutex<Time>,
}

/// There are too many turns already: one should be asked for later.
pub(super) struct Later;

impl Creates {
    /// By the pace in the settings.
    pub fn new(start: &Start) -> Self {
        Self {
            pace: SharedPace::of_creates(start.settings.register_per_second),
            clock: start.clock.clone(),
            closed: Mutex::new(Time::default()),
        }
    }

    /// Returns when it is the caller's turn to make one endpoint, after a second at most.
    ///
    /// # Errors
    /// [`Later`] at once: too many turns are reserved, or the table does not say.
    pub async fn turn(&self, store: &Store) -> Result<(), Later> {
        let slot = {
            // One at a time: after a refusal nobody here asks again before it can be otherwise.
            let mut closed = self.closed.lock().await;
            let now = (self.clock)();
            if now < *closed {
                return Err(Later);
            }
            match store.reserve_creates(now, self.pace.span(1)).await {
                Ok(Ok(slot)) => slot,
                Ok(Err(opens)) => {
                    *closed = opens;
                    return Err(Later);
                }
                Err(fault) => {
                    *closed = now + AHEAD;
                    if !matches!(fault, Fault::Pressure(_)) {
                        let code = Failure::from(fault).code();
                        tracing::warn!(code, "no turn to make an endpoint was reserved");
                    }
                    return Err(Later);
                }
            }
        };
        let wait = slot.from.since((self.clock)()).min(AHEAD);
        sleep(Duration::from_millis(wait.millis())).await;
        Ok(())
    }

    /// Waits until a turn may be asked for again, and by chance up to a second longer, so that not all who wait come at once;
    /// not past `until`.
    pub async fn pause(&self, until: Time) {
        let closed = *self.closed.lock().await;
        let now = (self.clock)();
        let opens = closed.since(now).min(AHEAD).millis();
        let chance = crate::random::below(AHEAD.millis());
        let wait = until.since(now).min(Span::from_millis(opens + chance));
        sleep(Duration::from_millis(wait.millis())).await;
    }
}
