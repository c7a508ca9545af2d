//! Queues and what becomes of their messages as time passes. Times are milliseconds of the system's clock.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// A queue as it is made; spans are in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSpec {
    /// Its name in SQS.
    pub name: String,
    /// What the template calls it.
    pub resource: String,
    /// How long a message that was received stays hidden.
    pub visibility_timeout: u64,
    /// How long a message is kept.
    pub retention: u64,
    /// How long a message is hidden at first.
    pub delay: u64,
    /// Where messages go that are received too often.
    pub redrive: Option<Redrive>,
}

/// Where messages go that are received too often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrive {
    /// The name of the dead-letter queue.
    pub queue: String,
    /// How often a message is received before it goes there.
    pub max_receive_count: u32,
}

/// All queues, by name.
#[derive(Default, Serialize, Deserialize)]
pub struct Queues(pub BTreeMap<String, Queue>);

/// A queue and its messages, the oldest first.
#[derive(Serialize, Deserialize)]
pub struct Queue {
    /// How it is made.
    pub spec: QueueSpec,
    /// What it holds.
    pub messages: Vec<Message>,
}

/// A message.
#[derive(Clone, Serialize, Deserialize)]
pub struct Message {
    /// The id that the sender was told.
    pub id: String,
    /// The text.
    pub body: String,
    /// `MessageAttributes` as they were sent.
    pub attributes: Value,
    /// When it was sent.
    pub sent: u64,
    /// Hidden until then.
    pub visible: u64,
    /// How often it was received.
    pub received: u32,
    /// When it was received first.
    pub first_received: Option<u64>,
    /// The handle of the last time it was received.
    pub handle: Option<String>,
    /// The queue that it died in.
    pub source: Option<String>,
}

/// How many messages a queue holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Those that a receive gives.
    pub visible: usize,
    /// Those that were received and are hidden.
    pub in_flight: usize,
    /// Those that are hidden since they were sent.
    pub delayed: usize,
}

impl Message {
    /// A message that has never been received.
    pub fn new(body: String, attributes: Value, now: u64, delay_seconds: u64) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            body,
            attributes,
            sent: now,
            visible: now + delay_seconds * 1000,
            received: 0,
            first_received: None,
            handle: None,
            source: None,
        }
    }
}

impl Queue {
    /// Forgets what is older than the retention.
    fn expire(&mut self, now: u64) {
        let kept = self.spec.retention * 1000;
        self.messages
            .retain(|message| message.sent.saturating_add(kept) > now);
    }

    /// How many messages it holds.
    pub fn depth(&self, now: u64) -> Depth {
        let kept = self.spec.retention * 1000;
        let mut depth = Depth::default();
        for message in &self.messages {
            if message.sent.saturating_add(kept) <= now {
                continue;
            }
            match (message.visible > now, &message.handle) {
                (false, _) => depth.visible += 1,
                (true, Some(_)) => depth.in_flight += 1,
                (true, None) => depth.delayed += 1,
            }
        }
        depth
    }

    /// When the next hidden message shows.
    pub fn next_visible(&self) -> Option<u64> {
        self.messages.iter().map(|message| message.visible).min()
    }

    /// The message that was last received under this handle.
    pub fn held(&mut self, handle: &str) -> Option<&mut Message> {
        self.messages
            .iter_mut()
            .find(|message| message.handle.as_deref() == Some(handle))
    }
}

impl Queues {
    /// Takes up to so many visible messages and hides them. What was received too often goes to the dead-letter queue,
    /// and the second value tells whether anything did.
    /// Where `copies` says so of a message, it stays visible too, behind all others.
    pub fn receive(
        &mut self,
        name: &str,
        most: usize,
        visibility: u64,
        now: u64,
        mut copies: impl FnMut() -> bool,
    ) -> (Vec<Message>, bool) {
        let Some(queue) = self.0.get_mut(name) else {
            return (Vec::new(), false);
        };
        queue.expire(now);
        let redrive = queue.spec.redrive.clone();
        let (mut taken, mut dead, mut again) = (Vec::new(), Vec::new(), Vec::new());
        queue.messages.retain_mut(|message| {
            if message.visible > now || taken.len() == most {
                return true;
            }
            if let Some(redrive) = &redrive
                && message.received >= redrive.max_receive_count
            {
                let mut message = message.clone();
                message.handle = None;
                message.source = Some(name.to_owned());
                dead.push(message);
                return false;
            }
            if message.received == 0 && copies() {
                again.push(message.clone());
            }
            message.received += 1;
            message.first_received.get_or_insert(now);
            message.visible = now + visibility * 1000;
            message.handle = Some(handle(name, &message.id));
            taken.push(message.clone());
            true
        });
        queue.messages.append(&mut again);
        let died = !dead.is_empty();
        if let Some(redrive) = redrive
            && let Some(letters) = self.0.get_mut(&redrive.queue)
        {
            letters.messages.append(&mut dead);
        }
        (taken, died)
    }

    /// Sends the messages of a dead-letter queue to `to`, else each to where it died, as new messages; gives their
    /// number. What is hidden stays.
    pub fn redrive(&mut self, name: &str, to: Option<&str>, now: u64) -> usize {
        let Some(queue) = self.0.get_mut(name) else {
            return 0;
        };
        queue.expire(now);
        let goes = |message: &mut Message| {
            message.visible <= now && (to.is_some() || message.source.is_some())
        };
        let moved: Vec<_> = queue.messages.extract_if(.., goes).collect();
        let count = moved.len();
        for message in moved {
            let target = to.or(message.source.as_deref()).unwrap_or(name);
            if let Some(queue) = self.0.get_mut(target) {
                let fresh = Message::new(message.body, message.attributes, now, 0);
                queue.messages.push(fresh);
            }
        }
        count
    }

    /// The name of a queue by what the template calls it.
    pub fn named(&self, resource: &str) -> Option<&str> {
        let mut queues = self.0.values();
        let queue = queues.find(|queue| queue.spec.resource == resource)?;
        Some(&queue.spec.name)
    }
}

/// A handle that no other receive gives.
fn handle(queue: &str, message: &str) -> String {
    STANDARD.encode(format!("{queue} {message} {}", Uuid::new_v4()))
}

/// Whether this queue may have given the handle.
pub fn is_handle_of(handle: &str, queue: &str) -> bool {
    let decoded = STANDARD.decode(handle).ok();
    let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    text.is_some_and(|text| text.split(' ').next() == Some(queue))
}
