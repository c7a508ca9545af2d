//! Whether costs grow with the table: calls, capacity units and time of each operation from a thousand devices to a million,
//! and of sends to more and more devices. Everything is local: the AWS in this process, and the workers of large sends
//! as processes.
//!
//! `results/scale.json` has a list of rows for each section. A row that is measured again takes the place of the old one.
//!
//! ```json
//! {
//!   "machine": {"cores": 2, "cpu": "…"},
//!   "table": [{"devices": 1000, "operation": "read of a device", "times": 200, "p50_ms": 1.2, "p90_ms": 1.5, …}, …],
//!   "user": [{"devices": 1, "times": 20, "p50_ms": 3.4, "p90_ms": 3.9, …}, …],
//!   "users": [{"users": 1000, "devices": 1000, …}, …],
//!   "broadcast": [{"devices": 10000, …}, …]
//! }
//! ```
//!
//! - Every row has `store` (`dynoxide`, the embedded one, or `DynamoDB Local`), `taken` (a date), `command`, `calls` (by name,
//!   as `dynamodb.Query`), `read_units` and `write_units`: of one operation, of one send.
//! - `table`: the devices in the table, and the operation; `p50_ms` and `p90_ms` are of `times` requests through HTTP, one at
//!   a time. Calls and units of an operation are the same in all rows, or the command fails.
//! - `user`: the devices of one user; the same of sends to that user.
//! - `users`, `broadcast`: `devices` pushes; `accepted_ms` until the 202, `dispatched_ms` until the last job was done,
//!   `publishes_per_second` from the request on. Where workers did it, `jobs`, `workers` (processes), `workers_cpu_s` (of all
//!   together), `publishes_per_worker_cpu_second` and `peak_memory_kib` (the most that one of them ever had). At most 100 users
//!   are sent to within the request: the send in the middle of nine.

mod operation;
mod results;
mod sends;
mod system;
mod table;
mod usage;
mod user;
mod workers;

pub use results::Section;

use crate::world::Failed;
use clap::Args;
use results::{Results, Row};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use system::System;
use table::Table;

/// What is measured.
#[derive(Args)]
pub struct Options {
    /// The bootstrap of the function `deliver`
    #[arg(long)]
    deliver: PathBuf,
    /// How many devices are in the table, one size after the other
    #[arg(long, value_delimiter = ',', default_value = "1000,10000,100000")]
    sizes: Vec<usize>,
    /// Only these sections
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Section>,
    /// A DynamoDB Local in place of the embedded store; it has to be empty
    #[arg(long, value_name = "URL")]
    dynamodb: Option<String>,
    /// Few requests, and nothing is written
    #[arg(long)]
    quick: bool,
    /// The date that rows are noted with
    #[arg(long)]
    taken: String,
    /// The command that rows are noted with
    #[arg(long)]
    command: String,
}

/// The table of the gates has so many devices.
pub const SMALL: usize = 1_000;
/// Everybody is more than this.
const BROADCAST: usize = 10_000;
/// The numbers of users that are sent to.
const USERS: [usize; 6] = [1, 10, 100, 1_000, 10_000, 50_000];
/// Requests of each operation, and sends to each user.
const TIMES: [usize; 2] = [200, 20];
/// The same where it has to be quick.
const QUICK: [usize; 2] = [20, 3];

/// Measures, prints, and writes the rows into the file.
///
/// # Errors
/// A service does not answer as it should, or something grows that must not.
pub async fn run(options: &Options, file: &Path) -> Result<(), Failed> {
    let store = match options.dynamodb {
        Some(_) => "DynamoDB Local",
        None => "dynoxide",
    };
    let run = json!({"store": store, "taken": options.taken, "command": options.command});
    let mut results = Results::open((!options.quick).then_some(file), run)?;
    let mut wrong = Vec::new();
    if options.wants(Section::User) || options.wants(Section::Users) {
        Box::pin(options.sends(&mut results, &mut wrong)).await?;
    }
    if options.wants(Section::Table) || options.wants(Section::Broadcast) {
        Box::pin(options.sizes(&mut results, &mut wrong)).await?;
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n").into())
    }
}

/// What each operation costs in a table of [`SMALL`], and a send to a user with more and more devices: by name, a row as
/// this module documents them.
///
/// # Errors
/// A service does not answer as it should, or two requests of one kind cost differently.
pub async fn operations() -> Result<Vec<(String, Value)>, Failed> {
    let system = System::start(None).await?;
    let (users, mut wrong) = user::measure(&system, QUICK[1]).await?;
    let mut table = Table::new(&system).await?;
    table.grow(SMALL).await?;
    let (operations, faults) = table.measure(QUICK[0]).await?;
    wrong.extend(faults);
    if !wrong.is_empty() {
        return Err(wrong.join("\n").into());
    }
    let users = users.into_iter().map(|Row(row)| {
        let name = format!(
            "send, devices of the user {:>4}",
            row["devices"].to_string()
        );
        (name, row)
    });
    let operations = operations.into_iter().map(|Row(row)| {
        let name = row["operation"].as_str().unwrap_or_default();
        (name.to_owned(), row)
    });
    Ok(users.chain(operations).collect())
}

impl Options {
    fn wants(&self, section: Section) -> bool {
        self.only.is_empty() || self.only.contains(&section)
    }

    fn times(&self) -> [usize; 2] {
        if self.quick { QUICK } else { TIMES }
    }

    async fn sends(&self, results: &mut Results, wrong: &mut Vec<String>) -> Result<(), Failed> {
        let system = System::start(self.dynamodb.as_deref()).await?;
        if self.wants(Section::User) {
            let (rows, faults) = user::measure(&system, self.times()[1]).await?;
            results.add(Section::User, &rows)?;
            wrong.extend(faults);
        }
        if self.wants(Section::Users) {
            let counts = if self.quick { &USERS[..4] } else { &USERS };
            let (rows, faults) = sends::users(&system, &self.deliver, counts).await?;
            results.add(Section::Users, &rows)?;
            wrong.extend(faults);
        }
        Ok(())
    }

    async fn sizes(&self, results: &mut Results, wrong: &mut Vec<String>) -> Result<(), Failed> {
        let system = System::start(self.dynamodb.as_deref()).await?;
        let mut table = Table::new(&system).await?;
        let (mut operations, mut broadcasts): (Vec<Row>, Vec<Row>) = (Vec::new(), Vec::new());
        for &size in &self.sizes {
            let written = table.grow(size).await?;
            println!(
                "{size} devices written after {:.1} s",
                written.as_secs_f64()
            );
            if self.wants(Section::Table) {
                let (rows, faults) = table.measure(self.times()[0]).await?;
                results.add(Section::Table, &rows)?;
                operations.extend(rows);
                wrong.extend(faults);
            }
            if self.wants(Section::Broadcast) && (self.quick || size >= BROADCAST) {
                let (row, faults) = sends::broadcast(&system, &self.deliver, table.devices).await?;
                results.add(Section::Broadcast, std::slice::from_ref(&row))?;
                broadcasts.push(row);
                wrong.extend(faults);
            }
        }
        for line in table::growth(&operations) {
            println!("{line}");
        }
        wrong.extend(table::differences(&operations));
        wrong.extend(sends::not_flat(&broadcasts));
        Ok(())
    }
}
