//! What stands around the decisions: the model of the loops that read, ask the rules, and write.

use crate::Guard;
use crate::judge;
use crate::names::{Device, Token, User};
use crate::scenario::{Order, POLICY, Scenario};
use crate::table::{Cell, Erased, Key, Write, version};
use crate::world::{Answer, ErasePhase, Stage, World};
use push::change::{Action, Case};
use push::device::PATIENCE;
use push::erasure::Erasure;
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
    /// Whether the guard is left out.
    pub fn lacks(&self, guard: Guard) -> bool {
        guard.is_left_out(self.removed)
    }

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
            Order::Unregister(device, _) | Order::Remove(device, _) | Order::Find(device, _) => {
                vec![Key::Device(device)]
            }
            Order::Erase(user) => vec![Key::Erasure(user)],
            Order::Send(user) => index(user),
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
        if receives || self.lacks(Guard::LastWord) {
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
            Order::Unregister(device, _) | Order::Remove(device, _) | Order::Find(device, _) => {
                let unread = self.unread_token(world, call, device);
                let next = match self.end_device(world, call, version(0)) {
                    Ok(_) => Stage::Ready,
                    Err(answer) => Stage::Done(answer),
                };
                world.read_on(call, unread, next);
            }
            Order::Erase(user) => self.settle_erasure(world, call, user),
            Order::Register(..) => self.settle_registration(world, call, now),
        }
    }

    /// The token of the device that the call has read, if it has still to be read: after a conflict.
    fn unread_token(&self, world: &World, call: usize, device: Device) -> Vec<Key> {
        let Some(state) = world.calls.get(call) else {
            return Vec::new();
        };
        let item = self
            .read_at(world, call, Key::Device(device))
            .and_then(Cell::item);
        let token = item.and_then(|item| item.token());
        state.unseen(token.filter(|_| state.begun).map(Key::Token))
    }

    fn settle_erasure(&self, world: &mut World, call: usize, user: User) {
        let Some(state) = world.call(call) else {
            return;
        };
        match state.erasing.phase {
            ErasePhase::Notes => state.stage = Stage::Ready,
            ErasePhase::Looks => {
                let linked = |device: &Device| state.saw(Key::Link(user, *device)).is_some();
                state.erasing.targets = Device::ALL.into_iter().filter(linked).collect();
                Self::next_target(world, call, user);
            }
            ErasePhase::Ends(device) => {
                let unread = self.unread_token(world, call, device);
                match self.end_device(world, call, version(0)) {
                    Ok(_) => world.read_on(call, unread, Stage::Ready),
                    Err(_) => Self::next_target(world, call, user),
                }
            }
        }
    }

    /// The erasure goes on to the next device, or looks at the index again until it has found nothing to write twice.
    fn next_target(world: &mut World, call: usize, user: User) {
        let Some(state) = world.call(call) else {
            return;
        };
        state.stage = Stage::Reading;
        state.begun = false;
        state.read.clear();
        if let Some(device) = state.erasing.targets.pop() {
            state.erasing.phase = ErasePhase::Ends(device);
            state.unread = vec![Key::Device(device)];
            return;
        }
        if state.erasing.phase != ErasePhase::Notes {
            let written = std::mem::take(&mut state.erasing.written);
            state.erasing.empty = if written { 0 } else { state.erasing.empty + 1 };
        }
        if state.erasing.empty == 2 {
            state.end(Stage::Done(Answer::Erased));
            return;
        }
        state.erasing.phase = ErasePhase::Looks;
        state.unread = index(user);
    }

    /// All of the call's transaction is visible, and it knows: it is answered, or goes on.
    pub fn go_on(&self, world: &mut World, call: usize, answer: Answer) {
        let order = self.order(call);
        let Some(state) = world.call(call) else {
            return;
        };
        match order {
            Order::Erase(user) => {
                state.erasing.written |= state.erasing.phase != ErasePhase::Notes;
                Self::next_target(world, call, user);
            }
            _ => state.end(Stage::Done(answer)),
        }
    }

    fn settle_registration(&self, world: &mut World, call: usize, now: Time) {
        let Some((wanted, found)) = self.wanted(world, call) else {
            return;
        };
        let caller = self.order(call).caller();
        let assessment = registration::assess(now, &found, &wanted, &caller, &POLICY);
        let (missing, looks) = match assessment {
            Err(refusal) => return world.reach(call, Stage::Done(refusal.into())),
            Ok(Assessment::Unchanged(_)) => {
                return world.reach(call, Stage::Done(Answer::Unchanged));
            }
            Ok(Assessment::Overtaken(missing)) => (missing, false),
            Ok(Assessment::Binds { missing, look }) => (missing, look == Look::Needed),
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
        if looks && state.looked.is_none() {
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
            && !self.order(call).is_told();
        if late && !self.lacks(Guard::Patience) {
            return Attempt::Over(Answer::Unavailable);
        }
        if let Stage::Unanswered(answer) = state.stage {
            return Attempt::Over(answer);
        }
        let decided = match self.order(call) {
            Order::Register(..) => self.register(world, call, version(world.number(call))),
            Order::Erase(user) if state.erasing.phase == ErasePhase::Notes => {
                return self.note_erasure(world, call, user);
            }
            _ => self.end_device(world, call, version(world.number(call))),
        };
        let (change, answer) = match decided {
            Ok(decided) => decided,
            Err(answer) => return Attempt::Over(answer),
        };
        let binds = matches!(self.order(call), Order::Register(..)).then_some(call);
        let by = (binds, self.place(world, call));
        let writes = world.table.writes(&change, by, self.removed);
        // A transaction is in the way of another at each item that both write or check.
        let checks = change.actions.iter().filter_map(|action| match action {
            Action::CheckDevice { id, .. } if !self.lacks(Guard::HolderCheck) => {
                Some(Key::Device(Device::of(id)))
            }
            _ => None,
        });
        let mut touched = writes.iter().map(|(key, _)| *key).chain(checks);
        let in_the_way = touched.any(|key| world.veil(key).is_some());
        if in_the_way || !world.table.allows(&change, self.removed) {
            Attempt::Conflict
        } else {
            let mut writes = writes;
            writes.retain(|(key, cell)| world.table.get(*key) != *cell);
            Attempt::Made(change.case, writes, answer)
        }
    }

    /// The erasure is noted, unless a later one is.
    fn note_erasure(&self, world: &World, call: usize, user: User) -> Attempt {
        let now = world.now(self.scenario);
        let arrived = self.place(world, call);
        let erasure = Erasure::new(now, arrived, Span::from_days(1));
        let key = Key::Erasure(user);
        let noted = world.table.get(key).and_then(Cell::erased);
        let item = Cell::Erasure(Erased {
            arrived,
            expires: erasure.expires,
        });
        let later = noted.is_some_and(|noted| noted.arrived >= arrived);
        let writes = if later {
            vec![]
        } else {
            vec![(key, Some(item))]
        };
        Attempt::Made(Case::Erasure, writes, Answer::Erased)
    }

    /// The call reads again and decides again.
    pub fn again(&self, world: &mut World, call: usize) {
        let mut unread = self.first(call);
        if let Order::Register(_, _, Some(user)) = self.order(call) {
            unread.push(Key::Erasure(user));
        }
        if let Some(state) = world.call(call) {
            if let ErasePhase::Ends(device) = state.erasing.phase {
                unread = vec![Key::Device(device)];
            }
            state.stage = Stage::Reading;
            state.begun = true;
            state.read.clear();
            state.unread = unread;
        }
    }
}

/// A user's index: the entries that there may be.
fn index(user: User) -> Vec<Key> {
    Device::ALL.map(|device| Key::Link(user, device)).to_vec()
}
