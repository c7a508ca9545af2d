//! The ends of a device by a logout, and by the erasure of its user.
//!
//! No end moves the device's place in the order of arrival. A logout with a secret and an erasure leave a marker of whom
//! they concern, unless a later registration is known: registrations that arrived earlier, and are still under way, find it.

use crate::change::{Action, Case, Change, TokenCondition, seen};
use crate::device::{Policy, Record, Version};
use crate::logout::{LoggedOut, LogoutMarkers, UserHash};
use crate::token_item::TokenItem;
use crate::{Caller, Denial, DeviceId, Refusal, Time, UserId};

/// What unregistering comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unregistration {
    /// What to write; nothing where nothing has to change.
    pub change: Option<Change>,
    /// What to answer once that is written.
    pub answer: Result<(), Refusal>,
}

/// The device, its item, and the item of its token as far as that was read: unregistering reads it only after a conflict.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The device.
    pub id: &'a DeviceId,
    /// Its item.
    pub record: Option<&'a Record>,
    /// The token's item.
    pub token: TokenSeen<'a>,
}

/// What is known of the item of a token that a device lets go of.
#[derive(Clone, Copy, Debug)]
pub enum TokenSeen<'a> {
    /// Nothing: a condition on it tells.
    NotRead,
    /// It was read, and there was this or nothing.
    Read(Option<&'a TokenItem>),
    /// The same change writes it otherwise.
    WrittenElsewhere,
}

/// The end of a device.
pub(crate) struct Ending<'a> {
    pub(crate) id: &'a DeviceId,
    /// The item of a device, live or expired, as it was seen.
    pub(crate) record: &'a Record,
    /// The place that is left.
    pub(crate) place: Time,
    /// The markers that are left.
    pub(crate) logouts: LogoutMarkers,
    /// Whose it was, to be answered when they log out again.
    pub(crate) user: Option<UserHash>,
}

/// Unregisters a device. Its owner, and a caller who may speak for everybody, end it; so does anybody where it is nobody's.
/// A logout with a secret overtakes the registrations of its user that arrived before it, also where the device is another's
/// or not known.
///
/// # Errors
/// [`Refusal::Unauthorized`], [`Refusal::NotFound`]: the caller has no secret, and the device is somebody's or not known.
pub fn unregister(
    now: Time,
    found: Found<'_>,
    caller: &Caller,
    arrived: Time,
    version: Version,
    policy: &Policy,
) -> Result<Unregistration, Refusal> {
    let present = found.record.and_then(|record| record.present(now));
    let live = present.and_then(|record| record.live(now));
    let owner = live.and_then(|device| policy.owner(device, now));
    let own = owner.map_or(live.is_some(), |owner| {
        caller.is_trusted() || caller.was(owner)
    });
    let who = caller.logs_out();
    if who.is_none() && !own {
        let missing = Refusal::Unauthorized(Denial::Missing);
        return Err(live.map_or(Refusal::NotFound, |_| missing));
    }
    let left = present.and_then(Record::left_by).cloned();
    let again = left.is_some() && left.map(LoggedOut::User) == who;
    // A registration that arrived later has counted already, and holds off the earlier ones by itself.
    let late = present.is_some_and(|record| record.place > arrived);
    let marker = who.map(|who| (who, arrived));
    let change = match (found.record.filter(|_| own), marker) {
        _ if late => None,
        (Some(record), marker) => Some(found.end(now, record, Case::Unregister, marker, version)),
        (None, marker) => marker.and_then(|(who, arrived)| found.mark(now, &who, arrived, version)),
    };
    let answer = if own || again {
        Ok(())
    } else {
        Err(Refusal::NotFound)
    };
    Ok(Unregistration { change, answer })
}

/// What erasing a user, by a call that arrived then, does to a device in the user's index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erased {
    /// The device ends, or is not the user's and only the index entry goes.
    Write(Change),
    /// The user has registered it later.
    PassedOver,
}

