//! Registering: which device, for whom, with which token, and everything that has to change with it.
//!
//! # The order of arrival
//!
//! Calls race: one that the gateway took first may be carried out last. The order in which they arrived decides. At every
//! quiet moment a device belongs to whom the calls give it when they are carried out one by one in that order.
//!
//! A registration of device D with token T for user U
//!
//! 1. **ends** D, and the other device that holds T, where their places are not later;
//! 2. **leaves** its place in the items of D and of T, where theirs are older;
//! 3. **binds** D to U with T, unless something later is known: the place of D or of T, a logout of U or of everybody from
//!    D, or the erasure of U. For an anonymous registration any logout is later.
//!
//! A registration that does not bind was *overtaken*. The answer is the same as if it had bound, and a later call had ended
//! that. One exception: a registration that finds everything as it wants it writes nothing, so it overtakes nobody.

use crate::change::{Action, Case, Change, TokenCondition, seen};
use crate::device::{Binding, CHECK, Device, GRACE, Policy, Record, State, UNKNOWN, Version};
use crate::erasure::Erasure;
use crate::logout::UserHash;
use crate::subscription::Subscriptions;
use crate::token_item::TokenItem;
use crate::unregistration::{Ending, TokenSeen};
use crate::{Caller, Denial, DeviceId, Refusal, Time, Token, TokenKey, UserId};

/// What a device asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The device.
    pub device: DeviceId,
    /// Its user; nobody for an anonymous registration.
    pub user: Option<UserId>,
    /// Its token.
    pub token: Token,
    /// When the call reached the gateway: its place in the order of arrival.
    pub arrived: Time,
    /// When the client secret was made, where it was made for one user; whole seconds.
    pub issued: Option<Time>,
    /// What becomes of a device that is not registered.
    pub if_absent: IfAbsent,
}

/// What a registration does where the device is not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfAbsent {
    /// The device is registered.
    Create,
    /// The call is refused: [`Refusal::NotFound`].
    NotFound,
}

/// What one consistent read found: the items of the device, of the token, and of the user's link to the device. An item
/// that has expired and is still there is part of it: it is absent to the rules, and present to the conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The device's item.
    pub device: Option<Record>,
    /// The token's item.
    pub token: Option<TokenItem>,
    /// When the link expires.
    pub link: Option<Time>,
    /// The erasure of the user. It is read after a conflict only: until then [`Action::CheckErasure`] tells.
    pub erasure: Option<Erasure>,
}

/// What the second read found, where the first one gave reason for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Further {
    /// The item of the other device that the token's item names.
    pub holder: Option<Record>,
    /// The item of the token that the device had before.
    pub former: Option<TokenItem>,
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
    /// Something later is known. `missing` has to be read; SNS need not be asked.
    Overtaken(Missing),
    /// The device is bound. `missing` has to be read, and SNS be asked about the endpoint where `look` says so.
    Binds {
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
    Kept {
        /// The endpoint.
        endpoint: String,
        /// When it was asked.
        checked: Time,
    },
    /// It has to be asked.
    Needed,
}

/// Whether something later than a registration is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    InTime,
    Overtaken,
}

