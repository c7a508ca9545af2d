//! The calls about a queue as such: its URL, its attributes, and the way back from a dead-letter queue.

use super::{Sqs, arn, check, name, no_queue, url};
use crate::cloud::answer::Refusal;
use serde_json::{Map, Value, json};

impl Sqs {
    pub(super) fn url(&self, input: &Value) -> Result<Value, Refusal> {
        let name = input["QueueName"]
            .as_str()
            .ok_or_else(|| check::missing("QueueName"))?;
        let exists = self.queues.read(|queues| queues.0.contains_key(name));
        // Only the end of a URL counts here: SDKs send to the endpoint that they are given.
        exists
            .then(|| json!({"QueueUrl": url(name)}))
            .ok_or_else(no_queue)
    }

    pub(super) fn attributes(&self, input: &Value, now: u64) -> Result<Value, Refusal> {
        let asked: Vec<_> = input["AttributeNames"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        let name = name(input)?;
        self.queues.read(|queues| {
            let queue = queues.0.get(name).ok_or_else(no_queue)?;
            let (spec, depth) = (&queue.spec, queue.depth(now));
            let mut all = Map::new();
            for (key, value) in [
                ("ApproximateNumberOfMessages", depth.visible.to_string()),
                ("ApproximateNumberOfMessagesNotVisible", depth.in_flight.to_string()),
                ("ApproximateNumberOfMessagesDelayed", depth.delayed.to_string()),
                ("QueueArn", arn(name)),
                ("VisibilityTimeout", spec.visibility_timeout.to_string()),
                ("MessageRetentionPeriod", spec.retention.to_string()),
                ("DelaySeconds", spec.delay.to_string()),
                ("MaximumMessageSize", check::MOST_BYTES.to_string()),
            ] {
                all.insert(key.to_owned(), value.into());
            }
            if let Some(redrive) = &spec.redrive {
                let policy = json!({"deadLetterTargetArn": arn(&redrive.queue), "maxReceiveCount": redrive.max_receive_count});
                all.insert("RedrivePolicy".to_owned(), policy.to_string().into());
            }
            all.retain(|key, _| asked.iter().any(|name| *name == key || *name == "All"));
            Ok(json!({ "Attributes": all }))
        })
    }

    pub(super) fn move_messages(&self, input: &Value, now: u64) -> Result<Value, Refusal> {
        let of = |key: &str| input[key].as_str().and_then(|arn| arn.rsplit(':').next());
        let from = of("SourceArn").ok_or_else(|| check::missing("SourceArn"))?;
        let to = of("DestinationArn");
        self.queues.change(|queues| {
            let missing = |name: &str| !queues.0.contains_key(name);
            if missing(from) || to.is_some_and(missing) {
                let text =
                    "The resource that you specified for the SourceArn parameter doesn't exist.";
                return Err(Refusal::new("ResourceNotFoundException", text).with_status(404));
            }
            let mut redrives = queues
                .0
                .values()
                .filter_map(|queue| queue.spec.redrive.as_ref());
            if !redrives.any(|redrive| redrive.queue == from) {
                return Err(check::invalid(
                    "Source queue must be configured as a Dead Letter Queue.".to_owned(),
                ));
            }
            queues.redrive(from, to, now);
            Ok(())
        })?;
        self.wake();
        Ok(json!({"TaskHandle": uuid::Uuid::new_v4().to_string()}))
    }
}
