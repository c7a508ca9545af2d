//! Sends to many users and to everybody: how fast they are, and what they take.

use super::results::Row;
use super::system::{Request, System, WORKERS};
use super::usage::{Usage, rounded};
use super::workers::{Worked, Workers};
use crate::figures::milliseconds;
use crate::world::Failed;
use ::tests::Crowd;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// A send that came to its end.
struct Sent {
    devices: usize,
    /// How long until the 202.
    accepted: Duration,
    /// How long until the message was dispatched.
    dispatched: Duration,
    usage: Usage,
    /// What the workers did; nothing where the request itself sent everything.
    worked: Option<Worked>,
}

/// More users than this are for the workers.
const AT_ONCE: usize = 100;
/// Sends of a number of users that are sent to at once; the one in the middle counts.
const TIMES: usize = 9;
/// The memory of the workers may be so much higher for the largest audience than for the smallest.
const FLAT: u64 = 150;

/// Sends to so many users, of whom each has one device. Gives a row for each number, and what was not as it should be.
///
/// # Errors
/// A service does not answer as it should.
pub(super) async fn users(
    system: &System,
    deliver: &Path,
    counts: &[usize],
) -> Result<(Vec<Row>, Vec<String>), Failed> {
    let most = counts.iter().copied().max().unwrap_or_default();
    let crowd = Crowd::new(most, most);
    crowd.register(&system.registry, None).await?;
    let users = crowd.users();
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for &count in counts {
        let some: Vec<_> = users.iter().take(count).collect();
        let target = json!({"userIds": some});
        let mut sent = Vec::new();
        for _ in 0..if count > AT_ONCE { 1 } else { TIMES } {
            let deliver = (count > AT_ONCE).then_some(deliver);
            sent.push(send(system, deliver, Some(&target), count).await?);
        }
        sent.sort_by_key(|sent| sent.accepted);
        let middle = sent.len() / 2;
        if let Some(sent) = sent.into_iter().nth(middle) {
            wrong.extend(sent.wrong("users"));
            let mut row = sent.row();
            row["users"] = json!(count);
            rows.push(Row(row));
        }
    }
    wrong.extend(not_flat(&rows));
    Ok((rows, wrong))
}

/// Sends to every device that there is. Gives a row, and what was not as it should be.
///
/// # Errors
/// A service does not answer as it should.
pub(super) async fn broadcast(
    system: &System,
    deliver: &Path,
    devices: usize,
) -> Result<(Row, Vec<String>), Failed> {
    let sent = send(system, Some(deliver), None, devices).await?;
    Ok((
        Row(sent.row()),
        sent.wrong("everybody").into_iter().collect(),
    ))
}

/// The memory of the workers, where it grows with the audience.
pub(super) fn not_flat(rows: &[Row]) -> Option<String> {
    let peak = |Row(row): &Row| row["peak_memory_kib"].as_u64();
    let mut peaks = rows.iter().filter_map(peak);
    let (first, last) = (peaks.next()?, peaks.next_back()?);
    (last * 100 > first * FLAT)
        .then(|| format!("a worker had {last} KiB of memory, and {first} for the fewest devices"))
}

async fn send(
    system: &System,
    deliver: Option<&Path>,
    target: Option<&Value>,
    devices: usize,
) -> Result<Sent, Failed> {
    let queue = target.map_or("JobQueue", |_| "NamedJobQueue");
    let workers = match deliver {
        Some(deliver) => Some(Workers::start(system, deliver, queue).await?),
        None => None,
    };
    system.control(Method::DELETE, "/pushes", None).await?;
    system.forget_usage().await?;
    let begun = Instant::now();
    let (answer, accepted) = system.ask(&Request::message(target)).await?;
    let fed = workers.as_ref().map(Workers::feed);
    if let (Some(workers), Some(fed)) = (&workers, &fed) {
        workers.until_done(system, fed).await?;
    }
    let dispatched = begun.elapsed();
    // Before anything else asks AWS for something.
    let usage = system.usage().await?;
    let worked = match (workers, fed) {
        (Some(workers), Some(fed)) => Some(workers.end(fed).await?),
        _ => None,
    };
    let id = answer["messageId"].as_str().unwrap_or_default();
    let status = Request {
        method: Method::GET,
        route: format!("/messages/{id}/status"),
        body: None,
        status: 200,
        ..Request::message(None)
    };
    let (status, _) = system.ask(&status).await?;
    if status["status"] != "Dispatched" || status["counts"]["accepted"] != devices {
        return Err(format!("a send to {devices} devices came to {status}").into());
    }
    Ok(Sent {
        devices,
        accepted,
        dispatched,
        usage,
        worked,
    })
}

impl Sent {
    fn row(&self) -> Value {
        let devices = u32::try_from(self.devices).map_or(f64::INFINITY, f64::from);
        let per = |time: Duration| rounded(devices / time.as_secs_f64());
        let mut row = json!({
            "devices": self.devices,
            "accepted_ms": rounded(milliseconds(self.accepted)),
            "dispatched_ms": rounded(milliseconds(self.dispatched)),
            "publishes_per_second": per(self.dispatched),
        });
        self.usage.write(&mut row);
        if let Some(worked) = &self.worked {
            row["jobs"] = json!(worked.jobs);
            row["workers"] = json!(WORKERS);
            row["workers_cpu_s"] = json!(rounded(worked.cpu.as_secs_f64()));
            row["publishes_per_worker_cpu_second"] = json!(per(worked.cpu));
            row["peak_memory_kib"] = json!(worked.peak_memory);
        }
        row
    }

    /// Whether another number of pushes was made than there are devices.
    fn wrong(&self, to: &str) -> Option<String> {
        let publishes = self.usage.of_call("sns.Publish");
        let devices = self.devices;
        (u64::try_from(devices) != Ok(publishes))
            .then(|| format!("a send to {to}, {devices} devices: {publishes} publishes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_grows_by_half_is_not_flat() {
        let rows = |peaks: &[u64]| {
            let rows = peaks
                .iter()
                .map(|peak| Row(json!({"peak_memory_kib": peak})));
            [vec![Row(json!({"users": 1}))], rows.collect()].concat()
        };
        for flat in [&[] as &[u64], &[9], &[10, 40, 15], &[10, 8]] {
            assert_eq!(not_flat(&rows(flat)), None);
        }
        assert!(not_flat(&rows(&[1000, 1501])).is_some());
    }

    #[test]
    fn a_send_shows_its_rates_and_whether_it_was_complete() {
        let sent = Sent {
            devices: 200,
            accepted: Duration::from_micros(1500),
            dispatched: Duration::from_secs(2),
            usage: Usage::of(&json!({"sns.Publish": 199})),
            worked: Some(Worked {
                jobs: 1,
                cpu: Duration::from_millis(500),
                peak_memory: 9,
            }),
        };
        assert_eq!(
            sent.row(),
            json!({
                "devices": 200, "accepted_ms": 1.5, "dispatched_ms": 2000.0, "publishes_per_second": 100.0,
                "calls": {"sns.Publish": 199}, "read_units": 0.0, "write_units": 0.0, "jobs": 1, "workers": WORKERS,
                "workers_cpu_s": 0.5, "publishes_per_worker_cpu_second": 400.0, "peak_memory_kib": 9,
            })
        );
        assert_eq!(
            sent.wrong("users").unwrap(),
            "a send to users, 200 devices: 199 publishes"
        );
    }
}
