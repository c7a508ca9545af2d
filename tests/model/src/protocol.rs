//! The model: which steps there are, and what each one makes of the world.

use crate::Guard;
use crate::judge::{self, Beyond, Fault};
use crate::reached::Reached;
use crate::scenario::Scenario;
use crate::shell::{Attempt, Shell};
use crate::table::Key;
use crate::world::{Call, Stage, World};
use push::Span;
use push::change::Case;
use stateright::{Model, Property};
use std::sync::Arc;

/// One scenario, with the rules as they are, and with the shell as it is or without one of its guards.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// What it begins with.
    pub scenario: Scenario,
    /// What is left out.
    pub removed: Option<Guard>,
    /// What is asked for besides what is promised.
    pub beyond: Option<Beyond>,
    /// What was come by on the way.
    pub reached: Arc<Reached>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A call reaches the gateway.
    Arrive(usize),
    /// A call reads all that it has not read yet, some of it as it was before a transaction that is half visible.
    Read(usize, Vec<Key>),
    /// SNS tells a call that the endpoint is ready.
    Look(usize),
    /// A call's transaction is committed, or is not. Some calls had read some of its items just before.
    Transact(usize, Glimpses),
    /// The last items of a call's transaction become visible, and the call is answered, unless the answer is lost. Some
    /// calls had read some of them as they were before.
    Reveal(usize, Glimpses),
    /// The answer to a call's transaction does not reach it.
    Lose(usize),
    /// A call dies.
    Crash(usize),
    /// TTL deletes an expired item. Some calls had read it just before.
    Sweep(Key, Glimpses),
    /// Time passes.
    Leap,
    /// A call is carried out from its first read to its answer.
    Run(usize),
}

/// Which calls read what.
pub type Glimpses = Vec<(usize, Vec<Key>)>;

/// A call that takes longer than this has been ended by its time-out.
const TIME_OUT: Span = Span::from_seconds(15);

