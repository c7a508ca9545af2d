//! What a send leaves to be done to devices, once everybody has been told.

use super::{Dispatch, Sending};
use crate::Failure;
use crate::bindings::Removal;
use crate::jobs::Part;
use futures_util::{StreamExt, stream};
use push::removal::DeadEndpoint;
use push::{DeviceId, Platform, Span, Time};
use std::collections::BTreeSet;
use std::time::Duration;

/// Devices that should end.
#[derive(Default)]
pub(super) struct Aftermath {
    /// Those of a platform whose endpoint stays disabled.
    pub dead: Vec<(Platform, DeviceId, DeadEndpoint)>,
    /// Those that stay although their endpoint is disabled: it, and when that was found.
    pub disabled: Vec<(DeviceId, String, Time)>,
    /// The places in the part of users who have too many devices.
    pub surplus: BTreeSet<usize>,
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
            .map(|(platform, id, dead)| async move {
                match self.bindings.remove(id, dead, budget).await {
                    Ok(removal) => (removal == Removal::OverBudget).then_some(*platform),
                    Err(failure) => {
                        tracing::warn!(code = failure.code(), "a dead device was not removed");
                        None
                    }
                }
            });
        let notes = aftermath
            .disabled
            .iter()
            .map(|(id, endpoint, at)| async move {
                let noted = async {
                    if let Some(record) = self.bindings.store().device(id).await? {
                        let found = (endpoint.as_str(), *at);
                        self.bindings
                            .note_disabled(id, &record, found, None)
                            .await?;
                    }
                    Ok::<_, Failure>(())
                };
                if let Err(failure) = noted.await {
                    tracing::warn!(code = failure.code(), "a disabled endpoint was not noted");
                }
            });
        let users = match sending.part {
            Part::Users(users) => users.as_slice(),
            Part::Devices(_) | Part::Shards(..) | Part::TagShards(..) => &[],
        };
        let surplus = aftermath.surplus.iter().filter_map(|at| users.get(*at));
        let trims = surplus.map(|user| async move {
            if let Err(failure) = self.bindings.trim_later(user, sending.deadline).await {
                tracing::warn!(code = failure.code(), "surplus devices are left");
            }
        });
        let (burials, trims): (Vec<_>, Vec<_>) = (burials.collect(), trims.collect());
        let notes: Vec<_> = notes.collect();
        let mut over_budget = Vec::new();
        let work = async {
            let mut burials = stream::iter(burials).buffer_unordered(AT_ONCE);
            while let Some(over) = burials.next().await {
                over_budget.extend(over);
            }
            stream::iter(notes)
                .buffer_unordered(AT_ONCE)
                .collect::<()>()
                .await;
            stream::iter(trims)
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
