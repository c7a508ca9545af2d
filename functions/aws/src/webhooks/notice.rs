//! The form of an event on the queue.

use crate::{Cause, ascii};
use push::event::EventType;
use push::webhook::{WebhookId, WebhookName};
use serde::{Deserialize, Serialize};

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
#[serde(deny_unknown_fields)]
struct Written {
    event: String,
    id: String,
    body: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<WrittenTo>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// A body that was not written by [`to_text`](Self::to_text); it is not repeated.
    pub fn parse(text: &str) -> Result<Self, Cause> {
        Self::read(text).ok_or_else(|| "a message of the queue is no event".into())
    }

    fn read(text: &str) -> Option<Self> {
        let written: Written = serde_json::from_str(text).ok()?;
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

    #[test]
    fn what_is_written_is_read_back_and_is_ascii() {
        let event = Notice {
            kind: EventType::DeviceUpdate,
            event: "e1".to_owned(),
            body: r#"{"userId":"zoë\\🦀"}"#.to_owned(),
            to: None,
        };
        let written = r#"{"body":"{\"userId\":\"zo\u00eb\\\\\ud83e\udd80\"}","event":"onDeviceUpdate","id":"e1"}"#;
        assert_eq!(event.to_text(), written);
        assert_eq!(Notice::parse(written).unwrap(), event);
        let name = WebhookName::parse("crm").unwrap();
        let one = Notice {
            body: "{}".to_owned(),
            to: Some((name, WebhookId([10; 16]))),
            ..event
        };
        let id = "0a".repeat(16);
        let written = format!(
            r#"{{"body":"{{}}","event":"onDeviceUpdate","id":"e1","to":{{"id":"{id}","name":"crm"}}}}"#
        );
        assert_eq!(one.to_text(), written);
        assert_eq!(Notice::parse(&written).unwrap(), one);
    }

    #[test]
    fn what_is_no_event_is_refused_without_being_repeated() {
        for text in [
            "",
            "{}",
            r#"{"body":"{}","event":"onSecret","id":"e1"}"#,
            r#"{"body":{},"event":"onSubscribe","id":"e1"}"#,
            r#"{"body":"{}","event":"onSubscribe","id":"e1","secret":1}"#,
            r#"{"body":"{}","event":"onSubscribe","id":"e1","to":{"name":"a b","id":"00000000000000000000000000000000"}}"#,
            r#"{"body":"{}","event":"onSubscribe","id":"e1","to":{"name":"a","id":"0"}}"#,
        ] {
            let error = Notice::parse(text).unwrap_err().to_string();
            assert_eq!(error, "a message of the queue is no event", "{text}");
        }
    }
}
