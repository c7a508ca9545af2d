//! What must hold, judged from outside: by who called when and what was answered, not by what the rules keep of it.

use crate::names::{Device, User};
use crate::scenario::{By, Order, Scenario};
use crate::table::{Cell, Held, Is, Item, Key, Table, Write};
use crate::world::{Answer, Refused, World};
use push::Time;
use std::fmt;

/// Something happened that must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A push went to a device that was not its user's at the look that was made for it.
    NotTheirs,
    /// A push that was asked for after the logout was answered reached the device.
    PushAfterLogout,
    /// A registration that had arrived before an answered logout of its user bound the device after it.
    BoundAfterLogout,
    /// A binding was changed by a call that had arrived before the one that made it.
    Undone,
    /// An index lacks a device, or has one of another.
    Index,
    /// A token has several devices, or its item names another one.
    TokenShared,
    /// A device was removed although SNS had found its endpoint ready after it was found dead.
    RemovedInHealth,
    /// Beyond what is promised: see [`Beyond::Unchanged`].
    UnchangedUndone,
}

/// What one might take for promised, and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Beyond {
    /// That a registration which changed nothing holds off those that arrived before it: it writes nothing, so nothing
    /// is left of it that could.
    Unchanged,
}

impl Beyond {
    /// All of it.
    pub const ALL: [Self; 1] = [Self::Unchanged];

    /// The claim that does not hold.
    #[must_use]
    pub fn claim(self) -> &'static str {
        match self {
            Self::Unchanged => "a registration that changes nothing holds off earlier ones",
        }
    }
}

impl Fault {
    /// Whether it is a push that must not have been.
    #[must_use]
    pub fn is_of_a_push(self) -> bool {
        matches!(self, Self::NotTheirs | Self::PushAfterLogout)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Index => "I1: an index has a device of another, or lacks one",
            Self::TokenShared => "I2: a token has several devices, or its item names another one",
            Self::NotTheirs => {
                "I3: published to a device that was not theirs when it was looked at"
            }
            Self::PushAfterLogout => "I5: a push requested after the logout was answered",
            Self::BoundAfterLogout => "I5: bound by a call that arrived before the answered logout",
            Self::Undone => "I5: a later call's binding undone by an earlier call",
            Self::RemovedInHealth => "I7: a device removed whose endpoint was found ready since",
            Self::UnchangedUndone => {
                "beyond: a later call that changed nothing undone by an earlier call"
            }
        })
    }
}

/// Whether the indexes say what the devices say.
#[must_use]
pub fn tidy(table: &Table, now: Time) -> Option<Fault> {
    let owner = |device| table.device(device).and_then(|item| item.owner(now));
    let mut pairs = User::ALL
        .into_iter()
        .flat_map(|user| Device::ALL.map(|device| (user, device)));
    let indexed = |user, device| match table.get(Key::Link(user, device)) {
        Some(Cell::Link(expires)) => expires > now,
        _ => false,
    };
    if pairs.any(|(user, device)| indexed(user, device) != (owner(device) == Some(user))) {
        return Some(Fault::Index);
    }
    let held = |device: Device| {
        let item = table.device(device).filter(|item| item.lives(now))?;
        Some((item.token()?, item.expires))
    };
    // The other way round it need not be: a token refresh that reads in the middle of a commit may leave a token's item
    // behind. Whoever registers that token looks at the device, and finds that it has another one.
    let unnamed = Device::ALL.into_iter().any(|device| {
        held(device).is_some_and(|(token, expires)| {
            let named = |held: Held| (held.device, held.expires) == (device, expires);
            !table.token(token).is_some_and(named)
        })
    });
    unnamed.then_some(Fault::TokenShared)
}

