//! How a receiver knows that a call of its webhook is ours: by a key of this webhook alone, which nothing stores.

use super::WebhookId;
use crate::token::hex;
use crate::{ApplicationId, Secret, Time};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// The key of a webhook: who verifies with it can neither call the API nor sign for another webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(String);

impl SigningKey {
    /// The key that a version of the app secret makes: HMAC-SHA256 with it over `webhook`, a zero byte, the application, a
    /// zero byte, and the webhook's id.
    #[must_use]
    pub fn of(secret: &Secret, application: &ApplicationId, webhook: WebhookId) -> Self {
        let mac = secret
            .mac()
            .chain_update("webhook\0")
            .chain_update(application.as_str())
            .chain_update([0])
            .chain_update(webhook.0);
        Self(hex(&mac.finalize().into_bytes()))
    }

    /// The key itself, 64 hexadecimal digits, for a backend.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn sign(&self, seconds: u64, body: &str) -> String {
        // A key may be of any length.
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else {
            return String::new();
        };
        let mac = mac
            .chain_update(seconds.to_string())
            .chain_update(".")
            .chain_update(body);
        hex(&mac.finalize().into_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// The header `Userpush-Signature` of a body that is sent now: `t=<epoch seconds>`, and for each key
/// `v1=<HMAC-SHA256 over the seconds, a dot and the body>`, with the text of the key. While two versions of the app secret
/// count, a receiver that knows the key of either finds its own.
#[must_use]
pub fn signature<'a>(
    now: Time,
    body: &str,
    keys: impl IntoIterator<Item = &'a SigningKey>,
) -> String {
    let seconds = now.seconds();
    keys.into_iter()
        .fold(format!("t={seconds}"), |header, key| {
            format!("{header},v1={}", key.sign(seconds, body))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str, application: &str, id: u8) -> SigningKey {
        let secret = Secret::parse(&secret.repeat(32)).unwrap();
        let application = ApplicationId::parse(application).unwrap();
        SigningKey::of(&secret, &application, WebhookId([id; 16]))
    }

    #[test]
    fn a_key_is_of_one_secret_one_application_and_one_webhook() {
        let all = [
            key("s", "app", 1),
            key("t", "app", 1),
            key("s", "apq", 1),
            key("s", "app", 2),
        ];
        for (n, one) in all.iter().enumerate() {
            assert_eq!(one.expose().len(), 64);
            assert!(all.iter().skip(n + 1).all(|other| one != other));
        }
    }

    /// As `openssl dgst -sha256 -hmac` makes them.
    #[test]
    fn key_and_signature_are_what_the_contract_says() {
        let key = key("s", "app", 1);
        assert_eq!(
            key.expose(),
            "4bb2ab18653bd8087bcce481aa7b2dca5eadcd7e7dbac7a6ad389690acf404a3"
        );
        let now = Time::from_millis(1_700_000_000_999);
        assert_eq!(
            signature(now, "{}", [&key]),
            "t=1700000000,v1=bc7b18b47b5784ede8b592879e4847cbd17ab9d62ddca34be3b5b6b73ea82c61"
        );
        assert_eq!(
            signature(now, "{}", [&key, &key]),
            "t=1700000000,v1=bc7b18b47b5784ede8b592879e4847cbd17ab9d62ddca34be3b5b6b73ea82c61,v1=bc7b18b47b5784ede8b592879e4847cbd17ab9d62ddca34be3b5b6b73ea82c61"
        );
    }

    #[test]
    fn a_key_does_not_show_itself() {
        assert_eq!(format!("{:?}", key("s", "app", 1)), "SigningKey(…)");
    }
}
