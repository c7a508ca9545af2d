//! Unregistering: a logout, an uninstall seen in time, a token found dead.

use crate::change::{Absent, Action, Case, Change, seen};
use crate::device::{Ended, Policy, Record, State, TOMBSTONE, Version};
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

/// The end of a device of a user who has too many, if it still is that user's. Its last call keeps its place: one that is
/// under way comes later and registers it again.
#[must_use]
pub fn evict(
    now: Time,
    found: Found<'_>,
    user: &UserId,
    version: Version,
    policy: &Policy,
) -> Option<Change> {
    let record = found.record?;
    policy.receives(record, user, now)?;
    end(now, found, Case::Eviction, record.arrived, version)
}

/// The device ends: its item becomes a tombstone, its token is free, its user's index does not have it.
fn end(now: Time, found: Found<'_>, case: Case, arrived: Time, version: Version) -> Option<Change> {
    let record = found.record?;
    let device = record.device()?;
    let user = device.binding.as_ref().map(|binding| binding.user.clone());
    let tombstone = Record {
        version,
        arrived,
        expires: now + TOMBSTONE,
        departed: record.departed(now),
        state: State::Ended(Ended { user: user.clone() }),
    };
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
        actions.push(Action::DeleteToken {
            key: device.token.key(),
            device: found.id.clone(),
            absent: Absent::Fine,
        });
    }
    actions.extend(user.map(|user| Action::DeleteLink {
        user,
        device: found.id.clone(),
    }));
    Some(Change { case, actions })
}

/// The device is unknown, or has ended.
fn absent(
    now: Time,
    found: Found<'_>,
    caller: &Caller,
    arrived: Time,
    version: Version,
) -> Result<Unregistration, Refusal> {
    let ended = found
        .record
        .and_then(|record| record.present(now))
        .and_then(|record| match &record.state {
            State::Ended(ended) => ended.user.as_ref(),
            State::Live(_) => None,
        });
    match caller {
        Caller::Nobody => Err(Refusal::NotFound),
        Caller::User { .. } => {
            let answer = if ended.is_some_and(|user| caller.was(user)) {
                Ok(())
            } else {
                Err(Refusal::NotFound)
            };
            Ok(depart(now, found, caller, arrived, version, answer))
        }
        // It may speak for everybody, so everybody's earlier registrations end with it.
        Caller::Provisioned | Caller::Backend => {
            let before = found.record.and_then(|record| record.present(now));
            if before.is_some_and(|record| record.arrived >= arrived) {
                return Err(Refusal::NotFound);
            }
            let record = tombstone(
                now,
                before,
                arrived,
                version,
                Ended {
                    user: ended.cloned(),
                },
            );
            Ok(Unregistration {
                change: Some(leave(found, record)),
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
    let Caller::User { user, .. } = caller else {
        return Unregistration {
            change: None,
            answer,
        };
    };
    let before = found.record.and_then(|record| record.present(now));
    let known = before.is_some_and(|record| {
        record.arrived >= arrived
            || record
                .departed
                .get(user)
                .is_some_and(|left| *left >= arrived)
    });
    if known {
        return Unregistration {
            change: None,
            answer,
        };
    }
    let mut record = match before {
        Some(record) if record.live(now).is_some() => Record {
            version,
            departed: record.departed(now),
            ..record.clone()
        },
        Some(record) => {
            let ended = match &record.state {
                State::Ended(ended) => ended.clone(),
                State::Live(_) => Ended::default(),
            };
            tombstone(now, before, record.arrived, version, ended)
        }
        None => tombstone(now, before, Time::default(), version, Ended::default()),
    };
    record.departed.insert(user.clone(), arrived);
    Unregistration {
        change: Some(leave(found, record)),
        answer,
    }
}

fn tombstone(
    now: Time,
    before: Option<&Record>,
    arrived: Time,
    version: Version,
    ended: Ended,
) -> Record {
    let departed = before
        .map(|record| record.departed(now))
        .unwrap_or_default();
    Record {
        version,
        arrived,
        expires: now + TOMBSTONE,
        departed,
        state: State::Ended(ended),
    }
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
