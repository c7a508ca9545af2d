//! The lines of metrics that the functions have written.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The newest lines.
#[derive(Default)]
pub struct Metrics(Mutex<VecDeque<Value>>);

/// So many are kept.
const MOST: usize = 10_000;

impl Metrics {
    /// Keeps a line, and puts it into the log for those who ask for that much. The id of the request stands in it as
    /// `requestId`: Lambda's log has it around the line.
    pub fn keep(&self, line: &str, request: Option<&str>) {
        tracing::debug!(target: "metrics", "{line}");
        // What is no JSON is kept too: whoever looks should see it.
        let mut kept: Value = serde_json::from_str(line).unwrap_or_else(|_| line.into());
        if let (Some(request), Some(kept)) = (request, kept.as_object_mut()) {
            kept.insert("requestId".to_owned(), request.into());
        }
        let mut lines = self.lines();
        lines.push_back(kept);
        if lines.len() > MOST {
            lines.pop_front();
        }
    }

    /// Forgets them.
    pub fn forget(&self) {
        self.lines().clear();
    }

    /// `{"metrics":[…]}`, the oldest first.
    pub fn show(&self) -> Value {
        json!({"metrics": *self.lines()})
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept_until_they_are_forgotten() {
        let metrics = Metrics::default();
        metrics.keep("no JSON", Some("1"));
        for n in 1..MOST {
            metrics.keep(&n.to_string(), None);
        }
        let shown = metrics.show();
        let shown = shown["metrics"].as_array().unwrap();
        assert_eq!((shown.len(), &shown[0]), (MOST, &json!("no JSON")));
        metrics.keep("{}", Some("2"));
        let shown = metrics.show();
        let shown = shown["metrics"].as_array().unwrap();
        let ends = (&shown[0], &shown[MOST - 1]);
        assert_eq!(
            (shown.len(), ends),
            (MOST, (&json!(1), &json!({"requestId": "2"})))
        );
        metrics.forget();
        assert_eq!(metrics.show(), json!({"metrics": []}));
    }
}
