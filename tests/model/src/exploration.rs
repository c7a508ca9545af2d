//! Explores scenarios, each from its beginning to the last state that can be reached.

use crate::Guard;
use crate::judge::{Beyond, Fault};
use crate::protocol::{Protocol, Step};
use crate::reached::Reached;
use crate::scenario::Scenario;
use crate::world::World;
use stateright::{Checker, Model, Path};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// What an exploration found.
#[derive(Debug, Default)]
pub struct Report {
    /// Scenarios explored.
    pub scenarios: usize,
    /// Different states, over all scenarios.
    pub states: usize,
    /// Steps to the state that is furthest from its beginning.
    pub depth: usize,
    /// A shortest way to break an invariant, of those that were found.
    pub counterexample: Option<Counterexample>,
    /// Scenarios in which an invariant breaks.
    pub broken: usize,
    /// What was come by.
    pub reached: Arc<Reached>,
}

/// A way to a state that must not be.
#[derive(Debug)]
pub struct Counterexample {
    /// The model in which it was found.
    pub protocol: Protocol,
    /// Its states, and the step from each to the next.
    pub path: Vec<(World, Option<Step>)>,
}

/// Explores all of the scenarios, with or without a guard, on as many threads as there are processors.
#[must_use]
pub fn explore(scenarios: &[Scenario], removed: Option<Guard>, beyond: Option<Beyond>) -> Report {
    let report = Mutex::new(Report::default());
    let reached = Arc::new(Reached::default());
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
            let protocol = Protocol {
                scenario: scenario.clone(),
                removed,
                beyond,
                reached: Arc::clone(&reached),
            };
            let checker = protocol.clone().checker().threads(1).spawn_bfs().join();
            let path = checker.discoveries().into_values().next();
            let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
            report.note(
                checker.unique_state_count(),
                checker.max_depth().saturating_sub(1),
                protocol,
                path,
            );
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    Report { reached, ..report }
}

impl Report {
    /// What broke, by the shortest way that was found.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        let found = self.counterexample.as_ref()?;
        found.path.last().and_then(|(end, _)| end.fault)
    }

    fn note(
        &mut self,
        states: usize,
        depth: usize,
        protocol: Protocol,
        path: Option<Path<World, Step>>,
    ) {
        self.scenarios += 1;
        self.states += states;
        self.depth = self.depth.max(depth);
        let Some(path) = path else { return };
        self.broken += 1;
        let path = path.into_vec();
        let shorter = |found: &Counterexample| {
            (path.len(), &protocol.scenario) < (found.path.len(), &found.protocol.scenario)
        };
        if self.counterexample.as_ref().is_none_or(shorter) {
            self.counterexample = Some(Counterexample { protocol, path });
        }
    }
}
