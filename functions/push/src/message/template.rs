//! A JSON object in text form, cut open at the place where each copy of a message differs.

use super::fields::Fields;
use crate::{Invalid, surrogate};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// An object whose last field, `payload`, is a JSON text that holds the caller's fields and the two that tell the app
/// which message this is (`nid`) and for whom (`uid`). All but those two is written once, however many devices follow.
#[derive(Clone, PartialEq)]
pub(super) struct Template {
    /// The object up to the opening quote of the `nid`.
    head: String,
    /// What follows the closing quote of the last id.
    rest: String,
}

impl Template {
    /// The object with these fields, of which there must be one, and this `payload`, whose own `nid` and `uid` go.
    pub fn new(fields: Map<String, Value>, payload: Map<String, Value>) -> Self {
        let object = Value::Object(fields).to_string();
        let open = object.strip_suffix('}').unwrap_or(&object);
        let mut payload = payload;
        payload.retain(|key, _| key != "nid" && key != "uid");
        let comma = if payload.is_empty() { "" } else { "," };
        let others = Value::Object(payload).to_string();
        let others = others.strip_prefix('{').unwrap_or(&others);
        Self {
            head: format!(r#"{open},"payload":"{{\"nid\":\""#),
            rest: format!(r#"{}"}}"#, escaped(&format!("{comma}{others}"))),
        }
    }

    /// Appends the object for one message and, where there is one, its reader.
    pub fn write(&self, out: &mut String, nid: &str, uid: Option<&str>) {
        out.reserve(self.head.len() + self.rest.len() + 64);
        out.push_str(&self.head);
        out.push_str(&nested(nid));
        out.push_str(r#"\""#);
        if let Some(uid) = uid {
            out.push_str(r#",\"uid\":\""#);
            out.push_str(&nested(uid));
            out.push_str(r#"\""#);
        }
        out.push_str(&self.rest);
    }

    /// How many bytes [`write`](Self::write) appends.
    pub fn size(&self, nid: &str, uid: Option<&str>) -> usize {
        let mut text = String::new();
        self.write(&mut text, nid, uid);
        text.len()
    }
}

/// The caller's `payload`: an object, or the JSON text of one.
pub(super) fn payload(settings: Fields) -> Result<Map<String, Value>, Invalid> {
    let object = match settings.get("payload") {
        None => Some(Map::new()),
        Some(Value::Object(map)) => Some(map.clone()),
        Some(Value::String(text)) => surrogate::from_json(text).ok(),
        Some(_) => None,
    };
    object.ok_or_else(|| Invalid::new("payload", "It is an object, or the JSON text of one."))
}

/// What stands between the quotes of a JSON string.
fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    let inner = quoted.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

/// What stands between the quotes of a JSON string inside of a JSON text that is itself a string.
fn nested(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| b.is_ascii_alphanumeric()) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(escaped(&escaped(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(payload: &Value, nid: &str, uid: Option<&str>) -> (Value, Value) {
        let fields = json!({"a": "\"1\""});
        let template = Template::new(
            fields.as_object().unwrap().clone(),
            payload.as_object().unwrap().clone(),
        );
        let mut text = String::from("x");
        template.write(&mut text, nid, uid);
        assert_eq!(text.len() - 1, template.size(nid, uid));
        let mut object: Value = serde_json::from_str(&text[1..]).unwrap();
        let inner = object.as_object_mut().unwrap().remove("payload").unwrap();
        (
            object,
            serde_json::from_str(inner.as_str().unwrap()).unwrap(),
        )
    }

    #[test]
    fn the_payload_is_a_json_text_with_both_ids() {
        for (payload, nid, uid, expected) in [
            (json!({}), "N", None, json!({"nid": "N"})),
            (json!({}), "N", Some("U"), json!({"nid": "N", "uid": "U"})),
            (
                json!({"nid": 1, "b": [{"c": "\"\\\n"}], "uid": {}, "NID": 2}),
                "N",
                None,
                json!({"b": [{"c": "\"\\\n"}], "NID": 2, "nid": "N"}),
            ),
            (
                json!({"é": "\u{0}"}),
                "\"",
                Some("\\\"\n"),
                json!({"é": "\u{0}", "nid": "\"", "uid": "\\\"\n"}),
            ),
        ] {
            assert_eq!(
                written(&payload, nid, uid),
                (json!({"a": "\"1\""}), expected)
            );
        }
    }

    #[test]
    fn a_payload_is_an_object_or_the_text_of_one() {
        for (settings, expected) in [
            (json!({}), Some(json!({}))),
            (json!({"payload": null}), Some(json!({}))),
            (json!({"payload": {"a": 1}}), Some(json!({"a": 1}))),
            (json!({"PAYLOAD": " {\"a\":[1]} "}), Some(json!({"a": [1]}))),
            (
                json!({"payload": r#"{"a":"\ud83d"}"#}),
                Some(json!({"a": "\u{fffd}"})),
            ),
            (json!({"payload": ""}), None),
            (json!({"payload": "a"}), None),
            (json!({"payload": "[]"}), None),
            (json!({"payload": "{} {}"}), None),
            (json!({"payload": []}), None),
            (json!({"payload": 1}), None),
            (json!({"payload": true}), None),
        ] {
            let found = payload(Fields::of(&settings).unwrap());
            match expected {
                Some(map) => assert_eq!(found.map(Value::Object), Ok(map)),
                None => assert_eq!(found.unwrap_err().parameter(), "payload", "{settings}"),
            }
        }
    }
}
