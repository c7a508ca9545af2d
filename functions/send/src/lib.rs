//! Sends a message to people, to devices, or to all of a platform.

mod acceptance;
mod bulk;
mod keeping;

use acceptance::{Acceptance, Accepted, Progress};
use aws::dispatch::{Dispatch, Report, Sending};
use aws::secrets::Secrets;
use aws::settings::Broadcast;
use aws::store::{Job, StoredMessage};
use aws::{Call, Clock, Failure, Function, Reply, Settings, Start, Store};
use push::message::{MOST_ECHOED, Message, Target};
use push::{Invalid, MessageId};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// POST `…/messages` and `…/messages/bulk`.
pub struct Sender {
    settings: Arc<Settings>,
    secrets: Secrets,
    store: Store,
    dispatch: Dispatch,
    clock: Clock,
}

/// The largest body that a backend sends, in bytes.
const BODY: usize = 5 * 1024 * 1024;

impl Function for Sender {
    const NAME: &'static str = "send";

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        let function = Self {
            settings: Arc::clone(&start.settings),
            secrets: Secrets::new(start),
            store: Store::new(start),
            dispatch: Dispatch::new(start),
            clock: start.clock.clone(),
        };
        let (backends, ()) =
            tokio::join!(function.secrets.warm_for_backends(), function.store.warm());
        backends?;
        Ok(function)
    }

    async fn answer(&self, call: &Call) -> Result<Reply, Failure> {
        call.expect_application(&self.settings.application)?;
        self.secrets.backend(call).await?;
        let body = call.json(BODY)?;
        match call.route() {
            ("POST", "/messages") => self.one(call, &body).await,
            ("POST", "/messages/bulk") => self.bulk(call, &body).await,
            _ => Err(Failure::NotFound),
        }
    }
}

impl Sender {
    async fn one(&self, call: &Call, body: &Value) -> Result<Reply, Failure> {
        let message = Message::parse(body)?;
        self.expect_supported(&message)?;
        if call.flag("dryRun")? {
            return self.dry_run(call, &message).await;
        }
        let (mut messages, key) = match self.accept(call, body, &[(&message, 1)]).await? {
            Acceptance::Messages { messages, key } => (messages, key),
            Acceptance::Answered(answer) => return Ok(Reply::repeated(202, &answer)),
        };
        let Some(Accepted {
            id,
            stored,
            progress,
        }) = messages.pop()
        else {
            return Err(Failure::Internal("no message was accepted".into()));
        };
        let sent = match progress {
            Progress::Due => self.send(call, &message, &id, &stored).await,
            // How many devices it reached for whom is not known any more.
            Progress::Done => Reply::json(
                202,
                &json!({"message": message.echo(), "messageId": id.as_str()}),
            ),
        };
        self.finish(key.as_ref(), sent.as_ref().ok().map(Reply::body))
            .await;
        sent
    }

    fn expect_supported(&self, message: &Message) -> Result<(), Invalid> {
        let rule = match message.target() {
            Target::Users(_) | Target::Devices(_) | Target::Platforms(_) => return Ok(()),
            Target::Everybody if self.settings.allow_broadcast == Broadcast::Allowed => {
                return Ok(());
            }
            Target::Everybody => "It names somebody: a message to everybody is not allowed here.",
            Target::Tags(_) => "It names no tags: there are none yet.",
        };
        Err(Invalid::new("target", rule))
    }

    async fn dry_run(&self, call: &Call, message: &Message) -> Result<Reply, Failure> {
        let counts = self.dispatch.count(message, call.deadline).await?;
        let sizes: Map<_, _> = message
            .sizes()
            .into_iter()
            .map(|(platform, size)| (platform.letter().to_owned(), size.into()))
            .collect();
        Reply::json(
            200,
            &json!({"recipients": recipients(message.target(), &counts), "sizes": sizes}),
        )
    }

    async fn send(
        &self,
        call: &Call,
        message: &Message,
        id: &MessageId,
        stored: &StoredMessage,
    ) -> Result<Reply, Failure> {
        let (accepted, deadline) = (stored.created, call.deadline);
        let report = self
            .dispatch
            .send(Sending {
                message,
                id,
                accepted,
                deadline,
            })
            .await;
        self.note(id, stored, &report).await;
        if let Some(failure) = report.failure {
            return Err(failure);
        }
        let answer = json!({
            "message": message.echo(),
            "messageId": id.as_str(),
            "recipients": recipients(message.target(), &report.recipients),
        });
        Reply::json(202, &answer)
    }

    /// Notes what the send came to. It has been sent: that this fails must not make the backend send it again.
    async fn note(&self, id: &MessageId, stored: &StoredMessage, report: &Report) {
        let job = Job {
            counts: report.counts,
            done: report.failure.is_none(),
        };
        let expires = stored.created + self.settings.message_retention;
        if let Err(fault) = self.store.put_job(id, 0, &job, expires).await {
            tracing::error!(
                code = Failure::from(fault).code(),
                messageId = id.as_str(),
                "the counts of a message were not kept"
            );
        }
    }
}

/// Devices by the target that they were reached for; none where it has more names than are kept of it.
fn recipients(target: &Target, counts: &[u64]) -> Map<String, Value> {
    if counts.len() > MOST_ECHOED {
        return Map::new();
    }
    let counts = counts.iter().map(|count| Value::from(*count));
    match target {
        Target::Users(users) => users
            .iter()
            .map(|user| user.as_str().to_owned())
            .zip(counts)
            .collect(),
        Target::Devices(devices) => devices
            .iter()
            .map(|device| device.as_str().to_owned())
            .zip(counts)
            .collect(),
        Target::Everybody | Target::Platforms(_) | Target::Tags(_) => Map::new(),
    }
}
