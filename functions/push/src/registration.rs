//! Registering: which device, for whom, with which token, and everything that has to change with it.

use crate::change::{Action, Case, Change, Held, held, seen};
use crate::device::{
    Binding, CHECK, Device, GRACE, Policy, Record, State, TOMBSTONE, UserMark, Version,
};
use crate::subscription::Subscriptions;
use crate::{Caller, DeviceId, Refusal, Time, Token, TokenKey, UserId};

/// What a device asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The device.
    pub device: DeviceId,
    /// Its user; nobody for an anonymous registration.
    pub user: Option<UserId>,
    /// Its token.
    pub token: Token,
    /// When the call reached the gateway.
    pub arrived: Time,
}

/// What one consistent read found: the items of the device, of the token, and of the user's link to the device. An item
/// that has expired and is still there is part of it: it is absent to the rules, and present to the conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The device's item.
    pub device: Option<Record>,
    /// The token's item.
    pub token: Option<Holder>,
    /// When the link expires.
    pub link: Option<Time>,
}

/// A token's item. When the device lets go of the token, it is kept for a day, as the device's own is when that ends: a
/// slower call, which arrived before the one that last took the token, may still be under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The device that has the token, or had it last.
    pub device: DeviceId,
    /// When the call by which a device last got it reached the gateway; one that arrived earlier no longer takes it.
    pub arrived: Time,
    /// When it expires; whole seconds.
    pub expires: Time,
}

/// What the second read found, where the first one gave reason for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Further {
    /// The item of the other device that the token's item names.
    pub holder: Option<Record>,
    /// The item of the token that the device had before.
    pub former: Option<Holder>,
}

/// What to read besides, before anything is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// The other device that the token's item names.
    pub holder: Option<DeviceId>,
    /// The token that the device had before.
    pub former: Option<TokenKey>,
}

/// What registering comes to, before SNS was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assessment {
    /// Everything is as asked for; nothing is written.
    Unchanged(Device),
    /// A call that arrived later has been answered; nothing is written, and the answer is what it would have been before.
    Superseded(Device),
    /// Something changes. `missing` has to be read, and SNS be asked about the endpoint where `look` says so.
    Changes {
        /// What to read besides.
        missing: Missing,
        /// Whether SNS has to be asked.
        look: Look,
    },
}

/// Whether the endpoint in the device's item can be relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// SNS was asked about this token a short time ago.
    Kept(String),
    /// It has to be asked.
    Needed,
}

/// What is written in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This change, after which the device is as it says.
    Write(Change, Device),
    /// Nothing, as in [`Assessment::Superseded`].
    Superseded(Device),
}

/// What registering comes to, given what stands now.
///
/// # Errors
/// [`Refusal::Unauthorized`] where the caller may not.
pub fn assess(
    now: Time,
    found: &Snapshot,
    wanted: &Registration,
    caller: &Caller,
    policy: &Policy,
) -> Result<Assessment, Refusal> {
    let live = found.device.as_ref().and_then(|record| record.live(now));
    let owner = live.and_then(|device| policy.owner(device, now));
    let same_token = live.is_some_and(|device| device.token.is(&wanted.token));
    authorise(now, wanted.user.as_ref(), owner, same_token, caller)?;
    if found.supersedes(wanted, now) {
        return Ok(Assessment::Superseded(
            wanted.device_without_endpoint(now, policy),
        ));
    }
    if let (Some(record), Some(device)) = (&found.device, live)
        && owner == wanted.user.as_ref()
        && device.token == wanted.token
        && found
            .token
            .as_ref()
            .is_some_and(|holder| holder.expires > now && holder.device == wanted.device)
        && (wanted.user.is_none() || found.link.is_some_and(|expires| expires > now))
        && !policy.is_due(record, now)
        && now.since(device.checked) < CHECK
    {
        return Ok(Assessment::Unchanged(device.clone()));
    }
    let former = found
        .device
        .as_ref()
        .and_then(Record::device)
        .map(|device| device.token.key());
    let missing = Missing {
        holder: found.other(wanted),
        former: former.filter(|key| *key != wanted.token.key()),
    };
    // A login makes sure that pushes will work. A logout does not wait for SNS.
    let look = match live {
        Some(device)
            if same_token
                && (wanted.user.is_none() || owner == wanted.user.as_ref())
                && now.since(device.checked) < CHECK =>
        {
            Look::Kept(device.endpoint.clone())
        }
        _ => Look::Needed,
    };
    Ok(Assessment::Changes { missing, look })
}

