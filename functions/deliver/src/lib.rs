//! Works off the jobs of large sends, one at a time and at a pace that all share, and looks after endpoints that lost their device.

mod outcome;

use aws::bindings::Bindings;
use aws::dispatch::{Dispatch, End, Manner, Sending};
use aws::jobs::{Job, Jobs, Retired, Work};
use aws::queue_event::{QueueAnswer, QueueEvent, QueueMessage};
use aws::sns::Endpoints;
use aws::store::{Attempts, Claim, Counts, GoesOn, Holder};
use aws::{Cause, Clock, Failure, Metric, Metrics, Settings, Start, Store, Worker, causes, random};
use outcome::Outcome;
use push::message::Message;
use push::{Span, Time};
use std::sync::Arc;

/// The worker of the queues of jobs.
pub struct Deliver {
    settings: Arc<Settings>,
    store: Store,
    dispatch: Dispatch,
    bindings: Bindings,
    endpoints: Endpoints,
    jobs: Jobs,
    clock: Clock,
    metrics: Metrics,
}

/// So often a job is tried: as often as the template lets the queue show it.
const TRIES: u64 = 5;
/// So long before the time-out no page begins any more: what is left of the job goes back on the queue.
const RESERVE: Span = Span::from_seconds(20);
/// So long before it what is under way is given up.
const LAST: Span = Span::from_seconds(8);
/// So long before it what is left has to be on the queue.
const PUT: Span = Span::from_seconds(1);

impl Worker for Deliver {
    const NAME: &'static str = "deliver";
    type Event = QueueEvent;
    type Answer = QueueAnswer;

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        let worker = Self {
            settings: Arc::clone(&start.settings),
            store: Store::new(start),
            dispatch: Dispatch::new(start),
            bindings: Bindings::new(start),
            endpoints: Endpoints::new(start),
            jobs: Jobs::new(start).ok_or("environment variable JOB_QUEUE_URL must be set")?,
            clock: start.clock.clone(),
            metrics: start.metrics.clone(),
        };
        worker.store.warm().await;
        Ok(worker)
    }

    async fn work(&self, event: QueueEvent, deadline: Time) -> Result<QueueAnswer, Cause> {
        Ok(event.each(|message| self.done(message, deadline)).await)
    }
}

impl Deliver {
    async fn done(&self, message: &QueueMessage, deadline: Time) -> bool {
        let done = match Work::parse(&message.body) {
            Ok(Work::Send(job)) => return self.job(job, message.receives(), deadline).await,
            Ok(Work::Retire(retired)) => self.retire(&retired).await.map_err(Cause::from),
            Ok(Work::Trim(user)) => {
                let trimmed = self.bindings.trim(&user, deadline - RESERVE).await;
                trimmed.map_err(Cause::from)
            }
            Err(cause) => Err(cause),
        };
        if let Err(cause) = &done {
            let (cause, receives) = (causes(cause.as_ref()), message.receives());
            tracing::error!(function = Self::NAME, cause, receives, "a message failed");
        }
        done.is_ok()
    }

    /// Works on the job, with its one line in the log; whether the queue is done with it.
    async fn job(&self, job: Job, receives: u64, deadline: Time) -> bool {
        let (id, number, begun) = (job.message.clone(), job.number, (self.clock)());
        let mut counts = Counts::default();
        let done = self
            .send(job, receives >= TRIES, deadline, &mut counts)
            .await;
        let outcome = done.as_ref().map_or(outcome::FAILED, |done| done.name());
        self.metrics.count(Metric::Jobs(outcome), 1);
        outcome::Line {
            message: &id,
            number,
            receives,
            outcome,
            counts,
            milliseconds: (self.clock)().since(begun).millis(),
        }
        .write(done.as_ref().err());
        done.is_ok_and(Outcome::is_done)
    }

    /// The job is finished, or is on the queue again and goes on from there.
    async fn send(
        &self,
        job: Job,
        last_try: bool,
        deadline: Time,
        counts: &mut Counts,
    ) -> Result<Outcome, Cause> {
        let now = (self.clock)();
        let mut attempts = Attempts::new(self.clock.clone(), now);
        let stored = || self.store.stored_message(&job.message, now);
        let Some(message) = attempts.repeat(stored).await? else {
            return Ok(Outcome::Dropped);
        };
        let holder = Holder {
            message: &job.message,
            number: job.number,
            name: random::version()?,
            expires: message.created + self.settings.message_retention,
            claimed: true,
        };
        let claim = || self.store.claim(holder, last_try, (self.clock)());
        let cursor = match attempts.repeat(claim).await? {
            Claim::Taken(cursor) => cursor,
            Claim::Done => return Ok(Outcome::Repeated),
            Claim::Held => return Ok(Outcome::Held),
        };
        // Deleted in between: whoever did that has not seen the claim. From here on a deletion stops the next page.
        let Some(stored) = attempts.repeat(stored).await? else {
            return Ok(Outcome::Dropped);
        };
        let done = async {
            let message = Message::read_back(&stored.asked).map_err(|refused| {
                Failure::Internal(format!("a stored message cannot be read: {refused}").into())
            })?;
            let report = self.dispatch.send(Sending {
                message: &message,
                id: &job.message,
                accepted: stored.created,
                expires: holder.expires,
                part: &job.part,
                number: job.number,
                holder: holder.name,
                cursor: cursor.as_deref(),
                known: None,
                manner: Manner::Job,
                until: deadline - RESERVE,
                deadline: deadline - LAST,
            });
            let report = report.await;
            *counts = report.counts;
            Ok::<_, Failure>(report.end)
        };
        // A job that goes on shows its age too: its message on the queue is a new one, and tells only how long that waits.
        let aged = || {
            let age = (self.clock)().since(stored.created);
            self.metrics.measure(Metric::MessageAge, age.millis());
        };
        match done.await {
            Ok(End::Finished) => {
                aged();
                Ok(Outcome::Finished)
            }
            Ok(End::Superseded) => Ok(Outcome::Held),
            Ok(End::Unfinished) => {
                aged();
                // Free first, on the queue second: whoever receives it finds it free. A crash in between leaves the present
                // message, which shows again.
                let released = self.store.release(holder, GoesOn::Later).await;
                released.map_err(Failure::from)?;
                self.jobs.put(&[Work::Send(job)], deadline - PUT).await?;
                Ok(Outcome::Continued)
            }
            Ok(End::Failed(failure)) | Err(failure) => {
                if let Err(fault) = self.store.release(holder, GoesOn::Unknown).await {
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
        let holder = self.store.token_item(&retired.token).await?;
        // The item of a token outlives its device by a day.
        if let Some(holder) = holder.filter(|holder| holder.expires > now) {
            let record = self.store.device(&holder.device).await?;
            let device = record.as_ref().and_then(|record| record.live(now));
            if device.is_some_and(|device| device.token.key() == retired.token) {
                return Ok(());
            }
        }
        // An endpoint without a device is harmless: it is not worth another try, when SNS may be short of capacity.
        if let Err(failure) = self.endpoints.delete(&retired.endpoint).await {
            tracing::warn!(code = failure.code(), "an endpoint was not deleted");
        }
        Ok(())
    }
}
