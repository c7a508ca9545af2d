//! What stands around the decisions: the model of the loops that read, ask the rules, and write.

use crate::Guard;
use crate::judge;
use crate::names::{Device, Token, User};
use crate::scenario::{Order, POLICY, Scenario};
use crate::table::{Cell, Key, Write, version};
use crate::world::{Answer, Stage, World};
use push::change::Case;
use push::device::PATIENCE;
use push::registration::{self, Assessment, Look};
use push::{Span, Time};

/// The shell of one scenario, with or without one of its guards.
pub(crate) struct Shell<'a> {
    pub scenario: &'a Scenario,
    pub removed: Option<Guard>,
}

/// What a transaction comes to.
pub(crate) enum Attempt {
    /// It is not made: the call is over.
    Over(Answer),
    /// It is made, of this case, with these writes.
    Made(Case, Vec<Write>, Answer),
    /// One of its conditions does not hold, or another transaction is in its way.
    Conflict,
}

impl Shell<'_> {
    /// The order of a call. There is one for each.
    pub fn order(&self, call: usize) -> Order {
        let order = self.scenario.orders.get(call).copied();
        order.unwrap_or(Order::Send(User::Alice))
    }

    /// What a call reads first.
    pub fn first(&self, call: usize) -> Vec<Key> {
        match self.order(call) {
            Order::Register(device, token, user) => [Key::Device(device), Key::Token(token)]
                .into_iter()
                .chain(user.map(|user| Key::Link(user, device)))
                .collect(),
            Order::Unregister(device, _) | Order::Remove(device, _) => vec![Key::Device(device)],
            Order::Send(user) => Device::ALL.map(|device| Key::Link(user, device)).to_vec(),
        }
    }

    /// The call arrives, if it has not; and so have those before it.
    pub fn arrive(&self, world: &mut World, call: usize) {
        for n in 0..=call {
            let now = world.now(self.scenario) + Span::from_millis(1);
            let heard = (0..world.calls.len())
                .filter(|other| {
                    world
                        .calls
                        .get(*other)
                        .is_some_and(|c| c.answer().is_some())
                })
                .collect();
            let sends = matches!(self.order(n), Order::Send(_));
            if let Some(state) = world.call(n)
                && state.arrived.is_none()
            {
                state.arrived = Some(now);
                if sends {
                    state.heard = heard;
                }
            }
        }
    }

    /// The call reads these items, some of them as they were before a transaction that is half visible.
    pub fn read(&self, world: &mut World, call: usize, keys: &[Key], old: &[Key]) {
        self.arrive(world, call);
        for key in keys {
            let found = match world.veil(*key) {
                Some(before) if old.contains(key) => before,
                _ => {
                    world.unveil(*key);
                    world.table.get(*key)
                }
            };
            if let Some(state) = world.call(call) {
                state.unread.retain(|unread| unread != key);
                let place = state.read.partition_point(|(read, _)| read < key);
                state.read.insert(place, (*key, found));
            }
            if let (Order::Send(user), Key::Device(device)) = (self.order(call), *key) {
                self.attempt(world, (call, user), device, found);
            }
        }
        if world
            .calls
            .get(call)
            .is_some_and(|state| state.unread.is_empty())
        {
            self.settle(world, call);
        }
    }

    /// Publishes, where the rules let it.
    fn attempt(
        &self,
        world: &mut World,
        (call, user): (usize, User),
        device: Device,
        found: Option<Cell>,
    ) {
        let now = world.now(self.scenario);
        let item = found.and_then(Cell::item);
        let known = self
            .known(found, now)
            .and_then(Cell::item)
            .map(|item| item.record());
        let receives =
            known.is_some_and(|record| POLICY.receives(&record, user.id(), now).is_some());
        if receives || self.removed == Some(Guard::LastWord) {
            let seen = (self.scenario, &*world);
            let fault = judge::publish(seen, (call, user), device, item);
            world.fault = world.fault.or(fault);
        }
    }

    /// What has been read is enough for something: the next read, a look at SNS, a transaction, an answer.
    pub fn settle(&self, world: &mut World, call: usize) {
        let now = world.now(self.scenario);
        let Some(state) = world.calls.get(call) else {
            return;
        };
        match self.order(call) {
            Order::Send(user) => {
                let linked = |device: &Device| {
                    self.known(state.saw(Key::Link(user, *device)), now)
                        .is_some_and(|link| link.expires() > now)
                };
                let aims = Device::ALL.into_iter().filter(linked).map(Key::Device);
                let unread = state.unseen(aims);
                world.read_on(call, unread, Stage::Done(Answer::Sent));
            }
            Order::Unregister(device, _) | Order::Remove(device, _) => {
                let token = self
                    .read_at(world, call, Key::Device(device))
                    .and_then(Cell::item)
                    .and_then(|item| item.token())
                    .filter(|_| state.begun)
                    .map(Key::Token);
                let unread = state.unseen(token);
                let next = match self.end_device(world, call, version(0)) {
                    Ok(_) => Stage::Ready,
                    Err(answer) => Stage::Done(answer),
                };
                world.read_on(call, unread, next);
            }
            Order::Register(..) => self.settle_registration(world, call, now),
        }
    }

    fn settle_registration(&self, world: &mut World, call: usize, now: Time) {
        let Some((wanted, found)) = self.wanted(world, call) else {
            return;
        };
        let caller = self.order(call).caller();
        let assessment = registration::assess(now, &found, &wanted, &caller, &POLICY);
        let (missing, look) = match assessment {
            Err(refusal) => return world.reach(call, Stage::Done(refusal.into())),
            Ok(Assessment::Unchanged(_)) => {
                return world.reach(call, Stage::Done(Answer::Unchanged));
            }
            Ok(Assessment::Superseded(_)) => {
                return world.reach(call, Stage::Done(Answer::Superseded));
            }
            Ok(Assessment::Changes { missing, look }) => (missing, look),
        };
        let Some(state) = world.call(call) else {
            return;
        };
        let holder = missing.holder.iter().map(|id| Key::Device(Device::of(id)));
        let former = missing.former.iter().map(|key| Key::Token(Token::of(key)));
        let unread = state.unseen(holder.chain(former));
        if !unread.is_empty() {
            state.unread = unread;
            return;
        }
        if look == Look::Needed && state.looked.is_none() {
            state.stage = Stage::Looking;
            return;
        }
        let next = match self.register(world, call, version(0)) {
            Ok(_) => Stage::Ready,
            Err(answer) => Stage::Done(answer),
        };
        world.reach(call, next);
    }

    /// SNS answers: the token's endpoint is there and enabled.
    pub fn look(&self, world: &mut World, call: usize) {
        let now = world.now(self.scenario);
        if let Some(state) = world.call(call) {
            state.looked = Some(now);
        }
        self.settle(world, call);
    }

    /// What the call's transaction comes to, as the table stands.
    pub fn transaction(&self, world: &World, call: usize) -> Attempt {
        let Some(state) = world.calls.get(call) else {
            return Attempt::Conflict;
        };
        let now = world.now(self.scenario);
        // A removal counts from when it was begun, which was not before the last leap.
        let late = state
            .arrived
            .is_some_and(|arrived| now.since(arrived) > PATIENCE)
            && !matches!(self.order(call), Order::Remove(..));
        if late && self.removed != Some(Guard::Patience) {
            return Attempt::Over(Answer::Unavailable);
        }
        if let Stage::Unanswered(answer) = state.stage {
            return Attempt::Over(answer);
        }
        let decided = match self.order(call) {
            Order::Register(..) => self.register(world, call, version(world.number(call))),
            _ => self.end_device(world, call, version(world.number(call))),
        };
        let (change, answer) = match decided {
            Ok(decided) => decided,
            Err(answer) => return Attempt::Over(answer),
        };
        let binds = matches!(self.order(call), Order::Register(..)).then_some(call);
        let writes: Vec<_> = change
            .actions
            .iter()
            .filter_map(|action| world.table.write(action, binds, self.removed))
            .filter(|(key, cell)| world.table.get(*key) != *cell)
            .collect();
        let in_the_way = writes.iter().any(|(key, _)| world.veil(*key).is_some());
        let holds = |action| world.table.allows(action, self.removed);
        if in_the_way || !change.actions.iter().all(holds) {
            Attempt::Conflict
        } else {
            Attempt::Made(change.case, writes, answer)
        }
    }

    /// The call reads again and decides again.
    pub fn again(&self, world: &mut World, call: usize) {
        let first = self.first(call);
        if let Some(state) = world.call(call) {
            state.stage = Stage::Reading;
            state.begun = true;
            state.read.clear();
            state.unread = first;
        }
    }
}
