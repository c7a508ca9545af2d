//! One page of a send: a look at its devices, an attempt at each, and what the answers mean for them.

use super::aftermath::Aftermath;
use super::source::Piece;
use super::{Aim, Dispatch, Errand, Manner, Report};
use crate::jobs::Part;
use crate::sns::Outcome;
use crate::store::{Counts, Fault};
use crate::{Failure, random};
use futures_util::{StreamExt, stream};
use push::device::{Device, Record, uid};
use push::{DeviceId, Platform, Span, Time};
use std::collections::{BTreeMap, BTreeSet};

/// Devices in a page: what one read takes.
pub(super) const MOST: usize = crate::store::PAGE;
/// A look at a device is good for so long.
const GOOD: Span = Span::from_seconds(2);
/// Attempts at an endpoint that is made again and yet not found.
const HEALS: u32 = 3;
/// Where at least so many devices of a send are dead, and more than a quarter of them, it is not the devices.
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

/// What became of devices, by platform.
pub(super) type Tally = BTreeMap<Platform, Counts>;

/// How many devices were tried since the sending began here, and how many of them are dead: a page may be small.
#[derive(Default)]
pub(super) struct Health {
    published: usize,
    dead: usize,
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
    /// One attempt at each device, by the look that found it, or by a new one.
    pub(super) async fn page(
        &self,
        errand: Errand<'_>,
        piece: Piece,
        tally: &mut Tally,
        report: &mut Report,
        aftermath: &mut Aftermath,
        health: &mut Health,
    ) -> Result<Again, Failure> {
        let Piece {
            aims,
            looked: mut records,
            at,
        } = piece;
        let mut missing = ids(&aims);
        missing.retain(|device| !records.contains_key(device));
        let now = (self.clock)();
        if !missing.is_empty() {
            match self.bindings.store().devices(&missing).await {
                Ok(found) => records.extend(found),
                Err(Fault::Pressure(_) | Fault::Lost(_)) => {
                    return Ok(Again {
                        pressed: aims.len(),
                        aims,
                    });
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        let looked = at.unwrap_or(now);
        let attempts = aims.into_iter().map(|aim| {
            let record = records.get(&aim.device);
            let device = record.and_then(Record::device);
            let platform = device.map(|device| device.token.platform());
            async move {
                let step = self.attempt(errand, &aim, record, looked).await;
                (platform, step, aim)
            }
        });
        let attempts = stream::iter(attempts).buffer_unordered(self.settings.publish_concurrency);
        let steps: Vec<_> = attempts.collect().await;
        Ok(sort_out(
            steps,
            tally,
            &mut report.recipients,
            aftermath,
            health,
        ))
    }

    /// Publishes to the device if it is meant, by a look at it that is fresh enough.
    async fn attempt(
        &self,
        errand: Errand<'_>,
        aim: &Aim,
        record: Option<&Record>,
        looked: Time,
    ) -> Step {
        let (sending, now) = (errand.sending, (self.clock)());
        let meant =
            |now| record.and_then(|record| self.meant(record, aim, sending.part, errand.tags, now));
        let Some(device) = meant(now) else {
            return Step::Skipped;
        };
        if !sending.message.reaches(device.token.platform()) || sending.message.spares(&aim.device)
        {
            return Step::Skipped;
        }
        if sending.manner == Manner::Job {
            self.pacer.turn().await;
        }
        let now = (self.clock)();
        if now.since(looked) > GOOD {
            return Step::LookAgain;
        }
        let step = self.publish(errand, aim, device, &device.endpoint).await;
        match step {
            Step::Published(Outcome::Gone, gone, _) => self.heal(errand, aim, &gone).await,
            step => step,
        }
    }

    async fn publish(
        &self,
        errand: Errand<'_>,
        aim: &Aim,
        device: &Device,
        endpoint: &str,
    ) -> Step {
        let sending = errand.sending;
        let user = match sending.part {
            Part::Users(users) => users.get(aim.target),
            Part::Devices(_) | Part::Shards(..) | Part::TagShards(..) => None,
        };
        let uid = user.map(|user| uid(&self.settings.application, user));
        let platform = device.token.platform();
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
    async fn heal(&self, errand: Errand<'_>, aim: &Aim, gone: &str) -> Step {
        let (sending, looked) = (errand.sending, (self.clock)());
        let published = |outcome| Step::Published(outcome, gone.to_owned(), looked);
        let Ok(record) = self.bindings.store().device(&aim.device).await else {
            return published(Outcome::Again);
        };
        let Some(record) = record else {
            return Step::Skipped;
        };
        let Some(device) = self.meant(&record, aim, sending.part, errand.tags, looked) else {
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
        if sending.manner == Manner::Job {
            self.pacer.turn().await;
        }
        if (self.clock)().since(looked) > GOOD {
            return published(Outcome::Again);
        }
        let step = self.publish(errand, aim, device, &endpoint).await;
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
fn sort_out(
    steps: Vec<(Option<Platform>, Step, Aim)>,
    tally: &mut Tally,
    recipients: &mut [u64],
    aftermath: &mut Aftermath,
    health: &mut Health,
) -> Again {
    let outcomes = steps.iter().filter_map(|(_, step, _)| match step {
        Step::Published(outcome, ..) => Some(*outcome),
        Step::Skipped | Step::Expired | Step::LookAgain => None,
    });
    for outcome in outcomes {
        health.published += 1;
        health.dead += usize::from(outcome == Outcome::Dead);
    }
    let removable = health.dead < SUSPICIOUS || health.dead * 4 <= health.published;
    let mut again = Again::default();
    for (platform, step, mut aim) in steps {
        // Where there is no device, nothing was tried.
        let Some(platform) = platform else {
            continue;
        };
        let counts = tally.entry(platform).or_default();
        match step {
            Step::Skipped => {}
            Step::Expired => counts.expired += 1,
            Step::LookAgain => again.aims.push(aim),
            Step::Published(Outcome::Accepted, ..) => {
                counts.accepted += 1;
                if let Some(count) = recipients.get_mut(aim.target) {
                    *count += 1;
                }
            }
            Step::Published(Outcome::Refused, ..) => counts.refused += 1,
            Step::Published(Outcome::Dead, endpoint, at) if removable => {
                counts.dead += 1;
                aftermath.dead.push((platform, aim.device, endpoint, at));
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
