//! What is known of a device: its own item decides who owns it.

use crate::logout::{LogoutMarkers, UserHash};
use crate::subscription::{Subscriptions, Tags};
use crate::token::hex;
use crate::{DeviceId, Platform, Span, Time, Token, UserId};
use sha2::{Digest, Sha256};

/// Random and new on every write: a condition on it holds only while nothing was written since it was read. A counter
/// would do harm: it restarts with the item, and a late repeat would then end the next owner's binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub [u8; 16]);

/// The item of a device, live or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Changes with every write.
    pub version: Version,
    /// When the last registration that named the device arrived: its place in the order of arrival. No end of the device
    /// and no other change moves it.
    pub place: Time,
    /// From here on it is absent to every reader, whether or not it was swept; whole seconds.
    pub expires: Time,
    /// The logouts that registrations which are still under way must heed.
    pub logouts: LogoutMarkers,
    /// Live or ended.
    pub state: State,
}

/// What a device's item says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is registered.
    Live(Device),
    /// It was; kept for a day, so that slower, earlier calls find its place and the logouts.
    Ended(Ended),
}

/// A registered device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Who it was bound to; [`Policy::owner`] says whether it still is.
    pub binding: Option<Binding>,
    /// Its platform token.
    pub token: Token,
    /// Where SNS reaches it.
    pub endpoint: String,
    /// When SNS was last asked about the endpoint; [`UNKNOWN`] where a publish has contradicted that since.
    pub checked: Time,
    /// When a send enabled the endpoint, which it had found disabled. A registration that asks SNS clears it.
    pub revived: Option<Time>,
    /// When it was first registered.
    pub created: Time,
    /// When it was last registered.
    pub updated: Time,
    /// When the call that gave it to whom it belongs now, a user or nobody, reached the gateway.
    pub since: Time,
    /// The tags that it subscribed to since then; [`Policy::subscribed`] says whether that still counts.
    pub subscriptions: Subscriptions,
}

/// A device's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The user.
    pub user: UserId,
    /// When the binding ends by itself; whole seconds.
    pub lease: Time,
}

/// What a send reads of a registered device's item: whose it is, and where SNS reaches it. The attributes have the meaning
/// that they have in [`Record`] and in [`Device`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// From here on it is absent to every reader; whole seconds.
    pub expires: Time,
    /// Who it was bound to.
    pub binding: Option<Binding>,
    /// When it was last registered.
    pub updated: Time,
    /// Of its token.
    pub platform: Platform,
    /// Where SNS reaches it.
    pub endpoint: String,
    /// Whether a send has enabled the endpoint since SNS was last asked for a registration.
    pub is_revived: bool,
    /// The tags that it subscribed to.
    pub subscriptions: Subscriptions,
}

/// What was read of a device's item: all of it, or what a send needs. The rules of who receives are the same for both.
pub trait Item {
    /// The registered device, as far as it was read.
    type Device: Owned;

    /// The device where it is registered and has not expired.
    fn live(&self, now: Time) -> Option<&Self::Device>;
}

/// A device, so far as it tells for whom it is.
pub trait Owned {
    /// Who it was bound to.
    fn binding(&self) -> Option<&Binding>;

    /// When it was last registered.
    fn updated(&self) -> Time;

    /// The tags that it subscribed to.
    fn subscriptions(&self) -> &Subscriptions;
}

/// What is left of a device that was unregistered or removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Whose it was: to that user the repeated logout is answered as the first one was. Nobody's where it was anonymous,
    /// or where no device was known at all.
    pub user: Option<UserHash>,
}

/// The rules' own parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long a binding lasts without a sign of the app.
    pub lease: Span,
    /// Owners that registered earlier count as anonymous: set after a restore, which revives ended bindings.
    pub bindings_not_before: Time,
    /// Which calls of devices need a secret.
    pub require_client_secret: crate::RequireClientSecret,
    /// What `init` hands out.
    pub client_secret_mode: crate::ClientSecretMode,
}

/// A device stays known for so long after its lease, as anonymous: its link is then gone before it.
pub const GRACE: Span = Span::from_days(30);
/// A tombstone is kept for so long.
pub const TOMBSTONE: Span = Span::from_days(1);
/// Of an endpoint: SNS has to be asked about it.
pub const UNKNOWN: Time = Time::from_millis(0);
/// SNS is asked again about an endpoint after so long.
pub const CHECK: Span = Span::from_days(7);
/// No transaction starts later than this after its call arrived.
pub const PATIENCE: Span = Span::from_seconds(10);

impl Record {
    /// What is left of a device for a day.
    #[must_use]
    pub fn tombstone(
        now: Time,
        place: Time,
        version: Version,
        logouts: LogoutMarkers,
        user: Option<UserHash>,
    ) -> Self {
        let expires = Time::from_seconds((now + TOMBSTONE).seconds());
        let state = State::Ended(Ended { user });
        Self {
            version,
            place,
            expires,
            logouts,
            state,
        }
    }

