//! The table: what stands in it, small enough to be compared a million times, and what a change of the rules makes of it.

use crate::Guard;
use crate::names::{Device, Token, User};
use push::change::{Action, Held as Condition, held};
use push::device::{Binding, Ended, Record, State, Version};
use push::registration::Holder;
use push::subscription::Subscriptions;
use push::{DeviceId, Time};
use std::collections::BTreeMap;

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A device's.
    Device(Device),
    /// A token's.
    Token(Token),
    /// The entry of a device in a user's index.
    Link(User, Device),
}

/// An item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// A device's.
    Device(Item),
    /// A token's.
    Token(Held),
    /// An entry of an index; it says only when it expires.
    Link(Time),
}

/// A device's item: a [`Record`] in little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// Its version.
    pub version: u8,
    /// When the call that last changed it arrived.
    pub arrived: Time,
    /// When it expires.
    pub expires: Time,
    /// When alice and bob logged out while it was not theirs.
    pub departed: [Option<Time>; 2],
    /// What it says.
    pub is: Is,
    /// Which call of the scenario bound it. No part of the item: the judge's own mark.
    pub by: Option<usize>,
}

/// What a device's item says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Is {
    /// It is registered.
    Live {
        /// Whose it is, and until when.
        binding: Option<(User, Time)>,
        /// Its token.
        token: Token,
        /// When SNS was asked about it.
        checked: Time,
    },
    /// It was, and was this user's.
    Ended(Option<User>),
}

/// A token's item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Held {
    /// The device that has the token, or had it last.
    pub device: Device,
    /// When the call arrived by which a device last got it.
    pub arrived: Time,
    /// When it expires.
    pub expires: Time,
}

/// Everything that has been committed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Table(BTreeMap<Key, Cell>);

impl Item {
    /// The item as the rules take it.
    #[must_use]
    pub fn record(&self) -> Record {
        let left = User::ALL.into_iter().zip(self.departed);
        let state = match self.is {
            Is::Live {
                binding,
                token,
                checked,
            } => State::Live(push::device::Device {
                binding: binding.map(|(user, lease)| Binding {
                    user: user.id().clone(),
                    lease,
                }),
                token: token.token().clone(),
                endpoint: token.endpoint().to_owned(),
                checked,
                created: checked,
                updated: checked,
                since: checked,
                subscriptions: Subscriptions::default(),
            }),
            Is::Ended(user) => State::Ended(Ended {
                user: user.map(|user| user.mark().clone()),
            }),
        };
        Record {
            version: version(self.version),
            arrived: self.arrived,
            expires: self.expires,
            departed: left
                .filter_map(|(user, at)| Some((user.mark().clone(), at?)))
                .collect(),
            state,
        }
    }

    /// The item that holds `record`, bound by the call `by` where it is live.
    fn of(record: &Record, by: Option<usize>) -> Self {
        let [first, ..] = record.version.0;
        let is = match &record.state {
            State::Live(device) => Is::Live {
                binding: device
                    .binding
                    .as_ref()
                    .map(|binding| (User::of(&binding.user), binding.lease)),
                token: Token::of(&device.token.key()),
                checked: device.checked,
            },
            State::Ended(ended) => Is::Ended(ended.user.as_ref().map(User::marked)),
        };
        Self {
            version: first,
            arrived: record.arrived,
            // The table keeps whole seconds.
            expires: Time::from_seconds(record.expires.seconds()),
            departed: User::ALL.map(|user| record.departed.get(user.mark()).copied()),
            is,
            by: by.filter(|_| matches!(is, Is::Live { .. })),
        }
    }

    /// Whether it is a registered device's and has not expired: judged here, not by the rules that are examined.
    #[must_use]
    pub fn lives(&self, now: Time) -> bool {
        self.expires > now && matches!(self.is, Is::Live { .. })
    }

    /// The token of a registered device, expired or not.
    #[must_use]
    pub fn token(&self) -> Option<Token> {
        match self.is {
            Is::Live { token, .. } => Some(token),
            Is::Ended(_) => None,
        }
    }

    /// Whose it is now: judged here, not by the rules that are examined.
    #[must_use]
    pub fn owner(&self, now: Time) -> Option<User> {
        match self.is {
            Is::Live {
                binding: Some((user, lease)),
                ..
            } if self.lives(now) && lease > now => Some(user),
            _ => None,
        }
    }
}

impl Held {
    /// The item as the rules take it.
    #[must_use]
    pub fn holder(self) -> Holder {
        Holder {
            device: self.device.id().clone(),
            arrived: self.arrived,
            expires: self.expires,
        }
    }

    /// The item that says so.
    fn of(holder: &Holder) -> Self {
        Self {
            device: Device::of(&holder.device),
            arrived: holder.arrived,
            expires: holder.expires,
        }
    }
}

