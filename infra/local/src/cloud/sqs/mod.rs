//! SQS: standard queues with visibility, delays, dead-letter queues and retention, on the system's clock.

mod about;
mod check;
mod lists;
mod queue;
mod receiving;

pub use queue::{QueueSpec, Redrive};

use super::answer::{Answer, Refusal, Service};
use super::clock::MovableClock;
use super::kept::{Kept, NotSaved};
use crate::template::{ACCOUNT, REGION};
use queue::{Message, Queue, Queues, is_handle_of};
use serde_json::{Value, json};
use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

const LONGEST_VISIBILITY: u64 = 43_200;
const LONGEST_DELAY: u64 = 900;

/// The emulated service.
pub struct Sqs {
    queues: Kept<Queues>,
    /// Wakes those who wait for messages: there are more, or it is later.
    changed: Notify,
    /// One in so many messages is delivered twice; 0: none.
    copied: AtomicU64,
    delivered: AtomicU64,
}

impl Sqs {
    /// With the queues that the file holds.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(file: Option<PathBuf>) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self {
            queues: Kept::open(file)?,
            changed: Notify::new(),
            copied: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
        })
    }

    /// Makes a queue; one that exists keeps its messages.
    ///
    /// # Errors
    /// The change could not be saved.
    pub fn create(&self, spec: QueueSpec) -> Result<(), NotSaved> {
        self.queues.update(|queues| {
            let messages = queues.0.remove(&spec.name).map(|queue| queue.messages);
            let messages = messages.unwrap_or_default();
            queues.0.insert(spec.name.clone(), Queue { spec, messages });
        })
    }

    /// It is later than it was: what was hidden may show.
    pub fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// From now on one in so many messages is delivered twice, the second time behind all others; 0: none.
    pub fn copy_one_in(&self, messages: u64) {
        self.copied.store(messages, Ordering::Relaxed);
    }

    /// `{"JobQueue":{"visible":1,"inFlight":0,"delayed":0}}`, by what the template calls them.
    pub fn show(&self, now: u64) -> Value {
        self.queues.read(|queues| {
            let shown = queues.0.values().map(|queue| {
                let depth = queue.depth(now);
                let shown = json!({"visible": depth.visible, "inFlight": depth.in_flight, "delayed": depth.delayed});
                (queue.spec.resource.clone(), shown)
            });
            Value::Object(shown.collect())
        })
    }

    /// Sends the messages of a dead-letter queue back to where they died; nothing where there is no such queue.
    ///
    /// # Errors
    /// The change could not be saved.
    pub fn redrive(&self, resource: &str, now: u64) -> Result<Option<usize>, NotSaved> {
        let moved = self.queues.update(|queues| {
            let name = queues.named(resource)?.to_owned();
            Some(queues.redrive(&name, None, now))
        });
        self.wake();
        moved
    }

    /// Sends a message from inside the house, as `SendMessage` does.
    ///
    /// # Errors
    /// Those of `SendMessage`.
    pub fn put(&self, name: &str, body: &str, now: u64) -> Result<(), Refusal> {
        let input = json!({"QueueUrl": url(name), "MessageBody": body});
        self.send(&input, now).map(drop)
    }

    /// Deletes what was received under this handle, as `DeleteMessage` does.
    pub fn done_with(&self, name: &str, handle: &Value) {
        // A handle that is no longer good deletes nothing.
        let _ = self.delete(&json!({"QueueUrl": url(name), "ReceiptHandle": handle}));
    }

    /// Answers a call. `partial` is how the first entry of a batch fails, where it is to fail.
    pub async fn answer(
        &self,
        operation: &str,
        input: &Value,
        partial: Option<&Refusal>,
        clock: &MovableClock,
    ) -> Answer {
        let now = clock.now().millis();
        let outcome = match operation {
            "ReceiveMessage" => self.receive(input, clock).await,
            "SendMessage" => self.send(input, now),
            "SendMessageBatch" => self.send_batch(input, partial, now),
            "DeleteMessage" => self.delete(input),
            "DeleteMessageBatch" => self.delete_batch(input),
            "ChangeMessageVisibility" => self.change_visibility(input, now),
            "ChangeMessageVisibilityBatch" => self.change_visibility_batch(input, now),
            "ListQueues" => self.list(input),
            "ListDeadLetterSourceQueues" => self.list_sources(input),
            "GetQueueUrl" => self.url(input),
            "GetQueueAttributes" => self.attributes(input, now),
            "PurgeQueue" => self.change(input, |_, queue| {
                queue.messages.clear();
                Ok(json!({}))
            }),
            "StartMessageMoveTask" => self.move_messages(input, now),
            _ => Err(Refusal::new(
                "InvalidAction",
                format!("The action {operation} is not valid for this endpoint."),
            )),
        };
        match outcome {
            Ok(output) => Answer::json(Service::Sqs, 200, &output),
            Err(refusal) => refusal.answer(Service::Sqs),
        }
    }

    /// Changes the queue that `QueueUrl` names.
    fn change<R>(
        &self,
        input: &Value,
        change: impl FnOnce(&str, &mut Queue) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let name = name(input)?;
        self.queues
            .change(|queues| change(name, queues.0.get_mut(name).ok_or_else(no_queue)?))
    }

    fn send(&self, input: &Value, now: u64) -> Result<Value, Refusal> {
        let sent = self.change(input, |_, queue| push(queue, input, now))?;
        self.wake();
        Ok(sent)
    }

    fn send_batch(
        &self,
        input: &Value,
        partial: Option<&Refusal>,
        now: u64,
    ) -> Result<Value, Refusal> {
        let entries = check::entries(input)?;
        check::batch_size(entries)?;
        let outcome = self.change(input, |_, queue| {
            Ok(batch(entries, |index, entry| match partial {
                Some(refusal) if index == 0 => Err(refusal.clone()),
                _ => push(queue, entry, now),
            }))
        })?;
        self.wake();
        Ok(outcome)
    }

    fn delete(&self, input: &Value) -> Result<Value, Refusal> {
        self.change(input, |name, queue| remove(name, queue, input))
    }

    fn delete_batch(&self, input: &Value) -> Result<Value, Refusal> {
        let entries = check::entries(input)?;
        self.change(input, |name, queue| {
            Ok(batch(entries, |_, entry| remove(name, queue, entry)))
        })
    }

    fn change_visibility(&self, input: &Value, now: u64) -> Result<Value, Refusal> {
        let changed = self.change(input, |name, queue| hide(name, queue, input, now))?;
        self.wake();
        Ok(changed)
    }

    fn change_visibility_batch(&self, input: &Value, now: u64) -> Result<Value, Refusal> {
        let entries = check::entries(input)?;
        let outcome = self.change(input, |name, queue| {
            Ok(batch(entries, |_, entry| hide(name, queue, entry, now)))
        })?;
        self.wake();
        Ok(outcome)
    }
}

