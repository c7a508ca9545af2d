//! Tables of the report.

use super::{Results, number};
use crate::plot::short;
use crate::prices::Cost;
use crate::scale::SMALL;
use crate::world::Failed;
use serde_json::Value;
use std::fmt::Write;

/// The store that tables are of where nothing else is said.
const STORE: &str = "dynoxide";

/// A table of these columns.
fn table<const N: usize>(columns: [&str; N], rows: &[[String; N]]) -> String {
    let head = [columns.join(" | "), vec!["---"; N].join(" | ")];
    let lines = head
        .into_iter()
        .chain(rows.iter().map(|row| row.join(" | ")));
    let mut table = String::new();
    for line in lines {
        table.extend(["| ", &line, " |\n"]);
    }
    table
}

/// The rows of a section of `scale.json`.
fn rows<'a>(results: &'a Results, section: &str) -> Result<&'a Vec<Value>, Failed> {
    let rows = results.scale[section].as_array();
    rows.ok_or_else(|| format!("no {section} in the results").into())
}

fn text(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or("–").to_owned()
}

fn figure(row: &Value, name: &str) -> String {
    row[name].as_f64().map_or_else(|| "–".to_owned(), short)
}

/// Calls without what every reader knows of them: `1 BatchGetItem, 2 Publish`.
fn calls(row: &Value) -> String {
    let calls = row["calls"].as_object().into_iter().flatten();
    let calls = calls.map(|(name, count)| {
        let operation = name.split_once('.').map_or(name.as_str(), |(_, name)| name);
        format!(
            "{} {operation}",
            count.as_f64().map_or_else(String::new, short)
        )
    });
    calls.collect::<Vec<_>>().join(", ")
}

/// What everything was measured on.
pub(super) fn taken(results: &Results) -> Result<String, Failed> {
    let taken = &results.figures["taken"];
    let mut lines = String::new();
    for (name, value) in taken
        .as_object()
        .ok_or("it is not said what it was taken on")?
    {
        writeln!(lines, "- {name}: {}", value.as_str().unwrap_or_default())?;
    }
    Ok(lines)
}

/// Starts of functions, ours and others'.
pub(super) fn start(results: &Results) -> Result<String, Failed> {
    let mut rows = Vec::new();
    for name in [
        "hello",
        "register",
        "defaults",
        "register in go",
        "register in node",
        "register in python",
    ] {
        let of = |what: &str| number(&results.figures, &format!("start/{name}/{what}"));
        let warm = |what: &str| number(&results.figures, &format!("warm/{name}/{what}"));
        rows.push([
            name.to_owned(),
            short(of("init_cpu_ms/median")?),
            short(of("first_cpu_ms/median")?),
            short(of("init_and_first_cpu_ms/median")?),
            short(warm("cpu_us")?),
            short(of("peak_memory_kib")? / 1024.0),
        ]);
    }
    Ok(table(
        [
            "function",
            "init, ms CPU",
            "first, ms CPU",
            "both, ms CPU",
            "warm, µs CPU",
            "peak, MiB",
        ],
        &rows,
    ))
}

/// Publishes by each kind of program.
pub(super) fn publishing(results: &Results) -> Result<String, Failed> {
    let of =
        |name: &str, what: &str| number(&results.figures, &format!("publishing/{name}/{what}"));
    let limit = of("limit", "publishes_per_cpu_second")?;
    let mut rows = Vec::new();
    for (name, what) in PUBLISHERS {
        let rate = of(name, "publishes_per_cpu_second")?;
        rows.push([
            what.to_owned(),
            short(rate),
            short(of(name, "cpu_us_per_publish")?),
            format!("{} %", short(rate / limit * 100.0)),
        ]);
    }
    Ok(table(
        [
            "program",
            "publishes per CPU second",
            "µs CPU each",
            "of the limit",
        ],
        &rows,
    ))
}

/// Who publishes, and how the report calls it.
pub(super) const PUBLISHERS: [(&str, &str); 6] = [
    ("limit", "hyper, signed by hand (limit)"),
    ("send", "function send"),
    ("sns", "bare aws-sdk-sns"),
    ("publish in go", "Go SDK"),
    ("publish in node", "Node SDK v3"),
    ("publish in python", "boto3"),
];

/// Sends while AWS takes its time.
pub(super) fn wall(results: &Results) -> Result<String, Failed> {
    let rows = results.figures["wall"].as_array().ok_or("no walls")?;
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            [
                "devices",
                "in_flight",
                "call_ms",
                "limit_ms",
                "warm_wall_ms",
                "warm_ratio",
                "first_wall_ms",
                "new_connections",
            ]
            .map(|name| figure(row, name))
        })
        .collect();
    Ok(table(
        [
            "devices",
            "c",
            "L, ms",
            "2·L + ⌈N/c⌉·L, ms",
            "warm, ms",
            "ratio",
            "first, ms",
            "new connections to SNS",
        ],
        &rows,
    ))
}

/// What each operation asks of AWS.
pub(super) fn operations(results: &Results) -> Result<String, Failed> {
    let rows: Vec<_> = small(results)?
        .map(|row| {
            [
                text(row, "operation"),
                calls(row),
                figure(row, "read_units"),
                figure(row, "write_units"),
            ]
        })
        .collect();
    Ok(table(
        ["operation", "calls", "read units", "write units"],
        &rows,
    ))
}