impl Cell {
    /// The item, if it is a device's.
    #[must_use]
    pub fn item(self) -> Option<Item> {
        match self {
            Self::Device(item) => Some(item),
            Self::Token(_) | Self::Link(_) => None,
        }
    }

    /// The item, if it is a token's.
    #[must_use]
    pub fn held(self) -> Option<Held> {
        match self {
            Self::Token(held) => Some(held),
            Self::Device(_) | Self::Link(_) => None,
        }
    }

    /// When it expires.
    #[must_use]
    pub fn expires(&self) -> Time {
        match self {
            Self::Device(item) => item.expires,
            Self::Token(held) => held.expires,
            Self::Link(expires) => *expires,
        }
    }
}

/// The version with this number.
#[must_use]
pub fn version(number: u8) -> Version {
    Version([number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
}

impl Table {
    /// What stands there.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<Cell> {
        self.0.get(&key).copied()
    }

    /// The device's item.
    #[must_use]
    pub fn device(&self, device: Device) -> Option<Item> {
        self.get(Key::Device(device)).and_then(Cell::item)
    }

    /// The token's item.
    #[must_use]
    pub fn token(&self, token: Token) -> Option<Held> {
        self.get(Key::Token(token)).and_then(Cell::held)
    }

    /// Puts or deletes an item.
    pub fn set(&mut self, key: Key, cell: Option<Cell>) {
        match cell {
            Some(cell) => drop(self.0.insert(key, cell)),
            None => drop(self.0.remove(&key)),
        }
    }

    /// All items.
    pub fn iter(&self) -> impl Iterator<Item = (Key, Cell)> {
        self.0.iter().map(|(key, cell)| (*key, *cell))
    }

    /// Whether what the action needs is so, unless the guard that asks for it is removed.
    #[must_use]
    pub fn allows(&self, action: &Action, removed: Option<Guard>) -> bool {
        let as_seen = |id: &DeviceId, seen: &Option<Version>| {
            self.device(Device::of(id))
                .map(|item| version(item.version))
                == *seen
        };
        match action {
            Action::PutDevice { id, seen, .. } | Action::CheckDevice { id, seen } => {
                as_seen(id, seen)
            }
            Action::PutToken {
                key,
                held: expected,
                ..
            } => {
                let holder = self.token(Token::of(key)).map(Held::holder);
                match expected {
                    Condition::ByNobodyElse(device) => holder.is_none_or(|h| h.device == *device),
                    Condition::By(device, _) if removed == Some(Guard::TokenArrived) => {
                        holder.is_some_and(|h| h.device == *device)
                    }
                    expected => {
                        removed == Some(Guard::TokenCondition) || held(holder.as_ref()) == *expected
                    }
                }
            }
            Action::PutLink { .. }
            | Action::DeleteLink { .. }
            | Action::PutSubscription { .. }
            | Action::DeleteSubscription { .. } => true,
        }
    }

    /// What the action writes: where, and what; nothing where it only checks. A device that it makes live is bound `by`
    /// that call, or by the one that it was bound by.
    #[must_use]
    pub fn write(
        &self,
        action: &Action,
        by: Option<usize>,
        removed: Option<Guard>,
    ) -> Option<Write> {
        Some(match action {
            Action::PutDevice { id, record, .. } => {
                let device = Device::of(id);
                let before = self.device(device);
                let mut item = Item::of(record, by.or(before.and_then(|before| before.by)));
                // A note on a device leaves it what it was, whatever its writer took it for.
                if removed == Some(Guard::ExpiredIsAbsent)
                    && let (None, Is::Live { .. }, Some(before)) = (by, item.is, before)
                {
                    (item.is, item.expires) = (before.is, before.expires);
                }
                if removed == Some(Guard::RandomVersion) {
                    item.version = before.map_or(1, |before| before.version + 1);
                }
                let ends = matches!(item.is, Is::Ended(_))
                    && before.is_some_and(|before| matches!(before.is, Is::Live { .. }));
                let gone = ends && removed == Some(Guard::Tombstone);
                (Key::Device(device), (!gone).then_some(Cell::Device(item)))
            }
            // Nobody subscribes here.
            Action::CheckDevice { .. }
            | Action::PutSubscription { .. }
            | Action::DeleteSubscription { .. } => return None,
            Action::PutToken { key, holder, .. } => (
                Key::Token(Token::of(key)),
                Some(Cell::Token(Held::of(holder))),
            ),
            Action::PutLink {
                user,
                device,
                expires,
            } => (
                Key::Link(User::of(user), Device::of(device)),
                Some(Cell::Link(*expires)),
            ),
            Action::DeleteLink { user, device } => {
                (Key::Link(User::of(user), Device::of(device)), None)
            }
        })
    }
}

/// Where something is written, and what; nothing for a deletion.
pub type Write = (Key, Option<Cell>);