/// What registering comes to, given what stands now.
///
/// # Errors
/// [`Refusal::Unauthorized`] where the caller may not, [`Refusal::NotFound`] where the device has to be registered and is
/// not, [`Refusal::TooManyLogouts`].
pub fn assess(
    now: Time,
    found: &Snapshot,
    wanted: &Registration,
    caller: &Caller,
    policy: &Policy,
) -> Result<Assessment, Refusal> {
    let present = found.device.as_ref().and_then(|record| record.present(now));
    let live = present.and_then(|record| record.live(now));
    let owner = live.and_then(|device| policy.owner(device, now));
    let same_token = live.is_some_and(|device| device.token.is(&wanted.token));
    authorise(now, wanted.user.as_ref(), owner, same_token, caller)?;
    let order = found.order(now, wanted)?;
    // A later call may have ended the device: it was registered when this call arrived, if it has a place at all.
    let known = present.is_some_and(|record| record.place > Time::default());
    let absent = live.is_none() && (order == Order::InTime || !known);
    if absent && wanted.if_absent == IfAbsent::NotFound {
        return Err(Refusal::NotFound);
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
    if order == Order::Overtaken {
        return Ok(Assessment::Overtaken(missing));
    }
    if let (Some(record), Some(device)) = (present, live)
        && owner == wanted.user.as_ref()
        && device.token == wanted.token
        && found
            .token
            .as_ref()
            .is_some_and(|item| item.expires > now && item.device == wanted.device)
        && (wanted.user.is_none() || found.link.is_some_and(|expires| expires > now))
        && !policy.is_due(record, now)
        && now.since(device.checked) < CHECK
    {
        return Ok(Assessment::Unchanged(device.clone()));
    }
    // A login makes sure that pushes will work. A logout does not wait for SNS.
    let look = match live {
        Some(device)
            if same_token
                && (wanted.user.is_none() || owner == wanted.user.as_ref())
                && now.since(device.checked) < CHECK =>
        {
            Look::Kept {
                endpoint: device.endpoint.clone(),
                checked: device.checked,
            }
        }
        _ => Look::Needed,
    };
    Ok(Assessment::Binds { missing, look })
}

/// What a registration in time writes, and the device as the answer shows it. `checked` is when SNS was asked about
/// `endpoint`.
#[must_use]
pub fn bind(
    now: Time,
    found: &Snapshot,
    further: &Further,
    wanted: &Registration,
    (endpoint, checked): (&str, Time),
    version: Version,
    policy: &Policy,
) -> (Change, Device) {
    let live = found.device.as_ref().and_then(|record| record.live(now));
    let mut device = wanted.device_of(live, now, policy);
    endpoint.clone_into(&mut device.endpoint);
    device.checked = checked;
    let change = written(now, found, further, wanted, &device, version, policy);
    (change, device)
}

/// What an overtaken registration writes, and the device as the answer shows it: what it would have ended has ended, and its
/// place is left. Nothing where all of that is later.
#[must_use]
pub fn overtaken(
    now: Time,
    found: &Snapshot,
    further: &Further,
    wanted: &Registration,
    version: Version,
    policy: &Policy,
) -> (Option<Change>, Device) {
    let live = found.device.as_ref().and_then(|record| record.live(now));
    let device = wanted.device_of(live, now, policy);
    (ended(now, found, further, wanted, version), device)
}

/// The lease of a device begins anew because its owner has read it. Its place stays: a call that is under way comes later.
/// `checked` is when SNS was asked about `endpoint`. Nothing where the token's item names another device.
#[must_use]
pub fn renew(
    now: Time,
    id: &DeviceId,
    found: &Snapshot,
    endpoint: (&str, Time),
    version: Version,
    policy: &Policy,
) -> Option<Change> {
    let record = found.device.as_ref()?;
    let device = record.live(now)?;
    if found.token.as_ref().is_some_and(|item| item.device != *id) {
        return None;
    }
    let wanted = Registration {
        device: id.clone(),
        user: device.binding.as_ref().map(|binding| binding.user.clone()),
        token: device.token.clone(),
        arrived: record.place,
        issued: None,
        if_absent: IfAbsent::NotFound,
    };
    let further = Further::default();
    let (change, _) = bind(now, found, &further, &wanted, endpoint, version, policy);
    Some(change)
}

/// The device becomes what was asked for.
fn written(
    now: Time,
    found: &Snapshot,
    further: &Further,
    wanted: &Registration,
    device: &Device,
    version: Version,
    policy: &Policy,
) -> Change {
    let before = found.device.as_ref();
    let live = before.and_then(|record| record.live(now));
    let lease = policy.lease_end(now);
    let record = Record {
        version,
        place: wanted.arrived,
        expires: lease + GRACE,
        logouts: before
            .map(|record| record.logouts.current(now))
            .unwrap_or_default(),
        state: State::Live(device.clone()),
    };
    let expires = record.expires;
    let mut actions = vec![Action::PutDevice {
        id: wanted.device.clone(),
        record,
        seen: seen(before),
    }];
    let holding = found.holding(now, further, wanted);
    let token = TokenSeen::WrittenElsewhere;
    actions.extend(found.release(now, further, wanted, token, version));
    actions.push(Action::PutToken {
        key: wanted.token.key(),
        item: TokenItem {
            version,
            device: wanted.device.clone(),
            place: wanted.arrived,
            expires,
        },
        condition: found.token_as_seen(),
    });
    if let Some((record, former)) = before.and_then(|record| Some((record, record.device()?))) {
        if !former.token.is(&wanted.token) {
            let token = TokenSeen::Read(further.former.as_ref());
            actions.extend(token.let_go(now, &wanted.device, record, version));
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
    actions.extend(wanted.erasure_check());

    let owner = live.and_then(|device| policy.owner(device, now));
    let holder = found.other(wanted);
    let new_owner = live.is_some() && owner != wanted.user.as_ref();
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
    Change { case, actions }
}

/// See [`overtaken`]. What overtook the registration is no condition: it stays until this call has given up.
fn ended(
    now: Time,
    found: &Snapshot,
    further: &Further,
    wanted: &Registration,
    version: Version,
) -> Option<Change> {
    let place = wanted.arrived;
    let before = found.device.as_ref();
    let present = before.and_then(|record| record.present(now));
    let token = found.token.as_ref().and_then(|item| item.present(now));
    let holder = found.holding(now, further, wanted);
    let is_later = |record: &&Record| record.place > place;
    let later = present.filter(is_later);
    let own = later.and_then(|record| record.live(now));
    let is_kept = holder.is_some_and(|record| is_later(&record))
        || own.is_some_and(|device| device.token.is(&wanted.token));
    let takes_token = !is_kept && token.is_none_or(|item| item.place < place);
    // Who lets go of it writes it where this registration does not.
    let token = if takes_token {
        TokenSeen::WrittenElsewhere
    } else {
        TokenSeen::Read(found.token.as_ref())
    };
    let mut actions = Vec::new();
    if takes_token || holder.is_some_and(|record| !is_later(&record)) {
        actions.extend(found.release(now, further, wanted, token, version));
    }
    let user = wanted.user.as_ref().map(UserHash::of);
    let logouts = present
        .map(|record| record.logouts.current(now))
        .unwrap_or_default();
    match before.and_then(|record| Some((record, record.device()?))) {
        _ if later.is_some() => {}
        Some((record, device)) => {
            let ending = Ending {
                id: &wanted.device,
                record,
                place,
                logouts,
                user,
            };
            let former = TokenSeen::Read(further.former.as_ref());
            let same = device.token.is(&wanted.token);
            let token = if same { token } else { former };
            actions.extend(ending.actions(now, token, version));
        }
        None if present.is_none_or(|record| record.place < place) => {
            actions.push(Action::PutDevice {
                id: wanted.device.clone(),
                record: Record::tombstone(now, place, version, logouts, user),
                seen: seen(before),
            });
        }
        None => {}
    }
    if takes_token {
        actions.push(Action::PutToken {
            key: wanted.token.key(),
            item: TokenItem::free(now, version, wanted.device.clone(), place),
            condition: found.token_as_seen(),
        });
    }
    if actions.is_empty() {
        return None;
    }
    // Who may not register ends nothing. An erasure that was read has been asked already.
    actions.extend(wanted.erasure_check().filter(|_| found.erasure.is_none()));
    Some(Change {
        case: Case::Overtaken,
        actions,
    })
}

/// The table of who may register what: for this user or for nobody, on a device of this owner or of nobody.
///
/// # Errors
/// [`Refusal::Unauthorized`].
pub fn authorise(
    now: Time,
    user: Option<&UserId>,
    owner: Option<&UserId>,
    same_token: bool,
    caller: &Caller,
) -> Result<(), Refusal> {
    let refused = |user| Err(Refusal::Unauthorized(caller.denial(user)));
    match (user, owner) {
        (Some(user), _) if !caller.speaks_for(user, now) => refused(user),
        // The token proves that the phone itself asks, and what it asks for is a logout.
        (None, Some(owner)) if !(same_token || caller.is_trusted() || caller.was(owner)) => {
            refused(owner)
        }
        _ => Ok(()),
    }
}

impl Registration {
    /// Its user must not have been erased.
    fn erasure_check(&self) -> Option<Action> {
        Some(Action::CheckErasure {
            user: UserHash::of(self.user.as_ref()?),
            arrived: self.arrived,
            issued: self.issued,
        })
    }

    /// The device, its endpoint apart, with what it keeps of what it was. Tags follow the owner that is stored, whether or
    /// not the lease has run out. Those of a device of nobody stay with it when it gets its first user.
    fn device_of(&self, live: Option<&Device>, now: Time, policy: &Policy) -> Device {
        let lease = policy.lease_end(now);
        let mut device = Device {
            binding: self.user.clone().map(|user| Binding { user, lease }),
            token: self.token.clone(),
            endpoint: String::new(),
            checked: UNKNOWN,
            revived: None,
            created: now,
            updated: now,
            since: self.arrived,
            subscriptions: Subscriptions::default(),
        };
        if let Some(live) = live {
            device.created = live.created;
            let owner = live.binding.as_ref().map(|binding| &binding.user);
            if owner.is_none() || owner == self.user.as_ref() {
                device.since = live.since;
                device.subscriptions = live.subscriptions.clone();
            }
        }
        device
    }
}

impl Snapshot {
    /// Whether something later than the registration is known.
    fn order(&self, now: Time, wanted: &Registration) -> Result<Order, Refusal> {
        let place = wanted.arrived;
        let device = self.device.as_ref().and_then(|record| record.present(now));
        let token = self.token.as_ref().and_then(|item| item.present(now));
        let logged_out = |record: &Record| record.logouts.overtakes(wanted.user.as_ref(), place);
        let erasure = self.erasure.filter(|_| wanted.user.is_some());
        let erased = erasure.is_some_and(|erasure| erasure.overtakes(place));
        if !erased && erasure.is_some_and(|erasure| erasure.refuses(wanted.issued)) {
            return Err(Refusal::Unauthorized(Denial::Erased));
        }
        if device.is_some_and(|record| record.place > place || logged_out(record))
            || token.is_some_and(|item| item.place > place)
            || erased
        {
            return Ok(Order::Overtaken);
        }
        if device.is_some_and(|record| record.logouts.may_have_overtaken(place)) {
            return Err(Refusal::TooManyLogouts);
        }
        Ok(Order::InTime)
    }

    /// The other device that the token's item names, expired or not: whether that still has the token, only a look at it
    /// tells.
    fn other(&self, wanted: &Registration) -> Option<DeviceId> {
        let item = self.token.as_ref()?;
        (item.device != wanted.device).then(|| item.device.clone())
    }

    /// The item of the other device, where that holds the token.
    fn holding<'a>(
        &self,
        now: Time,
        further: &'a Further,
        wanted: &Registration,
    ) -> Option<&'a Record> {
        let other = further.holder.as_ref()?;
        let device = other.live(now)?;
        let holds = self.other(wanted).is_some() && device.token.is(&wanted.token);
        holds.then_some(other)
    }

    /// The other device that holds the token ends. Where another device is named and does not hold the token, it must not
    /// have begun to: its transaction may be visible in the token's item first.
    fn release(
        &self,
        now: Time,
        further: &Further,
        wanted: &Registration,
        token: TokenSeen<'_>,
        version: Version,
    ) -> Vec<Action> {
        let Some(id) = self.other(wanted) else {
            return Vec::new();
        };
        let Some(other) = self.holding(now, further, wanted) else {
            let seen = seen(further.holder.as_ref());
            return vec![Action::CheckDevice { id, seen }];
        };
        let owner = other.device().and_then(|device| device.binding.as_ref());
        let ending = Ending {
            id: &id,
            record: other,
            place: other.place,
            logouts: other.logouts.current(now),
            user: owner.map(|binding| UserHash::of(&binding.user)),
        };
        ending.actions(now, token, version)
    }

    fn token_as_seen(&self) -> TokenCondition {
        TokenCondition::AsSeen(self.token.as_ref().map(|item| item.version))
    }
}
