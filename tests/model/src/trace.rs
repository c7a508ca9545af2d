//! A counterexample, told step by step.

use crate::exploration::Counterexample;
use crate::names::Device;
use crate::protocol::{Glimpses, Protocol, Step};
use crate::scenario::{By, Order};
use crate::table::{Cell, Is, Key};
use crate::world::{Answer, Refused, Stage, World};
use push::Time;
use std::collections::BTreeSet;
use std::fmt;

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scenario = &self.protocol.scenario;
        let Some((begin, _)) = self.path.first() else {
            return Ok(());
        };
        let stands: Vec<_> = begin
            .table
            .iter()
            .map(|(key, cell)| format!("{key}: {}", told(Some(cell), begin.now(scenario))))
            .collect();
        writeln!(f, "     0. There is {}.", listed(&stands, "nothing"))?;
        for (call, order) in scenario.orders.iter().enumerate() {
            writeln!(f, "        Call {}: {order}.", call + 1)?;
        }
        let steps = self.path.iter().zip(self.path.iter().skip(1));
        for (n, ((before, step), (after, _))) in steps.enumerate() {
            let Some(step) = step else { continue };
            for line in tell(&self.protocol, step, before, after) {
                writeln!(f, "    {:2}. {line}", n + 1)?;
            }
        }
        match self.path.last().and_then(|(end, _)| end.fault) {
            Some(fault) => writeln!(f, "        {fault}."),
            None => Ok(()),
        }
    }
}

/// What happens in one step, a sentence each.
fn tell(protocol: &Protocol, step: &Step, before: &World, after: &World) -> Vec<String> {
    let now = before.now(&protocol.scenario);
    match step {
        Step::Arrive(call) => vec![format!("Call {} arrives.", call + 1)],
        Step::Read(call, old) => {
            let unread = before.calls.get(*call).map(|state| state.unread.clone());
            let mut line = read(protocol, before, *call, &unread.unwrap_or_default(), old);
            line.push_str(&next(after, *call));
            vec![line]
        }
        Step::Look(call) => vec![format!(
            "SNS tells call {} that the endpoint is ready{}",
            call + 1,
            next(after, *call)
        )],
        Step::Transact(call, glimpses) => {
            let mut lines = glimpsed(protocol, before, glimpses);
            let changes: Vec<_> = after
                .calls
                .get(*call)
                .iter()
                .flat_map(|state| &state.veiled)
                .map(|(key, _)| format!("{key}: {}", told(after.table.get(*key), now)))
                .collect();
            lines.push(match after.calls.get(*call).map(|state| state.stage) {
                Some(Stage::Committed(..)) => format!(
                    "Call {} commits; {}.",
                    call + 1,
                    listed(&changes, "nothing changes")
                ),
                Some(Stage::Reading) => format!(
                    "Call {}'s transaction is cancelled; it will read again.",
                    call + 1
                ),
                _ if is_unanswered(before, *call) => {
                    format!("Call {} asks again{}", call + 1, next(after, *call))
                }
                _ => format!(
                    "Call {} makes no transaction{}",
                    call + 1,
                    next(after, *call)
                ),
            });
            lines
        }
        Step::Reveal(call, glimpses) => {
            let mut lines = glimpsed(protocol, before, glimpses);
            let (call, end) = (call + 1, next(after, *call));
            lines.push(format!("All of call {call}'s transaction is visible{end}"));
            lines
        }
        Step::Lose(call) => vec![format!(
            "Call {} gets no answer to its transaction.",
            call + 1
        )],
        Step::Crash(call) => vec![format!("Call {} dies.", call + 1)],
        Step::Sweep(key, glimpses) => {
            let mut lines = glimpsed(protocol, before, glimpses);
            lines.push(format!("TTL deletes {key}."));
            lines
        }
        Step::Run(call) => {
            let keys = after.table.iter().map(|(key, _)| key);
            let keys: BTreeSet<_> = keys
                .chain(before.table.iter().map(|(key, _)| key))
                .collect();
            let changes = keys.into_iter().filter_map(|key| {
                let (was, is) = (before.table.get(key), after.table.get(key));
                (was != is).then(|| format!("{key}: {}", told(is, now)))
            });
            let changes: Vec<_> = changes.collect();
            vec![format!(
                "Call {} is carried out; {}{}",
                call + 1,
                listed(&changes, "nothing changes"),
                next(after, *call)
            )]
        }
        Step::Leap => {
            let seconds = after.now(&protocol.scenario).since(now).millis() / 1000;
            vec![match seconds / 86_400 {
                0 => format!("{seconds} seconds pass."),
                1 => "A day and an hour pass.".to_owned(),
                days => format!("{days} days pass."),
            }]
        }
    }
}

