//! How working on a job ended, and the line of the log that tells it.

use aws::store::Counts;
use aws::{Cause, Worker, causes};
use push::MessageId;

/// How it ended, if it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everybody was told.
    Finished,
    /// The time was over: what is left is on the queue, in a new message.
    Continued,
    /// It was finished before.
    Repeated,
    /// Its message was deleted.
    Dropped,
    /// Somebody else works on it. Whoever it is may die: it shows again, and by then is finished or free.
    Held,
}

/// Where it did.
pub(crate) const FAILED: &str = "failed";

impl Outcome {
    /// The word in the log and in the metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Continued => "continued",
            Self::Repeated => "repeated",
            Self::Dropped => "dropped",
            Self::Held => "held",
        }
    }

    /// Whether the queue is done with the message that asked for it.
    pub fn is_done(self) -> bool {
        self != Self::Held
    }
}

/// One line for a job.
pub(crate) struct Line<'a> {
    pub message: &'a MessageId,
    pub number: u64,
    pub receives: u64,
    pub outcome: &'static str,
    pub counts: Counts,
    pub milliseconds: u64,
}

impl Line<'_> {
    /// Writes it, with the cause if there was one.
    pub fn write(&self, cause: Option<&Cause>) {
        let (function, message, job) = (crate::Deliver::NAME, self.message.as_str(), self.number);
        let (receives, outcome, milliseconds) = (self.receives, self.outcome, self.milliseconds);
        let Counts {
            accepted,
            dead,
            refused,
            retried,
            misconfigured,
            expired,
        } = self.counts;
        match cause.map(|cause| causes(cause.as_ref())) {
            None => tracing::info!(
                function,
                messageId = message,
                job,
                receives,
                outcome,
                accepted,
                dead,
                refused,
                retried,
                misconfigured,
                expired,
                milliseconds,
                "job ended"
            ),
            Some(cause) => tracing::error!(
                function,
                messageId = message,
                job,
                receives,
                outcome,
                accepted,
                dead,
                refused,
                retried,
                misconfigured,
                expired,
                milliseconds,
                cause,
                "job failed"
            ),
        }
    }
}
