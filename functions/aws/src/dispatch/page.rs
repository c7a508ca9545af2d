//! One page of a send: a look at its devices, an attempt at each, and what the answers mean for them.

use super::{Aim, Dispatch, Report, Sending};
use crate::bindings::Removal;
use crate::sns::Outcome;
use crate::store::Fault;
use crate::{Failure, random};
use futures_util::{StreamExt, stream};
use push::device::{Device, Record, uid};
use push::{DeviceId, Span, Time, UserId};
use std::collections::BTreeSet;

/// Devices in a page: what one read takes.
pub(super) const MOST: usize = crate::store::PAGE;
/// A look at a device is good for so long.
const GOOD: Span = Span::from_seconds(2);
/// Attempts at an endpoint that is made again and yet not found.
const HEALS: u32 = 3;
/// Where at least so many devices of a page are dead, and more than a quarter of them, it is not the devices.
const SUSPICIOUS: usize = 20;

/// What became of one aim.
enum Step {
    /// It is not meant for this device (any more).
    Skipped,
    /// The time to live is over.
    Expired,
    /// It was too long ago that the device was looked at.
    LookAgain,
    /// SNS answered, about this endpoint, to a publish begun then.
    Published(Outcome, String, Time),
}

/// The devices of a page, each once.
pub(super) fn ids(page: &[Aim]) -> BTreeSet<DeviceId> {
    page.iter().map(|aim| aim.device.clone()).collect()
}

impl Dispatch {
    /// One attempt at each aim. What has to be tried again comes back.
    pub(super) async fn page(
        &self,
        sending: Sending<'_>,
        users: &[UserId],
        page: Vec<Aim>,
        report: &mut Report,
    ) -> Result<Vec<Aim>, Failure> {
        let looked = (self.clock)();
        let records = match self.bindings.store().devices(&ids(&page)).await {
            Ok(records) => records,
            Err(Fault::Pressure(_) | Fault::Lost(_)) => return Ok(page),
            Err(fault) => return Err(fault.into()),
        };
        let attempts = page.into_iter().map(|aim| {
            let record = records.get(&aim.device);
            async move {
                (
                    self.attempt(sending, users, &aim, record, looked).await,
                    aim,
                )
            }
        });
        let steps: Vec<_> = stream::iter(attempts)
            .buffer_unordered(self.settings.publish_concurrency)
            .collect()
            .await;

        let published = steps
            .iter()
            .filter(|(step, _)| matches!(step, Step::Published(..)))
            .count();
        let dead = steps
            .iter()
            .filter(|(step, _)| matches!(step, Step::Published(Outcome::Dead, ..)))
            .count();
        let removable = dead < SUSPICIOUS || dead * 4 <= published;
        let mut again = Vec::new();
        for (step, mut aim) in steps {
            let counts = &mut report.counts;
            match step {
                Step::Skipped => {}
                Step::Expired => counts.expired += 1,
                Step::LookAgain => again.push(aim),
                Step::Published(Outcome::Accepted, ..) => {
                    counts.accepted += 1;
                    if let Some(count) = report.recipients.get_mut(aim.target) {
                        *count += 1;
                    }
                }
                Step::Published(Outcome::Refused, ..) => counts.refused += 1,
                Step::Published(Outcome::Dead, endpoint, at) if removable => {
                    match self.bury(&aim.device, &endpoint, at).await {
                        Buried::Yes => counts.dead += 1,
                        Buried::No => counts.misconfigured += 1,
                    }
                }
                Step::Published(Outcome::Again | Outcome::Gone, ..)
                    if aim.attempts < HEALS
                        || matches!(step, Step::Published(Outcome::Again, ..)) =>
                {
                    counts.retried += 1;
                    aim.attempts += 1;
                    again.push(aim);
                }
                Step::Published(
                    Outcome::Misconfigured | Outcome::Dead | Outcome::Gone | Outcome::Again,
                    ..,
                ) => counts.misconfigured += 1,
            }
        }
        if report.counts.misconfigured > 0 {
            tracing::error!(
                messageId = sending.id.as_str(),
                misconfigured = report.counts.misconfigured,
                "a platform does not work as it is configured"
            );
        }
        Ok(again)
    }

