//! The queue of jobs.

use super::Work;
use crate::queue::Queue;
use crate::{Failure, Start};
use push::Time;

/// The queue of jobs.
#[derive(Clone)]
pub struct Jobs(Queue);

/// How long an endpoint without a device is left alone, in seconds: its app may be about to register again. Those of many
/// devices that end together do not come together: SNS takes few of such calls.
const RETIRE_AFTER: (u64, u64) = (10 * 60, 15 * 60);

impl Jobs {
    /// The queue that the settings name, if they name one.
    #[must_use]
    pub fn new(start: &Start) -> Option<Self> {
        let url = start.settings.job_queue.clone()?;
        Some(Self(Queue::new(start, url)))
    }

    /// All of this is on the queue, each at least once.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where some of it was not taken by the deadline, [`Failure::Internal`]: some may be on the
    /// queue then.
    pub async fn put(&self, work: &[Work], deadline: Time) -> Result<(), Failure> {
        self.0.put(work.iter().map(Work::to_text), deadline).await
    }

    /// The endpoint is on the queue, to be looked after a while from now.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`].
    pub async fn put_later(&self, work: &Work) -> Result<(), Failure> {
        let (least, most) = RETIRE_AFTER;
        let delay = least + crate::random::below(most - least);
        self.0.put_later(work.to_text(), delay).await
    }
}
