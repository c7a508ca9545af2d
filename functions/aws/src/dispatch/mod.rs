//! A send, worked off: devices read afresh, published to with bounded concurrency, repeated while SNS asks for patience.

mod aftermath;
mod page;
mod source;

use crate::bindings::Bindings;
use crate::sns::Publisher;
use crate::store::Counts;
use crate::{Clock, Failure, Settings, Start};
use aftermath::Aftermath;
use push::device::{Device, Record};
use push::message::{Message, Target};
use push::{DeviceId, MessageId, Span, Time, UserId};
use source::Source;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Sends messages to devices.
pub struct Dispatch {
    bindings: Bindings,
    publisher: Publisher,
    settings: Arc<Settings>,
    clock: Clock,
}

/// One message on its way.
#[derive(Clone, Copy)]
pub struct Sending<'a> {
    /// The message.
    pub message: &'a Message,
    /// Its id.
    pub id: &'a MessageId,
    /// When it was accepted: its time to live counts from here.
    pub accepted: Time,
    /// When the invocation ends.
    pub deadline: Time,
}

/// What a send came to.
#[derive(Debug, Default)]
pub struct Report {
    /// Devices by outcome.
    pub counts: Counts,
    /// Devices accepted for each user or device that the target names, in its order.
    pub recipients: Vec<u64>,
    /// Why not every device was tried, where that is so: the time was over, or the table could not be read.
    pub failure: Option<Failure>,
}

/// A device to be looked at, for one of the message's targets: people, not endpoints, so that every attempt finds out
/// anew who owns it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Aim {
    /// The place of the target in the message.
    target: usize,
    device: DeviceId,
    /// Attempts so far.
    attempts: u32,
}

/// So long before the deadline the last attempts begin.
const RESERVE: Span = Span::from_seconds(3);
/// So long before it they are given up, to note what was done and to answer.
const LAST: Span = Span::from_seconds(1);
/// The first pause while SNS is short of capacity, in milliseconds; each further one is twice as long, up to the second.
const PAUSE: (u64, u64) = (50, 1000);

impl Dispatch {
    /// For the table and the platform applications in the settings.
    #[must_use]
    pub fn new(start: &Start) -> Self {
        Self {
            bindings: Bindings::new(start),
            publisher: Publisher::new(start),
            settings: Arc::clone(&start.settings),
            clock: start.clock.clone(),
        }
    }

    /// Publishes to every device of the message's target that a look at it, at most two seconds old, shows to be meant.
    /// What SNS throttles or does not answer is tried again, each time after a new look, until three seconds before the
    /// deadline. Then devices that were found dead end, and those that their user has too many of.
    pub async fn send(&self, sending: Sending<'_>) -> Report {
        let target = sending.message.target();
        let mut report = Report {
            recipients: vec![0; names(target)],
            ..Report::default()
        };
        let mut aftermath = Aftermath::default();
        let failure = self
            .publish_all(sending, &mut report, &mut aftermath)
            .await
            .err();
        self.clear_away(
            aftermath,
            users(target),
            sending.deadline,
            &mut report.counts,
        )
        .await;
        if report.counts.misconfigured > 0 {
            let (id, misconfigured) = (sending.id.as_str(), report.counts.misconfigured);
            tracing::error!(
                messageId = id,
                misconfigured,
                "a platform does not work as it is configured"
            );
        }
        Report { failure, ..report }
    }

    async fn publish_all(
        &self,
        sending: Sending<'_>,
        report: &mut Report,
        aftermath: &mut Aftermath,
    ) -> Result<(), Failure> {
        let mut source = Source::new(sending.message.target());
        let mut pending: VecDeque<Aim> = VecDeque::new();
        let mut pause = PAUSE.0;
        loop {
            if pending.is_empty() && source.is_empty() {
                return Ok(());
            }
            if self.is_late(sending.deadline) {
                return Err(Failure::Unavailable(
                    "not every device was reached in time".into(),
                ));
            }
            let (page, looked) = if pending.len() < page::MOST && !source.is_empty() {
                let next = self.next(&mut source, sending.deadline, aftermath).await?;
                pending.extend(next.aims);
                match next.looked {
                    Some(looked) => (pending.drain(..).collect(), Some(looked)),
                    None => continue,
                }
            } else {
                let most = pending.len().min(page::MOST);
                (pending.drain(..most).collect::<Vec<_>>(), None)
            };
            let size = page.len();
            let work = self.page(sending, page, looked, report, aftermath);
            let left = (sending.deadline - LAST).since((self.clock)());
            let again = tokio::time::timeout(Duration::from_millis(left.millis()), work).await;
            let again = again
                .map_err(|_| Failure::Unavailable("the last attempts took too long".into()))??;
            // A few that are throttled wait at the end of the line. Where most are, so do we.
            if again.pressed * 2 > size {
                let span = pause / 2 + crate::random::below(pause / 2);
                tokio::time::sleep(Duration::from_millis(span)).await;
                pause = (pause * 2).min(PAUSE.1);
            } else {
                pause = PAUSE.0;
            }
            pending.extend(again.aims);
        }
    }

    /// How many devices each user or device that the target names has that are meant now, in its order; nothing is sent,
    /// and where it names none, nothing is counted.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`] where the devices cannot be read.
    pub async fn count(&self, message: &Message, deadline: Time) -> Result<Vec<u64>, Failure> {
        let mut source = Source::new(message.target());
        let users = users(message.target());
        let mut recipients = vec![0; names(message.target())];
        let mut unused = Aftermath::default();
        while !source.is_empty() && !recipients.is_empty() {
            if self.is_late(deadline) {
                return Err(Failure::Unavailable(
                    "not every device was counted in time".into(),
                ));
            }
            let next = self.next(&mut source, deadline, &mut unused).await?;
            for page in next.aims.chunks(page::MOST) {
                let records = self.bindings.store().devices(&page::ids(page)).await?;
                let now = (self.clock)();
                for aim in page {
                    let device = records
                        .get(&aim.device)
                        .and_then(|record| self.meant(record, aim, users, now));
                    if let Some(count) = recipients.get_mut(aim.target)
                        && device.is_some_and(|device| message.reaches(device.token.platform()))
                    {
                        *count += 1;
                    }
                }
            }
        }
        Ok(recipients)
    }

    /// The device, if the send is meant for it by what its item shows now.
    fn meant<'a>(
        &self,
        record: &'a Record,
        aim: &Aim,
        users: &[UserId],
        now: Time,
    ) -> Option<&'a Device> {
        match users.get(aim.target) {
            Some(user) => self.bindings.policy().receives(record, user, now),
            None => record.live(now),
        }
    }
}

/// The users that a target names; none where it names something else.
fn users(target: &Target) -> &[UserId] {
    match target {
        Target::Users(users) => users,
        Target::Everybody | Target::Devices(_) | Target::Platforms(_) | Target::Tags(_) => &[],
    }
}

/// How many users or devices a target names.
fn names(target: &Target) -> usize {
    match target {
        Target::Users(users) => users.len(),
        Target::Devices(devices) => devices.len(),
        Target::Everybody | Target::Platforms(_) | Target::Tags(_) => 0,
    }
}