    /// Publishes to the device if it is meant, by a look at it that is fresh enough.
    async fn attempt(
        &self,
        sending: Sending<'_>,
        users: &[UserId],
        aim: &Aim,
        record: Option<&Record>,
        looked: Time,
    ) -> Step {
        let now = (self.clock)();
        let Some(device) = record.and_then(|record| self.meant(record, aim, users, now)) else {
            return Step::Skipped;
        };
        if now.since(looked) > GOOD {
            return Step::LookAgain;
        }
        let step = self
            .publish(sending, users, aim, device, &device.endpoint)
            .await;
        match step {
            Step::Published(Outcome::Gone, gone, _) => self.heal(sending, users, aim, &gone).await,
            step => step,
        }
    }

    async fn publish(
        &self,
        sending: Sending<'_>,
        users: &[UserId],
        aim: &Aim,
        device: &Device,
        endpoint: &str,
    ) -> Step {
        let platform = device.token.platform();
        if !sending.message.reaches(platform) {
            return Step::Skipped;
        }
        let uid = users
            .get(aim.target)
            .map(|user| uid(&self.settings.application, user));
        let at = (self.clock)();
        let Some(rendered) = sending.message.render(
            platform,
            sending.id,
            uid.as_deref(),
            at.since(sending.accepted),
        ) else {
            return Step::Expired;
        };
        Step::Published(
            self.publisher.publish(endpoint, &rendered).await,
            endpoint.to_owned(),
            at,
        )
    }

    /// SNS does not know the endpoint: it is made again from the device's token and published to once, if a new look at
    /// the device shows that it is still meant and still had this endpoint.
    async fn heal(&self, sending: Sending<'_>, users: &[UserId], aim: &Aim, gone: &str) -> Step {
        let again = |at| Step::Published(Outcome::Again, gone.to_owned(), at);
        let looked = (self.clock)();
        let Ok(record) = self.bindings.store().device(&aim.device).await else {
            return again(looked);
        };
        let Some(record) = record else {
            return Step::Skipped;
        };
        let Some(device) = self.meant(&record, aim, users, looked) else {
            return Step::Skipped;
        };
        if device.endpoint != gone {
            return Step::LookAgain;
        }
        let endpoint = match self.bindings.endpoint(&device.token).await {
            Ok(endpoint) => endpoint,
            Err(Failure::Unavailable(_)) => return again(looked),
            Err(Failure::Invalid(_)) => {
                return Step::Published(Outcome::Refused, gone.to_owned(), looked);
            }
            Err(_) => return Step::Published(Outcome::Misconfigured, gone.to_owned(), looked),
        };
        if (self.clock)().since(looked) > GOOD {
            return again(looked);
        }
        let step = self.publish(sending, users, aim, device, &endpoint).await;
        if endpoint != gone
            && let Ok(fresh) = random::version()
            && let Err(fault) = self
                .bindings
                .store()
                .move_endpoint(&aim.device, record.version, &endpoint, fresh)
                .await
        {
            tracing::warn!(
                code = Failure::from(fault).code(),
                "a healed endpoint was not noted"
            );
        }
        step
    }

    /// The device of a dead endpoint leaves the store, within the budget.
    async fn bury(&self, device: &DeviceId, endpoint: &str, at: Time) -> Buried {
        match self
            .bindings
            .remove(device, endpoint, at, self.settings.max_removals_per_hour)
            .await
        {
            Ok(Removal::Done | Removal::NotNeeded) => Buried::Yes,
            Ok(Removal::OverBudget) => Buried::No,
            // It is dead all the same, and the next send finds it again.
            Err(failure) => {
                tracing::warn!(code = failure.code(), "a dead device was not removed");
                Buried::Yes
            }
        }
    }
}

/// Whether a dead endpoint is the device's own fault.
enum Buried {
    Yes,
    No,
}