/// See [`Erased`]. Nothing but the marker is kept that names the user.
#[must_use]
pub fn erase(
    now: Time,
    found: Found<'_>,
    user: &UserId,
    arrived: Time,
    version: Version,
) -> Erased {
    let is_theirs = |record: &&Record| {
        let binding = record.device().and_then(|device| device.binding.as_ref());
        binding.is_some_and(|binding| binding.user == *user)
    };
    if let Some(record) = found.record.filter(is_theirs) {
        if record.present(now).is_some() && record.place > arrived {
            return Erased::PassedOver;
        }
        let who = LoggedOut::User(UserHash::of(user));
        let marker = Some((who, arrived));
        return Erased::Write(found.end(now, record, Case::Erasure, marker, version));
    }
    let check = Action::CheckDevice {
        id: found.id.clone(),
        seen: seen(found.record),
    };
    let link = Action::DeleteLink {
        user: user.clone(),
        device: found.id.clone(),
    };
    Erased::Write(Change {
        case: Case::Erasure,
        actions: vec![check, link],
    })
}

impl Found<'_> {
    /// The device ends, and leaves the marker of a logout where there is one.
    pub(crate) fn end(
        &self,
        now: Time,
        record: &Record,
        case: Case,
        marker: Option<(LoggedOut, Time)>,
        version: Version,
    ) -> Change {
        let owner = record.device().and_then(|device| device.binding.as_ref());
        let ending = Ending {
            id: self.id,
            record,
            place: record.place,
            logouts: match marker {
                Some((who, arrived)) => record.logouts.with(now, who, arrived),
                None => record.logouts.current(now),
            },
            user: owner
                .filter(|_| case != Case::Erasure)
                .map(|binding| UserHash::of(&binding.user)),
        };
        let actions = ending.actions(now, self.token, version);
        Change { case, actions }
    }

    /// The marker of a logout that ends nothing: on the device of another, or on a tombstone.
    fn mark(&self, now: Time, who: &LoggedOut, arrived: Time, version: Version) -> Option<Change> {
        let present = self.record.and_then(|record| record.present(now));
        if present.is_some_and(|record| record.logouts.has(who, arrived)) {
            return None;
        }
        let before = present.map(|record| &record.logouts).cloned();
        let logouts = before.unwrap_or_default().with(now, who.clone(), arrived);
        let record = match present {
            Some(record) if record.device().is_some() => Record {
                version,
                logouts,
                ..record.clone()
            },
            _ => {
                let place = present.map(|record| record.place).unwrap_or_default();
                let user = present.and_then(Record::left_by).cloned();
                Record::tombstone(now, place, version, logouts, user)
            }
        };
        let put = Action::PutDevice {
            id: self.id.clone(),
            record,
            seen: seen(self.record),
        };
        Some(Change {
            case: Case::LogoutMarker,
            actions: vec![put],
        })
    }
}

impl Ending<'_> {
    /// The device's item becomes a tombstone, its token is free, its user's and its tags' indexes do not have it.
    pub(crate) fn actions(self, now: Time, token: TokenSeen<'_>, version: Version) -> Vec<Action> {
        let Self { id, record, .. } = self;
        let tombstone = Record::tombstone(now, self.place, version, self.logouts, self.user);
        let put = Action::PutDevice {
            id: id.clone(),
            record: tombstone,
            seen: Some(record.version),
        };
        let token = token.let_go(now, id, record, version);
        let device = record.device();
        let binding = device.and_then(|device| device.binding.as_ref());
        let link = binding.map(|binding| Action::DeleteLink {
            user: binding.user.clone(),
            device: id.clone(),
        });
        let subscriptions = device.map(|device| device.subscriptions.unindexed(id));
        let rest = token.into_iter().chain(link);
        let rest = rest.chain(subscriptions.into_iter().flatten());
        std::iter::once(put).chain(rest).collect()
    }
}

impl TokenSeen<'_> {
    /// The device lets go of the token that its item, as it was seen, names. The token keeps its place, which is the
    /// device's. Nothing where the token's item names another device.
    pub(crate) fn let_go(
        self,
        now: Time,
        id: &DeviceId,
        record: &Record,
        version: Version,
    ) -> Option<Action> {
        let (condition, place) = match self {
            Self::NotRead => (TokenCondition::NamesNoOther(id.clone()), record.place),
            Self::Read(None) => (TokenCondition::AsSeen(None), record.place),
            Self::Read(Some(item)) if item.device == *id => (
                TokenCondition::AsSeen(Some(item.version)),
                record.place.max(item.place),
            ),
            Self::Read(Some(_)) | Self::WrittenElsewhere => return None,
        };
        let device = record.device()?;
        Some(Action::PutToken {
            key: device.token.key(),
            item: TokenItem::free(now, version, id.clone(), place),
            condition,
        })
    }
}
