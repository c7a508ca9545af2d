//! Makes a history that broke a promise smaller. Clients that run at the same time do not repeat themselves: a part of a
//! history counts as harmless only when it went well several times.

use super::event::Violation;
use super::judge::judge;
use super::plan::{Plan, Step, What};
use super::scene::Stage;
use std::ops::Range;
use std::time::{Duration, Instant};

/// So often a part of a history is played before it counts as harmless.
const TRIES: usize = 6;

/// Plays a history up to so many times; gives the first violation, of this promise or of any.
pub(super) async fn tried(
    stage: &mut Stage,
    plan: &Plan,
    times: usize,
    promise: Option<&'static str>,
) -> Option<Violation> {
    for _ in 0..times {
        if let Err(violation) = stage.play(plan).await.and_then(|record| judge(&record))
            && promise.is_none_or(|promise| promise == violation.promise)
        {
            return Some(violation);
        }
    }
    None
}

/// The smallest part of the history that was found to break the same promise within the time, and how it did.
pub(super) async fn shrunk(
    stage: &mut Stage,
    mut plan: Plan,
    mut violation: Violation,
    time: Duration,
) -> (Plan, Violation) {
    let end = Instant::now() + time;
    // Most often nothing else than these devices matters, and nothing that was before this round.
    let narrow = narrowed(
        &plan,
        &violation.devices,
        violation.round..violation.round + 1,
    );
    let wide = narrowed(&plan, &violation.devices, 0..violation.round + 1);
    for part in [narrow, wide] {
        if let Some(found) = tried(stage, &part, TRIES, Some(violation.promise)).await {
            (plan, violation) = (part, found);
            break;
        }
    }
    let mut pieces = 2;
    while pieces <= plan.steps.len() {
        let length = plan.steps.len().div_ceil(pieces);
        let mut smaller = None;
        for start in (0..plan.steps.len()).step_by(length) {
            if Instant::now() > end {
                return (plan, violation);
            }
            let without = without(&plan, start, length);
            if let Some(found) = tried(stage, &without, TRIES, Some(violation.promise)).await {
                smaller = Some((without, found));
                break;
            }
        }
        match smaller {
            Some(found) => {
                (plan, violation) = found;
                pieces = (pieces - 1).max(2);
            }
            None if length == 1 => break,
            None => pieces = (pieces * 2).min(plan.steps.len()),
        }
    }
    (plan, violation)
}

/// The history without what concerns other devices alone, or happens in other rounds.
fn narrowed(plan: &Plan, devices: &[usize], rounds: Range<usize>) -> Plan {
    let concerns = |step: &Step| match &step.what {
        What::Asked { op, .. } => op.device().is_none_or(|device| devices.contains(&device)),
        _ => true,
    };
    Plan {
        steps: (plan.steps.iter())
            .filter(|step| rounds.contains(&step.round) && concerns(step))
            .cloned()
            .collect(),
        ..plan.clone()
    }
}

/// The history with a piece left out.
fn without(plan: &Plan, start: usize, length: usize) -> Plan {
    let kept = |(n, step): (usize, &Step)| {
        let left_out = (start..start + length).contains(&n);
        (!left_out).then(|| step.clone())
    };
    Plan {
        steps: plan.steps.iter().enumerate().filter_map(kept).collect(),
        ..plan.clone()
    }
}
