//! What something costs in AWS: calls by operation, and capacity units of the table.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The calls and the capacity units of one or more requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Usage {
    pub(super) calls: BTreeMap<String, u64>,
    pub(super) read_units: f64,
    pub(super) write_units: f64,
}

/// Calls of Lambda's event source, which are as many as it likes, and reads of secrets, which every environment of a function
/// makes once a minute whatever it does.
const OTHERS: [&str; 4] = [
    "sqs.DeleteMessage",
    "sqs.GetQueueAttributes",
    "sqs.GetQueueUrl",
    "sqs.ReceiveMessage",
];
const SECRETS: &str = "secretsmanager.";

impl Usage {
    /// As the control surface shows it.
    pub(super) fn of(shown: &Value) -> Self {
        let counts = shown.as_object().into_iter().flatten();
        let calls = counts.filter(|(name, _)| {
            name.contains('.') && !name.starts_with(SECRETS) && !OTHERS.contains(&name.as_str())
        });
        let calls = calls.filter_map(|(name, count)| Some((name.clone(), count.as_u64()?)));
        let units = |name: &str| shown[name].as_f64().unwrap_or_default();
        Self {
            calls: calls.collect(),
            read_units: units("readUnits"),
            write_units: units("writeUnits"),
        }
    }

    /// How often an operation was called.
    pub(super) fn of_call(&self, name: &str) -> u64 {
        self.calls.get(name).copied().unwrap_or_default()
    }

    /// Puts it into a row.
    pub(super) fn write(&self, row: &mut Value) {
        row["calls"] = json!(self.calls);
        row["read_units"] = json!(self.read_units);
        row["write_units"] = json!(self.write_units);
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, count) in &self.calls {
            let (_, operation) = name.split_once('.').unwrap_or_default();
            write!(f, "{count} {operation}, ")?;
        }
        write!(f, "{} RCU, {} WCU", self.read_units, self.write_units)
    }
}

/// What most requests cost, and what the others cost, each with how many they are.
pub(super) fn agreed(costs: &[Usage]) -> (Usage, Vec<(Usage, usize)>) {
    let mut kinds: Vec<(Usage, usize)> = Vec::new();
    for cost in costs {
        match kinds.iter_mut().find(|(kind, _)| kind == cost) {
            Some((_, count)) => *count += 1,
            None => kinds.push((cost.clone(), 1)),
        }
    }
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut kinds = kinds.into_iter();
    let usual = kinds.next().map(|(usual, _)| usual).unwrap_or_default();
    (usual, kinds.collect())
}

/// The value that so many per cent of all are not above, in milliseconds.
pub(super) fn percentile(walls: &[Duration], percent: usize) -> f64 {
    let mut walls = walls.to_vec();
    walls.sort_unstable();
    let place = (walls.len() * percent).div_ceil(100).saturating_sub(1);
    rounded(
        walls
            .get(place)
            .map_or(0.0, |wall| wall.as_secs_f64() * 1e3),
    )
}

/// To two digits.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(shown: &Value) -> Usage {
        Usage::of(shown)
    }

    #[test]
    fn what_a_request_does_not_decide_is_not_counted() {
        let shown = json!({
            "dynamodb.Query": 2, "sns.Publish": 3, "sqs.SendMessage": 1, "sqs.ReceiveMessage": 9, "sqs.DeleteMessage": 1,
            "secretsmanager.GetSecretValue": 2, "readUnits": 2.5,
        });
        let usage = usage(&shown);
        assert_eq!(
            usage.to_string(),
            "2 Query, 3 Publish, 1 SendMessage, 2.5 RCU, 0 WCU"
        );
        assert_eq!(usage.of_call("dynamodb.Query"), 2);
        assert_eq!(usage.of_call("dynamodb.Scan"), 0);
        let mut row = json!({"devices": 1});
        usage.write(&mut row);
        assert_eq!(
            row,
            json!({"devices": 1, "read_units": 2.5, "write_units": 0.0,
                "calls": {"dynamodb.Query": 2, "sns.Publish": 3, "sqs.SendMessage": 1}})
        );
    }

    #[test]
    fn the_usual_cost_is_told_from_others() {
        let [one, two] = [1, 2].map(|n| usage(&json!({"dynamodb.GetItem": n, "readUnits": n})));
        let more = usage(&json!({"dynamodb.GetItem": 1, "readUnits": 1.5}));
        let costs = [&two, &one, &one, &more, &one, &two].map(Clone::clone);
        assert_eq!(agreed(&costs), (one, vec![(two, 2), (more, 1)]));
        assert_eq!(agreed(&[]), (Usage::default(), vec![]));
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let walls: Vec<_> = (1..=200).rev().map(Duration::from_millis).collect();
        let at = |percent| percentile(&walls, percent).to_string();
        assert_eq!([at(50), at(90), at(100)], ["100", "180", "200"]);
        assert_eq!(percentile(&walls[..1], 50).to_string(), "200");
        assert_eq!(percentile(&[], 50).to_string(), "0");
    }
}