/// A received message stays hidden for as long as the input says.
fn hide(name: &str, queue: &mut Queue, input: &Value, now: u64) -> Result<Value, Refusal> {
    if input["VisibilityTimeout"].is_null() {
        return Err(check::missing("VisibilityTimeout"));
    }
    let span = check::number(input, "VisibilityTimeout", 0, LONGEST_VISIBILITY, 0)?;
    let handle = handle(name, input)?;
    let message = queue.held(handle).filter(|message| message.visible > now);
    let message = message.ok_or_else(|| {
        let text = format!(
            "Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change."
        );
        Refusal::new("MessageNotInflight", text)
    })?;
    message.visible = now + span * 1000;
    Ok(json!({}))
}

/// Carries out each entry; those that fail are named beside those that do not.
fn batch(
    entries: &[Value],
    mut carry_out: impl FnMut(usize, &Value) -> Result<Value, Refusal>,
) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (index, entry) in entries.iter().enumerate() {
        match carry_out(index, entry) {
            Ok(mut done) => {
                done["Id"] = entry["Id"].clone();
                successful.push(done);
            }
            Err(refusal) => failed.push(refusal.entry(&entry["Id"])),
        }
    }
    json!({"Successful": successful, "Failed": failed})
}

fn push(queue: &mut Queue, input: &Value, now: u64) -> Result<Value, Refusal> {
    let body = check::body(input)?;
    let delay = check::number(input, "DelaySeconds", 0, LONGEST_DELAY, queue.spec.delay)?;
    let attributes = input["MessageAttributes"].clone();
    let message = Message::new(body.to_owned(), attributes, now, delay);
    let sent = json!({"MessageId": message.id, "MD5OfMessageBody": md5(body)});
    queue.messages.push(message);
    Ok(sent)
}

fn remove(name: &str, queue: &mut Queue, input: &Value) -> Result<Value, Refusal> {
    let handle = handle(name, input)?;
    // An older handle of a message, or of one that is gone, deletes nothing and is no error.
    queue
        .messages
        .retain(|message| message.handle.as_deref() != Some(handle));
    Ok(json!({}))
}

fn handle<'a>(name: &str, input: &'a Value) -> Result<&'a str, Refusal> {
    let handle = input["ReceiptHandle"].as_str();
    let handle = handle.ok_or_else(|| check::missing("ReceiptHandle"))?;
    if is_handle_of(handle, name) {
        Ok(handle)
    } else {
        let text = "The input receipt handle is invalid.";
        Err(Refusal::new("ReceiptHandleIsInvalid", text))
    }
}

/// The name of the queue: the last part of its URL.
fn name(input: &Value) -> Result<&str, Refusal> {
    let url = input["QueueUrl"].as_str();
    let url = url.ok_or_else(|| check::missing("QueueUrl"))?;
    Ok(url.rsplit('/').next().unwrap_or_default())
}

fn no_queue() -> Refusal {
    Refusal::new("QueueDoesNotExist", "The specified queue does not exist.")
}

/// The ARN of a queue.
pub fn arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

/// The URL of a queue, as AWS writes it.
pub fn url(name: &str) -> String {
    format!("https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}")
}

fn md5(text: &str) -> String {
    format!("{:x}", md5::compute(text))
}
