//! Tags: what people subscribe to, as backends name it.

use crate::device::shard;
use crate::{DeviceId, Invalid, Time};

/// What people subscribe to: 1 to 254 characters that survive a URL path, compared as they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagName(String);

/// Which tag of a name it is: random, and another one when a tag is made again after it was deleted. Who subscribed to the
/// deleted one has not subscribed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId(pub [u8; 16]);

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Which one of its name.
    pub id: TagId,
    /// What a backend says of it.
    pub description: Description,
    /// When it was made.
    pub created: Time,
    /// When it was last changed.
    pub updated: Time,
}

/// What a backend says of a tag: at most 1,000 characters, and often none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description(String);

/// Into so many parts the index of a tag is cut: many devices may subscribe to one tag at the same time, and a send to it is
/// worked off part by part. Fixed for ever.
pub const SHARDS: u8 = 16;

const NAME_RULE: &str = "It has 1 to 254 characters, none of them a control character or one of % ? # / \\ & ; \", and is not '.' or '..'.";

impl TagName {
    /// # Errors
    /// [`Invalid`] names `tagName`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let length = text.chars().take(255).count();
        // API Gateway decodes a path before it routes: nothing that a path would need to escape to mean itself.
        let allowed = |char: char| !char.is_control() && !"%?#/\\&;\"".contains(char);
        if (1..=254).contains(&length) && text.chars().all(allowed) && !matches!(text, "." | "..") {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("tagName", NAME_RULE))
        }
    }

    /// The name as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Description {
    /// # Errors
    /// [`Invalid`] names `description`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.chars().take(1001).count() <= 1000 {
            Ok(Self(text.to_owned()))
        } else {
            let rule = "It has at most 1,000 characters.";
            Err(Invalid::new("description", rule))
        }
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The part of every tag's index that holds a device: fixed for ever, and in the order of the shards of devices.
#[must_use]
pub fn shard_of(device: &DeviceId) -> u8 {
    shard(device) / (u8::MAX / SHARDS + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_on_both_sides_of_each_limit() {
        let longest = "é".repeat(254);
        for good in [
            "t",
            &longest,
            "Breaking news",
            "...",
            "a.b_c~d:e@f+g=h,i!$*()'-",
            "🦀",
        ] {
            assert_eq!(TagName::parse(good).unwrap().as_str(), good);
        }
        let long = "é".repeat(255);
        for bad in [
            "", &long, ".", "..", "a%b", "a?b", "a#b", "a/b", "a\\b", "a&b", "a;b", "a\"b",
            "a\u{0}b", "a\u{85}b",
        ] {
            let invalid = TagName::parse(bad).unwrap_err();
            assert_eq!(invalid.parameter(), "tagName", "{bad:?}");
        }
    }

    #[test]
    fn a_description_is_taken_up_to_its_limit() {
        for good in [String::new(), "é\n".repeat(500)] {
            assert_eq!(Description::parse(&good).unwrap().as_str(), good);
        }
        let invalid = Description::parse(&"é".repeat(1001)).unwrap_err();
        assert_eq!(invalid.parameter(), "description");
    }

    #[test]
    fn the_parts_of_an_index_follow_the_shards_of_devices() {
        let ids = (0..2000).map(|n| DeviceId::parse(&n.to_string()).unwrap());
        let parts = ids.map(|id| {
            assert_eq!(shard_of(&id), shard(&id) >> 4);
            shard_of(&id)
        });
        let parts: std::collections::BTreeSet<_> = parts.collect();
        assert_eq!(parts, (0..SHARDS).collect());
    }
}
