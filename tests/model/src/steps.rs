//! Which steps are possible. Reads change nothing, so a call reads all at once what it still wants, except that some of it
//! may have been read just before somebody changed it: that is every order of reads and writes, in fewer states.

use crate::Guard;
use crate::protocol::{Glimpses, Protocol, Step};
use crate::scenario::{Grain, Order};
use crate::shell::Attempt;
use crate::table::Key;
use crate::world::{Call, ErasePhase, Stage, World};
use std::sync::Arc;

impl Protocol {
    /// All steps that are possible now.
    pub(crate) fn steps(&self, world: &World, steps: &mut Vec<Step>) {
        if world.fault.is_some() {
            return;
        }
        if self.scenario.grain == Grain::Calls {
            let begins = |state: &Arc<Call>| !state.is_over();
            let calls = world.calls.iter().enumerate();
            let calls = calls.filter(|(_, state)| begins(state));
            steps.extend(calls.map(|(call, _)| Step::Run(call)));
            return;
        }
        // When SNS was asked tells a removal something, and nobody else: without one, nothing gets in between.
        let looks = |state: &Arc<Call>| state.stage == Stage::Looking;
        let told = |order: &Order| order.is_told();
        if let Some(call) = world.calls.iter().position(looks)
            && !self.scenario.orders.iter().any(told)
        {
            steps.push(Step::Look(call));
            return;
        }
        for (call, state) in world.calls.iter().enumerate() {
            self.own_steps(world, call, state, steps);
        }
        let now = world.now(&self.scenario);
        for (key, cell) in world.table.iter() {
            if cell.expires() <= now && world.veil(key).is_none() {
                let ways = self.glimpses(world, None, &[key]);
                steps.extend(ways.into_iter().map(|way| Step::Sweep(key, way)));
            }
        }
        let quiet = world.calls.iter().all(|call| call.veiled.is_empty());
        if world.leapt < self.scenario.leaps.len() && quiet {
            steps.push(Step::Leap);
        }
    }

    /// What the call can do, and what can happen to it.
    fn own_steps(&self, world: &World, call: usize, state: &Call, steps: &mut Vec<Step>) {
        let shell = self.shell();
        if shell.order(call).is_noted() && state.arrived.is_none() {
            if call == 0 || self.may_begin(world, call - 1) {
                steps.push(Step::Arrive(call));
            }
            return;
        }
        match state.stage {
            _ if self.reads(world, call, state) => {
                let veiled = state.unread.iter().copied();
                let veiled: Vec<_> = veiled.filter(|key| world.veil(*key).is_some()).collect();
                let ways = subsets(&veiled).into_iter();
                steps.extend(ways.map(|old| Step::Read(call, old)));
            }
            Stage::Looking => steps.push(Step::Look(call)),
            Stage::Ready => match shell.transaction(world, call) {
                Attempt::Made(_, writes, _) => {
                    let keys: Vec<_> = writes.iter().map(|(key, _)| *key).collect();
                    let ways = self.glimpses(world, Some(call), &keys).into_iter();
                    steps.extend(ways.map(|way| Step::Transact(call, way)));
                }
                Attempt::Over(_) | Attempt::Conflict => {
                    steps.push(Step::Transact(call, Glimpses::new()));
                }
            },
            // While it is half visible, DynamoDB answers only that it is in progress.
            Stage::Unanswered(_) if state.veiled.is_empty() => {
                steps.push(Step::Transact(call, Glimpses::new()));
            }
            _ => {}
        }
        let committed = matches!(state.stage, Stage::Committed(_));
        if committed || !state.veiled.is_empty() {
            let keys: Vec<_> = state.veiled.iter().map(|(key, _)| *key).collect();
            let ways = self.glimpses(world, None, &keys).into_iter();
            steps.extend(ways.map(|way| Step::Reveal(call, way)));
        }
        if committed && !world.trouble {
            steps.push(Step::Lose(call));
        }
        if state.is_under_way() && !world.trouble {
            steps.push(Step::Crash(call));
        }
    }

    /// Whether the call can do something: its turn to arrive has come.
    fn may_begin(&self, world: &World, call: usize) -> bool {
        let mut orders = self.scenario.orders.iter().zip(&world.calls).take(call + 1);
        orders.all(|(order, state)| !order.is_noted() || state.arrived.is_some())
    }

    /// Before an erasure looks at the index again, it waits until every commit is visible.
    fn reads(&self, world: &World, call: usize, state: &Call) -> bool {
        let looks_again = state.erasing.phase == ErasePhase::Looks && state.erasing.empty > 0;
        let waits = looks_again && self.removed != Some(Guard::ErasureWaits);
        state.stage == Stage::Reading
            && self.may_begin(world, call)
            && !(waits && state.unread.iter().any(|key| world.veil(*key).is_some()))
    }

    /// The ways in which calls that read several items may have read some of these, and not all they want.
    fn glimpses(&self, world: &World, except: Option<usize>, keys: &[Key]) -> Vec<Glimpses> {
        let mut ways = vec![Glimpses::new()];
        for (call, state) in world.calls.iter().enumerate() {
            if Some(call) == except || !self.reads(world, call, state) {
                continue;
            }
            let some: Vec<_> = state
                .unread
                .iter()
                .filter(|key| keys.contains(key))
                .copied()
                .collect();
            let parts = subsets(&some);
            let parts = parts
                .iter()
                .filter(|part| !part.is_empty() && part.len() < state.unread.len());
            let parts: Vec<_> = parts.collect();
            let more: Vec<_> = ways
                .iter()
                .flat_map(|way| {
                    parts.iter().map(move |part| {
                        let mut way = way.clone();
                        way.push((call, (*part).clone()));
                        way
                    })
                })
                .collect();
            ways.extend(more);
        }
        ways
    }
}

fn subsets(keys: &[Key]) -> Vec<Vec<Key>> {
    keys.iter().fold(vec![Vec::new()], |mut all, key| {
        let with = all.iter().map(|some| {
            let mut some = some.clone();
            some.push(*key);
            some
        });
        let with: Vec<_> = with.collect();
        all.extend(with);
        all
    })
}