impl Protocol {
    pub(crate) fn shell(&self) -> Shell<'_> {
        Shell {
            scenario: &self.scenario,
            removed: self.removed,
        }
    }

    fn glimpse(&self, world: &mut World, glimpses: &Glimpses) {
        for (call, keys) in glimpses {
            self.shell().read(world, *call, keys, keys);
        }
    }

    fn transact(&self, world: &mut World, call: usize, glimpses: &Glimpses) {
        let shell = self.shell();
        self.glimpse(world, glimpses);
        match shell.transaction(world, call) {
            Attempt::Over(answer) => {
                let stage = world.calls.get(call).map(|state| state.stage);
                if matches!(stage, Some(Stage::Unanswered(own)) if own == answer) {
                    shell.go_on(world, call, answer);
                } else if let Some(state) = world.call(call) {
                    state.end(Stage::Done(answer));
                }
            }
            Attempt::Conflict => shell.again(world, call),
            Attempt::Made(case, writes, answer) => {
                self.reached.case(case);
                judge::asked(world, case, &writes, shell.order(call));
                if case == Case::Removal {
                    match judge::removal(world, (call, shell.order(call)), &writes) {
                        Ok(removed) => world.removed.extend(removed),
                        Err(fault) => world.fault = world.fault.or(Some(fault)),
                    }
                }
                let veiled = writes
                    .iter()
                    .map(|(key, _)| (*key, world.table.get(*key)))
                    .collect();
                for (key, cell) in writes {
                    Arc::make_mut(&mut world.table).set(key, cell);
                }
                if let Some(state) = world.call(call) {
                    let (written, erasing) =
                        (state.written + 1, std::mem::take(&mut state.erasing));
                    state.end(Stage::Committed(answer));
                    state.written = written;
                    state.erasing = erasing;
                    state.veiled = veiled;
                }
            }
        }
    }

    fn reveal(&self, world: &mut World, call: usize, glimpses: &Glimpses) {
        self.glimpse(world, glimpses);
        let Some(state) = world.call(call) else {
            return;
        };
        state.veiled.clear();
        if let Stage::Committed(answer) = state.stage {
            self.shell().go_on(world, call, answer);
        }
    }

    /// The call is carried out with nothing in between.
    fn run(&self, world: &mut World, call: usize) {
        let shell = self.shell();
        shell.arrive(world, call);
        while let Some(state) = world.calls.get(call) {
            match state.stage {
                Stage::Reading => {
                    let unread = state.unread.clone();
                    shell.read(world, call, &unread, &[]);
                }
                Stage::Looking => shell.look(world, call),
                Stage::Ready => self.transact(world, call, &Glimpses::new()),
                Stage::Committed(_) => self.reveal(world, call, &Glimpses::new()),
                Stage::Unanswered(_) | Stage::Done(_) | Stage::Crashed => return,
            }
        }
    }

    fn lose(&self, world: &mut World, call: usize) {
        world.trouble = true;
        if let Some(state) = world.call(call)
            && let Stage::Committed(answer) = state.stage
        {
            state.stage = Stage::Unanswered(answer);
            if self.removed == Some(Guard::SameWords) {
                self.shell().go_on(world, call, answer);
            }
        }
    }

    fn leap(&self, world: &mut World) {
        let before = world.now(&self.scenario);
        world.leapt += 1;
        let long = world.now(&self.scenario).since(before) > TIME_OUT;
        if !long || self.removed == Some(Guard::Patience) {
            return;
        }
        for (order, state) in self.scenario.orders.iter().zip(&mut world.calls) {
            // What was found dead waits in a queue until somebody looks at it.
            let waits = order.is_told() && !state.is_under_way();
            if state.arrived.is_some() && !state.is_over() && !waits {
                Arc::make_mut(state).end(Stage::Crashed);
            }
        }
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        let shell = self.shell();
        let calls = (0..self.scenario.orders.len()).map(|call| Call {
            unread: shell.first(call),
            ..Call::default()
        });
        vec![World {
            table: Arc::new(self.scenario.table()),
            calls: calls.map(Arc::new).collect(),
            leapt: 0,
            trouble: false,
            removed: Vec::new(),
            enabled: [None; 2],
            fault: None,
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        self.steps(world, steps);
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        let shell = self.shell();
        match &step {
            Step::Arrive(call) => shell.arrive(&mut world, *call),
            Step::Read(call, old) => {
                let keys = world.calls.get(*call)?.unread.clone();
                shell.read(&mut world, *call, &keys, old);
            }
            Step::Look(call) => shell.look(&mut world, *call),
            Step::Transact(call, glimpses) => self.transact(&mut world, *call, glimpses),
            Step::Reveal(call, glimpses) => self.reveal(&mut world, *call, glimpses),
            Step::Lose(call) => self.lose(&mut world, *call),
            Step::Crash(call) => {
                world.trouble = true;
                world.call(*call)?.end(Stage::Crashed);
            }
            Step::Sweep(key, glimpses) => {
                self.glimpse(&mut world, glimpses);
                Arc::make_mut(&mut world.table).set(*key, None);
            }
            Step::Leap => self.leap(&mut world),
            Step::Run(call) => self.run(&mut world, *call),
        }
        world.fault = world
            .fault
            .or_else(|| judge::tidy(&world.table, world.now(&self.scenario)))
            .or_else(|| judge::order(&self.scenario, &world, self.beyond));
        self.reached.answers(before, &world);
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        // A counterexample of any kind ends the search at once, and is a shortest one.
        vec![Property::always(
            "the invariants hold",
            |_, world: &World| world.fault.is_none(),
        )]
    }
}

/// The invariants that are checked.
pub const INVARIANTS: [Fault; 8] = [
    Fault::Index,
    Fault::TokenShared,
    Fault::NotTheirs,
    Fault::PushAfterLogout,
    Fault::WrongOwner,
    Fault::NoOwner,
    Fault::RemovedInHealth,
    Fault::RemovedUntried,
];
