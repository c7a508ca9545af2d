//! Plots of the report.

use super::tables::PUBLISHERS;
use super::{Results, number};
use crate::plot::{Series, bars, lines};
use crate::world::Failed;
use serde_json::Value;
use std::path::Path;

/// Operations whose latency is drawn against the size of the table.
const DRAWN: [&str; 4] = [
    "registration, unchanged",
    "registration, new device",
    "unregistration",
    "send to a user with 1 device",
];

pub(super) fn draw(results: &Results, directory: &Path) -> Result<(), Failed> {
    std::fs::create_dir_all(directory)?;
    let at = |name: &str| directory.join(name).with_extension("svg");
    let cold = [
        ("hello", "hello (does nothing)"),
        ("register", "register"),
        ("defaults", "register, SDK defaults"),
        ("register in go", "Go"),
        ("register in node", "Node"),
        ("register in python", "Python"),
    ];
    let of = |way: String| number(&results.figures, &way);
    let cold = cold.map(|(name, shown)| {
        let cost = of(format!("start/{name}/init_and_first_cpu_ms/median"))?;
        Ok::<_, Failed>((shown.to_owned(), cost))
    });
    let cold = cold.into_iter().collect::<Result<Vec<_>, _>>()?;
    let title = "Cold start: init and first registration";
    bars(&at("cold-start"), title, "ms of CPU", &cold)?;

    let rates = PUBLISHERS.map(|(name, shown)| {
        let rate = of(format!("publishing/{name}/publishes_per_cpu_second"))?;
        Ok::<_, Failed>((shown.to_owned(), rate))
    });
    let rates = rates.into_iter().collect::<Result<Vec<_>, _>>()?;
    let (title, unit) = ("Publishes per core", "publishes per CPU second");
    bars(&at("publishing"), title, unit, &rates)?;

    let table = results.scale["table"].as_array().ok_or("no table")?;
    let of_operation = |operation: &str| Series {
        name: operation.to_owned(),
        points: table
            .iter()
            .filter(|row| row["operation"] == operation && row["store"] == "dynoxide")
            .filter_map(|row| Some((row["devices"].as_f64()?, row["p50_ms"].as_f64()?)))
            .collect(),
    };
    let title = "Latency while the table grows";
    let axes = ("devices in the table", "p50, ms");
    lines(&at("table"), title, axes, &DRAWN.map(of_operation))?;

    let walls = results.figures["wall"].as_array().ok_or("no walls")?;
    let by_devices = |name: &str, shown: &str| Series {
        name: shown.to_owned(),
        points: walls
            .iter()
            .filter(|row| row["in_flight"] == walls[0]["in_flight"])
            .filter_map(|row: &Value| Some((row["devices"].as_f64()?, row[name].as_f64()?)))
            .collect(),
    };
    let walls = [
        by_devices("warm_wall_ms", "send, warm"),
        by_devices("limit_ms", "2·L + ⌈N/c⌉·L"),
    ];
    let title = "A send while every call takes 20 ms, 32 in flight";
    lines(&at("send"), title, ("devices of the user", "ms"), &walls)
}
