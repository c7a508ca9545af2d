//! What clients, phones and the table showed of a history.

use super::plan::Op;
use crate::table::Table;
use serde_json::Value;
use std::collections::BTreeSet;

/// A request and its answer, by the clock of the system in milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// The round in which it was made.
    pub(super) round: usize,
    /// What was asked for.
    pub(super) op: Op,
    /// Just before it was.
    pub(super) begun: u64,
    /// Just after it was answered.
    pub(super) answered: u64,
    /// The id that the gateway gave it.
    pub(super) id: String,
    /// When it reached the gateway, by the access log.
    pub(super) arrived: u64,
    /// Whether it is a registration that found everything as it wanted it, and wrote nothing, by the metrics.
    pub(super) unchanged: bool,
    /// The status of the answer.
    pub(super) status: u16,
    /// Its body, or null.
    pub(super) body: Value,
}

/// A push that reached a phone.
#[derive(Clone, Debug)]
pub(super) struct Landed {
    /// The token that it was addressed to.
    pub(super) token: usize,
    /// The user that its `uid` says it is meant for.
    pub(super) user: usize,
    /// The event that sent it.
    pub(super) sent: usize,
    /// When.
    pub(super) at: u64,
}

/// Nothing was under way, and the table was looked at.
#[derive(Clone, Debug)]
pub(super) struct Quiet {
    /// Just before it was.
    pub(super) since: u64,
    /// Just after it was.
    pub(super) until: u64,
    /// What it held.
    pub(super) table: Table,
    /// The send to everybody just before.
    pub(super) sent: usize,
}

/// All of it, and the names that the numbers stand for.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) users: Vec<String>,
    pub(super) devices: Vec<String>,
    pub(super) tokens: Vec<String>,
    pub(super) events: Vec<Event>,
    pub(super) landed: Vec<Landed>,
    pub(super) quiets: Vec<Quiet>,
}

/// A promise that was broken.
#[derive(Clone, Debug)]
pub(super) struct Violation {
    /// Which.
    pub(super) promise: &'static str,
    /// How.
    pub(super) how: String,
    /// The round in which it was.
    pub(super) round: usize,
    /// The devices that have to do with it.
    pub(super) devices: Vec<usize>,
}

impl Event {
    /// Whether it was answered as wished.
    pub(super) const fn done(&self) -> bool {
        self.status / 100 == 2
    }

    /// When the device was last registered, by the answer: whole seconds.
    pub(super) fn updated(&self) -> Option<u64> {
        let text = self.body["lastUpdatedTime"].as_str()?;
        Some(crate::clock::parsed(text) / 1000)
    }
}

impl Record {
    /// The token that the answer to an event shows.
    pub(super) fn token(&self, event: &Event) -> Option<usize> {
        let shown = event.body["token"].as_str()?;
        self.tokens.iter().position(|token| token == shown)
    }

    /// Milliseconds since the history began.
    pub(super) fn since(&self, at: u64) -> u64 {
        at.saturating_sub(self.events.first().map_or(0, |first| first.begun))
    }

    /// One line of an event, for people.
    pub(super) fn line(&self, event: &Event) -> String {
        let unchanged = if event.unchanged { "unchanged " } else { "" };
        format!(
            "{:>8} arrived, {:>8} answered: {:?} -> {} {unchanged}{}",
            self.since(event.arrived),
            self.since(event.answered),
            event.op,
            event.status,
            event.body["lastUpdatedTime"].as_str().unwrap_or_default()
        )
    }

    /// A promise that was broken about then, with all that has to do with a user, a token and its devices.
    pub(super) fn broken(
        &self,
        promise: &'static str,
        how: &str,
        at: &Event,
        (user, token): (Option<usize>, Option<usize>),
    ) -> Violation {
        let named = (0..self.devices.len()).filter(|device| {
            let first = how.lines().next().unwrap_or_default();
            first.contains(&self.devices[*device])
        });
        let holding = self.events.iter().filter_map(|event| match event.op {
            Op::Register {
                device,
                token: with,
                ..
            } if Some(with) == token => Some(device),
            _ => None,
        });
        let devices: BTreeSet<usize> = named.chain(holding).chain(at.op.device()).collect();
        let concerns = |event: &&Event| match &event.op {
            Op::Erase { user: of } => Some(*of) == user,
            op => op.device().is_some_and(|device| devices.contains(&device)),
        };
        let mut events: Vec<&Event> = self.events.iter().filter(concerns).collect();
        events.sort_by_key(|event| event.arrived);
        let lines: Vec<_> = events.into_iter().map(|event| self.line(event)).collect();
        Violation {
            promise,
            how: format!(
                "user {user:?}, token {token:?}: {how}\n\nwhat has to do with it, in milliseconds:\n{}",
                lines.join("\n")
            ),
            round: at.round,
            devices: devices.into_iter().collect(),
        }
    }
}
