//! Sending an accepted message: at once, or by jobs on the queue.

use crate::Sender;
use crate::acceptance::Origin;
use aws::dispatch::{End, Manner, Report, Sending};
use aws::jobs::{AT_ONCE, Job, Part, Work};
use aws::store::{Attempts, Claim, Holder, StoredMessage};
use aws::{Call, Failure, random};
use push::message::Message;
use push::{MessageId, Span, Time};

/// How a message is sent.
pub(crate) enum Plan {
    /// Within the request.
    AtOnce(Part),
    /// By the workers of the queue.
    Queued(Vec<Part>),
}

/// What became of a message that is sent, or is sure to be.
#[derive(Default)]
pub(crate) struct Sent {
    /// Devices accepted for each user or device that was sent to at once; nothing where that is not known.
    pub recipients: Option<Vec<u64>>,
    /// Whether whoever goes on with it would send it again, because what was sent could not be noted.
    pub forgotten: bool,
}

/// What throttles or does not answer is tried again within the request for so long; what is left then is for the queue.
const PATIENCE: Span = Span::from_seconds(2);
/// So long before the invocation ends no page begins: with a queue, which goes on with what is left, and without.
const RESERVE: [Span; 2] = [Span::from_seconds(12), Span::from_seconds(3)];
/// So long before it what is under way is given up, to note what was done and to answer.
const LAST: [Span; 2] = [Span::from_seconds(2), Span::from_seconds(1)];

impl Plan {
    /// Into how many jobs the sending is cut; what is sent at once is one too.
    pub fn jobs(&self) -> u64 {
        match self {
            Self::AtOnce(_) => 1,
            Self::Queued(parts) => u64::try_from(parts.len()).unwrap_or(u64::MAX),
        }
    }
}

impl Sender {
    /// How the message is to be sent; where there is no queue, everything is sent at once. The jobs of a message are always
    /// the same.
    pub(crate) fn plan(&self, message: &Message) -> Plan {
        let whole = Part::whole(message.target());
        if self.jobs.is_none() || whole.fits(AT_ONCE) {
            Plan::AtOnce(whole)
        } else {
            Plan::Queued(Part::cut(message.target()))
        }
    }

    /// The message is sent, or is sure to be.
    pub(crate) async fn send(
        &self,
        call: &Call,
        message: &Message,
        id: &MessageId,
        stored: &StoredMessage,
        plan: Plan,
        origin: Origin,
    ) -> Result<Sent, Failure> {
        match (plan, &self.jobs) {
            (Plan::AtOnce(part), _) => self.at_once(call, message, id, stored, part, origin).await,
            (Plan::Queued(parts), Some(jobs)) => {
                // A message that is taken over may have jobs on the queue: they find out that there are two of each.
                let job = |(number, part)| {
                    Work::Send(Job {
                        message: id.clone(),
                        number,
                        part,
                    })
                };
                let work: Vec<_> = (0..).zip(parts).map(job).collect();
                jobs.put(&work, call.deadline - LAST[0]).await?;
                Ok(Sent::default())
            }
            (Plan::Queued(_), None) => Err(Failure::Internal("no queue".into())),
        }
    }

    async fn at_once(
        &self,
        call: &Call,
        message: &Message,
        id: &MessageId,
        stored: &StoredMessage,
        part: Part,
        origin: Origin,
    ) -> Result<Sent, Failure> {
        let holder = Holder {
            message: id,
            number: 0,
            name: random::version()?,
            expires: stored.created + self.settings.message_retention,
        };
        let cursor = match origin {
            Origin::Fresh => None,
            Origin::TakenOver => match self.claim(holder, call.now).await? {
                Claim::Taken(cursor) => cursor,
                Claim::Done => return Ok(Sent::default()),
                Claim::Held => {
                    return Err(Failure::Unavailable("the message is being sent".into()));
                }
            },
        };
        let whole = cursor.is_none();
        let [with, without] = [0, 1].map(|n| (call.deadline - RESERVE[n], call.deadline - LAST[n]));
        let ((until, deadline), hand_over) = match self.jobs {
            Some(_) => (with, call.now + PATIENCE),
            None => (without, call.deadline),
        };
        let Report {
            recipients,
            noted,
            end,
            ..
        } = self
            .dispatch
            .send(Sending {
                message,
                id,
                accepted: stored.created,
                expires: holder.expires,
                part: &part,
                number: 0,
                holder: holder.name,
                cursor: cursor.as_deref(),
                manner: Manner::Request(hand_over),
                until,
                deadline,
            })
            .await;
        match end {
            End::Finished => {}
            End::Failed(failure) => return Err(failure),
            End::Superseded => {
                return Err(Failure::Unavailable("the message is being sent".into()));
            }
            End::Unfinished => {
                self.hand_over(holder, part, call.deadline - LAST[0])
                    .await?;
            }
        }
        Ok(Sent {
            recipients: whole.then_some(recipients),
            forgotten: !noted,
        })
    }

    async fn claim(&self, holder: Holder<'_>, now: Time) -> Result<Claim, Failure> {
        let mut attempts = Attempts::new(self.clock.clone(), now);
        loop {
            let claim = self.store.claim(holder, false, (self.clock)()).await;
            if let Some(claim) = attempts.passed(claim).await? {
                return Ok(claim);
            }
        }
    }

    /// What is left of the part is on the queue, and nobody works on it.
    async fn hand_over(
        &self,
        holder: Holder<'_>,
        part: Part,
        deadline: Time,
    ) -> Result<(), Failure> {
        let jobs = self
            .jobs
            .as_ref()
            .ok_or_else(|| Failure::Unavailable("not every device was reached in time".into()))?;
        self.store.release(holder).await?;
        let job = Work::Send(Job {
            message: holder.message.clone(),
            number: holder.number,
            part,
        });
        jobs.put(&[job], deadline).await
    }
}
