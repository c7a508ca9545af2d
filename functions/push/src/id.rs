//! The names that the contract gives to applications, devices, users and messages.

use crate::Invalid;
use std::fmt;

/// What an app calls one installation of itself on one phone: 1 to 128 characters that survive a URL path unchanged.
/// API Gateway decodes a path before it routes, so nothing that a path would need to escape is part of the alphabet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(String);

/// A person, as the app names them: 1 to 254 characters, no control characters, compared as they are.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(String);

/// The name of this installation of Userpush in every path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicationId(String);

/// One accepted message: 8 letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(String);

const DEVICE_ID_RULE: &str = "It has 1 to 128 of the characters A-Z a-z 0-9 . _ ~ : @ + = , ! $ * ( ) ' - and is not one of the words that stand for nothing.";
const USER_ID_RULE: &str =
    "It has 1 to 254 characters, none of them a control character, and is not 'anonymous'.";

/// What broken apps send where they have no id, and the one name that a route of the original service has.
const NO_DEVICE: [&str; 6] = [".", "..", "null", "undefined", "(null)", "report"];

impl DeviceId {
    /// # Errors
    /// [`Invalid`] names `deviceId`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._~:@+=,!$*()'-".contains(&b);
        if (1..=128).contains(&text.len())
            && text.bytes().all(allowed)
            && !NO_DEVICE.contains(&text)
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("deviceId", DEVICE_ID_RULE))
        }
    }

    /// The id as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl UserId {
    /// The word that an answer shows where a device has no user; nobody can be called so.
    pub const ANONYMOUS: &'static str = "anonymous";

    /// # Errors
    /// [`Invalid`] names `userId`; it never repeats the text.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let length = text.chars().take(255).count();
        if (1..=254).contains(&length)
            && !text.chars().any(char::is_control)
            && text != Self::ANONYMOUS
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("userId", USER_ID_RULE))
        }
    }

    /// The id as it was given. It names a person: it goes into the table and into answers to its owner, never into a log.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Redacted: a user id is often an e-mail address.
impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId(…)")
    }
}

impl ApplicationId {
    /// # Errors
    /// [`Invalid`] names `applicationId`: 1 to 64 letters, digits, `-` and `_`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "applicationId",
                "It has 1 to 64 letters, digits, '-' and '_'.",
            ))
        }
    }

    /// The id as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl MessageId {
    /// # Errors
    /// [`Invalid`] names `messageId`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() == 8 && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("messageId", "It has 8 letters and digits."))
        }
    }

    /// An id from random bytes, or nothing where too few of them can be used: a byte past the last multiple of 62 would
    /// make some characters likelier than others. 32 bytes suffice in all but one of 10²⁰ cases.
    #[must_use]
    pub fn from_random(bytes: &[u8]) -> Option<Self> {
        const ALPHABET: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let fair = bytes.iter().filter(|b| **b < 248);
        let text: String = fair
            .take(8)
            .filter_map(|b| ALPHABET.get(usize::from(b % 62)))
            .map(|b| char::from(*b))
            .collect();
        Self::parse(&text).ok()
    }

    /// The id as it was made.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_id_is_taken_on_both_sides_of_each_limit() {
        for good in [
            "D",
            &"d".repeat(128),
            "a.b_c~d:e@f+g=h,i!j$k*l(m)n'o-p",
            "Report",
            "...",
        ] {
            assert_eq!(DeviceId::parse(good).unwrap().as_str(), good);
        }
        let long = "d".repeat(129);
        for bad in [
            "",
            &long,
            "a b",
            "a/b",
            "a%b",
            "a?b",
            "a#b",
            "a&b",
            "a;b",
            "a\"b",
            "a\\b",
            "é",
            "a\n",
            "null",
            "undefined",
            "(null)",
            "report",
            ".",
            "..",
        ] {
            assert_eq!(
                DeviceId::parse(bad).unwrap_err().parameter(),
                "deviceId",
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_user_id_is_counted_in_characters_and_kept_as_it_is() {
        for good in [
            "a",
            " Alice ",
            "anonymous2",
            "Anonymous",
            &"é".repeat(254),
            "😀",
        ] {
            assert_eq!(UserId::parse(good).unwrap().as_str(), good);
        }
        let long = "é".repeat(255);
        for bad in [
            "",
            &long,
            "anonymous",
            "a\u{0}b",
            "a\u{7f}",
            "a\u{85}b",
            "\n",
        ] {
            assert_eq!(
                UserId::parse(bad).unwrap_err().parameter(),
                "userId",
                "{bad:?}"
            );
        }
    }

    #[test]
    fn a_user_id_does_not_show_itself() {
        assert!(!format!("{:?}", UserId::parse("alice").unwrap()).contains("alice"));
    }

    #[test]
    fn a_message_id_uses_every_character_equally() {
        assert_eq!(
            MessageId::from_random(&[0, 25, 26, 51, 52, 61, 62, 247])
                .unwrap()
                .as_str(),
            "AZaz09A9"
        );
        assert_eq!(
            MessageId::from_random(&[248, 255, 0, 0, 0, 0, 0, 0, 0]),
            None
        );
    }
}
