//! Secrets that are provisioned with the system, and how a presented one is compared with them.

use crate::token::hex;
use hmac::{Hmac, KeyInit};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;

/// A provisioned secret. It has no `Display`, and `Debug` does not show it.
#[derive(Clone)]
pub struct Secret {
    text: String,
    key_id: String,
    mac: Hmac<Sha256>,
}

/// A secret that is too easy to guess: a user secret lets its holder try keys at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooShort;

impl Secret {
    /// The fewest bytes that a provisioned secret may have.
    pub const LEAST: usize = 32;

    /// # Errors
    /// [`TooShort`] under [`Secret::LEAST`] bytes.
    pub fn parse(text: &str) -> Result<Self, TooShort> {
        if text.len() < Self::LEAST {
            return Err(TooShort);
        }
        let digest = Sha256::digest(text);
        Ok(Self {
            text: text.to_owned(),
            key_id: hex(digest.get(..4).unwrap_or_default()),
            // Only a key of no length could be refused.
            mac: Hmac::new_from_slice(text.as_bytes()).map_err(|_| TooShort)?,
        })
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether `presented` has this text. The time it takes tells no more than whether it is as long: everybody knows how
    /// long a secret is that `template.yaml` makes.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        self.text.as_bytes().ct_eq(presented.as_bytes()).into()
    }

    /// HMAC-SHA256 with the secret as its key, to be given a text.
    pub(crate) fn mac(&self) -> Hmac<Sha256> {
        self.mac.clone()
    }

    /// The name by which a user secret tells the key that signed it: the first 8 hexadecimal digits of its SHA-256.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl fmt::Display for TooShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a provisioned secret has at least {} bytes",
            Secret::LEAST
        )
    }
}

impl std::error::Error for TooShort {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_matches() {
        let secret = Secret::parse(&"s".repeat(32)).unwrap();
        assert!(secret.matches(&"s".repeat(32)));
        for other in ["", "s", &"s".repeat(31), &"s".repeat(33), &"S".repeat(32)] {
            assert!(!secret.matches(other));
        }
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert_eq!(Secret::parse(&"s".repeat(31)).unwrap_err(), TooShort);
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert!(!format!("{:?}", Secret::parse(&"hidden".repeat(8)).unwrap()).contains("hidden"));
    }
}
