//! The table: what stands in it, small enough to be compared a million times, and what a change of the rules makes of it.

use crate::Guard;
use crate::names::{Device, Token, User};
use push::change::{Action, Case, Change, TokenCondition};
use push::device::{Binding, Ended, Record, State, Version};
use push::erasure::Erasure;
use push::logout::{LoggedOut, LogoutMarkers};
use push::subscription::Subscriptions;
use push::token_item::TokenItem;
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
    /// The erasure of a user.
    Erasure(User),
}

/// An item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cell {
    /// A device's.
    Device(Item),
    /// A token's.
    Token(TokenCell),
    /// An entry of an index; it says only when it expires.
    Link(Time),
    /// An erasure.
    Erasure(Erased),
}

/// A device's item: a [`Record`] in little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// Its version.
    pub version: u8,
    /// Its place in the order of arrival.
    pub place: Time,
    /// When it expires.
    pub expires: Time,
    /// When everybody was logged out, and each of the users.
    pub logouts: [Option<Time>; 4],
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
        /// When a send enabled its endpoint.
        revived: Option<Time>,
    },
    /// It was, and was this user's.
    Ended(Option<User>),
}

/// A token's item: a [`TokenItem`] in little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenCell {
    /// Its version.
    pub version: u8,
    /// The device that has the token, or had it last.
    pub device: Device,
    /// Its place in the order of arrival.
    pub place: Time,
    /// When it expires.
    pub expires: Time,
}

/// The item of a user's erasure: an [`Erasure`] in little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Erased {
    /// When it arrived.
    pub arrived: Time,
    /// When it expires.
    pub expires: Time,
}

/// Whose logouts an item may hold: everybody's, and each user's.
const LOGGED_OUT: [Option<User>; 4] = [None, Some(User::Alice), Some(User::Bob), Some(User::Carol)];

fn logged_out(who: Option<User>) -> LoggedOut {
    who.map_or(LoggedOut::Everybody, |user| {
        LoggedOut::User(user.hash().clone())
    })
}

/// Everything that has been committed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Table(BTreeMap<Key, Cell>);

