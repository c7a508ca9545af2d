//! Sending an accepted message: at once, or by jobs on the queue.

use crate::Sender;
use crate::acceptance::{Accepted, Progress};
use aws::dispatch::{End, Known, Manner, Report, Sending};
use aws::jobs::{Job, Part, Work};
use aws::store::{Attempts, Claim, GoesOn, Holder};
use aws::{Call, Failure, Metric, random};
use push::message::Message;
use push::{Span, Time};

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
const LAST: [Span; 2] = [Span::from_seconds(6), Span::from_seconds(1)];
/// So long before it what is left has to be on the queue.
const PUT: Span = Span::from_millis(1500);

impl Plan {
    /// Into how many jobs the sending is cut; what is sent at once is one too.
    pub fn jobs(&self) -> u64 {
        match self {
            Self::AtOnce(_) => 1,
            Self::Queued(parts) => u64::try_from(parts.len()).unwrap_or(u64::MAX),
        }
    }

    /// How many users or devices it sends to within the request.
    pub fn at_once(&self) -> usize {
        match self {
            Self::AtOnce(part) => part.names(),
            Self::Queued(_) => 0,
        }
    }
}

impl Sender {
    /// How the message is to be sent: at once where it names at most `room` users or devices, or where there is no queue. It
    /// is the same whenever the same is asked for.
    pub(crate) fn plan(&self, message: &Message, room: usize) -> Plan {
        let whole = Part::whole(message.target());
        if self.jobs.is_none() || whole.fits(room) {
            Plan::AtOnce(whole)
        } else {
            Plan::Queued(Part::cut(message.target()))
        }
    }

    /// What is to be read for a message that is being accepted and will be sent so.
    pub(crate) async fn read_ahead(&self, plan: &Plan) -> Option<Known> {
        match plan {
            Plan::AtOnce(part) => self.dispatch.read_ahead(part).await,
            Plan::Queued(_) => None,
        }
    }

    /// The message is sent, or is sure to be.
    pub(crate) async fn send(
        &self,
        call: &Call,
        message: &Message,
        kept: &Accepted,
        plan: Plan,
        known: Option<&Known>,
    ) -> Result<Sent, Failure> {
        if kept.progress == Progress::Done {
            return Ok(Sent::default());
        }
        let sending = async {
            match (plan, &self.jobs) {
                (Plan::AtOnce(part), _) => self.at_once(call, message, kept, part, known).await,
                (Plan::Queued(parts), Some(jobs)) => {
                    // Where somebody died at this, some are on the queue already: whoever comes second finds them done.
                    let job = |(number, part)| {
                        Work::Send(Job {
                            message: kept.id.clone(),
                            number,
                            part,
                        })
                    };
                    let work: Vec<_> = (0..).zip(parts).map(job).collect();
                    let put = jobs.put(&work, call.deadline - PUT).await;
                    put.map(|()| Sent::default())
                }
                (Plan::Queued(_), None) => Err(Failure::Internal("no queue".into())),
            }
        };
        // The entry of the list is on its way meanwhile.
        let list = self.list(&kept.id, message, &kept.stored);
        let (sent, ()) = tokio::join!(sending, list);
        self.metrics.count(Metric::Sends, u64::from(sent.is_ok()));
        sent
    }

    /// Messages that were not all put on the queue, and whose backend will not come back for them, are gone, and so are
    /// those of their jobs that nobody has begun.
    pub(crate) async fn withdraw(&self, messages: &[Accepted]) {
        for Accepted { id, stored, .. } in messages {
            let deleted = self.store.delete_message(id, stored.created).await;
            if let Err(fault) = deleted {
                let (code, id) = (Failure::from(fault).code(), id.as_str());
                tracing::warn!(code, messageId = id, "a message was not withdrawn");
            }
        }
    }

    async fn at_once(
        &self,
        call: &Call,
        message: &Message,
        kept: &Accepted,
        part: Part,
        known: Option<&Known>,
    ) -> Result<Sent, Failure> {
        let Accepted {
            id,
            stored,
            progress,
        } = kept;
        let holder = Holder {
            message: id,
            number: 0,
            name: random::version()?,
            expires: stored.created + self.settings.message_retention,
            claimed: false,
        };
        let cursor = match progress {
            Progress::Due => None,
            Progress::Begun | Progress::Done => {
                let claim = || self.store.claim(holder, false, (self.clock)());
                let mut attempts = Attempts::new(self.clock.clone(), call.now);
                match attempts.repeat(claim).await? {
                    Claim::Taken(cursor) => cursor,
                    Claim::Done => return Ok(Sent::default()),
                    Claim::Held => {
                        return Err(Failure::Unavailable("the message is being sent".into()));
                    }
                }
            }
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
                known,
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
                self.hand_over(holder, part, call.deadline - PUT).await?;
            }
        }
        Ok(Sent {
            recipients: whole.then_some(recipients),
            forgotten: !noted,
        })
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
        self.store.release(holder, GoesOn::Later).await?;
        let job = Work::Send(Job {
            message: holder.message.clone(),
            number: holder.number,
            part,
        });
        jobs.put(&[job], deadline).await
    }
}
