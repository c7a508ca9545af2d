//! Reads for backends, the public settings, and what no route is for.

mod unrouted;

use aws::secrets::Secrets;
use aws::store::{Counts, JobState, StoredMessage};
use aws::{Call, Failure, Function, Reply, Settings, Start, Store};
use push::{MessageId, Time};
use serde_json::{Map, json};
use std::sync::Arc;

/// GET `…/messages/{messageId}` and its `/status`, GET `…/settings/gcmConfPublic`, and `$default`.
pub struct Query {
    settings: Arc<Settings>,
    secrets: Secrets,
    store: Store,
}

impl Function for Query {
    const NAME: &'static str = "query";

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        let function = Self {
            settings: Arc::clone(&start.settings),
            secrets: Secrets::new(start),
            store: Store::new(start),
        };
        let (backends, ()) =
            tokio::join!(function.secrets.warm_for_backends(), function.store.warm());
        backends?;
        Ok(function)
    }

    async fn answer(&self, call: &Call) -> Result<Reply, Failure> {
        let application = &self.settings.application;
        match call.route() {
            ("GET", "/messages/{messageId}") => {
                call.expect_application(application)?;
                let (message, _) = self.message(call).await?;
                Reply::json(200, &message.asked)
            }
            ("GET", "/messages/{messageId}/status") => {
                call.expect_application(application)?;
                let (message, jobs) = self.message(call).await?;
                status(call.path("messageId"), &message, &jobs, call.now)
            }
            // The one thing that an app asks before it has a secret: the number is no secret either.
            ("GET", "/settings/gcmConfPublic") => {
                call.expect_application(application)?;
                let sender = self
                    .settings
                    .fcm_sender_id
                    .as_ref()
                    .ok_or(Failure::PlatformNotConfigured)?;
                Reply::json(200, &json!({"senderId": sender}))
            }
            (method, path) => unrouted::answer(method, path, application),
        }
    }
}

impl Query {
    async fn message(&self, call: &Call) -> Result<(StoredMessage, Vec<JobState>), Failure> {
        self.secrets.backend(call).await?;
        let id = MessageId::parse(call.path("messageId")).map_err(|_| Failure::NotFound)?;
        self.store
            .message(&id, call.now)
            .await?
            .ok_or(Failure::NotFound)
    }
}

/// How far a message has come, and what became of it.
fn status(
    id: &str,
    message: &StoredMessage,
    jobs: &[JobState],
    now: Time,
) -> Result<Reply, Failure> {
    let counts = jobs
        .iter()
        .fold(Counts::default(), |sum, job| sum.plus(job.counts));
    let done = jobs.iter().filter(|job| job.done).count();
    let state = match u64::try_from(done) {
        Ok(done) if done >= message.jobs => "Dispatched",
        _ if jobs.iter().any(|job| job.is_given_up(now)) => "Failed",
        _ if jobs.is_empty() => "Accepted",
        _ => "Processing",
    };
    let counts: Map<_, _> = counts
        .named()
        .into_iter()
        .map(|(name, count)| (name.to_owned(), count.into()))
        .collect();
    Reply::json(
        200,
        &json!({"messageId": id, "status": state, "counts": counts}),
    )
}
