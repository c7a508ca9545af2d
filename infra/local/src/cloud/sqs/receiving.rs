//! Receiving: who waits for messages is woken by them.

use super::queue::{Message, Queue};
use super::{LONGEST_VISIBILITY, Sqs, check, md5, name, no_queue};
use crate::cloud::answer::Refusal;
use crate::cloud::clock::MovableClock;
use crate::template::ACCOUNT;
use serde_json::{Map, Value, json};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

const LONGEST_WAIT: u64 = 20;
/// How long an event source waits before it tries again to receive what could not be saved.
const AGAIN: Duration = Duration::from_secs(1);

impl Sqs {
    /// Answers `ReceiveMessage`.
    pub(super) async fn receive(
        &self,
        input: &Value,
        clock: &MovableClock,
    ) -> Result<Value, Refusal> {
        let name = name(input)?;
        let most = check::number(input, "MaxNumberOfMessages", 1, 10, 1)?;
        let most = usize::try_from(most).unwrap_or(1);
        let wait = check::number(input, "WaitTimeSeconds", 0, LONGEST_WAIT, 0)?;
        let wait = Duration::from_secs(wait);
        let messages = self.wait(name, input, most, wait, clock).await?;
        let messages: Vec<_> = messages
            .iter()
            .map(|message| shown(message, input))
            .collect();
        Ok(if messages.is_empty() {
            json!({})
        } else {
            json!({"Messages": messages})
        })
    }

    /// Waits for messages without end, as a function's event source does, and gives them as `ReceiveMessage` does with
    /// all that it can be asked for; nothing where there is no such queue.
    pub async fn poll(&self, name: &str, most: usize, clock: &MovableClock) -> Option<Vec<Value>> {
        let input =
            json!({"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]});
        let wait = Duration::from_secs(LONGEST_WAIT);
        loop {
            match self.wait(name, &input, most, wait, clock).await {
                Ok(messages) if messages.is_empty() => {}
                Ok(messages) => {
                    let messages = messages.iter().map(|message| shown(message, &input));
                    return Some(messages.collect());
                }
                // Not saved: nothing was received.
                Err(refusal) if refusal.is_internal() => tokio::time::sleep(AGAIN).await,
                Err(_) => return None,
            }
        }
    }

    /// Takes up to so many messages, as soon as there are any and at the latest after the given time.
    async fn wait(
        &self,
        name: &str,
        input: &Value,
        most: usize,
        wait: Duration,
        clock: &MovableClock,
    ) -> Result<Vec<Message>, Refusal> {
        let end = Instant::now() + wait;
        loop {
            // Before it looks: what is sent in between wakes it.
            let changed = self.changed.notified();
            let now = clock.now().millis();
            let (messages, next) = self.take(name, input, most, now)?;
            if !messages.is_empty() || Instant::now() >= end {
                return Ok(messages);
            }
            let shows = next.map_or(end, |next| {
                Instant::now() + Duration::from_millis(next.saturating_sub(now))
            });
            let _ = tokio::time::timeout_at(end.min(shows), changed).await;
        }
    }

    /// The messages, and when the next one shows that is hidden.
    fn take(
        &self,
        name: &str,
        input: &Value,
        most: usize,
        now: u64,
    ) -> Result<(Vec<Message>, Option<u64>), Refusal> {
        let (visibility, next) = self.queues.read(|queues| {
            let queue = queues.0.get(name).ok_or_else(no_queue)?;
            let usual = queue.spec.visibility_timeout;
            let asked = check::number(input, "VisibilityTimeout", 0, LONGEST_VISIBILITY, usual)?;
            Ok::<_, Refusal>((asked, queue.next_visible()))
        })?;
        // A look that finds nothing changes nothing, and writes nothing to a file.
        if next.is_none_or(|next| next > now) {
            return Ok((Vec::new(), next));
        }
        let copies = || {
            let one_in = self.copied.load(Ordering::Relaxed);
            let nth = self.delivered.fetch_add(1, Ordering::Relaxed) + 1;
            one_in > 0 && nth.is_multiple_of(one_in)
        };
        let (taken, died, next) = self.queues.update(|queues| {
            let (taken, died) = queues.receive(name, most, visibility, now, copies);
            let next = queues.0.get(name).and_then(Queue::next_visible);
            (taken, died, next.filter(|next| *next > now))
        })?;
        if died {
            self.wake();
        }
        Ok((taken, next))
    }
}

/// As `ReceiveMessage` gives it, with the attributes that are asked for.
fn shown(message: &Message, input: &Value) -> Value {
    let names = ["MessageSystemAttributeNames", "AttributeNames"];
    let asked: Vec<_> = names
        .iter()
        .flat_map(|name| input[name].as_array().into_iter().flatten())
        .collect();
    let first = message.first_received.unwrap_or_default();
    let mut attributes = Map::new();
    for (name, value) in [
        ("ApproximateReceiveCount", message.received.to_string()),
        ("SentTimestamp", message.sent.to_string()),
        ("ApproximateFirstReceiveTimestamp", first.to_string()),
        ("SenderId", ACCOUNT.to_owned()),
    ] {
        if asked.iter().any(|asked| *asked == name || *asked == "All") {
            attributes.insert(name.to_owned(), value.into());
        }
    }
    let mut shown = json!({
        "MessageId": message.id, "ReceiptHandle": message.handle, "Body": message.body, "MD5OfBody": md5(&message.body),
    });
    if !attributes.is_empty() {
        shown["Attributes"] = attributes.into();
    }
    if message.attributes.is_object() && input["MessageAttributeNames"].is_array() {
        shown["MessageAttributes"] = message.attributes.clone();
    }
    shown
}
