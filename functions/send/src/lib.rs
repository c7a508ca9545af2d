//! Sends a message to people, to devices, to who subscribed to tags, or to all of a platform.

mod acceptance;
mod bulk;
mod keeping;
mod reporting;
mod sending;

use acceptance::Acceptance;
use aws::dispatch::Dispatch;
use aws::jobs::{AT_ONCE, Jobs, Part};
use aws::secrets::Secrets;
use aws::settings::Broadcast;
use aws::webhooks::Events;
use aws::{Call, Clock, Failure, Function, Metrics, Reply, Settings, Start, Store};
use push::message::{MOST_ECHOED, Message, Target};
use push::{Invalid, MessageId, Span};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// POST `…/messages` and `…/messages/bulk`, by backends, and PUT `…/messages/{messageId}`, by devices.
pub struct Sender {
    settings: Arc<Settings>,
    secrets: Secrets,
    store: Store,
    dispatch: Dispatch,
    jobs: Option<Jobs>,
    events: Option<Events>,
    clock: Clock,
    metrics: Metrics,
}

/// So long before the invocation ends counting is given up.
const COUNTED: Span = Span::from_seconds(3);
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
            jobs: Jobs::new(start),
            events: Events::new(start),
            clock: start.clock.clone(),
            metrics: start.metrics.clone(),
        };
        let (backends, ()) =
            tokio::join!(function.secrets.warm_for_backends(), function.store.warm());
        backends?;
        Ok(function)
    }

    async fn answer(&self, call: &Call) -> Result<Reply, Failure> {
        call.expect_application(&self.settings.application)?;
        if call.route() == ("PUT", "/messages/{messageId}") {
            return self.report(call).await;
        }
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
            // Nothing is kept under the key; a wrong one is told all the same.
            acceptance::key(call)?;
            return self.dry_run(call, &message).await;
        }
        let plan = self.plan(&message, AT_ONCE);
        let draft = [(&message, plan.jobs())];
        // Neither needs the other, and the backend waits for both.
        let (accepted, known) =
            tokio::join!(self.accept(call, body, &draft), self.read_ahead(&plan));
        let (mut messages, key) = match accepted? {
            Acceptance::Messages { messages, key } => (messages, key),
            Acceptance::Answered(answer) => return Ok(Reply::repeated(202, &answer)),
        };
        let Some(kept) = messages.pop() else {
            return Err(Failure::Internal("no message was accepted".into()));
        };
        let sent = self.send(call, &message, &kept, plan, known.as_ref()).await;
        if sent.is_err() && key.is_none() {
            self.withdraw(std::slice::from_ref(&kept)).await;
        }
        let forgotten = sent.as_ref().is_ok_and(|sent| sent.forgotten);
        let reply = sent.and_then(|sent| answer(&message, &kept.id, sent.recipients.as_deref()));
        self.finish(key.as_ref(), reply, forgotten).await
    }

    fn expect_supported(&self, message: &Message) -> Result<(), Invalid> {
        let rule = match message.target() {
            Target::Users(_) | Target::Devices(_) | Target::Platforms(_) | Target::Tags(_) => {
                return Ok(());
            }
            Target::Everybody if self.settings.allow_broadcast == Broadcast::Allowed => {
                return Ok(());
            }
            Target::Everybody => {
                "It must name userIds, deviceIds, tagNames or platforms: AllowBroadcast is false."
            }
        };
        Err(Invalid::new("target", rule))
    }

    async fn dry_run(&self, call: &Call, message: &Message) -> Result<Reply, Failure> {
        let (part, until) = (Part::whole(message.target()), call.deadline - COUNTED);
        let counts = self.dispatch.count(message, &part, until).await?;
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
}

/// What a message comes to; with the devices reached for each target, where that is known.
fn answer(message: &Message, id: &MessageId, counts: Option<&[u64]>) -> Result<Reply, Failure> {
    let mut answer = json!({"message": message.echo(), "messageId": id.as_str()});
    if let Some(counts) = counts {
        answer["recipients"] = recipients(message.target(), counts).into();
    }
    Ok(Reply::json(202, &answer)?.about([id]))
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