/// What registering writes, given what stands now. `checked` is when SNS was asked about `endpoint`.
#[must_use]
pub fn decide(
    now: Time,
    found: &Snapshot,
    further: &Further,
    wanted: &Registration,
    (endpoint, checked): (&str, Time),
    version: Version,
    policy: &Policy,
) -> Decision {
    let before = found.device.as_ref();
    let live = before.and_then(|record| record.live(now));
    let mut device = wanted.device_of(live, now, policy);
    endpoint.clone_into(&mut device.endpoint);
    device.checked = checked;
    let key = wanted.token.key();
    let holder = found.other(wanted);
    let holding = further
        .holder
        .as_ref()
        .and_then(|record| record.live(now))
        .filter(|other| other.token.key() == key);
    let late = |record: &Record| record.supersedes(wanted.arrived, None, now);
    if found.supersedes(wanted, now)
        || (holding.is_some() && further.holder.as_ref().is_some_and(late))
    {
        return Decision::Superseded(device);
    }

    let lease = policy.lease_end(now);
    let record = Record {
        version,
        arrived: wanted.arrived,
        expires: lease + GRACE,
        departed: before
            .map(|record| record.departed(now))
            .unwrap_or_default(),
        state: State::Live(device.clone()),
    };
    let expires = record.expires;
    let mut actions = vec![Action::PutDevice {
        id: wanted.device.clone(),
        record,
        seen: seen(before),
    }];
    if let Some(id) = holder.clone() {
        match (&further.holder, holding) {
            (Some(other), Some(held)) => {
                actions.extend(end(now, &id, other, held, wanted.arrived, version));
            }
            (other, _) => actions.push(Action::CheckDevice {
                id,
                seen: seen(other.as_ref()),
            }),
        }
    }
    actions.push(Action::PutToken {
        key: key.clone(),
        holder: Holder {
            device: wanted.device.clone(),
            arrived: wanted.arrived,
            expires,
        },
        held: held(found.token.as_ref()),
    });
    if let Some((record, former)) = before.and_then(|record| Some((record, record.device()?))) {
        let held = held(further.former.as_ref());
        if !former.token.is(&wanted.token)
            && matches!(&held, Held::By(device, _) if *device == wanted.device)
        {
            actions.push(Action::PutToken {
                key: former.token.key(),
                holder: Holder::past(now, &wanted.device, record),
                held,
            });
        }
        if let Some(binding) = &former.binding
            && Some(&binding.user) != wanted.user.as_ref()
        {
            actions.push(Action::DeleteLink {
                user: binding.user.clone(),
                device: wanted.device.clone(),
            });
        }
    }
    let former = before.and_then(Record::device);
    let former = former.map(|former| &former.subscriptions);
    let indexed = (device.subscriptions).indexed(&wanted.device, former, expires);
    actions.extend(indexed);
    if let Some(user) = &wanted.user {
        actions.push(Action::PutLink {
            user: user.clone(),
            device: wanted.device.clone(),
            expires: lease,
        });
    }

    let new_owner = live.is_some_and(|device| policy.owner(device, now) != wanted.user.as_ref());
    let case = match (live, holder, holding) {
        (Some(_), Some(_), Some(_)) if new_owner => Case::OwnerChangeAndReinstall,
        (_, Some(_), Some(_)) => Case::Reinstall,
        (_, Some(_), None) => Case::StaleToken,
        (None, None, _) => Case::New,
        (Some(_), None, _) if new_owner && wanted.user.is_none() => Case::AnonymousTakeover,
        (Some(_), None, _) if new_owner => Case::OwnerChange,
        (Some(device), None, _) if !device.token.is(&wanted.token) => Case::TokenRefresh,
        (Some(_), None, _) => Case::Renewal,
    };
    Decision::Write(Change { case, actions }, device)
}

