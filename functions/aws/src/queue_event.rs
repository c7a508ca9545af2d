//! The event that Lambda makes of a queue's messages, and the answer that tells it which of them to show again.
//! (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>)

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

/// Messages of a queue.
#[derive(Clone, Debug, Deserialize)]
pub struct QueueEvent {
    /// Each of them.
    #[serde(rename = "Records")]
    pub records: Vec<QueueMessage>,
}

/// A message of a queue.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueMessage {
    /// What the answer calls it.
    pub message_id: String,
    /// What the queue calls this receive of it.
    pub receipt_handle: String,
    /// What was sent.
    pub body: String,
    /// What the queue knows of it.
    attributes: Attributes,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    approximate_receive_count: String,
}

/// Which messages are not done with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueAnswer {
    batch_item_failures: Vec<Failed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    item_identifier: String,
}

impl QueueMessage {
    /// How often it was received, this time included.
    #[must_use]
    pub fn receives(&self) -> u64 {
        self.attributes
            .approximate_receive_count
            .parse()
            .unwrap_or(1)
    }
}

impl QueueEvent {
    /// Does what each message asks for; `work` tells whether it is done with it. The others show again later.
    pub async fn each<'a, W>(&'a self, work: impl Fn(&'a QueueMessage) -> W) -> QueueAnswer
    where
        W: Future<Output = bool>,
    {
        let done = self.records.iter().map(|message| {
            let work = work(message);
            async move {
                (!work.await).then(|| Failed {
                    item_identifier: message.message_id.clone(),
                })
            }
        });
        QueueAnswer {
            batch_item_failures: join_all(done).await.into_iter().flatten().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn the_messages_that_are_not_done_with_are_named() {
        let record = |id: &str, body: &str| {
            json!({
                "messageId": id, "receiptHandle": "h", "body": body, "eventSource": "aws:sqs",
                "attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1"},
            })
        };
        let event =
            json!({"Records": [record("1", "good"), record("2", "bad"), record("3", "good")]});
        let event: QueueEvent = serde_json::from_value(event).unwrap();
        assert_eq!(event.records[0].receives(), 2);
        let work = async |message: &QueueMessage| message.body == "good";
        let answer = event.each(work).await;
        assert_eq!(
            json!(answer),
            json!({"batchItemFailures": [{"itemIdentifier": "2"}]})
        );
    }
}
