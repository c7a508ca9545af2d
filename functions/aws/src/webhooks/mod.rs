//! Webhooks: what happened goes onto a queue, from which a worker tells it on.

mod notice;

pub use notice::Notice;

use crate::queue::Queue;
use crate::{Failure, Metric, Metrics, Settings, Start, random};
use push::event::{Event, EventId};
use push::{Span, Time};
use std::sync::Arc;
use std::time::Duration;

/// The queue of what webhooks are to be told.
#[derive(Clone)]
pub struct Events {
    queue: Queue,
    settings: Arc<Settings>,
    clock: crate::Clock,
    metrics: Metrics,
}

/// An answer waits no longer than this for the queue.
const MOST: Duration = Duration::from_secs(1);

impl Events {
    /// The queue that the settings name; nothing where they name none: there are no webhooks then.
    #[must_use]
    pub fn new(start: &Start) -> Option<Self> {
        let url = start.settings.webhook_queue.clone()?;
        Some(Self {
            queue: Queue::new(start, url),
            settings: Arc::clone(&start.settings),
            clock: start.clock.clone(),
            metrics: start.metrics.clone(),
        })
    }

    /// These events, which happened at `at`, are on the queue, if it takes them in time. If it does not, they are lost: that
    /// is logged and counted, and no reason to fail what they tell of.
    pub async fn tell(&self, at: Time, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        let failure = match tokio::time::timeout(MOST, self.put_new(at, events)).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure.code()),
            Err(_) => Some("no answer"),
        };
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let outcome = match failure {
            None => "queued",
            Some(code) => {
                tracing::error!(code, count, "events were lost");
                "lost"
            }
        };
        self.metrics.count(Metric::WebhookEvents(outcome), count);
    }

    /// All of these are on the queue, each at least once.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where some of it was not taken by the deadline, [`Failure::Internal`].
    pub async fn put(&self, notices: &[Notice], deadline: Time) -> Result<(), Failure> {
        let texts = notices.iter().map(Notice::to_text);
        self.queue.put(texts, deadline).await
    }

    /// What was received under this handle shows again after this span; whole seconds.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`].
    pub async fn show_again(&self, handle: &str, after: Span) -> Result<(), Failure> {
        let seconds = after.millis() / 1000;
        self.queue.show_again(handle, seconds).await
    }

    async fn put_new(&self, at: Time, events: &[Event]) -> Result<(), Failure> {
        let now = (self.clock)();
        let notice = |event: &Event| {
            let push::device::Version(id) = random::version()?;
            let id = EventId(id);
            Ok(Notice {
                kind: event.kind(),
                event: id.to_text(),
                body: event.body(id, at, &self.settings.application),
                to: None,
            })
        };
        let notices: Result<Vec<_>, Failure> = events.iter().map(notice).collect();
        self.put(&notices?, now + Span::from_seconds(MOST.as_secs()))
            .await
    }
}
