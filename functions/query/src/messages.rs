//! Messages: what was asked, what became of it, all of them, and none of it any more.

use crate::Query;
use aws::store::{Attempts, Counts, JobState, Reports, StoredMessage};
use aws::{Call, Failure, Page, Reply, shown};
use push::{MessageId, Time};
use serde_json::{Map, json};

impl Query {
    /// GET `…/messages/{messageId}`.
    pub(crate) async fn asked(&self, call: &Call) -> Result<Reply, Failure> {
        let (message, jobs) = self.message(call).await?;
        let state = state(&message, &jobs, call.now);
        let mut shown = message.asked;
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("messageId".to_owned(), call.path("messageId").into());
            shown.insert("status".to_owned(), state.into());
            let created = message.created.to_string();
            shown.insert("createdTime".to_owned(), created.into());
        }
        Reply::json(200, &shown)
    }

    /// GET `…/messages/{messageId}/status`.
    pub(crate) async fn status(&self, call: &Call) -> Result<Reply, Failure> {
        let (message, jobs) = self.message(call).await?;
        let reports = self.store.reports(&id(call)?).await?;
        status(call.path("messageId"), &message, &jobs, reports, call.now)
    }

    /// GET `…/messages`.
    pub(crate) async fn list(&self, call: &Call) -> Result<Reply, Failure> {
        self.secrets.backend(call).await?;
        call.expect_parameters(&Page::PARAMETERS)?;
        let page = Page::of(call)?;
        let (retention, most) = (self.settings.message_retention, page.offset + page.size);
        let newest = self.store.newest(call.now, retention, most).await?;
        let entry = |entry| shown::entry(&self.settings, call, entry);
        let entries: Vec<_> = newest.iter().skip(page.offset).map(entry).collect();
        Reply::json(200, &json!({"messages": entries}))
    }

    /// DELETE `…/messages/{messageId}`.
    pub(crate) async fn erase(&self, call: &Call) -> Result<Reply, Failure> {
        self.secrets.backend(call).await?;
        let id = id(call)?;
        let message = self.store.stored_message(&id, call.now).await?;
        let created = message.ok_or(Failure::NotFound)?.created;
        let mut attempts = Attempts::new(self.clock.clone(), call.now);
        let delete = || self.store.delete_message(&id, created);
        attempts.repeat(delete).await?;
        Ok(Reply::empty(204))
    }

    async fn message(&self, call: &Call) -> Result<(StoredMessage, Vec<JobState>), Failure> {
        self.secrets.backend(call).await?;
        let message = self.store.message(&id(call)?, call.now).await?;
        let message = message.ok_or(Failure::NotFound)?;
        // After that: IBM's reports, such as `/messages/report?days=7`, are not found.
        call.expect_parameters(&Page::PARAMETERS)?;
        Ok(message)
    }
}

fn id(call: &Call) -> Result<MessageId, Failure> {
    MessageId::parse(call.path("messageId")).map_err(|_| Failure::NotFound)
}

/// How far a message has come.
fn state(message: &StoredMessage, jobs: &[JobState], now: Time) -> &'static str {
    let done = jobs.iter().filter(|job| job.done).count();
    match u64::try_from(done) {
        Ok(done) if done >= message.jobs => "Dispatched",
        _ if jobs.iter().any(|job| job.is_given_up(now)) => "Failed",
        _ if jobs.is_empty() => "Accepted",
        _ => "Processing",
    }
}

/// How far a message has come, what became of it, and what devices report.
fn status(
    id: &str,
    message: &StoredMessage,
    jobs: &[JobState],
    reports: Reports,
    now: Time,
) -> Result<Reply, Failure> {
    let counts = jobs
        .iter()
        .fold(Counts::default(), |sum, job| sum.plus(job.counts));
    let state = state(message, jobs, now);
    let counts: Map<_, _> = counts
        .named()
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count.into()))
        .collect();
    let reports = json!({"seen": reports.seen, "opened": reports.opened});
    Reply::json(
        200,
        &json!({"messageId": id, "status": state, "counts": counts, "reports": reports}),
    )
}