fn is_unanswered(world: &World, call: usize) -> bool {
    let call = world.calls.get(call);
    call.is_some_and(|state| matches!(state.stage, Stage::Unanswered(_)))
}

fn glimpsed(protocol: &Protocol, before: &World, glimpses: &Glimpses) -> Vec<String> {
    let told = |(call, keys): &(usize, Vec<Key>)| {
        let mut line = read(protocol, before, *call, keys, keys);
        line.push('.');
        line
    };
    glimpses.iter().map(told).collect()
}

/// What a call reads.
fn read(protocol: &Protocol, before: &World, call: usize, keys: &[Key], old: &[Key]) -> String {
    let now = before.now(&protocol.scenario);
    let seen: Vec<_> = keys
        .iter()
        .map(|key| match before.veil(*key) {
            Some(stood) if old.contains(key) => format!("{key}, as it was: {}", told(stood, now)),
            _ => format!("{key}: {}", told(before.table.get(*key), now)),
        })
        .collect();
    format!("Call {} reads {}", call + 1, listed(&seen, "nothing"))
}

/// What a call comes to by a step: the end of a sentence.
fn next(after: &World, call: usize) -> String {
    let published = match after.fault {
        Some(fault) if fault.is_of_a_push() => " and publishes",
        _ => "",
    };
    match after.calls.get(call).map(|state| state.stage) {
        Some(Stage::Done(answer)) => {
            format!("{published}; call {} is answered {answer}.", call + 1)
        }
        Some(Stage::Looking) => "; it asks SNS next.".to_owned(),
        _ => format!("{published}."),
    }
}

fn listed(parts: &[String], none: &str) -> String {
    if parts.is_empty() {
        none.to_owned()
    } else {
        parts.join("; ")
    }
}

fn told(cell: Option<Cell>, now: Time) -> String {
    let Some(cell) = cell else {
        return "none".to_owned();
    };
    let expired = if cell.expires() <= now {
        ", expired"
    } else {
        ""
    };
    match cell {
        Cell::Link(_) => format!("there{expired}"),
        Cell::Token(cell) => format!("{}'s, version {}{expired}", cell.device, cell.version),
        Cell::Erasure(_) => format!("noted{expired}"),
        Cell::Device(item) => {
            let version = item.version;
            match item.is {
                Is::Live { binding, token, .. } => {
                    let owner = match binding {
                        Some((user, lease)) if lease > now => format!("{user}'s"),
                        Some((user, _)) => format!("once {user}'s"),
                        None => "nobody's".to_owned(),
                    };
                    format!("{owner} with {token}, version {version}{expired}")
                }
                Is::Ended(_) => format!("ended, version {version}{expired}"),
            }
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(device) => device.fmt(f),
            Self::Token(token) => token.fmt(f),
            Self::Link(user, Device::A) => write!(f, "{user}'s link to A"),
            Self::Link(user, Device::B) => write!(f, "{user}'s link to B"),
            Self::Erasure(user) => write!(f, "{user}'s erasure"),
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register(device, token, Some(user)) => {
                write!(f, "register {device} with {token} for {user}")
            }
            Self::Register(device, token, None) => {
                write!(f, "register {device} with {token} for nobody")
            }
            Self::Unregister(device, By::Nobody) => write!(f, "unregister {device}, no secret"),
            Self::Unregister(device, By::Provisioned) => {
                write!(f, "unregister {device}, provisioned secret")
            }
            Self::Unregister(device, By::User(user)) => {
                write!(f, "unregister {device}, {user}'s secret")
            }
            Self::Remove(device, token) => {
                write!(f, "remove {device}, because {token} is found dead")
            }
            Self::Find(device, token) => {
                write!(
                    f,
                    "enable or remove {device}, because {token} is found disabled"
                )
            }
            Self::Erase(user) => write!(f, "erase {user}"),
            Self::Send(user) => write!(f, "push to {user}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Registered => "201",
            Self::Unchanged => "201, nothing has changed",
            Self::Overtaken => "201, a later call has been there",
            Self::LoggedOut => "204",
            Self::Refused(Refused::Unauthorized) => "401",
            Self::Refused(Refused::NotFound) => "404",
            Self::Unavailable => "503",
            Self::Removed => "done",
            Self::Erased => "204, erased",
            Self::Sent => "202",
        })
    }
}
