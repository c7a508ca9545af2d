//! What each operation costs while the table grows.

use super::operation::{Device, OPERATIONS, Operation};
use super::results::Row;
use super::system::{Caller, Request, System};
use super::usage::{Usage, agreed, percentile};
use crate::world::Failed;
use ::tests::Crowd;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A table that grows. Half of its devices are their user's only one, the others are one of ten.
pub(super) struct Table<'a> {
    system: &'a System,
    tag: String,
    /// The devices that came last, by far the most of all.
    alone: Crowd,
    ten: Crowd,
    /// How many devices there are.
    pub(super) devices: usize,
}

/// Devices of a user who has several.
const SEVERAL: usize = 10;
/// So many requests of each operation go before those whose time is taken.
const FIRST: usize = 10;

impl<'a> Table<'a> {
    /// An empty one.
    ///
    /// # Errors
    /// The system does not do what it is asked for.
    pub(super) async fn new(system: &'a System) -> Result<Self, Failed> {
        let tag = "offers".to_owned();
        let make = Request {
            method: Method::POST,
            route: "/tags".to_owned(),
            from: Caller::Backend,
            body: Some(json!({"name": tag})),
            status: 201,
        };
        system.ask(&make).await?;
        Ok(Self {
            system,
            tag,
            alone: Crowd::new(0, 1),
            ten: Crowd::new(0, 1),
            devices: 0,
        })
    }

    /// Writes as many devices as are missing; gives how long that took.
    ///
    /// # Errors
    /// A service does not answer as it should.
    pub(super) async fn grow(&mut self, devices: usize) -> Result<Duration, Failed> {
        let begun = Instant::now();
        let more = devices.saturating_sub(self.devices);
        let users = more / (2 * SEVERAL);
        self.ten = Crowd::new(users * SEVERAL, users);
        let alone = more - users * SEVERAL;
        self.alone = Crowd::new(alone, alone);
        for crowd in [&self.alone, &self.ten] {
            crowd.register(&self.system.registry, None).await?;
        }
        self.devices = devices;
        Ok(begun.elapsed())
    }

    /// Makes so many requests of each operation, one at a time, for devices spread over the table. Those that register anew
    /// are as many as those that end. Gives a row for each operation, and what was not as it should be.
    ///
    /// # Errors
    /// A request has another answer than it has to get.
    pub(super) async fn measure(&self, times: usize) -> Result<(Vec<Row>, Vec<String>), Failed> {
        let mut devices = self.spread(FIRST + times)?;
        let (mut rows, mut wrong) = (Vec::new(), Vec::new());
        for operation in OPERATIONS {
            let (mut costs, mut walls) = (Vec::new(), Vec::new());
            for device in &mut devices {
                device.change(operation);
                let request = operation.request(device, &self.tag);
                let answered = self.system.count(&request).await?;
                costs.push(answered.usage);
                walls.push(answered.wall);
            }
            let (usage, others) = agreed(&costs);
            let name = operation.name();
            for (other, count) in others {
                let (of, size) = (costs.len(), self.devices);
                wrong.push(format!(
                    "{name}, {size} devices: {count} of {of} cost {other}, and not {usage}"
                ));
            }
            rows.push(self.row(name, &usage, walls.get(FIRST..).unwrap_or_default()));
        }
        Ok((rows, wrong))
    }

    fn row(&self, name: &str, usage: &Usage, walls: &[Duration]) -> Row {
        let mut row = json!({
            "devices": self.devices, "operation": name, "times": walls.len(),
            "p50_ms": percentile(walls, 50), "p90_ms": percentile(walls, 90),
        });
        usage.write(&mut row);
        Row(row)
    }