/// Whether the call may publish to the device, whose item it saw as it is given.
#[must_use]
pub fn publish(
    (scenario, world): (&Scenario, &World),
    (call, user): (usize, User),
    device: Device,
    item: Option<Item>,
) -> Option<Fault> {
    let now = world.now(scenario);
    let Some(item) = item.filter(|item| item.owner(now) == Some(user)) else {
        return Some(Fault::NotTheirs);
    };
    let heard = world.calls.get(call).map_or(&[][..], |call| &call.heard);
    let ended = heard.iter().any(|later| {
        let earlier = item.by.is_none_or(|by| by < *later);
        earlier && ends(scenario, world, *later, (device, item, user))
    });
    ended.then_some(Fault::PushAfterLogout)
}

/// Whether the answer that the call got says that the device is not the user's any more.
fn ends(
    scenario: &Scenario,
    world: &World,
    call: usize,
    (device, item, user): (Device, Item, User),
) -> bool {
    let (Some(order), Some(state)) = (scenario.orders.get(call), world.calls.get(call)) else {
        return false;
    };
    match (*order, state.answer()) {
        (Order::Register(other, token, new), Some(Answer::Registered)) => {
            let same_phone = item.token() == Some(token);
            new != Some(user) && (other == device || state.ended == Some(device) || same_phone)
        }
        _ => logs_out(scenario, world, call, device, user),
    }
}

/// Whether the call is a logout of the user from the device, and was answered so.
fn logs_out(scenario: &Scenario, world: &World, call: usize, device: Device, user: User) -> bool {
    let Some(Order::Unregister(from, by)) = scenario.orders.get(call).copied() else {
        return false;
    };
    let answer = world.calls.get(call).and_then(|call| call.answer());
    from == device
        && match by {
            // Nobody's logout that is answered 404 shows nothing and promises nothing.
            By::Nobody => answer == Some(Answer::LoggedOut),
            By::Provisioned => logout(answer),
            By::User(own) => own == user && logout(answer),
        }
}

fn logout(answer: Option<Answer>) -> bool {
    matches!(
        answer,
        Some(Answer::LoggedOut | Answer::Refused(Refused::NotFound))
    )
}

/// Whether the call may write this.
#[must_use]
pub fn commit(
    (scenario, world, beyond): (&Scenario, &World, Option<Beyond>),
    call: usize,
    writes: &[Write],
) -> Option<Fault> {
    let now = world.now(scenario);
    if let Some(Order::Register(device, _, Some(user))) = scenario.orders.get(call).copied()
        && (call + 1..scenario.orders.len())
            .any(|later| logs_out(scenario, world, later, device, user))
    {
        return Some(Fault::BoundAfterLogout);
    }
    for (key, cell) in writes {
        let Key::Device(device) = *key else { continue };
        let after = match cell {
            Some(Cell::Device(item)) => Some(item.is),
            _ => None,
        };
        let before = world.table.device(device).filter(|item| item.lives(now));
        let later = before.is_some_and(|item| item.by.is_some_and(|by| by > call));
        if let Some(Order::Remove(..)) = scenario.orders.get(call)
            && let Some(Is::Live { checked, .. }) = before.map(|item| item.is)
            && world.calls.get(call).and_then(|call| call.arrived) <= Some(checked)
        {
            return Some(Fault::RemovedInHealth);
        }
        if later && before.map(|item| item.is) != after {
            return Some(Fault::Undone);
        }
        if beyond == Some(Beyond::Unchanged)
            && (call + 1..scenario.orders.len())
                .any(|later| found_otherwise(scenario, world, later, device, after))
        {
            return Some(Fault::UnchangedUndone);
        }
    }
    None
}

/// Whether the call is a registration of the device that was answered as unchanged, and this is not what it found.
fn found_otherwise(
    scenario: &Scenario,
    world: &World,
    call: usize,
    device: Device,
    after: Option<Is>,
) -> bool {
    let Some(Order::Register(own, wanted, user)) = scenario.orders.get(call).copied() else {
        return false;
    };
    let unchanged = world.calls.get(call).and_then(|call| call.answer()) == Some(Answer::Unchanged);
    let same = matches!(after, Some(Is::Live { binding, token, .. })
        if token == wanted && binding.map(|(user, _)| user) == user);
    unchanged && own == device && !same
}
