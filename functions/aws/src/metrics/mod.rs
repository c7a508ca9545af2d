//! Metrics: lines on standard output that CloudWatch Logs makes metrics of, in its embedded metric format.
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>)

mod metric;

pub use metric::Metric;

use crate::Clock;
use crate::store::Counts;
use push::change::Case;
use push::{ApplicationId, Platform};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Where lines go.
pub type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// Collects what happens in one environment and writes it out when a request or a job ends.
#[derive(Clone)]
pub struct Metrics(Arc<Collected>);

struct Collected {
    application: ApplicationId,
    clock: Clock,
    sink: Sink,
    /// A sum, or each value that was measured.
    noted: Mutex<BTreeMap<Metric, Vec<u64>>>,
}

const NAMESPACE: &str = "Userpush";
/// The dimension that every metric has.
const APPLICATION: &str = "Application";
/// Values of a metric that one line can hold.
const MOST: usize = 100;

impl Metrics {
    /// For this application; lines are dated by `clock` and go to `sink`.
    #[must_use]
    pub fn new(application: ApplicationId, clock: Clock, sink: Sink) -> Self {
        Self(Arc::new(Collected {
            application,
            clock,
            sink,
            noted: Mutex::default(),
        }))
    }

    /// So many more.
    pub fn count(&self, metric: Metric, more: u64) {
        if more > 0 {
            self.note(metric, |values| match values.first_mut() {
                Some(sum) => *sum += more,
                None => values.push(more),
            });
        }
    }

    /// One more value.
    pub fn measure(&self, metric: Metric, value: u64) {
        let mut full = false;
        self.note(metric, |values| {
            values.push(value);
            full = values.len() == MOST;
        });
        if full {
            self.flush();
        }
    }

    /// A binding was changed.
    pub fn changed(&self, case: Case) {
        if let Some(metric) = Metric::of(case) {
            self.count(metric, 1);
        }
    }

    /// What became of devices of a platform.
    pub fn published(&self, platform: Platform, counts: Counts) {
        for (outcome, devices) in counts.named() {
            self.count(Metric::Publishes(platform, outcome), devices);
        }
        self.count(Metric::Misconfigured(platform), counts.misconfigured);
    }

    /// Writes what was noted, a line for each set of dimensions, and begins anew.
    pub fn flush(&self) {
        let noted =
            std::mem::take(&mut *self.0.noted.lock().unwrap_or_else(PoisonError::into_inner));
        let mut lines: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (metric, values) in noted {
            lines
                .entry(metric.dimensions())
                .or_default()
                .push((metric, values));
        }
        for (dimensions, metrics) in lines {
            let line = Line {
                timestamp: (self.0.clock)().millis(),
                application: self.0.application.as_str(),
                dimensions: &dimensions,
                metrics: &metrics,
            };
            // What has names for keys and numbers and texts for values can be written.
            if let Ok(line) = serde_json::to_string(&line) {
                (self.0.sink)(&line);
            }
        }
    }

    fn note(&self, metric: Metric, note: impl FnOnce(&mut Vec<u64>)) {
        let mut noted = self.0.noted.lock().unwrap_or_else(PoisonError::into_inner);
        note(noted.entry(metric).or_default());
    }
}

/// A line of the log in the embedded metric format.
struct Line<'a> {
    timestamp: u64,
    application: &'a str,
    dimensions: &'a [(&'static str, &'static str)],
    metrics: &'a [(Metric, Vec<u64>)],
}

