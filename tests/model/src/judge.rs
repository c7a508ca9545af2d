//! What must hold, judged from outside: by who called when and what was answered, not by what the rules keep of it.

use crate::ledger::{Incarnation, Ledger};
use crate::names::{Device, Token, User};
use crate::scenario::{By, Order, Scenario};
use crate::table::{Cell, Is, Item, Key, Table, TokenCell, Write};
use crate::world::{Answer, Call, World};
use push::Time;
use push::change::Case;
use std::fmt;

/// Something happened that must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// A push went to a device that was not its user's at the look that was made for it.
    NotTheirs,
    /// A push that was asked for after the logout was answered reached the device.
    PushAfterLogout,
    /// A device is somebody's whose it is not when the calls are carried out one by one.
    WrongOwner,
    /// A device is nobody's, and somebody's when the calls are carried out one by one.
    NoOwner,
    /// An index lacks a device, or has one of another.
    Index,
    /// A token has several devices, or its item names another one.
    TokenShared,
    /// A device was removed although SNS had found its endpoint ready after it was found dead.
    RemovedInHealth,
    /// A device was removed for a disabled endpoint that nobody had enabled before since the device was registered.
    RemovedUntried,
}

/// What one might take for promised, and is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Beyond {
    /// That a registration which changed nothing has its place in the order of arrival: it writes nothing, so nothing is
    /// left of it that could overtake another.
    Unchanged,
}

impl Beyond {
    /// All of it.
    pub const ALL: [Self; 1] = [Self::Unchanged];

    /// The claim that does not hold.
    #[must_use]
    pub fn claim(self) -> &'static str {
        match self {
            Self::Unchanged => "a registration that changes nothing overtakes earlier calls",
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
            Self::WrongOwner => {
                "I5: somebody's device, which by the order of arrival is not theirs"
            }
            Self::NoOwner => "I5: nobody's device, which by the order of arrival is somebody's",
            Self::RemovedInHealth => "I7: a device removed whose endpoint was found ready since",
            Self::RemovedUntried => "I7: a device removed whose endpoint was not enabled once more",
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
        Some((item.token()?, item))
    };
    // The other way round it need not be: a token refresh that reads in the middle of a commit may leave a token's item
    // behind. Whoever registers that token looks at the device, and finds that it has another one.
    let unnamed = Device::ALL.into_iter().any(|device| {
        held(device).is_some_and(|(token, item)| {
            let named = |cell: TokenCell| {
                (cell.device, cell.expires, cell.place) == (device, item.expires, item.place)
            };
            !table.token(token).is_some_and(named)
        })
    });
    unnamed.then_some(Fault::TokenShared)
}

/// Whether each device is whose the calls that were made give it, one by one in the order of their arrival. A call that
/// was refused or gave up counts as not made, and so does a registration that changed nothing. Where an anonymous call took
/// part, a device may be nobody's.
#[must_use]
pub fn order(scenario: &Scenario, world: &World, beyond: Option<Beyond>) -> Option<Fault> {
    let now = world.now(scenario);
    let owners = Device::ALL.map(|device| {
        let item = world.table.device(device)?;
        Some((item.owner(now)?, item.token()?))
    });
    let expected = possible(scenario, world, beyond, now);
    if expected.contains(&owners) {
        return None;
    }
    let is_wrong = |expected: &[Option<(User, Token)>; 2]| {
        let mut pairs = owners.iter().zip(expected);
        pairs.any(|(owner, expected)| owner.is_some() && owner != expected)
    };
    if expected.iter().all(is_wrong) {
        return Some(Fault::WrongOwner);
    }
    (!scenario.has_anonymous()).then_some(Fault::NoOwner)
}

