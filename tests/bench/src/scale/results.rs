//! The rows of all runs, in one file and as lines to read.

use crate::plot::short;
use crate::world::Failed;
use clap::ValueEnum;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What was measured once.
#[derive(Clone)]
pub(super) struct Row(pub(super) Value);

/// A part of the measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Section {
    /// Each operation, while the table grows
    Table,
    /// A send to one user, who has more and more devices
    User,
    /// A send to more and more users
    Users,
    /// A send to everybody, while the table grows
    Broadcast,
}

/// The file that keeps rows.
pub(super) struct Results {
    path: Option<PathBuf>,
    /// What every row of this run says of it.
    run: Value,
    all: Value,
}

/// The members that tell a row from the others of its section, and that rows are sorted by.
const KEYS: [&str; 4] = ["store", "users", "devices", "operation"];

impl Section {
    /// Its member in the file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::User => "user",
            Self::Users => "users",
            Self::Broadcast => "broadcast",
        }
    }
}

impl Results {
    /// The file, whether it is there yet or not; without one, rows are only printed. Every row of this run has the members of
    /// `run`.
    ///
    /// # Errors
    /// The file is another one.
    pub(super) fn open(path: Option<&Path>, run: Value) -> Result<Self, Failed> {
        let mut all = match path {
            Some(path) if path.exists() => serde_json::from_str(&std::fs::read_to_string(path)?)?,
            _ => json!({}),
        };
        all["machine"] = machine()?;
        Ok(Self {
            path: path.map(Path::to_owned),
            run,
            all,
        })
    }

    /// Prints rows and keeps them, in place of older ones of the same.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn add(&mut self, section: Section, rows: &[Row]) -> Result<(), Failed> {
        let name = section.name();
        let mut kept = match self.all[name].take() {
            Value::Array(kept) => kept,
            _ => Vec::new(),
        };
        for Row(row) in rows {
            println!("{name}: {}", line(row));
            let mut row = row.clone();
            for (name, value) in self.run.as_object().into_iter().flatten() {
                row[name] = value.clone();
            }
            put(&mut kept, row);
        }
        self.all[name] = kept.into();
        if let Some(path) = &self.path {
            std::fs::write(path, format!("{:#}\n", self.all))?;
        }
        Ok(())
    }
}

/// Puts a row where it belongs, in place of the one that is there.
fn put(rows: &mut Vec<Value>, row: Value) {
    let same = |other: &Value| KEYS.iter().all(|key| other[key] == row[key]);
    match rows.iter_mut().find(|other| same(other)) {
        Some(other) => *other = row,
        None => rows.push(row),
    }
    // Stable: operations stay in the order in which they were measured.
    rows.sort_by_key(|row| {
        let number = |key: &str| row[key].as_u64().unwrap_or_default();
        let store = row["store"].as_str().unwrap_or_default().to_owned();
        (store, number("users"), number("devices"))
    });
}

/// A row as one line.
fn line(row: &Value) -> String {
    let members = row.as_object().into_iter().flatten();
    let members = members.map(|(name, value)| {
        let shown = match value {
            Value::Object(calls) => {
                let calls = calls.iter();
                let calls: Vec<_> = calls.map(|(call, n)| format!("{call} {n}")).collect();
                calls.join(", ")
            }
            Value::String(text) => text.clone(),
            value => value.as_f64().map_or_else(|| value.to_string(), short),
        };
        format!("{name} {shown}")
    });
    members.collect::<Vec<_>>().join("; ")
}

/// What it was measured on.
fn machine() -> Result<Value, Failed> {
    let cores = std::thread::available_parallelism()?;
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": "));
    Ok(json!({"cores": cores, "cpu": model.map(|(_, model)| model)}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_takes_the_place_of_the_same_one_and_rows_are_in_order() {
        let row = |devices: u64, operation: &str, figure: u64| json!({"store": "s", "devices": devices, "operation": operation, "p50_ms": figure});
        let mut rows = vec![row(10, "read", 1), row(10, "end", 2), row(1000, "read", 3)];
        put(&mut rows, row(10, "read", 4));
        put(&mut rows, row(100, "read", 5));
        let mut other = row(1, "read", 6);
        other["store"] = json!("a");
        put(&mut rows, other.clone());
        let expected = [
            other,
            row(10, "read", 4),
            row(10, "end", 2),
            row(100, "read", 5),
            row(1000, "read", 3),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_row_is_one_line() {
        let row = json!({"devices": 1000, "operation": "read", "calls": {"a.B": 1, "c.D": 2}});
        assert_eq!(
            line(&row),
            "calls a.B 1, c.D 2; devices 1,000; operation read"
        );
    }

    #[test]
    fn sections_are_kept_apart_and_every_row_tells_its_run() {
        let mut results = Results::open(None, json!({"taken": "today"})).unwrap();
        for section in [Section::User, Section::Users] {
            results.add(section, &[Row(json!({"devices": 1}))]).unwrap();
        }
        assert_eq!(
            results.all["user"],
            json!([{"devices": 1, "taken": "today"}])
        );
        assert_eq!(results.all["user"], results.all["users"]);
        assert!(results.all["machine"]["cores"].is_number());
    }
}