    /// So many devices at the same distance from each other, and what happens to them.
    fn spread(&self, count: usize) -> Result<Vec<Device>, Failed> {
        let step = odd(self.alone.users().len() / count);
        let mut there = self.alone.registrations().step_by(step);
        let new = Crowd::new(2 * count, 2 * count);
        let tokens = Crowd::new(2 * count, 2 * count);
        let pairs = |crowd: &Crowd| crowd.registrations().collect::<Vec<_>>();
        let (new, tokens) = (pairs(&new), pairs(&tokens));
        let friends = self.ten.users();
        let mut devices = Vec::new();
        for (n, (new, tokens)) in new.chunks(2).zip(tokens.chunks(2)).enumerate() {
            let now = there.next().ok_or("too few devices")?;
            let same = |of: &[Value]| {
                let mut same = of.iter().filter(|one| one["platform"] == now["platform"]);
                same.next().cloned().ok_or("no device of this platform")
            };
            let friend = friends.get(n * friends.len() / count);
            devices.push(Device {
                next: same(new)?,
                token: same(tokens)?["token"].take(),
                other: json!(self.alone.owner(n * step + 1)),
                friend: json!(friend.ok_or("too few users")?),
                now,
            });
        }
        Ok(devices)
    }
}

/// The largest odd number up to this one: at such a distance devices are of both platforms.
const fn odd(number: usize) -> usize {
    number.saturating_sub(1) | 1
}

/// What differs between sizes of the table, a line each: nothing may.
pub(super) fn differences(rows: &[Row]) -> Vec<String> {
    let mut lines = Vec::new();
    for operation in OPERATIONS.map(Operation::name) {
        let mut rows = rows.iter().filter(|row| row.0["operation"] == operation);
        let Some(Row(first)) = rows.next() else {
            continue;
        };
        for Row(row) in rows {
            for what in ["calls", "read_units", "write_units"] {
                if row[what] != first[what] {
                    let (size, before) = (&row["devices"], &first["devices"]);
                    lines.push(format!(
                        "{operation}: {what} {} at {size} devices, {} at {before}",
                        row[what], first[what]
                    ));
                }
            }
        }
    }
    lines
}

/// How the time of each operation changes from the smallest table to the largest, a line each.
pub(super) fn growth(rows: &[Row]) -> Vec<String> {
    let lines = OPERATIONS.map(Operation::name).into_iter().filter_map(|operation| {
        let mut rows = rows.iter().filter(|row| row.0["operation"] == operation);
        let (Row(first), Row(last)) = (rows.next()?, rows.next_back()?);
        let (before, after) = (first["p50_ms"].as_f64()?, last["p50_ms"].as_f64()?);
        let (few, many) = (&first["devices"], &last["devices"]);
        let ratio = after / before;
        Some(format!(
            "{operation}: {before} ms with {few} devices, {after} ms with {many}, {ratio:.2} times as long"
        ))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(devices: usize, operation: Operation, queries: u64, units: f64) -> Row {
        Row(json!({
            "devices": devices, "operation": operation.name(), "calls": {"dynamodb.Query": queries},
            "read_units": units, "write_units": 0.0, "p50_ms": devices,
        }))
    }

    #[test]
    fn calls_and_units_are_the_same_at_every_size_and_time_may_differ() {
        let read = Operation::Read;
        let same = [
            row(10, read, 1, 1.0),
            row(20, read, 1, 1.0),
            row(20, Operation::SendToOne, 2, 3.0),
        ];
        assert_eq!(differences(&same), Vec::<String>::new());
        let other = [
            row(10, read, 1, 1.0),
            row(20, read, 1, 1.5),
            row(30, read, 2, 1.0),
        ];
        assert_eq!(
            differences(&other),
            [
                "read of a device: read_units 1.5 at 20 devices, 1.0 at 10",
                r#"read of a device: calls {"dynamodb.Query":2} at 30 devices, {"dynamodb.Query":1} at 10"#,
            ]
        );
    }

    #[test]
    fn the_largest_table_is_compared_with_the_smallest() {
        let rows = [10, 20, 40].map(|devices| row(devices, Operation::Read, 1, 1.0));
        assert_eq!(
            growth(&rows),
            ["read of a device: 10 ms with 10 devices, 40 ms with 40, 4.00 times as long"]
        );
        assert!(growth(&rows[..1]).is_empty());
    }

    #[test]
    fn a_distance_is_odd() {
        assert_eq!([0, 1, 2, 3, 4, 21].map(odd), [1, 1, 1, 3, 3, 21]);
    }
}
