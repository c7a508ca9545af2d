//! That a notification is to go away from the other phones of whoever has opened it.

use super::rendered::Rendered;
use crate::{DeviceId, MessageId, UserId};
use serde_json::{Value, json};

/// A notification that its reader has opened on one of their devices.
#[derive(Clone, PartialEq)]
pub(super) struct Dismissal {
    /// The message that was opened.
    pub nid: MessageId,
    /// Where it was: there it is gone already.
    pub device: DeviceId,
}

/// The word by which the Android SDK tells it from a notification.
const ACTION: &str = "com.ibm.mobilefirstplatform.clientsdk.android.push.DISMISS_NOTIFICATION";

/// The key under which it is kept, which no message that a backend asks for has.
const KEPT: &str = "dismissal";

impl Dismissal {
    /// How it is kept: with the one whose phones it is for.
    pub fn kept(&self, reader: &UserId) -> Value {
        json!({KEPT: {
            "nid": self.nid.as_str(),
            "deviceId": self.device.as_str(),
            "userId": reader.as_str(),
        }})
    }

    /// The same, if it is what is kept.
    pub fn read_back(kept: &Value) -> Option<(Self, UserId)> {
        let kept = kept.get(KEPT)?;
        let text = |name| kept.get(name).and_then(Value::as_str);
        let dismissal = Self {
            nid: MessageId::parse(text("nid")?).ok()?,
            device: DeviceId::parse(text("deviceId")?).ok()?,
        };
        Some((dismissal, UserId::parse(text("userId")?).ok()?))
    }

    /// For Google; it wakes nobody.
    pub fn render(&self) -> Rendered {
        Rendered::Fcm {
            message: json!({"android": {"priority": "NORMAL"}, "data": self.data()}).to_string(),
            time_to_live: None,
        }
    }

    /// How many bytes `data` takes.
    pub fn size(&self) -> usize {
        self.data().to_string().len()
    }

    fn data(&self) -> Value {
        json!({"action": ACTION, "nid": self.nid.as_str()})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;
    use crate::{Platform, Span};

    #[test]
    fn it_goes_to_the_android_phones_of_its_reader_but_one_and_is_kept_as_it_is() {
        let (nid, device) = ("1DTVa5uX", "D1");
        let nid = MessageId::parse(nid).unwrap();
        let device = DeviceId::parse(device).unwrap();
        let alice = UserId::parse("alice").unwrap();
        let message = Message::dismissal(nid.clone(), alice, device.clone());
        assert!(Message::read_back(message.echo()).unwrap() == message);
        assert!(message.reaches(Platform::Fcm) && !message.reaches(Platform::Apns));
        assert!(message.spares(&device));
        assert!(!message.spares(&DeviceId::parse("D2").unwrap()));
        assert_eq!((message.alert(), message.syncs()), (None, false));
        let other = MessageId::parse("AAAAAAA0").unwrap();
        let rendered = message.render(Platform::Fcm, &other, Some("u"), Span::from_seconds(9));
        let Some(Rendered::Fcm { message, .. }) = rendered else {
            panic!("it is for Google");
        };
        let message: Value = serde_json::from_str(&message).unwrap();
        assert_eq!(
            message,
            json!({"android": {"priority": "NORMAL"}, "data": {"action": ACTION, "nid": "1DTVa5uX"}})
        );
    }

    #[test]
    fn no_backend_can_ask_for_one() {
        let kept = json!({"dismissal": {"nid": "1DTVa5uX", "deviceId": "D1", "userId": "alice"}});
        assert!(Message::parse(&kept).is_err());
        let mut asked = kept;
        asked["message"] = json!({"alert": "a"});
        asked["target"] = json!({"userIds": ["alice"]});
        let message = Message::parse(&asked).unwrap();
        assert_eq!(message.echo().get(KEPT), None);
    }
}