    /// The record where it has not expired.
    #[must_use]
    pub fn present(&self, now: Time) -> Option<&Self> {
        (self.expires > now).then_some(self)
    }

    /// The device where it is registered and has not expired.
    #[must_use]
    pub fn live(&self, now: Time) -> Option<&Device> {
        match &self.present(now)?.state {
            State::Live(device) => Some(device),
            State::Ended(_) => None,
        }
    }

    /// The same, where the endpoint is of no use, because it belongs to another application than the platform's: SNS has to
    /// be asked.
    #[must_use]
    pub fn with_useless_endpoint(mut self) -> Self {
        if let State::Live(device) = &mut self.state {
            device.checked = UNKNOWN;
        }
        self
    }

    /// Whose the device was that has ended, if it was anybody's.
    #[must_use]
    pub fn left_by(&self) -> Option<&UserHash> {
        match &self.state {
            State::Ended(ended) => ended.user.as_ref(),
            State::Live(_) => None,
        }
    }

    /// What the item says of its device, expired or not: what has to be cleared away with it.
    #[must_use]
    pub fn device(&self) -> Option<&Device> {
        match &self.state {
            State::Live(device) => Some(device),
            State::Ended(_) => None,
        }
    }
}

impl Item for Record {
    type Device = Device;

    fn live(&self, now: Time) -> Option<&Device> {
        Self::live(self, now)
    }
}

impl Item for Reach {
    type Device = Self;

    fn live(&self, now: Time) -> Option<&Self> {
        (self.expires > now).then_some(self)
    }
}

impl Owned for Device {
    fn binding(&self) -> Option<&Binding> {
        self.binding.as_ref()
    }

    fn updated(&self) -> Time {
        self.updated
    }

    fn subscriptions(&self) -> &Subscriptions {
        &self.subscriptions
    }
}

impl Owned for Reach {
    fn binding(&self) -> Option<&Binding> {
        self.binding.as_ref()
    }

    fn updated(&self) -> Time {
        self.updated
    }

    fn subscriptions(&self) -> &Subscriptions {
        &self.subscriptions
    }
}

impl Policy {
    /// Whose the device is now; nobody's where its lease has run out or was granted before the moment that counts.
    #[must_use]
    pub fn owner<'a>(&self, device: &'a impl Owned, now: Time) -> Option<&'a UserId> {
        let binding = device.binding()?;
        (binding.lease > now && device.updated() >= self.bindings_not_before)
            .then_some(&binding.user)
    }

    /// What the device has subscribed to. Nothing counts any more where whoever subscribed has left without a call.
    #[must_use]
    pub fn subscribed<'a>(&self, device: &'a impl Owned, now: Time) -> Option<&'a Subscriptions> {
        let same = device.binding().is_none() || self.owner(device, now).is_some();
        same.then(|| device.subscriptions())
    }

    /// When a lease that is granted now ends; whole seconds.
    #[must_use]
    pub fn lease_end(&self, now: Time) -> Time {
        Time::from_seconds((now + self.lease).seconds())
    }

    /// Whether so much of a lease is over that the next sign of the app renews it. An anonymous device has the lease that
    /// its item's expiry stands for.
    #[must_use]
    pub fn is_due(&self, record: &Record, now: Time) -> bool {
        (record.expires - GRACE).since(now) <= self.lease.half()
    }

    /// The device, if a push for `user` may be published to it by what `item` shows.
    #[must_use]
    pub fn receives<'a, I: Item>(
        &self,
        item: &'a I,
        user: &UserId,
        now: Time,
    ) -> Option<&'a I::Device> {
        item.live(now)
            .filter(|device| self.owner(*device, now) == Some(user))
    }

    /// The device, if by what `item` shows it subscribes to one of the tags.
    #[must_use]
    pub fn listens<'a, I: Item>(
        &self,
        item: &'a I,
        tags: &Tags,
        now: Time,
    ) -> Option<&'a I::Device> {
        let device = item.live(now)?;
        let subscribed = self.subscribed(device, now)?;
        tags.iter()
            .any(|(name, tag)| subscribed.has(name, *tag))
            .then_some(device)
    }
}

/// The shard of the table that holds a device: fixed for ever.
#[must_use]
pub fn shard(id: &DeviceId) -> u8 {
    Sha256::digest(id.as_str())
        .first()
        .copied()
        .unwrap_or_default()
}

/// How a payload names its user to an app that has to tell whether it is meant: 16 hexadecimal digits.
#[must_use]
pub fn uid(application: &crate::ApplicationId, user: &UserId) -> String {
    let digest = Sha256::new()
        .chain_update(application.as_str())
        .chain_update([0])
        .chain_update(user.as_str());
    hex(digest.finalize().get(..8).unwrap_or_default())
}
