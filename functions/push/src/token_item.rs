//! The item of a token: which device holds it, and its place in the order of arrival.

use crate::device::{TOMBSTONE, Version};
use crate::{DeviceId, Time};

/// A token's item. It is kept for a day when its device lets go of the token: a slower, earlier registration may still be
/// under way, and has to find the token's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenItem {
    /// New on every write.
    pub version: Version,
    /// The device that the last registration of the token named. Whether it holds the token, only that device's item tells.
    pub device: DeviceId,
    /// When the last registration that named the token arrived: its place in the order of arrival.
    pub place: Time,
    /// From here on it is absent to every reader, whether or not it was swept; whole seconds.
    pub expires: Time,
}

impl TokenItem {
    /// The item of a token that no device holds.
    #[must_use]
    pub fn free(now: Time, version: Version, device: DeviceId, place: Time) -> Self {
        Self {
            version,
            device,
            place,
            expires: Time::from_seconds((now + TOMBSTONE).seconds()),
        }
    }

    /// The item where it has not expired.
    #[must_use]
    pub fn present(&self, now: Time) -> Option<&Self> {
        (self.expires > now).then_some(self)
    }
}
