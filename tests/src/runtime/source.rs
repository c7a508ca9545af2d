//! Lambda's source of events from SQS: one message an invocation, deleted once the function is done with it.

use super::{Failed, Processes};
use crate::cloud::Cloud;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};

/// A queue and the function that it feeds.
pub struct Source {
    /// Where the queue is.
    pub cloud: Cloud,
    /// The queue's URL.
    pub queue_url: String,
    /// How long a message that was taken stays hidden.
    pub visibility: Duration,
    /// How many messages are worked on at the same time.
    pub at_once: usize,
    /// How long an invocation may take.
    pub timeout: Duration,
    /// The function.
    pub function: Arc<Processes>,
}

/// What was handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fed {
    /// Messages that the function was done with.
    pub done: usize,
    /// Messages that it was not done with; they show again.
    pub failed: usize,
}

impl Source {
    /// The URL of a queue by its name.
    ///
    /// # Errors
    /// There is none.
    pub async fn queue_url(cloud: &Cloud, name: &str) -> Result<String, String> {
        let named = json!({"QueueName": name});
        let found = cloud.json("AmazonSQS.GetQueueUrl", &named).await?;
        let url = found["QueueUrl"].as_str().map(str::to_owned);
        url.ok_or_else(|| format!("{name} has no URL"))
    }

    /// Hands over what comes until the queue is empty: no message is visible, and none is worked on or hidden after it was
    /// taken.
    ///
    /// # Errors
    /// The queue does not answer as it should.
    pub async fn drain(self: Arc<Self>) -> Result<Fed, String> {
        let mut fed = Fed::default();
        let mut under_way = JoinSet::new();
        let arn = self.attributes(&["QueueArn"]).await?["QueueArn"].clone();
        loop {
            while under_way.len() >= self.at_once {
                fed.count(under_way.join_next().await);
            }
            if let Some(message) = self.receive().await? {
                under_way.spawn(Arc::clone(&self).hand_over(arn.clone(), message));
            } else if under_way.is_empty() && self.is_empty().await? {
                return Ok(fed);
            }
            while let Some(handed) = under_way.try_join_next() {
                fed.count(Some(handed));
            }
        }
    }

    /// Hands a message over, and deletes it if the function is done with it.
    async fn hand_over(self: Arc<Self>, arn: Value, message: Value) -> Result<bool, String> {
        let event = event(&arn, &message);
        let answer = self.function.invoke(&event, self.timeout).await;
        if let Err(Failed::Error(error)) = &answer {
            eprintln!("an invocation failed: {error}");
        }
        if !answer.is_ok_and(|answer| is_done(&answer)) {
            return Ok(false);
        }
        let input = json!({"QueueUrl": self.queue_url, "ReceiptHandle": message["ReceiptHandle"]});
        self.cloud.json("AmazonSQS.DeleteMessage", &input).await?;
        Ok(true)
    }

    async fn receive(&self) -> Result<Option<Value>, String> {
        let input = json!({
            "QueueUrl": self.queue_url, "MaxNumberOfMessages": 1, "WaitTimeSeconds": 1,
            "VisibilityTimeout": self.visibility.as_secs(), "MessageSystemAttributeNames": ["All"],
        });
        let received = self.cloud.json("AmazonSQS.ReceiveMessage", &input).await?;
        Ok(received["Messages"].get(0).cloned())
    }

    async fn is_empty(&self) -> Result<bool, String> {
        let names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ];
        let attributes = self.attributes(&names).await?;
        Ok(names.iter().all(|name| attributes[name] == "0"))
    }

    async fn attributes(&self, names: &[&str]) -> Result<Value, String> {
        let input = json!({"QueueUrl": self.queue_url, "AttributeNames": names});
        let answer = self.cloud.json("AmazonSQS.GetQueueAttributes", &input);
        Ok(answer.await?["Attributes"].clone())
    }
}

impl Fed {
    fn count(&mut self, handed: Option<Result<Result<bool, String>, JoinError>>) {
        match handed {
            None => {}
            Some(Ok(Ok(true))) => self.done += 1,
            Some(Ok(Ok(false))) => self.failed += 1,
            Some(outcome) => {
                eprintln!("a message was not handed over: {outcome:?}");
                self.failed += 1;
            }
        }
    }
}

/// The event that Lambda makes of one message (<https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>).
fn event(arn: &Value, message: &Value) -> Value {
    json!({"Records": [{
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    }]})
}

/// Whether an answer says that the message is done with: nothing failed. One that makes no sense says that all did.
fn is_done(answer: &Value) -> bool {
    let failures = match answer {
        Value::Null => return true,
        Value::Object(answer) => answer.get("batchItemFailures").unwrap_or(&Value::Null),
        _ => return false,
    };
    match failures {
        Value::Null => true,
        Value::Array(failures) => failures.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_done_with_where_nothing_failed() {
        for done in [
            json!(null),
            json!({}),
            json!({"batchItemFailures": null}),
            json!({"batchItemFailures": []}),
        ] {
            assert!(is_done(&done), "{done}");
        }
        for failed in [
            json!({"batchItemFailures": [{"itemIdentifier": "m"}]}),
            json!({"batchItemFailures": {}}),
            json!([]),
            json!("done"),
        ] {
            assert!(!is_done(&failed), "{failed}");
        }
    }
}
