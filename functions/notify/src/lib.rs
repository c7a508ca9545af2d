//! Tells webhooks what happened: each event becomes a message of the queue for each webhook that wants it, and that is tried
//! until the webhook has it, or too often.

mod outcome;

use aws::outside::Client;
use aws::queue_event::{QueueAnswer, QueueEvent, QueueMessage};
use aws::secrets::Secrets;
use aws::webhooks::{Events, Notice};
use aws::{Cause, Clock, Metric, Metrics, Start, Store, Worker, causes, random};
use outcome::{Line, Outcome};
use push::webhook::{WebhookId, WebhookName, signature, wait};
use push::{Span, Time};

/// The worker of the queue of events.
pub struct Notify {
    /// Nothing where there are no webhooks.
    tools: Option<Tools>,
    clock: Clock,
    metrics: Metrics,
}

struct Tools {
    store: Store,
    secrets: Secrets,
    events: Events,
    client: Client,
}

/// So long before the time-out everything that an event becomes has to be on the queue.
const RESERVE: Span = Span::from_seconds(2);

impl Worker for Notify {
    const NAME: &'static str = "notify";
    type Event = QueueEvent;
    type Answer = QueueAnswer;

    async fn start(start: &Start) -> Result<Self, lambda_http::Error> {
        let tools = match Events::new(start) {
            Some(events) => Some(Tools {
                store: Store::new(start),
                secrets: Secrets::new(start),
                events,
                client: Client::new(start.outside)?,
            }),
            None => None,
        };
        if let Some(tools) = &tools {
            let (secrets, ()) = tokio::join!(tools.secrets.warm_for_backends(), tools.store.warm());
            secrets?;
        }
        Ok(Self {
            tools,
            clock: start.clock.clone(),
            metrics: start.metrics.clone(),
        })
    }

    async fn work(&self, event: QueueEvent, deadline: Time) -> Result<QueueAnswer, Cause> {
        let done = async |message| match &self.tools {
            Some(tools) => self.done(tools, message, deadline).await,
            // Since it was sent, the operator has switched webhooks off.
            None => true,
        };
        Ok(event.each(done).await)
    }
}

impl Notify {
    /// Whether the queue is done with the message. If not, it shows again the later, the more often it was tried; after the
    /// last try at once, which makes it a dead letter.
    async fn done(&self, tools: &Tools, message: &QueueMessage, deadline: Time) -> bool {
        let done = match Notice::parse(&message.body) {
            Ok(notice) => self.one(tools, notice, message.receives(), deadline).await,
            Err(cause) => Err(cause),
        };
        let done = done.unwrap_or_else(|cause| {
            let (cause, receives) = (causes(cause.as_ref()), message.receives());
            tracing::error!(function = Self::NAME, cause, receives, "a message failed");
            false
        });
        if !done {
            let after = wait(message.receives()).map_or(Span::default(), spread);
            let again = tools.events.show_again(&message.receipt_handle, after);
            if let Err(failure) = again.await {
                // Then it shows when its visibility time-out is over.
                tracing::warn!(code = failure.code(), "a message waits as long as any");
            }
        }
        done
    }

    async fn one(
        &self,
        tools: &Tools,
        notice: Notice,
        attempt: u64,
        deadline: Time,
    ) -> Result<bool, Cause> {
        let Some((name, id)) = &notice.to else {
            tools.fan_out(&notice, deadline).await?;
            return Ok(true);
        };
        let outcome = tools.tell(&notice, name, *id, (self.clock)()).await?;
        self.metrics
            .count(Metric::WebhookDeliveries(outcome.name()), 1);
        Line {
            webhook: name,
            event: &notice.event,
            attempt,
            outcome,
        }
        .write();
        Ok(outcome.is_done())
    }
}

impl Tools {
    /// A message is on the queue for each webhook that wants the event. A repeat, after some of them were put, puts all again:
    /// their receivers know the event by its id.
    async fn fan_out(&self, notice: &Notice, deadline: Time) -> Result<(), Cause> {
        let (webhooks, _) = self.store.webhooks().await.map_err(aws::Failure::from)?;
        let notices: Vec<_> = webhooks
            .iter()
            .filter(|(_, webhook)| webhook.events.contains(notice.kind))
            .map(|(name, webhook)| Notice {
                to: Some((name.clone(), webhook.id)),
                ..notice.clone()
            })
            .collect();
        Ok(self.events.put(&notices, deadline - RESERVE).await?)
    }

    /// Tells a webhook, as it is now. One that was deleted meanwhile, or asks for other events, is told nothing.
    async fn tell(
        &self,
        notice: &Notice,
        name: &WebhookName,
        id: WebhookId,
        now: Time,
    ) -> Result<Outcome, Cause> {
        let (webhooks, _) = self.store.webhooks().await.map_err(aws::Failure::from)?;
        let wants = webhooks
            .get(name)
            .filter(|webhook| webhook.id == id)
            .filter(|webhook| webhook.events.contains(notice.kind));
        let Some(webhook) = wants else {
            return Ok(Outcome::Dropped);
        };
        let keys = self.secrets.signing_keys(id).await?;
        let signature = signature(now, &notice.body, &keys);
        let headers = [
            ("content-type", "application/json"),
            ("user-agent", "Userpush"),
            ("userpush-signature", signature.as_str()),
        ];
        let answer = self
            .client
            .post(&webhook.url, &headers, notice.body.clone());
        Ok(Outcome::of(answer.await))
    }
}

/// The span, and up to a tenth more: what failed together does not come again together.
fn spread(span: Span) -> Span {
    let seconds = span.millis() / 1000;
    Span::from_seconds(seconds + random::below(seconds / 10 + 1))
}
