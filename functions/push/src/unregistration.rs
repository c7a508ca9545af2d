//! Unregistering: a logout, an uninstall seen in time, a token found dead.

use crate::change::{Action, Case, Change, Held, seen};
use crate::device::{Policy, Record, UserMark, Version};
use crate::registration::Holder;
use crate::{Caller, DeviceId, Refusal, Time, UserId};

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
    /// The token's item, where it was read.
    pub token: Option<Option<&'a Holder>>,
}

/// What unregistering a device comes to. Whoever logs out from a device that is not theirs, or not known, is answered
/// that there is none, and any registration of theirs that arrived before and is still under way will change nothing.
///
/// # Errors
/// [`Refusal::Unauthorized`] where the caller may not and nothing is to be remembered.
pub fn unregister(
    now: Time,
    found: Found<'_>,
    caller: &Caller,
    arrived: Time,
    version: Version,
    policy: &Policy,
) -> Result<Unregistration, Refusal> {
    let present = found.record.filter(|record| record.present(now).is_some());
    let Some(device) = present.and_then(|record| record.live(now)) else {
        return absent(now, found, caller, arrived, version);
    };
    if let Some(owner) = policy.owner(device, now) {
        match caller {
            Caller::Nobody => return Err(Refusal::Unauthorized),
            Caller::User { .. } if !caller.was(owner) => {
                return Ok(depart(
                    now,
                    found,
                    caller,
                    arrived,
                    version,
                    Err(Refusal::NotFound),
                ));
            }
            Caller::User { .. } | Caller::Provisioned | Caller::Backend => {}
        }
    }
    if present.is_some_and(|record| record.arrived > arrived) {
        return Ok(Unregistration {
            change: None,
            answer: Ok(()),
        });
    }
    Ok(Unregistration {
        change: end(now, found, Case::Unregister, arrived, version),
        answer: Ok(()),
    })
}

/// The removal of a device whose token was found dead at `at`, if it has not registered since.
#[must_use]
pub fn remove(
    now: Time,
    found: Found<'_>,
    endpoint: &str,
    at: Time,
    version: Version,
) -> Option<Change> {
    let record = found.record?;
    let device = record.live(now)?;
    let dead = device.endpoint == endpoint && device.checked < at && record.arrived <= at;
    if dead {
        end(now, found, Case::Removal, at, version)
    } else {
        None
    }
}

/// The end of a device of a user who has too many, if it still is that user's and has not registered again since its lease
/// was seen to end at `lease`. Its last call keeps its place: one that is under way comes later and registers it again.
#[must_use]
pub fn evict(
    now: Time,
    found: Found<'_>,
    user: &UserId,
    lease: Time,
    version: Version,
    policy: &Policy,
) -> Option<Change> {
    let record = found.record?;
    let device = policy.receives(record, user, now)?;
    device
        .binding
        .as_ref()
        .filter(|binding| binding.lease <= lease)?;
    end(now, found, Case::Eviction, record.arrived, version)
}

/// The device ends: its item becomes a tombstone, its token is free, its user's index does not have it.
fn end(now: Time, found: Found<'_>, case: Case, arrived: Time, version: Version) -> Option<Change> {
    let record = found.record?;
    let device = record.device()?;
    let user = device.binding.as_ref().map(|binding| &binding.user);
    let mark = user.filter(|_| case != Case::Erasure).map(UserMark::of);
    let tombstone = Record::tombstone(now, arrived, version, record.departed(now), mark);
    let mut actions = vec![Action::PutDevice {
        id: found.id.clone(),
        record: tombstone,
        seen: Some(record.version),
    }];
    // Not read: the condition tells. Read, and another's: it stays.
    if found
        .token
        .is_none_or(|token| token.is_none_or(|holder| holder.device == *found.id))
    {
        actions.push(Action::PutToken {
            key: device.token.key(),
            holder: Holder::past(now, found.id, record),
            held: Held::ByNobodyElse(found.id.clone()),
        });
    }
    actions.extend(user.map(|user| Action::DeleteLink {
        user: user.clone(),
        device: found.id.clone(),
    }));
    actions.extend(device.subscriptions.unindexed(found.id));
    Some(Change { case, actions })
}

/// What erasing a user does to a device in the user's index: the device ends where it is the user's, whatever arrived
/// later, and nothing is kept that names them; else only the entry goes.
#[must_use]
pub fn erase(
    now: Time,
    found: Found<'_>,
    user: &UserId,
    arrived: Time,
    version: Version,
) -> Option<Change> {
    let device = found.record.and_then(Record::device);
    if device.is_some_and(|device| device.binding.as_ref().is_some_and(|own| own.user == *user)) {
        let arrived = arrived.max(found.record?.arrived);
        return end(now, found, Case::Erasure, arrived, version);
    }
    let check = Action::CheckDevice {
        id: found.id.clone(),
        seen: seen(found.record),
    };
    let link = Action::DeleteLink {
        user: user.clone(),
        device: found.id.clone(),
    };
    Some(Change {
        case: Case::Erasure,
        actions: vec![check, link],
    })
}

/// The device is unknown, or has ended.
fn absent(
    now: Time,
    found: Found<'_>,
    caller: &Caller,
    arrived: Time,
    version: Version,
) -> Result<Unregistration, Refusal> {
    let before = found.record.and_then(|record| record.present(now));
    let left = before.and_then(Record::left_by);
    match caller {
        Caller::Nobody => Err(Refusal::NotFound),
        Caller::User { .. } => {
            let again = left.is_some() && left == caller.mark().as_ref();
            let answer = if again {
                Ok(())
            } else {
                Err(Refusal::NotFound)
            };
            Ok(depart(now, found, caller, arrived, version, answer))
        }
        // It may speak for everybody, so everybody's earlier registrations end with it.
        Caller::Provisioned | Caller::Backend => {
            let later = before.is_some_and(|record| record.arrived >= arrived);
            let departed = before
                .map(|record| record.departed(now))
                .unwrap_or_default();
            let tombstone = Record::tombstone(now, arrived, version, departed, left.cloned());
            let change = (!later).then(|| leave(found, tombstone));
            Ok(Unregistration {
                change,
                answer: Err(Refusal::NotFound),
            })
        }
    }
}

/// The caller's departure is noted, on the live device of another or on a tombstone.
fn depart(
    now: Time,
    found: Found<'_>,
    caller: &Caller,
    arrived: Time,
    version: Version,
    answer: Result<(), Refusal>,
) -> Unregistration {
    let before = found.record.and_then(|record| record.present(now));
    let change = caller.mark().and_then(|mark| {
        let noted = |record: &Record| {
            record
                .departed
                .get(&mark)
                .is_some_and(|left| *left >= arrived)
        };
        if before.is_some_and(|record| record.arrived >= arrived || noted(record)) {
            return None;
        }
        let mut departed = before
            .map(|record| record.departed(now))
            .unwrap_or_default();
        departed.insert(mark, arrived);
        let record = match before {
            Some(record) if record.device().is_some() => Record {
                version,
                departed,
                ..record.clone()
            },
            _ => {
                let last = before.map(|record| record.arrived).unwrap_or_default();
                let left = before.and_then(Record::left_by).cloned();
                Record::tombstone(now, last, version, departed, left)
            }
        };
        Some(leave(found, record))
    });
    Unregistration { change, answer }
}

fn leave(found: Found<'_>, record: Record) -> Change {
    let put = Action::PutDevice {
        id: found.id.clone(),
        record,
        seen: seen(found.record),
    };
    Change {
        case: Case::Departure,
        actions: vec![put],
    }
}
