//! The form of an event on the queue.

use crate::form::{Form, Unread};
use crate::{Cause, ascii};
use push::event::EventType;
use push::webhook::{WebhookId, WebhookName};
use serde::{Deserialize, Serialize};

/// Its forms.
const FORM: Form = Form {
    what: "an event",
    written: 2,
    read: 2,
};

/// What one message of the queue asks for: that an event be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The type of the event.
    pub kind: EventType,
    /// Its id, for the log.
    pub event: String,
    /// What is sent, to each webhook and at each attempt the same.
    pub body: String,
    /// The webhook that is to be told; at first nobody is named, and a notice is made for each that wants it.
    pub to: Option<(WebhookName, WebhookId)>,
}

/// The form on the queue.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default)]
    form: u64,
    event: String,
    id: String,
    body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<WrittenTo>,
}

#[derive(Serialize, Deserialize)]
struct WrittenTo {
    name: String,
    id: String,
}

impl Notice {
    /// The body of the queue's message: JSON in ASCII, because SQS refuses some of the characters that a user id may have.
    #[must_use]
    pub fn to_text(&self) -> String {
        let to = self.to.as_ref().map(|(name, id)| WrittenTo {
            name: name.as_str().to_owned(),
            id: id.to_text(),
        });
        let written = Written {
            form: FORM.written,
            event: self.kind.name().to_owned(),
            id: self.event.clone(),
            body: self.body.clone(),
            to,
        };
        ascii::json(&serde_json::json!(written).to_string())
    }

    /// What such a body asks for.
    ///
    /// # Errors
    /// A body of a newer release, or one that was written by none; it is not repeated.
    pub fn parse(text: &str) -> Result<Self, Cause> {
        let none = || "a message of the queue is no event".into();
        match FORM.parse(text) {
            Ok(written) => Self::read(written).ok_or_else(none),
            Err(Unread::Newer(newer)) => Err(newer.into()),
            Err(Unread::Nothing) => Err(none()),
        }
    }

    fn read(written: Written) -> Option<Self> {
        let to = match written.to {
            Some(to) => Some((
                WebhookName::parse(&to.name).ok()?,
                WebhookId::parse(&to.id)?,
            )),
            None => None,
        };
        Some(Self {
            kind: EventType::parse(&written.event)?,
            event: written.id,
            body: written.body,
            to,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::held;
    use push::event::{Event, EventId, Reason, What};
    use push::{ApplicationId, DeviceId, Platform, Time, UserId};

    #[test]
    fn what_any_release_wrote_is_read_and_is_ascii() {
        let event = Notice {
            kind: EventType::DeviceUpdate,
            event: "e1".to_owned(),
            body: r#"{"userId":"zoë\\🦀"}"#.to_owned(),
            to: None,
        };
        let name = WebhookName::parse("crm").unwrap();
        let one = Notice {
            body: "{}".to_owned(),
            to: Some((name, WebhookId([10; 16]))),
            ..event.clone()
        };
        let end = Notice {
            kind: EventType::DeviceUnregister,
            body: end(),
            ..event.clone()
        };
        let notices = [event, one, end];
        let written = notices.each_ref().map(Notice::to_text);
        assert!(written.iter().all(|text| text.is_ascii()));
        for (form, lines) in held("notice", FORM, &written) {
            for (line, notice) in lines.iter().zip(&notices) {
                let mut expected = notice.clone();
                // The first form has whole seconds and no reason. It is sent as it was written.
                if form == 1 && notice.kind == EventType::DeviceUnregister {
                    let body = expected.body.replace(".007Z", "Z");
                    expected.body = body.replace(r#""reason":"logout","#, "");
                }
                assert_eq!(Notice::parse(line).unwrap(), expected, "{form}");
            }
        }
    }

    /// The body of the event that a device has ended.
    fn end() -> String {
        let event = Event {
            what: What::Unregistered(Reason::Logout),
            device: DeviceId::parse("D1").unwrap(),
            platform: Platform::Fcm,
            user: Some(UserId::parse("alice").unwrap()),
        };
        let time = Time::from_millis(1_779_277_331_007);
        let application = ApplicationId::parse("app").unwrap();
        event.body(EventId([1; 16]), time, &application)
    }

    #[test]
    fn what_is_no_event_is_refused_without_being_repeated() {
        for text in [
            "",
            "{}",
            r#"{"body":"{}","event":"onSecret","id":"e1"}"#,
            r#"{"body":{},"event":"onSubscribe","id":"e1"}"#,
            r#"{"body":"{}","event":"onSubscribe","id":"e1","to":{"name":"a b","id":"00000000000000000000000000000000"}}"#,
            r#"{"body":"{}","event":"onSubscribe","id":"e1","to":{"name":"a","id":"0"}}"#,
        ] {
            let error = Notice::parse(text).unwrap_err().to_string();
            assert_eq!(error, "a message of the queue is no event", "{text}");
        }
    }
}
