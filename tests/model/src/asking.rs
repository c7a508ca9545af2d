//! Asking the rules: what a call has read becomes their values, and what is left out is left out here.

use crate::Guard;
use crate::names::Device;
use crate::scenario::{BEGIN, Order, POLICY};
use crate::shell::Shell;
use crate::table::{Cell, Held, Is, Key};
use crate::world::{Answer, World};
use push::change::{Case, Change};
use push::device::Version;
use push::registration::{self, Decision, Further, Holder, Registration, Snapshot};
use push::unregistration::{self, Found};
use push::{Span, Time};

/// A decision to write, and what is answered when it is written; or what is answered at once.
pub(crate) type Decided = Result<(Change, Answer), Answer>;

impl Shell<'_> {
    /// What a call read there, as it takes it.
    pub fn read_at(&self, world: &World, call: usize, key: Key) -> Option<Cell> {
        let found = world.calls.get(call)?.saw(key);
        self.known(found, world.now(self.scenario))
    }

    fn arrived(&self, world: &World, call: usize) -> Time {
        let arrived = world.calls.get(call).and_then(|state| state.arrived);
        if self.removed == Some(Guard::Arrived) {
            BEGIN
        } else {
            arrived.unwrap_or_default()
        }
    }

    /// What the registration asks for, and what it found at first.
    pub fn wanted(&self, world: &World, call: usize) -> Option<(Registration, Snapshot)> {
        let Order::Register(device, token, user) = self.order(call) else {
            return None;
        };
        let wanted = Registration {
            device: device.id().clone(),
            user: user.map(|user| user.id().clone()),
            token: token.token().clone(),
            arrived: self.arrived(world, call),
        };
        let read = |key| self.read_at(world, call, key);
        let found = Snapshot {
            device: read(Key::Device(device))
                .and_then(Cell::item)
                .map(|item| item.record()),
            token: read(Key::Token(token))
                .and_then(Cell::held)
                .map(|held| self.holder(held)),
            link: user
                .and_then(|user| read(Key::Link(user, device)))
                .map(|link| link.expires()),
        };
        Some((wanted, found))
    }

    /// A token's item as the registration takes it. Without [`Guard::TokenArrived`], it tells no time.
    fn holder(&self, held: Held) -> Holder {
        let mut holder = held.holder();
        if self.removed == Some(Guard::TokenArrived) {
            holder.arrived = Time::default();
        }
        holder
    }

    pub fn register(&self, world: &World, call: usize, version: Version) -> Decided {
        let read = |key| self.read_at(world, call, key);
        let (Some((wanted, found)), Order::Register(device, token, _)) =
            (self.wanted(world, call), self.order(call))
        else {
            return Err(Answer::Unavailable);
        };
        let holder = read(Key::Device(device.other())).and_then(Cell::item);
        let former = read(Key::Token(token.other())).and_then(Cell::held);
        let further = Further {
            holder: holder.map(|item| item.record()),
            former: former.map(Held::holder),
        };
        let looked = world.calls.get(call).and_then(|state| state.looked);
        let kept = found.device.as_ref().and_then(|record| record.device());
        let checked = looked.or(kept.map(|device| device.checked));
        let decision = registration::decide(
            world.now(self.scenario),
            &found,
            &further,
            &wanted,
            (token.endpoint(), checked.unwrap_or_default()),
            version,
            &POLICY,
        );
        let Decision::Write(change, _) = decision else {
            return Err(Answer::Superseded);
        };
        Ok((change, Answer::Registered))
    }

    /// What a logout or a removal decides.
    pub fn end_device(&self, world: &World, call: usize, version: Version) -> Decided {
        let order = self.order(call);
        let device = order.device().unwrap_or(Device::A);
        let item = self
            .read_at(world, call, Key::Device(device))
            .and_then(Cell::item);
        let record = item.map(|item| item.record());
        let begun = world.calls.get(call).is_some_and(|state| state.begun);
        let holder = item
            .and_then(|item| item.token())
            .and_then(|token| {
                self.read_at(world, call, Key::Token(token))
                    .and_then(Cell::held)
            })
            .map(Held::holder);
        let found = Found {
            id: device.id(),
            record: record.as_ref(),
            token: begun.then_some(holder.as_ref()),
        };
        let now = world.now(self.scenario);
        let arrived = self.arrived(world, call);
        if let Order::Remove(_, token) = order {
            let change = unregistration::remove(now, found, token.endpoint(), arrived, version);
            return change
                .map(|change| (change, Answer::Removed))
                .ok_or(Answer::Removed);
        }
        let caller = order.caller();
        let decided = unregistration::unregister(now, found, &caller, arrived, version, &POLICY);
        let decided = decided.map_err(Answer::from)?;
        let answer = decided
            .answer
            .map_or_else(Answer::from, |()| Answer::LoggedOut);
        let forgets = |change: &Change| {
            self.removed == Some(Guard::Departure) && change.case == Case::Departure
        };
        match decided.change {
            Some(change) if !forgets(&change) => Ok((change, answer)),
            _ => Err(answer),
        }
    }

    /// What a reader takes the item for. Without [`Guard::ExpiredIsAbsent`], for one that has not expired.
    pub fn known(&self, cell: Option<Cell>, now: Time) -> Option<Cell> {
        if self.removed != Some(Guard::ExpiredIsAbsent) {
            return cell;
        }
        let later = |expires: Time| expires.max(now + Span::from_days(6));
        Some(match cell? {
            Cell::Device(mut item) => {
                item.expires = later(item.expires);
                if let Is::Live {
                    binding: Some((_, lease)),
                    ..
                } = &mut item.is
                {
                    *lease = later(*lease);
                }
                Cell::Device(item)
            }
            Cell::Token(held) => Cell::Token(Held {
                expires: later(held.expires),
                ..held
            }),
            Cell::Link(expires) => Cell::Link(later(expires)),
        })
    }
}
