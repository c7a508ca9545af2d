//! What one transaction changes, and what has to hold for it.

use crate::device::{Record, Version};
use crate::logout::UserHash;
use crate::token_item::TokenItem;
use crate::{DeviceId, TagName, Time, TokenKey, UserId};

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
    /// The device's endpoint was found disabled: SNS has to be asked about it.
    Revival,
    /// The device ends because its user has too many.
    Eviction,
    /// The device ends, or an index entry goes, because its user is erased.
    Erasure,
    /// The registration came too late to bind: what it would have ended has ended.
    Overtaken,
    /// A logout that ends nothing leaves its marker.
    LogoutMarker,
    /// The device subscribes to tags.
    Subscription,
    /// The device no longer subscribes to tags.
    Unsubscription,
}

/// One write or check, with its condition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are a handful of them, and they move once"
)]
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
    /// The token's item becomes `item`: a device holds the token from now on, or no longer does.
    PutToken {
        /// The token's name.
        key: TokenKey,
        /// All of its new item.
        item: TokenItem,
        /// What its item has to be before.
        condition: TokenCondition,
    },
    /// Nothing is written; the user must not have been erased when the registration arrived or later, nor after its secret was
    /// made.
    CheckErasure {
        /// The user.
        user: UserHash,
        /// When the registration arrived.
        arrived: Time,
        /// When the client secret was made, where it was made for one user; whole seconds.
        issued: Option<Time>,
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
    /// The tag's index has the device. No condition, as for links.
    PutSubscription {
        /// The tag.
        tag: TagName,
        /// The device.
        device: DeviceId,
        /// When the device's item expires; whole seconds.
        expires: Time,
    },
    /// The tag's index does not have the device.
    DeleteSubscription {
        /// The tag.
        tag: TagName,
        /// The device.
        device: DeviceId,
    },
}

/// How an item was seen: its version, or that there was none. An expired item that is still there has a version.
pub type Seen = Option<Version>;

/// What has to hold for a token's item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenCondition {
    /// It is as it was seen.
    AsSeen(Seen),
    /// The item names this device, or does not exist. This is the condition for an item that was not read.
    NamesNoOther(DeviceId),
}

/// The version that was seen, if there was an item.
#[must_use]
pub fn seen(record: Option<&Record>) -> Seen {
    record.map(|record| record.version)
}
