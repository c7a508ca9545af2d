//! A push as it reached a phone.

use serde_json::Value;

/// What the emulator handed to one token.
#[derive(Clone, Debug)]
pub(crate) struct Push(pub(crate) Value);

impl Push {
    /// The text that the phone shows.
    pub(crate) fn alert(&self) -> &str {
        let alert = if self.is_android() {
            &self.data()["alert"]
        } else {
            &self.0["payload"]["aps"]["alert"]["body"]
        };
        alert.as_str().unwrap_or_default()
    }

    /// The data of an Android push.
    pub(crate) fn data(&self) -> &Value {
        &self.fcm()["data"]
    }

    /// The FCM message, as its HTTP v1 API takes it.
    pub(crate) fn fcm(&self) -> &Value {
        &self.0["payload"]["fcmV1Message"]["message"]
    }

    /// The caller's payload with `nid` and `uid`, which travels as a JSON string.
    pub(crate) fn payload(&self) -> Value {
        let text = if self.is_android() {
            &self.data()["payload"]
        } else {
            &self.0["payload"]["payload"]
        };
        serde_json::from_str(text.as_str().expect("payload is a string")).expect("JSON")
    }

    fn is_android(&self) -> bool {
        self.0["payload"].get("fcmV1Message").is_some()
    }
}
