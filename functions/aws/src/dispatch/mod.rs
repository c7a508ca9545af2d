//! A send, worked off: devices read afresh, published to with bounded concurrency, repeated while SNS asks for patience.

mod aims;
mod page;

pub use aims::Aim;

use crate::bindings::Bindings;
use crate::sns::Publisher;
use crate::store::Counts;
use crate::{Clock, Failure, Settings, Start};
use push::message::Message;
use push::{MessageId, Span, Time, UserId};
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Devices by outcome.
    pub counts: Counts,
    /// Devices accepted for each target, in the order of the targets.
    pub recipients: Vec<u64>,
    /// Devices that were not reached before the time was over.
    pub left: usize,
}

/// So long before the deadline a send stops, to note what it did and to answer.
const RESERVE: Span = Span::from_seconds(3);
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
    /// deadline.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`] where the devices cannot be read.
    pub async fn send(&self, sending: Sending<'_>) -> Result<Report, Failure> {
        let mut pending: VecDeque<Aim> = self
            .aims(
                sending.message.target(),
                sending.deadline,
                aims::Surplus::Ends,
            )
            .await?
            .into();
        let users = aims::users(sending.message.target());
        let mut report = Report {
            recipients: vec![0; aims::targets(sending.message.target())],
            ..Report::default()
        };
        let mut pause = PAUSE.0;
        while !pending.is_empty() && !self.is_late(sending.deadline) {
            let page: Vec<Aim> = pending.drain(..pending.len().min(page::MOST)).collect();
            let again = self.page(sending, users, page, &mut report).await?;
            if again.is_empty() {
                pause = PAUSE.0;
                continue;
            }
            pending.extend(again);
            tokio::time::sleep(Duration::from_millis(
                pause / 2 + crate::random::below(pause / 2),
            ))
            .await;
            pause = (pause * 2).min(PAUSE.1);
        }
        report.left = pending.len();
        Ok(report)
    }

    /// How many devices each target has that are meant now, in the order of the targets; nothing is sent.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`] where the devices cannot be read.
    pub async fn count(&self, message: &Message, deadline: Time) -> Result<Vec<u64>, Failure> {
        let aims = self
            .aims(message.target(), deadline, aims::Surplus::Stays)
            .await?;
        let users = aims::users(message.target());
        let mut recipients = vec![0; aims::targets(message.target())];
        for page in aims.chunks(page::MOST) {
            let records = self.bindings.store().devices(&page::ids(page)).await?;
            let now = (self.clock)();
            for aim in page {
                let record = records.get(&aim.device);
                if let Some(count) = recipients.get_mut(aim.target)
                    && record
                        .and_then(|record| self.meant(record, aim, users, now))
                        .is_some_and(|device| message.reaches(device.token.platform()))
                {
                    *count += 1;
                }
            }
        }
        Ok(recipients)
    }

    fn is_late(&self, deadline: Time) -> bool {
        (self.clock)() + RESERVE >= deadline
    }

    /// The device, if the send is meant for it by what its item shows now.
    fn meant<'a>(
        &self,
        record: &'a push::device::Record,
        aim: &Aim,
        users: &[UserId],
        now: Time,
    ) -> Option<&'a push::device::Device> {
        match users.get(aim.target) {
            Some(user) => self.bindings.policy().receives(record, user, now),
            None => record.live(now),
        }
    }
}
