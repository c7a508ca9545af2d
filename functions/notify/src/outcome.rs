//! How an attempt to tell a webhook ended, and the line of the log that says so.

use aws::Worker;
use aws::outside::Trouble;
use push::webhook::{Verdict, WebhookName};

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With this status of HTTP.
    Answered(u16),
    /// Without an answer.
    Failed(Trouble),
    /// It was not tried: the webhook does not want the event any more.
    Dropped,
}

/// One line for an attempt. It has no URL: its path can be a secret.
pub(crate) struct Line<'a> {
    pub webhook: &'a WebhookName,
    pub event: &'a str,
    pub attempt: u64,
    pub outcome: Outcome,
}

impl Outcome {
    /// Of a call.
    pub fn of(answer: Result<u16, Trouble>) -> Self {
        answer.map_or_else(Self::Failed, Self::Answered)
    }

    /// The word in the metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered(status) => match Verdict::of(status) {
                Verdict::Delivered => "delivered",
                Verdict::Gone => "gone",
                Verdict::Failed => "failed",
            },
            Self::Failed(_) => "failed",
            Self::Dropped => "dropped",
        }
    }

    /// Whether the queue is done with the message that asked for it.
    pub fn is_done(self) -> bool {
        match self {
            Self::Answered(status) => Verdict::of(status) != Verdict::Failed,
            Self::Failed(_) => false,
            Self::Dropped => true,
        }
    }
}

impl Line<'_> {
    /// Writes it.
    pub fn write(&self) {
        let (function, webhook) = (crate::Notify::NAME, self.webhook.as_str());
        let (event, attempt, outcome) = (self.event, self.attempt, self.outcome.name());
        let status = match self.outcome {
            Outcome::Answered(status) => status.to_string(),
            Outcome::Failed(trouble) => trouble.name().to_owned(),
            Outcome::Dropped => String::new(),
        };
        if self.outcome.is_done() {
            tracing::info!(
                function,
                webhook,
                eventId = event,
                attempt,
                outcome,
                status,
                "webhook told"
            );
        } else {
            tracing::warn!(
                function,
                webhook,
                eventId = event,
                attempt,
                outcome,
                status,
                "webhook not told"
            );
        }
    }
}
