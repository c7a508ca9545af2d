//! Works off the jobs of large sends, one at a time and at a pace, and looks after endpoints that lost their device.

use aws::dispatch::{Dispatch, End, Manner, Sending};
use aws::jobs::{Job, Jobs, Retired, Work};
use aws::queue_event::{QueueAnswer, QueueEvent, QueueMessage};
use aws::sns::Endpoints;
use aws::store::{Attempts, Claim, Holder};
use aws::{Cause, Clock, Failure, Settings, Start, Store, Worker, random};
use push::message::Message;
use push::{Span, Time};
use std::sync::Arc;

/// The worker of the queue of jobs.
pub struct Deliver {
    settings: Arc<Settings>,
    store: Store,
    dispatch: Dispatch,
    endpoints: Endpoints,
    jobs: Jobs,
    clock: Clock,
}

/// So often a job is tried: as often as the template lets the queue show it.
const TRIES: u64 = 5;
/// So long before the time-out no page begins any more: what is left of the job goes back on the queue.
const RESERVE: Span = Span::from_seconds(20);
/// So long before it what is under way is given up.
const LAST: Span = Span::from_seconds(5);

impl Worker for Deliver {
    const NAME: &'static str = "deliver";
    type Event = QueueEvent;
    type Answer = QueueAnswer;

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        let worker = Self {
            settings: Arc::clone(&start.settings),
            store: Store::new(start),
            dispatch: Dispatch::new(start),
            endpoints: Endpoints::new(start),
            jobs: Jobs::new(start).ok_or("environment variable JOB_QUEUE_URL: it is not set")?,
            clock: start.clock.clone(),
        };
        worker.store.warm().await;
        Ok(worker)
    }

    async fn work(&self, event: QueueEvent, deadline: Time) -> Result<QueueAnswer, Cause> {
        let answer = event.each(Self::NAME, |message| self.one(message, deadline));
        Ok(answer.await)
    }
}

impl Deliver {
    async fn one(&self, message: &QueueMessage, deadline: Time) -> Result<(), Cause> {
        match Work::parse(&message.body)? {
            Work::Send(job) => self.send(job, message.receives() >= TRIES, deadline).await,
            Work::Retire(retired) => Ok(self.retire(&retired).await?),
        }
    }

    /// The job is finished, or is on the queue again and goes on from there.
    async fn send(&self, job: Job, last_try: bool, deadline: Time) -> Result<(), Cause> {
        let now = (self.clock)();
        let mut attempts = Attempts::new(self.clock.clone(), now);
        let stored = loop {
            let stored = self.store.stored_message(&job.message, now).await;
            if let Some(stored) = attempts.passed(stored).await? {
                break stored;
            }
        };
        let Some(stored) = stored else {
            tracing::info!(
                messageId = job.message.as_str(),
                "a job of a message that was deleted is dropped"
            );
            return Ok(());
        };
        let holder = Holder {
            message: &job.message,
            number: job.number,
            name: random::version()?,
            expires: stored.created + self.settings.message_retention,
        };
        let cursor = loop {
            let claim = self.store.claim(holder, last_try, (self.clock)()).await;
            match attempts.passed(claim).await? {
                Some(Claim::Taken(cursor)) => break cursor,
                Some(Claim::Done) => return Ok(()),
                // Whoever it is may die: the message shows again, and by then the job is done or free.
                Some(Claim::Held) => return Err("somebody else works on the job".into()),
                None => {}
            }
        };
        let done = async {
            let message = Message::parse(&stored.asked)
                .map_err(|_| Failure::Internal("a stored message is none".into()))?;
            let report = self.dispatch.send(Sending {
                message: &message,
                id: &job.message,
                accepted: stored.created,
                expires: holder.expires,
                part: &job.part,
                number: job.number,
                holder: holder.name,
                cursor: cursor.as_deref(),
                manner: Manner::Job,
                until: deadline - RESERVE,
                deadline: deadline - LAST,
            });
            Ok::<_, Failure>(report.await.end)
        };
        match done.await {
            Ok(End::Finished) => Ok(()),
            Ok(End::Superseded) => Err("somebody else works on the job".into()),
            Ok(End::Unfinished) => {
                // Free first, on the queue second: whoever receives it finds it free. A crash in between leaves the present
                // message, which shows again.
                self.store.release(holder).await.map_err(Failure::from)?;
                Ok(self.jobs.put(&[Work::Send(job)], deadline - LAST).await?)
            }
            Ok(End::Failed(failure)) | Err(failure) => {
                if let Err(fault) = self.store.release(holder).await {
                    let code = Failure::from(fault).code();
                    tracing::warn!(code, "a job was not released");
                }
                Err(failure.into())
            }
        }
    }

    /// The endpoint is gone, if no device holds its token. One that registers at this very moment makes it again when it is
    /// next published to.
    async fn retire(&self, retired: &Retired) -> Result<(), Failure> {
        let now = (self.clock)();
        let holder = self.store.holder(&retired.token).await?;
        // The item of a token outlives its device by a day.
        if let Some(holder) = holder.filter(|holder| holder.expires > now) {
            let record = self.store.device(&holder.device).await?;
            let device = record.as_ref().and_then(|record| record.live(now));
            if device.is_some_and(|device| device.token.key() == retired.token) {
                return Ok(());
            }
        }
        self.endpoints.delete(&retired.endpoint).await
    }
}
