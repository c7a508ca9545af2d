//! What must not get worse: figures that come out the same whenever they are taken, held against those of a committed
//! baseline.

use crate::event;
use crate::figures::{Bench, DEVICES, calls, median};
use crate::function::Function;
use crate::instructions::Instructions;
use crate::programs::built;
use crate::world::Failed;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// By its name, each figure.
pub type Figures = BTreeMap<String, f64>;

/// A figure may be so much higher than the baseline's.
const TOLERANCE: f64 = 0.03;
/// Processes whose peak of memory is looked at; the one in the middle counts.
const PROCESSES: usize = 5;
/// The functions that are built as shipped, and the event that each is measured with.
const FUNCTIONS: [&str; 2] = ["register", "send"];

/// Takes all figures. The zips of the functions are in this directory.
///
/// # Errors
/// A program is missing, or does not answer as it should.
pub async fn measure(bench: &Bench, zips: &Path) -> Result<Figures, Failed> {
    let mut figures = Figures::new();
    let instructions = Instructions::read()?;
    for (name, count) in instructions.gates()? {
        figures.insert(format!("instructions: {name}"), count);
    }
    for name in FUNCTIONS {
        let binary = std::fs::metadata(built(".", "release", name))?.len();
        let zip = std::fs::metadata(zips.join(format!("{name}.zip")))?.len();
        figures.insert(format!("bytes: binary of {name}"), number(binary));
        figures.insert(format!("bytes: zip of {name}"), number(zip));
    }
    let events = [
        (event::register(&bench.world, 0), 201, 200),
        (event::send(&bench.world), 202, 3),
    ];
    for (name, (event, status, times)) in FUNCTIONS.into_iter().zip(events) {
        let mut peaks = Vec::new();
        for _ in 0..PROCESSES {
            let function = Function::start(bench.over_tls().ours(name)?).await?;
            function.invoke(&event, status, times).await?;
            peaks.push(function.peak_memory());
            function.end().await;
        }
        let peak = median(peaks).unwrap_or_default();
        figures.insert(format!("KiB of memory: {name}"), number(peak));
    }
    let counted = calls(bench).await?;
    for (operation, calls) in counted.as_object().into_iter().flatten() {
        for (call, count) in calls.as_object().into_iter().flatten() {
            let count = count.as_f64().unwrap_or_default();
            let name = if operation == "send" {
                format!("calls: {call} of a {operation} to {DEVICES} devices")
            } else {
                format!("calls: {call} of a {operation}")
            };
            figures.insert(name, count);
        }
    }
    Ok(figures)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn number(count: u64) -> f64 {
    count as f64
}

/// The figures of a baseline.
///
/// # Errors
/// It is none.
pub fn baseline(text: &str) -> Result<Figures, Failed> {
    let baseline: Value = serde_json::from_str(text)?;
    let figures = baseline["figures"].as_object().ok_or("no figures in the baseline")?;
    let figures = figures.iter().map(|(name, figure)| {
        let figure = figure.as_f64().ok_or_else(|| format!("{name} is no number"))?;
        Ok((name.clone(), figure))
    });
    figures.collect()
}

/// What is worse than the baseline, or is in only one of both, a line each.
#[must_use]
pub fn regressions(baseline: &Figures, measured: &Figures) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, before) in baseline {
        match measured.get(name) {
            None => lines.push(format!("{name}: not measured")),
            Some(now) if *now > before * (1.0 + TOLERANCE) => {
                let more = (now / before - 1.0) * 100.0;
                lines.push(format!("{name}: {now}, {more:.1} % more than {before}"));
            }
            Some(_) => {}
        }
    }
    let new = measured.keys().filter(|name| !baseline.contains_key(*name));
    lines.extend(new.map(|name| format!("{name}: not in the baseline")));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures<const N: usize>(figures: [(&str, f64); N]) -> Figures {
        figures.map(|(name, figure)| (name.to_owned(), figure)).into()
    }

    #[test]
    fn three_per_cent_more_is_allowed_and_no_more() {
        let before = figures([("a", 1000.0), ("b", 2.0)]);
        assert_eq!(regressions(&before, &figures([("a", 1030.0), ("b", 1.0)])), Vec::<String>::new());
        assert_eq!(
            regressions(&before, &figures([("a", 1031.0), ("b", 3.0)])),
            ["a: 1031, 3.1 % more than 1000", "b: 3, 50.0 % more than 2"]
        );
    }

    #[test]
    fn a_figure_that_comes_or_goes_is_a_regression() {
        let (one, two) = (figures([("a", 1.0)]), figures([("a", 1.0), ("b", 1.0)]));
        assert_eq!(regressions(&two, &one), ["b: not measured"]);
        assert_eq!(regressions(&one, &two), ["b: not in the baseline"]);
    }

    #[test]
    fn what_is_no_number_is_no_baseline() {
        assert_eq!(baseline(r#"{"figures":{"a":1.5}}"#).unwrap(), figures([("a", 1.5)]));
        assert!(baseline(r#"{"figures":{"a":"1"}}"#).is_err());
        assert!(baseline("{}").is_err());
    }
}
