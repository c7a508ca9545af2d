//! A state of the model: the table, the calls as far as they have come, and what the judge has seen.

use crate::judge::Fault;
use crate::ledger::Incarnation;
use crate::names::Device;
use crate::scenario::{BEGIN, Scenario};
use crate::table::{Cell, Key, Table};
use push::{Refusal, Span, Time};
use std::sync::Arc;

/// Everything that can differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// What has been committed.
    pub table: Arc<Table>,
    /// The calls, in the order in which they arrive.
    pub calls: Vec<Arc<Call>>,
    /// How often time has leapt.
    pub leapt: usize,
    /// What can go wrong went wrong: a call died, or an answer was lost. It does once; that a call takes no further step is
    /// possible at any time.
    pub trouble: bool,
    /// What removals have ended.
    pub removed: Vec<Incarnation>,
    /// When a send enabled the endpoint of device A and of device B, if it did since the last registration.
    pub enabled: [Option<Time>; 2],
    /// What must never be; nothing goes on after it.
    pub fault: Option<Fault>,
}

/// A call as far as it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Call {
    /// When it reached the gateway.
    pub arrived: Option<Time>,
    /// Where it stands.
    pub stage: Stage,
    /// What it is reading and has not yet.
    pub unread: Vec<Key>,
    /// What it has read.
    pub read: Vec<(Key, Option<Cell>)>,
    /// Whether it has tried to write before.
    pub begun: bool,
    /// When SNS was asked about its token, if it was.
    pub looked: Option<Time>,
    /// Its transactions so far.
    pub written: u8,
    /// Of its transaction, while that becomes visible item by item: what stood there before.
    pub veiled: Vec<(Key, Option<Cell>)>,
    /// Whether it counts: it has changed something, or was answered as if it had.
    pub made: bool,
    /// Of an erasure: how far it has come.
    pub erasing: Erasing,
    /// The calls that had been answered when it arrived.
    pub heard: Vec<usize>,
}

/// How far an erasure has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Erasing {
    /// What it does.
    pub phase: ErasePhase,
    /// The devices that it found in the user's index, and has not come to.
    pub targets: Vec<Device>,
    /// Whether it has written anything since it looked at the index.
    pub written: bool,
    /// How often it found nothing to write.
    pub empty: u8,
}

/// What an erasure does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ErasePhase {
    /// It notes that the user is erased.
    #[default]
    Notes,
    /// It looks at the user's index.
    Looks,
    /// It ends this device.
    Ends(Device),
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stage {
    /// It reads, or is about to.
    #[default]
    Reading,
    /// It asks SNS.
    Looking,
    /// Its transaction comes next.
    Ready,
    /// Its transaction has been committed; it gets to know when all of that is visible.
    Committed(Answer),
    /// The same, and the answer to it was lost: the call asks for it again in the same words.
    Unanswered(Answer),
    /// It was answered.
    Done(Answer),
    /// It died.
    Crashed,
}

/// How a call was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The registration was written.
    Registered,
    /// The registration found everything as it wanted it.
    Unchanged,
    /// The registration came too late to bind.
    Overtaken,
    /// The logout was answered 204.
    LoggedOut,
    /// The call was refused: 401, 404.
    Refused(Refused),
    /// The call gave up: 503.
    Unavailable,
    /// The removal did, or had nothing to do.
    Removed,
    /// The user is erased.
    Erased,
    /// The send is through.
    Sent,
}

/// How a call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// 401.
    Unauthorized,
    /// 404.
    NotFound,
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unauthorized(_) => Self::Refused(Refused::Unauthorized),
            Refusal::NotFound => Self::Refused(Refused::NotFound),
            Refusal::TooManyLogouts => Self::Unavailable,
        }
    }
}

