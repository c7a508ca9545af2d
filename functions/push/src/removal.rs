//! Devices that end without a call about them: the token is dead, or the user has too many devices.
//!
//! Neither moves the device's place in the order of arrival or leaves a marker: a registration that is under way registers
//! the device again.
//!
//! SNS disables an endpoint when the platform has refused its token. It stays disabled when the app registers the same token
//! and nothing asks SNS. It is also disabled by mistake, where the platform's credentials were wrong. So a disabled endpoint is
//! enabled once more before its device is removed.

use crate::change::{Action, Case, Change, seen};
use crate::device::{Device, Policy, Record, State, UNKNOWN, Version};
use crate::unregistration::Found;
use crate::{DeviceId, Time, UserId};
use std::cmp::Reverse;

/// An endpoint whose token looks dead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadEndpoint {
    /// Its ARN.
    pub arn: String,
    /// When that was found.
    pub at: Time,
    /// By whom.
    pub evidence: Evidence,
}

/// Who says that a token is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// SNS has refused a publish, because the endpoint is disabled. That can be old, or a fault of the platform's credentials.
    Disabled,
    /// The platform has refused a push, as SNS reports.
    Reported,
}

/// The removal of a device whose token was found dead, if it has not registered since. A disabled endpoint must have been
/// [revived](revive) before.
#[must_use]
pub fn remove(
    now: Time,
    found: Found<'_>,
    dead: &DeadEndpoint,
    version: Version,
) -> Option<Change> {
    let record = found.record?;
    let device = record.live(now)?;
    let proven = match dead.evidence {
        Evidence::Disabled => device.revived.is_some_and(|revived| revived < dead.at),
        Evidence::Reported => true,
    };
    let stands = device.endpoint == dead.arn && device.checked < dead.at;
    (proven && stands && record.place <= dead.at)
        .then(|| found.end(now, record, Case::Removal, None, version))
}

/// A send has found the endpoint disabled, and has enabled it at `revived`, or has left it so. Either way the device stays,
/// and the next registration or reading by its owner asks SNS. Nothing where one has asked since, or that is noted already.
#[must_use]
pub fn revive(
    now: Time,
    found: Found<'_>,
    (endpoint, at): (&str, Time),
    revived: Option<Time>,
    version: Version,
) -> Option<Change> {
    let record = found.record?;
    let device = record.live(now)?;
    let noted = device.checked == UNKNOWN && device.revived >= revived;
    if device.endpoint != endpoint || device.checked >= at || noted {
        return None;
    }
    let device = Device {
        checked: UNKNOWN,
        revived: revived.or(device.revived),
        ..device.clone()
    };
    let record = Record {
        version,
        state: State::Live(device),
        ..record.clone()
    };
    Some(Change {
        case: Case::Revival,
        actions: vec![Action::PutDevice {
            id: found.id.clone(),
            record,
            seen: seen(found.record),
        }],
    })
}

/// The end of a device of a user who has too many, if it still is that user's and has not registered again since its lease
/// was seen to end at `lease`.
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
    let binding = device.binding.as_ref()?;
    (binding.lease <= lease).then(|| found.end(now, record, Case::Eviction, None, version))
}

/// Takes the devices that are more than `most` out of those of a user, each with the end of its lease: those whose leases end
/// first, which are those whose registrations were renewed longest ago.
#[must_use]
pub fn surplus(devices: &mut Vec<(DeviceId, Time)>, most: usize) -> Vec<(DeviceId, Time)> {
    if devices.len() <= most {
        return Vec::new();
    }
    devices.sort_by_key(|(_, lease)| Reverse(*lease));
    devices.split_off(most)
}
