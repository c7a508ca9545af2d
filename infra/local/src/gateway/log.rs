//! The access log of the gateway, and where the control surface shows it.

use axum::Router;
use axum::response::Json;
use axum::routing::get;
use push::Time;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A request that was answered, in the words of API Gateway's access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The id that the answer bears too.
    pub request_id: String,
    /// When it came: the function is told the same time.
    pub time: Time,
    /// The route that it took; a dash where it took none.
    pub route_key: String,
    /// How it was answered.
    pub status: u16,
}

/// The newest entries.
#[derive(Default)]
pub struct Log(Mutex<VecDeque<Entry>>);

/// So many are kept.
const MOST: usize = 100_000;

impl Entry {
    /// A request that has just come.
    pub fn new(request_id: String, time: Time) -> Self {
        Self {
            request_id,
            time,
            route_key: "-".to_owned(),
            status: 0,
        }
    }
}

impl Log {
    /// Adds a request that was answered.
    pub fn add(&self, entry: Entry) {
        let mut entries = self.entries();
        entries.push_back(entry);
        if entries.len() > MOST {
            entries.pop_front();
        }
    }

    /// `{"requests":[{"requestId","requestTimeEpoch","routeKey","status"},…]}`, in the order of the answers.
    fn show(&self) -> Value {
        let shown = |entry: &Entry| {
            json!({
                "requestId": entry.request_id,
                "requestTimeEpoch": entry.time.millis(),
                "routeKey": entry.route_key,
                "status": entry.status,
            })
        };
        json!({"requests": self.entries().iter().map(shown).collect::<Vec<_>>()})
    }

    fn forget(&self) {
        self.entries().clear();
    }

    fn entries(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The path `/_local/requests`.
pub fn router(log: Arc<Log>) -> Router {
    let (shown, forgotten) = (Arc::clone(&log), log);
    let forget = async move || {
        forgotten.forget();
        Json(json!({}))
    };
    Router::new().route(
        "/_local/requests",
        get(async move || Json(shown.show())).delete(forget),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_entries_are_kept_until_they_are_forgotten() {
        let log = Log::default();
        for n in 0..=MOST {
            log.add(Entry::new(n.to_string(), Time::from_millis(7)));
        }
        let shown = log.show();
        let shown = shown["requests"].as_array().unwrap();
        let first = json!({"requestId": "1", "requestTimeEpoch": 7, "routeKey": "-", "status": 0});
        assert_eq!((shown.len(), &shown[0]), (MOST, &first));
        log.forget();
        assert_eq!(log.show(), json!({"requests": []}));
    }
}
