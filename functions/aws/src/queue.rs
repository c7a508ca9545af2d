//! A queue as one who puts work on it sees it: work is on it once each message of each batch was acknowledged, and not before.

use crate::agent::Agent;
use crate::http::OnDemand;
use crate::{Clock, Failure, Start};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures_util::{StreamExt, TryStreamExt, stream};
use push::Time;
use std::time::Duration;

/// A queue.
#[derive(Clone)]
pub(crate) struct Queue {
    client: OnDemand<Client>,
    url: String,
    clock: Clock,
}

/// What SQS takes in a batch: so many messages, and so many bytes in all of them together.
const BATCH: (usize, usize) = (10, 1_000_000);
/// Batches under way at the same time.
const AT_ONCE: usize = 8;
/// The first pause before what was not taken is sent again, in milliseconds; each further one is twice as long.
const PAUSE: u64 = 50;

impl Queue {
    /// The queue with this URL.
    pub fn new(start: &Start, url: String) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(2))
            .operation_timeout(Duration::from_secs(5))
            .build();
        let config = Builder::from(&start.aws)
            .timeout_config(timeouts)
            .interceptor(Agent);
        Self {
            client: OnDemand::new(move || Client::from_conf(config.build())),
            url,
            clock: start.clock.clone(),
        }
    }

    /// All of this is on the queue, each at least once.
    ///
    /// # Errors
    /// [`Failure::Unavailable`] where some of it was not taken by the deadline, [`Failure::Internal`]: some may be on the
    /// queue then.
    pub async fn put(
        &self,
        bodies: impl Iterator<Item = String>,
        deadline: Time,
    ) -> Result<(), Failure> {
        let puts = stream::iter(batches(bodies))
            .map(|batch| self.put_batch(batch))
            .buffer_unordered(AT_ONCE)
            .try_collect();
        let left = Duration::from_millis(deadline.since((self.clock)()).millis());
        let late = |_| Failure::Unavailable("SQS: not all of it was taken in time".into());
        tokio::time::timeout(left, puts).await.map_err(late)?
    }

    /// The message is on the queue, and shows after so many seconds.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`].
    pub async fn put_later(&self, body: String, seconds: u64) -> Result<(), Failure> {
        let delay = i32::try_from(seconds).unwrap_or(i32::MAX);
        let call = self.client.send_message().queue_url(&self.url);
        let call = call.message_body(body).delay_seconds(delay);
        call.send().await.map_err(|error| sorted(&error))?;
        Ok(())
    }

    /// A message that was received under this handle shows again after so many seconds.
    ///
    /// # Errors
    /// [`Failure::Unavailable`], [`Failure::Internal`].
    pub async fn show_again(&self, handle: &str, seconds: u64) -> Result<(), Failure> {
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        let call = self.client.change_message_visibility().queue_url(&self.url);
        let call = call.receipt_handle(handle).visibility_timeout(seconds);
        call.send().await.map_err(|error| sorted(&error))?;
        Ok(())
    }

    async fn put_batch(&self, mut left: Vec<String>) -> Result<(), Failure> {
        let mut pause = PAUSE;
        loop {
            match self.attempt(&left).await {
                Ok(failed) if failed.is_empty() => return Ok(()),
                Ok(failed) => {
                    let mut places = 0..;
                    left.retain(|_| places.next().is_some_and(|n| failed.contains(&n)));
                }
                Err(Failure::Unavailable(_)) => {}
                Err(failure) => return Err(failure),
            }
            let span = pause / 2 + crate::random::below(pause / 2);
            tokio::time::sleep(Duration::from_millis(span)).await;
            pause = (pause * 2).min(1000);
        }
    }

    /// The places of those that were not taken.
    async fn attempt(&self, bodies: &[String]) -> Result<Vec<usize>, Failure> {
        let entry = |(n, body): (usize, &String)| {
            SendMessageBatchRequestEntry::builder()
                .id(n.to_string())
                .message_body(body)
                .build()
                .map_err(|error| Failure::Internal(error.into()))
        };
        let entries: Vec<_> = bodies
            .iter()
            .enumerate()
            .map(entry)
            .collect::<Result<_, _>>()?;
        let call = self.client.send_message_batch().queue_url(&self.url);
        let answer = call.set_entries(Some(entries)).send().await;
        let answer = answer.map_err(|error| sorted(&error))?;
        let taken = |n: &usize| {
            let id = n.to_string();
            answer.successful.iter().any(|entry| entry.id == id)
        };
        // The sender's own fault does not pass.
        if answer.failed.iter().any(|entry| entry.sender_fault) {
            return Err(Failure::Internal("SQS: a message was refused".into()));
        }
        Ok((0..bodies.len()).filter(|n| !taken(n)).collect())
    }
}

fn batches(bodies: impl Iterator<Item = String>) -> Vec<Vec<String>> {
    let mut batches: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for body in bodies {
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH.0 && bytes + body.len() <= BATCH.1 => {
                bytes += body.len();
                batch.push(body);
            }
            _ => {
                bytes = body.len();
                batches.push(vec![body]);
            }
        }
    }
    batches
}

fn sorted<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Failure {
    crate::http::failure("SQS", error, |code| {
        code.contains("Throttl") || code.contains("Limit")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_at_most_ten_messages_and_what_sqs_takes_in_bytes() {
        let body = |size: usize| "x".repeat(size);
        let sizes = |bodies: Vec<String>| -> Vec<usize> {
            batches(bodies.into_iter()).iter().map(Vec::len).collect()
        };
        assert_eq!(sizes(vec![body(10); 21]), [10, 10, 1]);
        assert_eq!(sizes(vec![body(200_000); 12]), [5, 5, 2]);
        assert_eq!(sizes(vec![]), [] as [usize; 0]);
    }
}
