//! What the phones received.

use super::clock::with_millis;
use push::Time;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;

/// The newest pushes are kept whole up to this number, older ones are only counted.
const KEPT: usize = 200_000;

/// Events that a slow listener may fall behind before it misses some.
const BACKLOG: usize = 4096;

/// One push, as it arrived.
pub struct Push<'a> {
    /// The phone's token.
    pub token: &'a str,
    /// `G` or `A`.
    pub platform: &'static str,
    /// The endpoint it was published to.
    pub endpoint: &'a str,
    /// SNS's message id.
    pub publish_id: &'a str,
    /// When.
    pub at: Time,
    /// The parsed payload for the platform.
    pub payload: Value,
    /// The message attributes.
    pub attributes: Map<String, Value>,
}

/// All pushes so far, and whoever listens for the next.
pub struct Phones {
    received: Mutex<Received>,
    events: broadcast::Sender<Arc<str>>,
    kept: usize,
}

#[derive(Default)]
struct Received {
    newest: VecDeque<Kept>,
    older: BTreeMap<String, u64>,
}

struct Kept {
    token: String,
    /// The push as JSON: a quarter of the memory of a parsed one.
    json: Arc<str>,
}

impl Default for Phones {
    fn default() -> Self {
        Self::keeping(KEPT)
    }
}

impl Phones {
    fn keeping(kept: usize) -> Self {
        Self {
            received: Mutex::default(),
            events: broadcast::channel(BACKLOG).0,
            kept,
        }
    }

    /// A phone receives a push.
    pub fn receive(&self, push: &Push<'_>) {
        let json: Arc<str> = json!({
            "token": push.token,
            "platform": push.platform,
            "endpointArn": push.endpoint,
            "publishId": push.publish_id,
            "at": with_millis(push.at),
            "payload": push.payload,
            "attributes": push.attributes,
        })
        .to_string()
        .into();
        let kept = Kept {
            token: push.token.to_owned(),
            json: Arc::clone(&json),
        };
        self.with(|received| {
            received.newest.push_back(kept);
            if received.newest.len() > self.kept
                && let Some(oldest) = received.newest.pop_front()
            {
                *received.older.entry(oldest.token).or_default() += 1;
            }
            // Sent under the lock, so that events come in the order of the list. Nobody listening is no error.
            let _ = self.events.send(json);
        });
    }

    /// The message id of the newest push to a token.
    pub fn last_publish(&self, token: &str) -> Option<String> {
        self.with(|received| {
            let mut newest = received.newest.iter().rev();
            let push = newest.find(|push| push.token == token)?;
            let push: Value = serde_json::from_str(&push.json).ok()?;
            push["publishId"].as_str().map(str::to_owned)
        })
    }

    /// `{"pushes":[…]}` in order: of one token or all, the newest `limit` of them; with `older`, the counts by token of
    /// what is no longer kept, where there are such.
    pub fn show(&self, token: Option<&str>, limit: Option<usize>) -> String {
        self.with(|received| {
            let mut pushes: Vec<&str> = received
                .newest
                .iter()
                .rev()
                .filter(|push| token.is_none_or(|token| push.token == token))
                .take(limit.unwrap_or(usize::MAX))
                .map(|push| &*push.json)
                .collect();
            pushes.reverse();
            let older: BTreeMap<_, _> = received
                .older
                .iter()
                .filter(|(of, _)| token.is_none_or(|token| of.as_str() == token))
                .collect();
            let older = if older.is_empty() {
                String::new()
            } else {
                format!(",\"older\":{}", json!(older))
            };
            format!("{{\"pushes\":[{}]{older}}}", pushes.join(","))
        })
    }

    /// Forgets all of them.
    pub fn forget(&self) {
        self.with(|received| *received = Received::default());
    }

    /// The pushes from now on, each as its JSON.
    pub fn listen(&self) -> broadcast::Receiver<Arc<str>> {
        self.events.subscribe()
    }

    fn with<R>(&self, then: impl FnOnce(&mut Received) -> R) -> R {
        then(&mut self.received.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receive(phones: &Phones, token: &str, publish_id: &str) {
        phones.receive(&Push {
            token,
            platform: "G",
            endpoint: "arn",
            publish_id,
            at: Time::from_millis(7),
            payload: json!({}),
            attributes: Map::new(),
        });
    }

    fn ids(phones: &Phones, token: Option<&str>, limit: Option<usize>) -> Vec<String> {
        let shown: Value = serde_json::from_str(&phones.show(token, limit)).unwrap();
        let pushes = shown["pushes"].as_array().unwrap();
        pushes
            .iter()
            .map(|push| push["publishId"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn the_newest_are_kept_and_the_rest_is_counted() {
        let phones = Phones::keeping(2);
        let mut events = phones.listen();
        for (token, id) in [("T", "1"), ("T", "2"), ("U", "3"), ("T", "4")] {
            receive(&phones, token, id);
        }
        assert_eq!(ids(&phones, None, None), ["3", "4"]);
        assert_eq!(ids(&phones, None, Some(1)), ["4"]);
        assert_eq!(ids(&phones, Some("T"), None), ["4"]);
        assert!(phones.show(None, None).ends_with(r#"],"older":{"T":2}}"#));
        assert!(phones.show(Some("U"), None).ends_with("]}"));
        assert!(events.try_recv().unwrap().contains(r#""publishId":"1""#));
        phones.forget();
        assert_eq!(phones.show(None, None), r#"{"pushes":[]}"#);
    }

    #[test]
    fn a_push_is_shown_whole() {
        let phones = Phones::default();
        receive(&phones, "T", "1");
        let shown: Value = serde_json::from_str(&phones.show(None, None)).unwrap();
        assert_eq!(
            shown,
            json!({"pushes": [{"token": "T", "platform": "G", "endpointArn": "arn", "publishId": "1",
                "at": "1970-01-01T00:00:00.007Z", "payload": {}, "attributes": {}}]})
        );
    }
}
