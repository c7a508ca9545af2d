//! What becomes of an endpoint whose device has ended.

use super::Bindings;
use crate::jobs::{Retired, Work};
use push::change::{Action, Change};
use push::device::Record;
use std::time::Duration;

/// An answer waits no longer than this for the queue.
const MOST: Duration = Duration::from_secs(1);

impl Bindings {
    /// The endpoint of the device that the change has ended is looked after later, if the queue takes it in time: an
    /// endpoint without a device is harmless.
    pub(super) async fn retire(&self, change: &Change, ended: Option<&Record>) {
        let lets_go = |action: &Action| matches!(action, Action::PutToken { .. });
        let device = ended.and_then(Record::device);
        let (Some(jobs), Some(device)) = (&self.jobs, device) else {
            return;
        };
        if !change.actions.iter().any(lets_go) {
            return;
        }
        let work = Work::Retire(Retired {
            platform: device.token.platform(),
            token: device.token.key(),
            endpoint: device.endpoint.clone(),
        });
        match tokio::time::timeout(MOST, jobs.put_later(&work)).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => {
                tracing::warn!(
                    code = failure.code(),
                    "an endpoint will not be looked after"
                );
            }
            Err(_) => tracing::warn!("an endpoint will not be looked after: no answer"),
        }
    }
}
