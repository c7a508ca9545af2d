//! What the calls mean, carried out one by one: no races, no table, and nothing of the rules that are examined.

use crate::names::{Device, Token, User};
use crate::scenario::{Age, By, LEASE, Scenario};
use push::Time;
use push::device::GRACE;

/// Whose each device is.
#[derive(Clone, Debug)]
pub struct Ledger([Option<Entry>; 2]);

/// A registered device.
#[derive(Clone, Copy, Debug)]
struct Entry {
    user: Option<User>,
    token: Token,
    /// When its lease ends.
    lease: Time,
    /// The call that registered it; nothing where it was there at the beginning.
    by: Option<usize>,
}

/// A registration of one device by one call, or what stood there at the beginning.
pub type Incarnation = (Device, Option<usize>);

impl Ledger {
    /// The devices as they stand at the beginning.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        Self(scenario.stands.map(|stand| {
            let stand = stand?;
            let token = stand.token.filter(|_| stand.age != Age::Expired)?;
            Some(Entry {
                user: stand.user,
                token,
                lease: stand.lease(),
                by: None,
            })
        }))
    }

    fn entry(&mut self, device: Device) -> &mut Option<Entry> {
        let [a, b] = &mut self.0;
        match device {
            Device::A => a,
            Device::B => b,
        }
    }

    /// What has expired is forgotten.
    fn expire(&mut self, now: Time) {
        for entry in &mut self.0 {
            *entry = entry.filter(|entry| entry.lease + GRACE > now);
        }
    }

    /// A call registers a device. Without a secret, the device of somebody only with the token that it has.
    pub fn register(
        &mut self,
        (call, now): (usize, Time),
        device: Device,
        token: Token,
        user: Option<User>,
    ) {
        self.expire(now);
        let before = *self.entry(device);
        let owned = before.filter(|entry| entry.owner(now).is_some());
        if user.is_none() && owned.is_some_and(|entry| entry.token != token) {
            return;
        }
        let other = self.entry(device.other());
        *other = other.filter(|entry| entry.token != token);
        *self.entry(device) = Some(Entry {
            user,
            token,
            lease: now + LEASE,
            by: Some(call),
        });
    }

    /// A logout: of its owner, of everybody, or from a device that is nobody's.
    pub fn unregister(&mut self, now: Time, device: Device, by: By) {
        self.expire(now);
        let entry = self.entry(device);
        let ends = |entry: &Entry| match (entry.owner(now), by) {
            (None, _) | (_, By::Provisioned) => true,
            (Some(owner), By::User(user)) => owner == user,
            (Some(_), By::Nobody) => false,
        };
        *entry = entry.filter(|entry| !ends(entry));
    }

    /// The device ends if it is the user's.
    pub fn erase(&mut self, now: Time, device: Device, user: User) {
        self.expire(now);
        let entry = self.entry(device);
        *entry = entry.filter(|entry| entry.owner(now) != Some(user));
    }

    /// A removal ends the device as it was registered then, if it still is.
    pub fn remove(&mut self, (device, by): Incarnation) {
        let entry = self.entry(device);
        *entry = entry.filter(|entry| entry.by != by);
    }

    /// Whose each device is, and with which token.
    #[must_use]
    pub fn owners(&self, now: Time) -> [Option<(User, Token)>; 2] {
        self.0.map(|entry| {
            let entry = entry?;
            Some((entry.owner(now)?, entry.token))
        })
    }
}

impl Entry {
    fn owner(&self, now: Time) -> Option<User> {
        self.user.filter(|_| self.lease > now)
    }
}
