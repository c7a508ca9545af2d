//! When the next endpoint may be made again: by a pace that all senders share in the table.

use super::pacer::SharedPace;
use crate::store::Fault;
use crate::{Failure, Start, Store};
use push::Time;
use push::pace::{AHEAD, Pace};
use tokio::sync::Mutex;

/// Gives turns, each a slot of its own. Every environment of a sender has one.
pub(super) struct Creates {
    shared: SharedPace,
    /// No slot is asked for before.
    closed: Mutex<Time>,
}

/// There are too many turns already: one should be asked for later.
pub(super) struct Later;

impl Creates {
    /// By the pace in the settings.
    pub fn new(start: &Start) -> Self {
        Self {
            shared: SharedPace {
                name: "CREATE",
                pace: Pace::of_creates(start.settings.register_per_second),
                clock: start.clock.clone(),
            },
            closed: Mutex::new(Time::default()),
        }
    }

    /// Returns when it is the caller's turn to make one endpoint, after a second at most.
    ///
    /// # Errors
    /// [`Later`] at once: too many turns are reserved, or the table does not say.
    pub async fn turn(&self, store: &Store) -> Result<(), Later> {
        let turns = {
            // One at a time: after a refusal nobody here asks again before it can be otherwise.
            let mut closed = self.closed.lock().await;
            let now = (self.shared.clock)();
            if now < *closed {
                return Err(Later);
            }
            match self.shared.reserve(store, 1, AHEAD).await {
                Ok(Ok(turns)) => turns,
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
        self.shared.reach(turns.from()).await;
        Ok(())
    }

    /// Waits until a turn may be asked for again, and by chance up to a second longer; not past `until`.
    pub async fn pause(&self, until: Time) {
        let closed = *self.closed.lock().await;
        self.shared.pause(closed, until).await;
    }
}
