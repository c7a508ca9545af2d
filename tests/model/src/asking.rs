//! Asking the rules: what a call has read becomes their values, and what is left out is left out here.

use crate::Guard;
use crate::names::Device;
use crate::scenario::{BEGIN, Order, POLICY};
use crate::shell::Shell;
use crate::table::{self, Cell, Is, Key, TokenCell};
use crate::world::{Answer, ErasePhase, World};
use push::change::{Case, Change};
use push::device::Version;
use push::registration::{self, Assessment, Further, IfAbsent, Look, Registration, Snapshot};
use push::removal::{self, DeadEndpoint, Evidence};
use push::token_item::TokenItem;
use push::unregistration::{self, Erased, Found, TokenSeen};
use push::{Span, Time};

/// A decision to write, and what is answered when it is written; or what is answered at once.
pub(crate) type Decided = Result<(Change, Answer), Answer>;

impl Shell<'_> {
    /// What a call read there, as it takes it.
    pub fn read_at(&self, world: &World, call: usize, key: Key) -> Option<Cell> {
        let found = world.calls.get(call)?.saw(key);
        self.known(found, world.now(self.scenario))
    }

    /// The call's place in the order of arrival.
    pub fn place(&self, world: &World, call: usize) -> Time {
        let arrived = world.calls.get(call).and_then(|state| state.arrived);
        if self.lacks(Guard::Arrived) {
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
            arrived: self.place(world, call),
            issued: None,
            if_absent: IfAbsent::Create,
        };
        let read = |key| self.read_at(world, call, key);
        let found = Snapshot {
            device: read(Key::Device(device))
                .and_then(Cell::item)
                .map(|item| item.record()),
            token: read(Key::Token(token))
                .and_then(Cell::token)
                .map(|cell| self.token_item(cell)),
            link: user
                .and_then(|user| read(Key::Link(user, device)))
                .map(|link| link.expires()),
            erasure: user
                .and_then(|user| read(Key::Erasure(user)))
                .and_then(Cell::erased)
                .map(table::Erased::erasure),
        };
        Some((wanted, found))
    }

    /// A token's item as the registration takes it. Without [`Guard::TokenPlace`], it has no place.
    fn token_item(&self, cell: TokenCell) -> TokenItem {
        let mut item = cell.item();
        if self.lacks(Guard::TokenPlace) {
            item.place = Time::default();
        }
        item
    }

    pub fn register(&self, world: &World, call: usize, version: Version) -> Decided {
        let read = |key| self.read_at(world, call, key);
        let (Some((wanted, found)), Order::Register(device, token, _)) =
            (self.wanted(world, call), self.order(call))
        else {
            return Err(Answer::Unavailable);
        };
        let holder = read(Key::Device(device.other())).and_then(Cell::item);
        let former = read(Key::Token(token.other())).and_then(Cell::token);
        let further = Further {
            holder: holder.map(|item| item.record()),
            former: former.map(TokenCell::item),
        };
        let looked = world.calls.get(call).and_then(|state| state.looked);
        let now = world.now(self.scenario);
        let caller = self.order(call).caller();
        let assessment = registration::assess(now, &found, &wanted, &caller, &POLICY);
        let look = match assessment.map_err(Answer::from)? {
            Assessment::Unchanged(_) => return Err(Answer::Unchanged),
            Assessment::Overtaken(_) if self.lacks(Guard::OvertakenEnds) => {
                return Err(Answer::Overtaken);
            }
            Assessment::Overtaken(_) => {
                let (change, _) =
                    registration::overtaken(now, &found, &further, &wanted, version, &POLICY);
                return change
                    .map(|change| (change, Answer::Overtaken))
                    .ok_or(Answer::Overtaken);
            }
            Assessment::Binds { look, .. } => look,
        };
        let kept = match look {
            Look::Kept { checked, .. } => Some(checked),
            Look::Needed => None,
        };
        let endpoint = (token.endpoint(), looked.or(kept).unwrap_or_default());
        let (change, _) =
            registration::bind(now, &found, &further, &wanted, endpoint, version, &POLICY);
        Ok((change, Answer::Registered))
    }

    /// What a logout, a removal, or an erasure that has come to a device decides.
    pub fn end_device(&self, world: &World, call: usize, version: Version) -> Decided {
        let order = self.order(call);
        let erasing = world.calls.get(call).map(|state| state.erasing.phase);
        let device = match erasing {
            Some(ErasePhase::Ends(device)) => device,
            _ => order.device().unwrap_or(Device::A),
        };
        let item = self
            .read_at(world, call, Key::Device(device))
            .and_then(Cell::item);
        let record = item.map(|item| item.record());
        let begun = world.calls.get(call).is_some_and(|state| state.begun);
        let token = item
            .and_then(|item| item.token())
            .and_then(|token| {
                self.read_at(world, call, Key::Token(token))
                    .and_then(Cell::token)
            })
            .map(TokenCell::item);
        let found = Found {
            id: device.id(),
            record: record.as_ref(),
            token: if begun {
                TokenSeen::Read(token.as_ref())
            } else {
                TokenSeen::NotRead
            },
        };
        let now = world.now(self.scenario);
        let arrived = self.place(world, call);
        if let Order::Erase(user) = order {
            let arrived = if self.lacks(Guard::ErasurePassesOver) {
                now
            } else {
                arrived
            };
            let user = user.id();
            return match unregistration::erase(now, found, user, arrived, version) {
                Erased::Write(change) => Ok((change, Answer::Erased)),
                Erased::PassedOver => Err(Answer::Erased),
            };
        }
        if let Order::Remove(_, token) | Order::Find(_, token) = order {
            let disabled = matches!(order, Order::Find(..)) && !self.lacks(Guard::EnabledFirst);
            let dead = DeadEndpoint {
                arn: token.endpoint().to_owned(),
                at: arrived,
                evidence: if disabled {
                    Evidence::Disabled
                } else {
                    Evidence::Reported
                },
            };
            let change = removal::remove(now, found, &dead, version);
            let endpoint = (token.endpoint(), arrived);
            let revive = || removal::revive(now, found, endpoint, Some(now), version);
            return change
                .or_else(|| disabled.then(revive).flatten())
                .map(|change| (change, Answer::Removed))
                .ok_or(Answer::Removed);
        }
        let caller = order.caller();
        let decided = unregistration::unregister(now, found, &caller, arrived, version, &POLICY);
        let decided = decided.map_err(Answer::from)?;
        let answer = decided
            .answer
            .map_or_else(Answer::from, |()| Answer::LoggedOut);
        let forgets =
            |change: &Change| self.lacks(Guard::LogoutMarker) && change.case == Case::LogoutMarker;
        match decided.change {
            Some(change) if !forgets(&change) => Ok((change, answer)),
            _ => Err(answer),
        }
    }

    /// What a reader takes the item for. Without [`Guard::ExpiredIsAbsent`], for one that has not expired.
    pub fn known(&self, cell: Option<Cell>, now: Time) -> Option<Cell> {
        if !self.lacks(Guard::ExpiredIsAbsent) {
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
            Cell::Token(cell) => Cell::Token(TokenCell {
                expires: later(cell.expires),
                ..cell
            }),
            Cell::Link(expires) => Cell::Link(later(expires)),
            Cell::Erasure(erased) => Cell::Erasure(erased),
        })
    }
}
