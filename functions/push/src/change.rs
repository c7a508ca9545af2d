//! What one transaction changes, and what has to hold for it.

use crate::device::{Record, Version};
use crate::{DeviceId, Time, TokenKey, UserId};

/// Everything that one decision changes: all of it, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which case of the rules it is.
    pub case: Case,
    /// What is written.
    pub actions: Vec<Action>,
}

/// The cases of the rules, by name: for the log and for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// The device was unknown, had ended or expired.
    New,
    /// Nothing changes but times; or a link or token item had gone missing.
    Renewal,
    /// The device has another token.
    TokenRefresh,
    /// The device goes over to another user.
    OwnerChange,
    /// The token comes back under a new device id; the old device ends.
    Reinstall,
    /// Both at once, on a device that is known.
    OwnerChangeAndReinstall,
    /// The token's item names a device that no longer holds it.
    StaleToken,
    /// The device belongs to nobody from now on.
    AnonymousTakeover,
    /// The device ends.
    Unregister,
    /// The device ends because its token is dead.
    Removal,
    /// The device ends because its user has too many.
    Eviction,
    /// The device ends, or an index entry goes, because its user is erased.
    Erasure,
    /// A user's logout from a device that is not theirs is remembered.
    Departure,
}

/// One write or check, with its condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The device's item becomes `record`, if it is as it was seen.
    PutDevice {
        /// The device.
        id: DeviceId,
        /// All of its new item.
        record: Record,
        /// As it was seen.
        seen: Seen,
    },
    /// Nothing is written; the device's item has to be as it was seen.
    CheckDevice {
        /// The device.
        id: DeviceId,
        /// As it was seen.
        seen: Seen,
    },
    /// The token belongs to the device.
    PutToken {
        /// The token's name.
        key: TokenKey,
        /// Its device.
        device: DeviceId,
        /// When it expires, with the device; whole seconds.
        expires: Time,
        /// The device that it has to name before, or nothing where there has to be no item.
        held: Option<DeviceId>,
    },
    /// The token is free.
    DeleteToken {
        /// The token's name.
        key: TokenKey,
        /// The device that it has to name.
        device: DeviceId,
        /// Whether it may be gone already.
        absent: Absent,
    },
    /// The user's index has the device. No condition: only who holds the device's version writes its links.
    PutLink {
        /// The user.
        user: UserId,
        /// The device.
        device: DeviceId,
        /// The end of the lease; whole seconds.
        expires: Time,
    },
    /// The user's index does not have the device.
    DeleteLink {
        /// The user.
        user: UserId,
        /// The device.
        device: DeviceId,
    },
}

/// How an item was seen: its version, or that there was none. An expired item that is still there has a version.
pub type Seen = Option<Version>;

/// What a delete makes of an item that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// The transaction fails.
    Fails,
    /// That is fine.
    Fine,
}

/// The version that was seen, if there was an item.
#[must_use]
pub fn seen(record: Option<&Record>) -> Seen {
    record.map(|record| record.version)
}