impl Stage {
    /// Whether a call that has come so far counts. A logout that is answered 404 does; without a secret it ends nothing.
    fn counts(self) -> bool {
        match self {
            Self::Done(answer) => matches!(
                answer,
                Answer::Registered
                    | Answer::Overtaken
                    | Answer::LoggedOut
                    | Answer::Refused(Refused::NotFound)
                    | Answer::Erased
            ),
            Self::Committed(_) => true,
            Self::Reading | Self::Looking | Self::Ready | Self::Unanswered(_) | Self::Crashed => {
                false
            }
        }
    }
}

impl Call {
    /// How it was answered, if it was.
    #[must_use]
    pub fn answer(&self) -> Option<Answer> {
        match self.stage {
            Stage::Done(answer) => Some(answer),
            _ => None,
        }
    }

    /// Whether nothing more comes of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Done(_) | Stage::Crashed)
    }

    /// Whether it has done more than arrive.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        !self.is_over() && (self.stage != Stage::Reading || self.begun || !self.read.is_empty())
    }

    /// What it read there, if it did and there was something.
    #[must_use]
    pub fn saw(&self, key: Key) -> Option<Cell> {
        let seen = self.read.iter().find(|(read, _)| *read == key);
        seen.and_then(|(_, cell)| *cell)
    }

    /// Those of the keys that it has not read.
    pub fn unseen(&self, keys: impl IntoIterator<Item = Key>) -> Vec<Key> {
        let seen = |key: &Key| self.read.iter().any(|(read, _)| read == key);
        keys.into_iter().filter(|key| !seen(key)).collect()
    }

    /// It is over; what it knew is forgotten.
    pub fn end(&mut self, stage: Stage) {
        let over = Self {
            stage,
            arrived: self.arrived,
            veiled: std::mem::take(&mut self.veiled),
            made: self.made || stage.counts(),
            ..Self::default()
        };
        *self = over;
    }
}

impl World {
    /// What time it is. A call that arrives makes it a millisecond later.
    #[must_use]
    pub fn now(&self, scenario: &Scenario) -> Time {
        let leap = self
            .leapt
            .checked_sub(1)
            .and_then(|last| scenario.leaps.get(last));
        let arrived = self.calls.iter().filter(|call| call.arrived.is_some());
        BEGIN + leap.copied().unwrap_or_default() + Span::from_millis(arrived.count() as u64)
    }

    /// The calls whose transaction is only half visible there, and what stood there before: one at most.
    #[must_use]
    pub fn veil(&self, key: Key) -> Option<Option<Cell>> {
        let mut veils = self.calls.iter().flat_map(|call| &call.veiled);
        veils
            .find(|(veiled, _)| *veiled == key)
            .map(|(_, cell)| *cell)
    }

    /// A call, to be changed.
    pub fn call(&mut self, call: usize) -> Option<&mut Call> {
        self.calls.get_mut(call).map(Arc::make_mut)
    }

    /// The call's next stage; nothing is kept of a call that is over.
    pub fn reach(&mut self, call: usize, stage: Stage) {
        if let Some(state) = self.call(call) {
            match stage {
                Stage::Done(_) | Stage::Crashed => state.end(stage),
                _ => state.stage = stage,
            }
        }
    }

    /// The call goes on reading, or to its next stage where there is nothing more to be read.
    pub fn read_on(&mut self, call: usize, unread: Vec<Key>, next: Stage) {
        if unread.is_empty() {
            self.reach(call, next);
        } else if let Some(state) = self.call(call) {
            state.unread = unread;
        }
    }

    /// The number of the version that the call gives next. There are 1, and eight for each call.
    #[must_use]
    pub fn number(&self, call: usize) -> u8 {
        let written = self.calls.get(call).map_or(0, |state| state.written);
        u8::try_from(3 + 8 * call).unwrap_or_default() + written
    }

    /// What was committed there is visible from now on.
    pub fn unveil(&mut self, key: Key) {
        let veils = |call: &Call| call.veiled.iter().any(|(veiled, _)| *veiled == key);
        if let Some(call) = self.calls.iter_mut().find(|call| veils(call)) {
            Arc::make_mut(call)
                .veiled
                .retain(|(veiled, _)| *veiled != key);
        }
    }
}