/// The outcomes of the calls, one by one. There are several where an erasure has not come to its end: until then, it may
/// have ended some of the user's devices.
fn possible(
    scenario: &Scenario,
    world: &World,
    beyond: Option<Beyond>,
    now: Time,
) -> Vec<[Option<(User, Token)>; 2]> {
    let mut ledgers = vec![Ledger::of(scenario)];
    for (call, (order, state)) in scenario.orders.iter().zip(&world.calls).enumerate() {
        let counts = state.made
            || (beyond == Some(Beyond::Unchanged) && state.answer() == Some(Answer::Unchanged));
        let Some(arrived) = state.arrived.filter(|_| counts) else {
            continue;
        };
        for ledger in &mut ledgers {
            match *order {
                Order::Register(device, token, user) => {
                    ledger.register((call, arrived), device, token, user);
                }
                Order::Unregister(device, by) => ledger.unregister(arrived, device, by),
                Order::Erase(..) | Order::Remove(..) | Order::Find(..) | Order::Send(_) => {}
            }
        }
        if let Order::Erase(user) = *order {
            ledgers = erased(ledgers, arrived, user, state);
        }
    }
    let outcome = |mut ledger: Ledger| {
        for incarnation in &world.removed {
            ledger.remove(*incarnation);
        }
        ledger.owners(now)
    };
    ledgers.into_iter().map(outcome).collect()
}

fn erased(ledgers: Vec<Ledger>, arrived: Time, user: User, state: &Call) -> Vec<Ledger> {
    let whole = state.answer() == Some(Answer::Erased);
    let each = |before: Vec<Ledger>, device| -> Vec<Ledger> {
        let mut after = before.clone();
        for ledger in &mut after {
            ledger.erase(arrived, device, user);
        }
        if !whole {
            after.extend(before);
        }
        after
    };
    Device::ALL.into_iter().fold(ledgers, each)
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
    state.made
        && match *order {
            Order::Register(other, token, new) => {
                let same = (other, Some(token), new) == (device, item.token(), Some(user));
                !same && (other == device || item.token() == Some(token))
            }
            Order::Unregister(from, by) => {
                from == device && (by == By::Provisioned || by == By::User(user))
            }
            Order::Erase(erased) => erased == user && state.answer() == Some(Answer::Erased),
            Order::Remove(..) | Order::Find(..) | Order::Send(_) => false,
        }
}

/// Keeps when the endpoint of a device was enabled by a send since the device was last registered.
pub fn asked(world: &mut World, case: Case, writes: &[Write], order: Order) {
    let now = world.calls.iter().filter_map(|call| call.arrived).max();
    for (key, _) in writes {
        if let Key::Device(device) = key
            && let Some(enabled) = world.enabled.get_mut(usize::from(*device == Device::B))
        {
            match order {
                Order::Find(..) if case == Case::Revival => *enabled = now,
                Order::Register(..) => *enabled = None,
                _ => {}
            }
        }
    }
}

/// What a removal ends with these writes; a fault where the device was found ready since, or its endpoint was found disabled
/// and not enabled before that.
///
/// # Errors
/// [`Fault::RemovedInHealth`], [`Fault::RemovedUntried`].
pub fn removal(
    world: &World,
    (call, order): (usize, Order),
    writes: &[Write],
) -> Result<Option<Incarnation>, Fault> {
    let ended = writes.iter().find_map(|(key, _)| match key {
        Key::Device(device) => Some((*device, world.table.device(*device)?)),
        _ => None,
    });
    let Some((device, item)) = ended else {
        return Ok(None);
    };
    let found = world.calls.get(call).and_then(|call| call.arrived);
    let enabled = world.enabled.get(usize::from(device == Device::B)).copied();
    let tried = enabled.flatten().is_some_and(|at| found > Some(at));
    match item.is {
        _ if matches!(order, Order::Find(..)) && !tried => Err(Fault::RemovedUntried),
        Is::Live { checked, .. } if found <= Some(checked) => Err(Fault::RemovedInHealth),
        _ => Ok(Some((device, item.by))),
    }
}
