//! What a send leaves to be done to devices, once everybody has been told.

use super::{Dispatch, Sending};
use crate::bindings::Removal;
use crate::jobs::Part;
use futures_util::{StreamExt, stream};
use push::{DeviceId, Platform, Span, Time};
use std::time::Duration;

/// Devices that should end.
#[derive(Default)]
pub(super) struct Aftermath {
    /// Those of a platform whose token is dead: the endpoint that showed it, and when.
    pub dead: Vec<(Platform, DeviceId, String, Time)>,
    /// Those that a user has too many of, with the end of the lease and the place of the user in the part.
    pub surplus: Vec<(DeviceId, Time, usize)>,
}

/// Devices that end at the same time.
const AT_ONCE: usize = 16;
/// The next page waits no longer than this; what is left is found again by the next send.
const MOST: Span = Span::from_seconds(5);

impl Dispatch {
    /// Ends what should end, as far as the budget and the time last, and gives the platform of each dead device that the
    /// budget did not let go: it is not they that are wrong.
    pub(super) async fn clear_away(
        &self,
        aftermath: Aftermath,
        sending: Sending<'_>,
    ) -> Vec<Platform> {
        let left = sending.deadline.since((self.clock)()).min(MOST);
        let budget = self.settings.max_removals_per_hour;
        let burials = aftermath
            .dead
            .iter()
            .map(|(platform, id, endpoint, at)| async move {
                match self.bindings.remove(id, endpoint, *at, budget).await {
                    Ok(removal) => (removal == Removal::OverBudget).then_some(*platform),
                    Err(failure) => {
                        tracing::warn!(code = failure.code(), "a dead device was not removed");
                        None
                    }
                }
            });
        let evictions = aftermath.surplus.iter().filter_map(|(id, lease, target)| {
            let Part::Users(users) = sending.part else {
                return None;
            };
            let user = users.get(*target)?;
            Some(async move {
                if let Err(failure) = self.bindings.evict(id, user, *lease).await {
                    tracing::warn!(code = failure.code(), "a surplus device was not ended");
                }
            })
        });
        let (burials, evictions): (Vec<_>, Vec<_>) = (burials.collect(), evictions.collect());
        let mut over_budget = Vec::new();
        let work = async {
            let mut burials = stream::iter(burials).buffer_unordered(AT_ONCE);
            while let Some(over) = burials.next().await {
                over_budget.extend(over);
            }
            stream::iter(evictions)
                .buffer_unordered(AT_ONCE)
                .collect::<()>()
                .await;
        };
        if tokio::time::timeout(Duration::from_millis(left.millis()), work)
            .await
            .is_err()
        {
            tracing::warn!("not every device that should end has ended");
        }
        over_budget
    }
}
