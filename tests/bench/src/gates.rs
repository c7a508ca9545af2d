//! What must not get worse: figures that come out the same whenever they are taken, held against those of a committed
//! baseline.

use crate::event;
use crate::figures::{Bench, DEVICES, median};
use crate::function::Function;
use crate::instructions::Instructions;
use crate::programs::{SHIPPED, function, zip};
use crate::scale;
use crate::world::{Failed, USER};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// By its name, each figure.
pub type Figures = BTreeMap<String, f64>;

/// Figures as they were when they were accepted.
pub struct Baseline(Figures);

/// A figure may be so much higher than the baseline's.
const TOLERANCE: f64 = 0.03;
/// Processes whose peak of memory is looked at; the one in the middle counts.
const PROCESSES: usize = 5;
/// The functions that are built as shipped, and how often each is handed its event.
const FUNCTIONS: [(&str, u32); 2] = [("register", 200), ("send", 3)];
/// How a baseline is made.
const HOW: &str = "tests/bench/gates --write";
const BUILT: &str = "x86_64, as `sam build` builds it, the toolchain of rust-toolchain.toml";

/// Takes all figures.
///
/// # Errors
/// A program is missing, or does not answer as it should.
pub async fn measure(bench: &Bench) -> Result<Figures, Failed> {
    let mut figures = Figures::new();
    for (name, count) in Instructions::read()?.gates()? {
        figures.insert(format!("instructions: {name}"), count);
    }
    for (name, bytes) in sizes()? {
        figures.insert(format!("bytes: {name}"), bytes);
    }
    for (name, peak) in memory(bench).await? {
        figures.insert(format!("KiB of memory: {name}"), peak);
    }
    for (operation, row) in Box::pin(scale::operations()).await? {
        let calls = row["calls"].as_object().into_iter().flatten();
        let calls = calls.map(|(call, count)| (format!("calls of {call}"), count));
        let units = [("read units", "read_units"), ("write units", "write_units")];
        let units = units.map(|(name, member)| (name.to_owned(), &row[member]));
        for (name, count) in calls.chain(units) {
            let count = count.as_f64().ok_or("a count that is no number")?;
            figures.insert(format!("{operation}: {name}"), count);
        }
    }
    Ok(figures)
}

/// The sizes of binaries and zips.
///
/// # Errors
/// They were not built.
pub fn sizes() -> Result<Figures, Failed> {
    let mut sizes = Figures::new();
    for (name, _) in FUNCTIONS {
        for (what, path) in [("binary", function(SHIPPED, name)), ("zip", zip(name))] {
            let found = std::fs::metadata(&path);
            let found = found.map_err(|error| format!("{}: {error}", path.display()))?;
            sizes.insert(format!("{what} of {name}"), number(found.len()));
        }
    }
    Ok(sizes)
}

/// The most memory that a function takes, over TLS, in KiB: `send` reaches [`DEVICES`].
///
/// # Errors
/// A function does not answer as it should.
pub async fn memory(bench: &Bench) -> Result<Figures, Failed> {
    let events = [
        (event::register(&bench.world, 0), 201),
        (event::send(&bench.world, USER), 202),
    ];
    let mut memory = Figures::new();
    for ((name, times), (event, status)) in FUNCTIONS.into_iter().zip(events) {
        let mut peaks = Vec::new();
        for _ in 0..PROCESSES {
            let function = Function::start(bench.over_tls().ours(name)?).await?;
            function.invoke(&event, status, times).await?;
            peaks.push(function.peak_memory());
            function.end().await;
        }
        memory.insert(name.to_owned(), number(median(peaks).unwrap_or_default()));
    }
    Ok(memory)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

impl Baseline {
    /// These are accepted from here on.
    #[must_use]
    pub const fn of(figures: Figures) -> Self {
        Self(figures)
    }

    /// As it is committed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let devices = format!("sends to {DEVICES} devices, tables of {}", scale::SMALL);
        let baseline = json!({"how": HOW, "built": BUILT, "of": devices, "figures": self.0});
        format!("{baseline:#}\n")
    }

    /// As it was committed.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, Failed> {
        let baseline: Value = serde_json::from_str(text)?;
        let figures = baseline["figures"].as_object();
        let figures = figures.ok_or("no figures in the baseline")?.iter();
        let figures = figures.map(|(name, figure)| {
            let number = figure.as_f64();
            let number = number.ok_or_else(|| format!("{name} is no number"))?;
            Ok::<_, Failed>((name.clone(), number))
        });
        figures.collect::<Result<_, _>>().map(Self)
    }

    /// What is worse than it, or is in only one of both, a line each.
    #[must_use]
    pub fn regressions(&self, measured: &Figures) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, before) in &self.0 {
            match measured.get(name) {
                None => lines.push(format!("{name}: not measured")),
                Some(now) if *now > before * (1.0 + TOLERANCE) => {
                    let more = (now / before - 1.0) * 100.0;
                    lines.push(format!("{name}: {now}, {more:.1} % more than {before}"));
                }
                Some(_) => {}
            }
        }
        let new = measured.keys().filter(|name| !self.0.contains_key(*name));
        lines.extend(new.map(|name| format!("{name}: not in the baseline")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures<const N: usize>(figures: [(&str, f64); N]) -> Figures {
        figures
            .map(|(name, figure)| (name.to_owned(), figure))
            .into()
    }

    #[test]
    fn three_per_cent_more_is_allowed_and_no_more() {
        let before = Baseline(figures([("a", 1000.0), ("b", 2.0)]));
        let none: [&str; 0] = [];
        assert_eq!(
            before.regressions(&figures([("a", 1030.0), ("b", 1.0)])),
            none
        );
        assert_eq!(
            before.regressions(&figures([("a", 1031.0), ("b", 3.0)])),
            ["a: 1031, 3.1 % more than 1000", "b: 3, 50.0 % more than 2"]
        );
    }

    #[test]
    fn a_figure_that_comes_or_goes_is_a_regression() {
        let (one, two) = (figures([("a", 1.0)]), figures([("a", 1.0), ("b", 1.0)]));
        let [of_one, of_two] = [&one, &two].map(|figures| Baseline(figures.clone()));
        assert_eq!(of_two.regressions(&one), ["b: not measured"]);
        assert_eq!(of_one.regressions(&two), ["b: not in the baseline"]);
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_is() {
        let some = figures([("a", 1.5), ("b", 0.0)]);
        let text = Baseline(some.clone()).to_text();
        assert_eq!(Baseline::parse(&text).unwrap().0, some);
        assert!(Baseline::parse(r#"{"figures":{"a":"1"}}"#).is_err());
        assert!(Baseline::parse("{}").is_err());
    }
}
