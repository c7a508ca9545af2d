//! One page of a send: a look at its devices, an attempt at each, and what the answers mean for them.

use super::aftermath::Aftermath;
use super::{Aim, Dispatch, Report, Sending, users};
use crate::sns::Outcome;
use crate::store::Fault;
use crate::{Failure, random};
use futures_util::{StreamExt, stream};
use push::device::{Device, Record, uid};
use push::{DeviceId, Span, Time, UserId};
use std::collections::{BTreeSet, HashMap};

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

/// What has to be tried again.
#[derive(Default)]
pub(super) struct Again {
    pub aims: Vec<Aim>,
    /// How many of them because somebody asked for patience.
    pub pressed: usize,
}

/// The devices of a page, each once.
pub(super) fn ids(page: &[Aim]) -> BTreeSet<DeviceId> {
    page.iter().map(|aim| aim.device.clone()).collect()
}

impl Dispatch {
    /// One attempt at each aim, by `looked`, or by a new look where there is none yet.
    pub(super) async fn page(
        &self,
        sending: Sending<'_>,
        page: Vec<Aim>,
        looked: Option<(HashMap<DeviceId, Record>, Time)>,
        report: &mut Report,
        aftermath: &mut Aftermath,
    ) -> Result<Again, Failure> {
        let (records, looked) = if let Some(looked) = looked {
            looked
        } else {
            let now = (self.clock)();
            match self.bindings.store().devices(&ids(&page)).await {
                Ok(records) => (records, now),
                Err(Fault::Pressure(_) | Fault::Lost(_)) => {
                    return Ok(Again {
                        pressed: page.len(),
                        aims: page,
                    });
                }
                Err(fault) => return Err(fault.into()),
            }
        };
        let attempts = page.into_iter().map(|aim| {
            let record = records.get(&aim.device);
            async move { (self.attempt(sending, &aim, record, looked).await, aim) }
        });
        let attempts = stream::iter(attempts).buffer_unordered(self.settings.publish_concurrency);
        let steps: Vec<_> = attempts.collect().await;
        Ok(sort_out(steps, report, aftermath))
    }

    /// Publishes to the device if it is meant, by a look at it that is fresh enough.
    async fn attempt(
        &self,
        sending: Sending<'_>,
        aim: &Aim,
        record: Option<&Record>,
        looked: Time,
    ) -> Step {
        let (now, users) = ((self.clock)(), users(sending.message.target()));
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
        let age = at.since(sending.accepted);
        match sending
            .message
            .render(platform, sending.id, uid.as_deref(), age)
        {
            Some(rendered) => {
                let outcome = self.publisher.publish(endpoint, &rendered).await;
                Step::Published(outcome, endpoint.to_owned(), at)
            }
            None => Step::Expired,
        }
    }

    /// SNS does not know the endpoint: it is made again from the device's token and published to once, if a new look at
    /// the device shows that it is still meant and still had this endpoint.
    async fn heal(&self, sending: Sending<'_>, users: &[UserId], aim: &Aim, gone: &str) -> Step {
        let looked = (self.clock)();
        let published = |outcome| Step::Published(outcome, gone.to_owned(), looked);
        let Ok(record) = self.bindings.store().device(&aim.device).await else {
            return published(Outcome::Again);
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
            Err(Failure::Unavailable(_)) => return published(Outcome::Again),
            Err(Failure::Invalid(_)) => return published(Outcome::Refused),
            Err(_) => return published(Outcome::Misconfigured),
        };
        if (self.clock)().since(looked) > GOOD {
            return published(Outcome::Again);
        }
        let step = self.publish(sending, users, aim, device, &endpoint).await;
        if endpoint != gone
            && let Ok(fresh) = random::version()
        {
            let moved =
                self.bindings
                    .store()
                    .move_endpoint(&aim.device, record.version, &endpoint, fresh);
            if let Err(fault) = moved.await {
                let code = Failure::from(fault).code();
                tracing::warn!(code, "a healed endpoint was not noted");
            }
        }
        step
    }
}

/// Counts what became of the aims, and says which are tried again and which devices should end.
fn sort_out(steps: Vec<(Step, Aim)>, report: &mut Report, aftermath: &mut Aftermath) -> Again {
    let outcomes = steps.iter().filter_map(|(step, _)| match step {
        Step::Published(outcome, ..) => Some(*outcome),
        Step::Skipped | Step::Expired | Step::LookAgain => None,
    });
    let (mut published, mut dead) = (0, 0);
    for outcome in outcomes {
        published += 1;
        dead += usize::from(outcome == Outcome::Dead);
    }
    let removable = dead < SUSPICIOUS || dead * 4 <= published;
    let mut again = Again::default();
    let counts = &mut report.counts;
    for (step, mut aim) in steps {
        match step {
            Step::Skipped => {}
            Step::Expired => counts.expired += 1,
            Step::LookAgain => again.aims.push(aim),
            Step::Published(Outcome::Accepted, ..) => {
                counts.accepted += 1;
                if let Some(count) = report.recipients.get_mut(aim.target) {
                    *count += 1;
                }
            }
            Step::Published(Outcome::Refused, ..) => counts.refused += 1,
            Step::Published(Outcome::Dead, endpoint, at) if removable => {
                counts.dead += 1;
                aftermath.dead.push((aim.device, endpoint, at));
            }
            Step::Published(outcome @ (Outcome::Again | Outcome::Gone), ..)
                if outcome == Outcome::Again || aim.attempts < HEALS =>
            {
                counts.retried += 1;
                again.pressed += usize::from(outcome == Outcome::Again);
                aim.attempts += 1;
                again.aims.push(aim);
            }
            Step::Published(
                Outcome::Misconfigured | Outcome::Dead | Outcome::Gone | Outcome::Again,
                ..,
            ) => counts.misconfigured += 1,
        }
    }
    again
}