/// What CloudWatch is told of the metrics in a line.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    namespace: &'static str,
    dimensions: [Vec<&'static str>; 1],
    metrics: Vec<Unit>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Unit {
    name: &'static str,
    unit: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Heading {
    timestamp: u64,
    cloud_watch_metrics: [Described; 1],
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.dimensions.iter().map(|(name, _)| *name);
        let units = self.metrics.iter().map(|(metric, _)| Unit {
            name: metric.name(),
            unit: metric.unit(),
        });
        let heading = Heading {
            timestamp: self.timestamp,
            cloud_watch_metrics: [Described {
                namespace: NAMESPACE,
                dimensions: [std::iter::once(APPLICATION).chain(names).collect()],
                metrics: units.collect(),
            }],
        };
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("_aws", &heading)?;
        line.serialize_entry(APPLICATION, self.application)?;
        for (name, value) in self.dimensions {
            line.serialize_entry(name, value)?;
        }
        for (metric, values) in self.metrics {
            match values[..] {
                [value] => line.serialize_entry(metric.name(), &value)?,
                _ => line.serialize_entry(metric.name(), values)?,
            }
        }
        line.end()
    }
}

/// Standard output, which Lambda hands to CloudWatch Logs.
pub(crate) fn standard_output() -> Sink {
    Arc::new(|line| {
        // A line that cannot be written is no reason to fail what it tells of.
        let _ = writeln!(std::io::stdout(), "{line}");
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use push::Time;
    use serde_json::{Value, json};

    /// Metrics, and the lines that they have written.
    fn metrics() -> (Metrics, impl Fn() -> Vec<Value>) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&lines);
        let metrics = Metrics::new(
            ApplicationId::parse("app").unwrap(),
            Arc::new(|| Time::from_millis(1_800_000_000_123)),
            Arc::new(move |line| {
                assert!(!line.contains('\n'), "a line is one line");
                lines.lock().unwrap().push(line.to_owned());
            }),
        );
        let read = move || {
            let lines = std::mem::take(&mut *written.lock().unwrap());
            let parse = |line: &String| serde_json::from_str(line).unwrap();
            lines.iter().map(parse).collect()
        };
        (metrics, read)
    }

    fn aws(dimensions: &[&str], metrics: &[(&str, &str)]) -> Value {
        let metrics: Vec<_> = metrics
            .iter()
            .map(|(name, unit)| json!({"Name": name, "Unit": unit}))
            .collect();
        json!({
            "Timestamp": 1_800_000_000_123_u64,
            "CloudWatchMetrics": [
                {"Namespace": "Userpush", "Dimensions": [dimensions], "Metrics": metrics},
            ],
        })
    }

    #[test]
    fn a_line_is_written_for_each_set_of_dimensions() {
        let (metrics, lines) = metrics();
        metrics.count(Metric::Sends, 1);
        metrics.measure(Metric::MessageAge, 1500);
        metrics.count(Metric::Failures("send"), 1);
        let counts = Counts {
            accepted: 2,
            misconfigured: 1,
            ..Counts::default()
        };
        metrics.published(Platform::Apns, counts);
        metrics.published(Platform::Apns, counts);
        assert_eq!(lines(), [Value::Null; 0], "nothing before the end");
        metrics.flush();
        let count = |name| (name, "Count");
        let publishes = &[count("Publishes")];
        let by = &["Application", "Platform", "Outcome"];
        assert_eq!(
            lines(),
            [
                json!({
                    "_aws": aws(&["Application"], &[count("Sends"), ("MessageAge", "Milliseconds")]),
                    "Application": "app", "Sends": 1, "MessageAge": 1500,
                }),
                json!({
                    "_aws": aws(&["Application", "Function"], &[count("Failures")]),
                    "Application": "app", "Function": "send", "Failures": 1,
                }),
                json!({
                    "_aws": aws(&["Application", "Platform"], &[count("Misconfigured")]),
                    "Application": "app", "Platform": "A", "Misconfigured": 2,
                }),
                json!({
                    "_aws": aws(by, publishes),
                    "Application": "app", "Platform": "A", "Outcome": "accepted", "Publishes": 4,
                }),
                json!({
                    "_aws": aws(by, publishes),
                    "Application": "app", "Platform": "A", "Outcome": "misconfigured", "Publishes": 2,
                }),
            ]
        );
    }

    #[test]
    fn what_did_not_happen_is_not_written_and_what_did_is_written_once() {
        let (metrics, lines) = metrics();
        metrics.count(Metric::Sends, 0);
        metrics.published(Platform::Fcm, Counts::default());
        metrics.changed(Case::LogoutMarker);
        metrics.flush();
        assert_eq!(lines().len(), 0);
        metrics.changed(Case::OwnerChange);
        metrics.flush();
        metrics.flush();
        assert_eq!(
            lines(),
            [json!({
                "_aws": aws(&["Application", "Outcome"], &[("Registrations", "Count")]),
                "Application": "app", "Outcome": "ownerChange", "Registrations": 1,
            })]
        );
    }

    #[test]
    fn a_line_holds_no_more_values_than_cloudwatch_reads() {
        let (metrics, lines) = metrics();
        for value in 1..=101 {
            metrics.measure(Metric::MessageAge, value);
        }
        metrics.flush();
        let written: Vec<_> = lines()
            .iter()
            .map(|line| line["MessageAge"].clone())
            .collect();
        let first: Vec<u64> = (1..=100).collect();
        assert_eq!(written, [json!(first), json!(101)]);
    }
}