fn small(results: &Results) -> Result<impl Iterator<Item = &Value>, Failed> {
    let rows = rows(results, "table")?.iter();
    Ok(rows.filter(|row| row["store"] == STORE && row["devices"] == SMALL))
}

/// What a million of each operation costs.
pub(super) fn costs(results: &Results) -> Result<String, Failed> {
    let mut rows = Vec::new();
    for row in small(results)? {
        let cost = Cost::of_a_million(row)?;
        let dollars = |amount: f64| format!("{amount:.2}");
        rows.push([
            text(row, "operation"),
            dollars(cost.request),
            dollars(cost.dynamodb),
            dollars(cost.sns),
            dollars(cost.sqs),
            dollars(cost.total()),
        ]);
    }
    Ok(table(
        [
            "a million of",
            "API and invocation, $",
            "DynamoDB, $",
            "SNS, $",
            "SQS, $",
            "together, $",
        ],
        &rows,
    ))
}

/// Latency of operations while the table grows.
pub(super) fn table_sizes(results: &Results) -> Result<String, Failed> {
    let rows: Vec<_> = rows(results, "table")?
        .iter()
        .map(|row| {
            [
                text(row, "store"),
                figure(row, "devices"),
                text(row, "operation"),
                figure(row, "p50_ms"),
                figure(row, "p90_ms"),
            ]
        })
        .collect();
    Ok(table(
        [
            "store",
            "devices in the table",
            "operation",
            "p50, ms",
            "p90, ms",
        ],
        &rows,
    ))
}

/// A send to a user with more and more devices.
pub(super) fn user_sizes(results: &Results) -> Result<String, Failed> {
    let rows: Vec<_> = rows(results, "user")?
        .iter()
        .map(|row| {
            [
                figure(row, "devices"),
                calls(row),
                figure(row, "read_units"),
                figure(row, "write_units"),
                figure(row, "p50_ms"),
                figure(row, "p90_ms"),
            ]
        })
        .collect();
    Ok(table(
        [
            "devices",
            "calls",
            "read units",
            "write units",
            "p50, ms",
            "p90, ms",
        ],
        &rows,
    ))
}

/// A send to more and more users.
pub(super) fn sends(results: &Results) -> Result<String, Failed> {
    crowds(results, "users", "users")
}

/// A send to everybody.
pub(super) fn broadcasts(results: &Results) -> Result<String, Failed> {
    crowds(results, "broadcast", "devices")
}

fn crowds(results: &Results, section: &str, size: &str) -> Result<String, Failed> {
    let rows: Vec<_> = rows(results, section)?
        .iter()
        .map(|row| {
            let peak = row["peak_memory_kib"].as_f64();
            [
                figure(row, size),
                figure(row, "accepted_ms"),
                figure(row, "dispatched_ms"),
                figure(row, "publishes_per_second"),
                figure(row, "publishes_per_worker_cpu_second"),
                peak.map_or_else(|| "–".to_owned(), |peak| short(peak / 1024.0)),
                figure(row, "jobs"),
                calls(row),
            ]
        })
        .collect();
    Ok(table(
        [
            size,
            "202 after, ms",
            "dispatched after, ms",
            "publishes/s",
            "publishes per worker CPU second",
            "peak of a worker, MiB",
            "jobs",
            "calls",
        ],
        &rows,
    ))
}

/// The whole local system under load.
pub(super) fn load(results: &Results) -> Result<String, Failed> {
    let levels = results.load["levels"].as_array().ok_or("no load")?;
    let rows: Vec<_> = levels
        .iter()
        .map(|level| {
            [
                "connections",
                "requests_per_second",
                "p50_ms",
                "p99_ms",
                "errors",
                "server_cpu_seconds_per_second",
                "k6_cpu_seconds_per_second",
                "idle_cores",
            ]
            .map(|name| figure(level, name))
        })
        .collect();
    let knee = &results.load["knee"]["connections"];
    Ok(format!(
        "{}\nKnee: {knee} connections.\n",
        table(
            [
                "connections",
                "requests/s",
                "p50, ms",
                "p99, ms",
                "errors",
                "cores of the system",
                "cores of k6",
                "idle cores"
            ],
            &rows
        )
    ))
}

/// Where the instructions of our functions go.
pub(super) fn profile(results: &Results) -> Result<String, Failed> {
    let measured = results.profile.as_object().ok_or("no profile")?;
    let mut text = String::new();
    for (name, parts) in measured {
        let parts = parts.as_array().ok_or("no parts")?;
        let count = |part: &Value| part["instructions"].as_f64().unwrap_or_default();
        let all: f64 = parts.iter().map(count).sum();
        let rows: Vec<_> = parts
            .iter()
            .filter(|part| count(part) >= all / 100.0)
            .map(|part| {
                let share = format!("{} %", short(count(part) / all * 100.0));
                [
                    self::text(part, "part"),
                    figure(part, "instructions"),
                    share,
                ]
            })
            .collect();
        let instructions = "instructions";
        writeln!(
            text,
            "{}",
            table([name.as_str(), instructions, "share"], &rows)
        )?;
    }
    Ok(text)
}