impl Item {
    /// The item as the rules take it.
    #[must_use]
    pub fn record(&self) -> Record {
        let logouts = LOGGED_OUT.into_iter().zip(self.logouts);
        let state = match self.is {
            Is::Live {
                binding,
                token,
                checked,
                revived,
            } => State::Live(push::device::Device {
                binding: binding.map(|(user, lease)| Binding {
                    user: user.id().clone(),
                    lease,
                }),
                token: token.token().clone(),
                endpoint: token.endpoint().to_owned(),
                checked,
                revived,
                created: checked,
                updated: checked,
                since: checked,
                subscriptions: Subscriptions::default(),
            }),
            Is::Ended(user) => State::Ended(Ended {
                user: user.map(|user| user.hash().clone()),
            }),
        };
        Record {
            version: version(self.version),
            place: self.place,
            expires: self.expires,
            logouts: LogoutMarkers {
                latest: logouts
                    .filter_map(|(who, at)| Some((logged_out(who), at?)))
                    .collect(),
                barrier: None,
            },
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
                revived: device.revived,
            },
            State::Ended(ended) => Is::Ended(ended.user.as_ref().map(User::hashed)),
        };
        Self {
            version: first,
            place: record.place,
            // The table keeps whole seconds.
            expires: Time::from_seconds(record.expires.seconds()),
            logouts: LOGGED_OUT.map(|who| record.logouts.latest.get(&logged_out(who)).copied()),
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

impl TokenCell {
    /// The item as the rules take it.
    #[must_use]
    pub fn item(self) -> TokenItem {
        TokenItem {
            version: version(self.version),
            device: self.device.id().clone(),
            place: self.place,
            expires: self.expires,
        }
    }

    /// The item that says so.
    fn of(item: &TokenItem) -> Self {
        let [first, ..] = item.version.0;
        Self {
            version: first,
            device: Device::of(&item.device),
            place: item.place,
            expires: item.expires,
        }
    }
}

impl Erased {
    /// The item as the rules take it.
    #[must_use]
    pub fn erasure(self) -> Erasure {
        Erasure {
            arrived: self.arrived,
            secrets_until: Time::default(),
            expires: self.expires,
        }
    }
}

impl Cell {
    /// The item, if it is a device's.
    #[must_use]
    pub fn item(self) -> Option<Item> {
        match self {
            Self::Device(item) => Some(item),
            Self::Token(_) | Self::Link(_) | Self::Erasure(_) => None,
        }
    }

    /// The item, if it is a token's.
    #[must_use]
    pub fn token(self) -> Option<TokenCell> {
        match self {
            Self::Token(cell) => Some(cell),
            Self::Device(_) | Self::Link(_) | Self::Erasure(_) => None,
        }
    }

    /// The item, if it is an erasure's.
    #[must_use]
    pub fn erased(self) -> Option<Erased> {
        match self {
            Self::Erasure(erased) => Some(erased),
            Self::Device(_) | Self::Token(_) | Self::Link(_) => None,
        }
    }

    /// When it expires.
    #[must_use]
    pub fn expires(&self) -> Time {
        match self {
            Self::Device(item) => item.expires,
            Self::Token(cell) => cell.expires,
            Self::Erasure(erased) => erased.expires,
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
    pub fn token(&self, token: Token) -> Option<TokenCell> {
        self.get(Key::Token(token)).and_then(Cell::token)
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

    /// Whether what the change needs is so, unless the guard that asks for it is removed.
    #[must_use]
    pub fn allows(&self, change: &Change, removed: Option<Guard>) -> bool {
        let left_out = |guard: Guard| guard.is_left_out(removed);
        let as_seen = |id: &DeviceId, seen: &Option<Version>| {
            let item = self.device(Device::of(id));
            item.map(|item| version(item.version)) == *seen
        };
        let allows = |action: &Action| match action {
            Action::PutDevice { id, seen, .. } => as_seen(id, seen),
            Action::CheckDevice { id, seen } => {
                let unchecked = left_out(Guard::HolderCheck) && change.case != Case::Erasure;
                unchecked || as_seen(id, seen)
            }
            Action::PutToken { key, condition, .. } => {
                let item = self.token(Token::of(key));
                match condition {
                    TokenCondition::NamesNoOther(device) => {
                        item.is_none_or(|item| item.device.id() == device)
                    }
                    TokenCondition::AsSeen(seen) => {
                        left_out(Guard::TokenCondition)
                            || item.map(|item| version(item.version)) == *seen
                    }
                }
            }
            Action::CheckErasure { user, arrived, .. } => {
                let erased = self.get(Key::Erasure(User::hashed(user)));
                let erased = erased.and_then(Cell::erased);
                left_out(Guard::ErasureCheck)
                    || erased.is_none_or(|erased| erased.arrived < *arrived)
            }
            Action::PutLink { .. }
            | Action::DeleteLink { .. }
            | Action::PutSubscription { .. }
            | Action::DeleteSubscription { .. } => true,
        };
        change.actions.iter().all(allows)
    }

    /// What the change writes: where, and what. A device that it makes live is bound `by` that call, or by the one that it
    /// was bound by.
    #[must_use]
    pub fn writes(
        &self,
        change: &Change,
        (by, arrived): (Option<usize>, Time),
        removed: Option<Guard>,
    ) -> Vec<Write> {
        let left_out = |guard: Guard| guard.is_left_out(removed);
        let no_place = change.case == Case::Overtaken && left_out(Guard::OvertakenLeavesPlace);
        let write = |action: &Action| -> Option<Write> {
            Some(match action {
                Action::PutDevice { id, record, .. } => {
                    let device = Device::of(id);
                    let before = self.device(device);
                    let mut item = Item::of(record, by.or(before.and_then(|before| before.by)));
                    // A marker leaves a device what it was, whatever its writer took it for.
                    if left_out(Guard::ExpiredIsAbsent)
                        && let (None, Is::Live { .. }, Some(before)) = (by, item.is, before)
                    {
                        (item.is, item.expires) = (before.is, before.expires);
                    }
                    if left_out(Guard::RandomVersion) {
                        item.version = before.map_or(1, |before| before.version + 1);
                    }
                    if left_out(Guard::AskingClears)
                        && let Is::Live { revived, .. } = &mut item.is
                        && let Some(Is::Live { revived: kept, .. }) = before.map(|before| before.is)
                    {
                        *revived = revived.or(kept);
                    }
                    let has_place = match change.case {
                        Case::Unregister => left_out(Guard::LogoutKeepsPlace),
                        Case::Removal => left_out(Guard::RemovalKeepsPlace),
                        _ => false,
                    };
                    if has_place {
                        item.place = arrived;
                    }
                    if change.case == Case::Unregister
                        && (has_place || left_out(Guard::LogoutMarker))
                    {
                        item.logouts = before.map_or([None; 4], |before| before.logouts);
                    }
                    if no_place {
                        item.place = before.map(|before| before.place).unwrap_or_default();
                    }
                    let ends = matches!(item.is, Is::Ended(_))
                        && before.is_some_and(|before| matches!(before.is, Is::Live { .. }));
                    let gone = ends && left_out(Guard::Tombstone);
                    (Key::Device(device), (!gone).then_some(Cell::Device(item)))
                }
                // Nobody subscribes here.
                Action::CheckDevice { .. }
                | Action::CheckErasure { .. }
                | Action::PutSubscription { .. }
                | Action::DeleteSubscription { .. } => return None,
                Action::PutToken { key, item, .. } => {
                    let token = Token::of(key);
                    let before = self.token(token);
                    let mut cell = TokenCell::of(item);
                    if left_out(Guard::RandomVersion) {
                        cell.version = before.map_or(1, |before| before.version + 1);
                    }
                    if no_place {
                        cell.place = before.map(|before| before.place).unwrap_or_default();
                    }
                    (Key::Token(token), Some(Cell::Token(cell)))
                }
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
        };
        change.actions.iter().filter_map(write).collect()
    }
}

/// Where something is written, and what; nothing for a deletion.
pub type Write = (Key, Option<Cell>);
