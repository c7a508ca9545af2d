//! What a push provider calls one installation of an app.

use crate::{Invalid, Platform};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

/// A platform token, as the app sent it. Whoever knows it can be pushed to: it appears in no log line.
#[derive(Clone)]
pub struct Token {
    platform: Platform,
    text: String,
    /// Once somebody has asked for it.
    key: OnceLock<TokenKey>,
}

/// The name under which the table holds a token: a hash, so that the same token has one name however it is spelt.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenKey(String);

/// How a token of Expo's own push service begins. Only that service can push to it.
const EXPO: [&str; 2] = ["ExponentPushToken[", "ExpoPushToken["];
const EXPO_RULE: &str = "It is a token of Expo's push service. It must be the one that FCM or APNs gave to the app: Expo's \
                         getDevicePushTokenAsync has it.";

impl Token {
    /// A token of the platform, and not one that Expo's push service gave for it. APNs: hexadecimal, of even length, 64 to 400 characters. FCM: 32 to 4,096 printable
    /// ASCII characters without spaces.
    ///
    /// # Errors
    /// [`Invalid`] names `token`.
    pub fn parse(platform: Platform, text: &str) -> Result<Self, Invalid> {
        if EXPO.iter().any(|expo| text.starts_with(expo)) {
            return Err(Invalid::new("token", EXPO_RULE));
        }
        let (fits, rule) = match platform {
            Platform::Apns => (
                (64..=400).contains(&text.len())
                    && text.len().is_multiple_of(2)
                    && text.bytes().all(|b| b.is_ascii_hexdigit()),
                "An APNs token has 64 to 400 hexadecimal characters, an even number of them.",
            ),
            Platform::Fcm => (
                (32..=4096).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()),
                "An FCM token has 32 to 4,096 printable ASCII characters without spaces.",
            ),
        };
        if fits {
            Ok(Self {
                platform,
                text: text.to_owned(),
                key: OnceLock::new(),
            })
        } else {
            Err(Invalid::new("token", rule))
        }
    }

    /// The platform that gave it.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.platform
    }

    /// The text as the app sent it: for SNS, the table, and answers to the device itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The one spelling of it: APNs tokens are numbers, written in lower case.
    #[must_use]
    pub fn canonical(&self) -> Cow<'_, str> {
        match self.platform {
            Platform::Apns => Cow::Owned(self.text.to_ascii_lowercase()),
            Platform::Fcm => Cow::Borrowed(&self.text),
        }
    }

    /// Whether both are one token, however they are spelt.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.platform == other.platform && self.canonical() == other.canonical()
    }

    /// Its name in the table.
    #[must_use]
    pub fn key(&self) -> TokenKey {
        let key = || {
            let digest = Sha256::new()
                .chain_update(self.platform.letter())
                .chain_update(":")
                .chain_update(self.canonical().as_bytes());
            TokenKey(hex(&digest.finalize()))
        };
        self.key.get_or_init(key).clone()
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.platform == other.platform && self.text == other.text
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?}, …)", self.platform)
    }
}

impl TokenKey {
    /// A name as the table holds it; nothing where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| Self(text.to_owned()))
    }

    /// 64 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |digit| char::from_digit(u32::from(digit), 16).unwrap_or_default();
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_apns_token_is_taken_on_both_sides_of_each_limit() {
        for good in ["0a".repeat(32), "AF".repeat(200)] {
            assert_eq!(Token::parse(Platform::Apns, &good).unwrap().expose(), good);
        }
        for bad in [
            String::new(),
            "0a".repeat(31),
            "0a".repeat(201),
            "0a".repeat(32) + "0",
            "0g".repeat(32),
            " ".repeat(64),
        ] {
            assert_eq!(
                Token::parse(Platform::Apns, &bad).unwrap_err().parameter(),
                "token"
            );
        }
    }

    #[test]
    fn an_fcm_token_is_taken_on_both_sides_of_each_limit() {
        for good in ["a".repeat(32), "~".repeat(4096)] {
            assert_eq!(Token::parse(Platform::Fcm, &good).unwrap().expose(), good);
        }
        for bad in [
            "a".repeat(31),
            "a".repeat(4097),
            "a b".repeat(20),
            "é".repeat(40),
            "a\n".repeat(20),
        ] {
            assert_eq!(
                Token::parse(Platform::Fcm, &bad).unwrap_err().parameter(),
                "token"
            );
        }
    }

    #[test]
    fn a_token_of_expo_is_none_of_either_platform() {
        for expo in ["ExponentPushToken", "ExpoPushToken"] {
            for platform in Platform::ALL {
                let text = format!("{expo}[xxxxxxxxxxxxxxxxxxxxxx]");
                let refused = Token::parse(platform, &text).unwrap_err();
                assert_eq!(refused, Invalid::new("token", EXPO_RULE), "{text}");
            }
            let other = expo.repeat(3);
            assert!(Token::parse(Platform::Fcm, &other).is_ok(), "{other}");
        }
    }

    #[test]
    fn one_apns_token_has_one_key_however_it_is_spelt() {
        let [lower, upper] = ["ab".repeat(32), "AB".repeat(32)]
            .map(|text| Token::parse(Platform::Apns, &text).unwrap());
        assert_eq!(lower.key(), upper.key());
        let [lower, upper] = ["ab".repeat(32), "AB".repeat(32)]
            .map(|text| Token::parse(Platform::Fcm, &text).unwrap());
        assert_ne!(lower.key(), upper.key());
    }

    #[test]
    fn the_key_is_fixed_for_ever() {
        let token = Token::parse(Platform::Apns, &"00".repeat(32)).unwrap();
        assert_eq!(
            token.key().as_str(),
            hex(&Sha256::digest(format!("A:{}", "0".repeat(64))))
        );
        assert_eq!(hex(&[0x00, 0x0f, 0xf0]), "000ff0");
    }

    #[test]
    fn a_token_does_not_show_itself() {
        let token = Token::parse(Platform::Fcm, &"secret".repeat(10)).unwrap();
        assert!(!format!("{token:?}").contains("secret"));
    }
}
