//! Simulated phones, and names that no other story uses.

use crate::noted::note;
use serde_json::{Value, json};

/// An installed app: its device id, and the token that its platform gave it.
#[derive(Clone)]
pub(crate) struct Phone {
    pub(crate) device: String,
    pub(crate) token: String,
    pub(crate) platform: &'static str,
}

impl Phone {
    /// A new Android phone.
    pub(crate) fn android() -> Self {
        Self {
            device: device(),
            token: fcm_token(),
            platform: "G",
        }
    }

    /// A new iPhone.
    pub(crate) fn iphone() -> Self {
        Self {
            device: device(),
            token: apns_token(),
            platform: "A",
        }
    }

    /// The same phone after its app was deleted and installed again: another device id, the same token.
    pub(crate) fn reinstalled(&self) -> Self {
        Self {
            device: device(),
            ..self.clone()
        }
    }

    /// The same app after its platform gave it a new token.
    pub(crate) fn refreshed(&self) -> Self {
        let token = if self.platform == "A" {
            apns_token()
        } else {
            fcm_token()
        };
        Self {
            token,
            ..self.clone()
        }
    }

    /// What the app sends to register for a user, or for nobody.
    pub(crate) fn body(&self, user: Option<&str>) -> Value {
        let mut body =
            json!({"deviceId": self.device, "token": self.token, "platform": self.platform});
        if let Some(user) = user {
            body["userId"] = user.into();
        }
        body
    }
}

/// A user id that nobody else has.
pub(crate) fn user(name: &str) -> String {
    note(format!("{name}-{}", random_hex(8)))
}

/// A device id that nobody else has.
pub(crate) fn device() -> String {
    format!("device-{}", random_hex(8))
}

/// A token as FCM makes them.
pub(crate) fn fcm_token() -> String {
    note(format!("{}:APA91b{}", random_hex(11), random_hex(32)))
}

/// A token as APNs makes them.
pub(crate) fn apns_token() -> String {
    note(random_hex(32))
}

/// So many random bytes in lower-case hex.
pub(crate) fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).expect("the system has randomness");
    hex(&random)
}

/// Bytes in lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
