//! The queues of jobs.

use super::Work;
use crate::queue::Queue;
use crate::{Failure, Start};
use push::Time;

/// The queues of jobs: one for jobs that name users or devices, so that they never wait behind a broadcast, and one for
/// everything else. A worker reads the jobs of both.
#[derive(Clone)]
pub struct Jobs {
    named: Queue,
    rest: Queue,
}

/// How long an endpoint without a device is left alone, in seconds: its app may be about to register again. Those of many
/// devices that end together do not come together: SNS takes few of such calls.
const RETIRE_AFTER: (u64, u64) = (10 * 60, 15 * 60);

impl Jobs {
    /// The queues that the settings name, if they name any.
    #[must_use]
    pub fn new(start: &Start) -> Option<Self> {
        let rest = start.settings.job_queue.clone()?;
        let named = start.settings.named_job_queue.clone();
        Some(Self {
            named: Queue::new(start, named.unwrap_or_else(|| rest.clone())),
            rest: Queue::new(start, rest),
        })
    }

    /// All of this is on its queue, each at least once.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where some of it was not taken by the deadline, [`Failure::Internal`]: some may be on the
    /// queue then.
    pub async fn put(&self, work: &[Work], deadline: Time) -> Result<(), Failure> {
        let (named, rest): (Vec<_>, Vec<_>) = work.iter().partition(|work| work.is_named());
        tokio::try_join!(
            self.named
                .put(named.into_iter().map(Work::to_text), deadline),
            self.rest.put(rest.into_iter().map(Work::to_text), deadline),
        )?;
        Ok(())
    }

    /// The endpoint is on the queue, to be looked after a while from now.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`].
    pub async fn put_later(&self, work: &Work) -> Result<(), Failure> {
        let (least, most) = RETIRE_AFTER;
        let delay = least + crate::random::below(most - least);
        self.rest.put_later(work.to_text(), delay).await
    }
}
