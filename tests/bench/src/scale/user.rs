//! What a send to one user costs while the user has more and more devices.

use super::results::Row;
use super::system::{MOST_DEVICES, Request, System};
use super::usage::{Usage, agreed, percentile};
use crate::world::Failed;
use ::tests::Crowd;
use serde_json::json;

const DEVICES: [usize; 4] = [1, 10, 100, MOST_DEVICES];
/// So many sends go before those whose time is taken.
const FIRST: usize = 3;
/// Devices that one read takes.
const PAGE: u64 = 100;

/// Sends so many times to each of some users. Gives a row for each user, and what was not as it should be.
///
/// # Errors
/// A service does not answer as it should.
pub(super) async fn measure(
    system: &System,
    times: usize,
) -> Result<(Vec<Row>, Vec<String>), Failed> {
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for devices in DEVICES {
        let crowd = Crowd::new(devices, 1);
        crowd.register(&system.registry, None).await?;
        let request = Request::message(Some(&json!({"userIds": crowd.users()})));
        let (mut costs, mut walls) = (Vec::new(), Vec::new());
        for _ in 0..FIRST + times {
            let answered = system.count(&request).await?;
            costs.push(answered.usage);
            walls.push(answered.wall);
        }
        let (usage, others) = agreed(&costs);
        wrong.extend(unexpected(&usage, u64::try_from(devices)?));
        wrong.extend(others.iter().map(|(other, count)| {
            format!("send to {devices} devices: {count} cost {other}, and not {usage}")
        }));
        let walls = walls.get(FIRST..).unwrap_or_default();
        let mut row = json!({
            "devices": devices, "times": times,
            "p50_ms": percentile(walls, 50), "p90_ms": percentile(walls, 90),
        });
        usage.write(&mut row);
        rows.push(Row(row));
        system
            .control(reqwest::Method::DELETE, "/pushes", None)
            .await?;
    }
    Ok((rows, wrong))
}

/// How the reads and publishes of a send differ from those that it takes: one read of the user's index, one of each hundred
/// devices, and a publish to each.
fn unexpected(usage: &Usage, devices: u64) -> Vec<String> {
    let expected = [
        ("dynamodb.Query", 1),
        ("dynamodb.BatchGetItem", devices.div_ceil(PAGE)),
        ("sns.Publish", devices),
    ];
    let counts = expected.map(|(name, count)| (name, count, usage.of_call(name)));
    let other = counts
        .into_iter()
        .filter(|(_, expected, count)| expected != count);
    other
        .map(|(name, expected, count)| {
            format!("send to {devices} devices: {count} {name}, and not {expected}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_reads_the_index_once_and_each_hundred_devices_once() {
        let usage = |reads: u64, publishes: u64| {
            Usage::of(&json!({
                "dynamodb.Query": 1, "dynamodb.BatchGetItem": reads, "sns.Publish": publishes,
            }))
        };
        for (devices, reads) in [(1, 1), (100, 1), (101, 2), (1000, 10)] {
            assert!(unexpected(&usage(reads, devices), devices).is_empty());
        }
        assert_eq!(
            unexpected(&usage(3, 101), 102),
            [
                "send to 102 devices: 3 dynamodb.BatchGetItem, and not 2",
                "send to 102 devices: 101 sns.Publish, and not 102",
            ]
        );
    }
}