/// The table of who may register what.
fn authorise(
    now: Time,
    user: Option<&UserId>,
    owner: Option<&UserId>,
    same_token: bool,
    caller: &Caller,
) -> Result<(), Refusal> {
    let allowed = match (user, owner) {
        (Some(user), _) => caller.speaks_for(user, now),
        (None, None) => true,
        // The token proves that the phone itself asks, and what it asks for is a logout.
        (None, Some(owner)) => same_token || caller.is_trusted() || caller.was(owner),
    };
    if allowed {
        Ok(())
    } else {
        Err(Refusal::Unauthorized)
    }
}

/// The device `other` ends because its token is now another's.
fn end(
    now: Time,
    id: &DeviceId,
    other: &Record,
    held: &Device,
    arrived: Time,
    version: Version,
) -> Vec<Action> {
    let user = held.binding.as_ref().map(|binding| &binding.user);
    let link = user.map(|user| Action::DeleteLink {
        user: user.clone(),
        device: id.clone(),
    });
    let mark = user.map(UserMark::of);
    let record = Record::tombstone(now, arrived, version, other.departed(now), mark);
    let put = Action::PutDevice {
        id: id.clone(),
        record,
        seen: Some(other.version),
    };
    let subscriptions = held.subscriptions.unindexed(id);
    std::iter::once(put)
        .chain(link)
        .chain(subscriptions)
        .collect()
}

impl Registration {
    /// The device, its endpoint apart, with what it keeps of what it was.
    fn device_of(&self, live: Option<&Device>, now: Time, policy: &Policy) -> Device {
        let mut device = self.device_without_endpoint(now, policy);
        let Some(live) = live else {
            return device;
        };
        device.created = live.created;
        if policy.owner(live, now) == self.user.as_ref()
            && let Some(subscribed) = policy.subscribed(live, now)
        {
            device.since = live.since;
            device.subscriptions = subscribed.clone();
        }
        device
    }

    fn device_without_endpoint(&self, now: Time, policy: &Policy) -> Device {
        let lease = policy.lease_end(now);
        Device {
            binding: self.user.clone().map(|user| Binding { user, lease }),
            token: self.token.clone(),
            endpoint: String::new(),
            checked: Time::default(),
            created: now,
            updated: now,
            since: self.arrived,
            subscriptions: Subscriptions::default(),
        }
    }
}

impl Snapshot {
    /// The other device that the token's item names, expired or not: whether that still has the token, only a look at it
    /// tells.
    fn other(&self, wanted: &Registration) -> Option<DeviceId> {
        let holder = self.token.as_ref()?;
        (holder.device != wanted.device).then(|| holder.device.clone())
    }

    /// Whether a call that arrived later has changed the device, or taken the token.
    fn supersedes(&self, wanted: &Registration, now: Time) -> bool {
        let device = self
            .device
            .as_ref()
            .is_some_and(|record| record.supersedes(wanted.arrived, wanted.user.as_ref(), now));
        let token = self
            .token
            .as_ref()
            .is_some_and(|holder| holder.expires > now && holder.arrived > wanted.arrived);
        device || token
    }
}

impl Holder {
    /// The item of a token that the device with this item lets go of.
    #[must_use]
    pub fn past(now: Time, device: &DeviceId, record: &Record) -> Self {
        Self {
            device: device.clone(),
            arrived: record.arrived,
            expires: Time::from_seconds((now + TOMBSTONE).seconds()),
        }
    }
}
