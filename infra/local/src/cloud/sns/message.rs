//! A message to publish, held to the rules of SNS and of the platforms behind it.

use super::super::answer::Refusal;
use super::Platform;
use super::form::{Form, invalid};
use serde_json::{Map, Value, json};

/// The most that one call can carry, attributes included.
const LONGEST_MESSAGE: usize = 256 * 1024;

/// The most that FCM and APNs take, in bytes of JSON: of FCM's present shape the data, else the whole notification.
const LONGEST_PAYLOAD: usize = 4096;

/// A message and its attributes.
pub struct Message {
    parts: Parts,
    attributes: Map<String, Value>,
}

enum Parts {
    /// One text for all.
    Plain(String),
    /// By platform; `default` for the others.
    Structured(Map<String, Value>),
}

impl Message {
    /// Reads the parameters of `Publish`.
    ///
    /// # Errors
    /// As SNS says it.
    pub fn read(form: &Form) -> Result<Self, Refusal> {
        let text = form.required("Message")?;
        if text.is_empty() {
            return Err(invalid("Empty message"));
        }
        let sent = form.message_attributes();
        let size = |(name, attribute): (&&str, &super::form::MessageAttribute)| {
            name.len() + attribute.kind.len() + attribute.value.len()
        };
        if text.len() + sent.iter().map(size).sum::<usize>() > LONGEST_MESSAGE {
            return Err(invalid("Message too long"));
        }
        let mut attributes = Map::new();
        for (name, attribute) in sent {
            check_attribute(name, &attribute.kind, &attribute.value)?;
            attributes.insert(name.to_owned(), Value::String(attribute.value));
        }
        let parts = match form.optional("MessageStructure") {
            None => Parts::Plain(text.to_owned()),
            Some("json") => {
                let parts = serde_json::from_str(text);
                Parts::Structured(parts.map_err(|_| {
                    invalid("Message Structure - JSON message body failed to parse")
                })?)
            }
            Some(_) => return Err(invalid("MessageStructure")),
        };
        Ok(Self { parts, attributes })
    }

    /// What the phone gets.
    ///
    /// # Errors
    /// There is nothing for this platform, it is malformed, or it is too long.
    pub fn payload(&self, platform: Platform) -> Result<Value, Refusal> {
        let parts = match &self.parts {
            Parts::Plain(text) => return Ok(plain(platform, text)),
            Parts::Structured(parts) => parts,
        };
        let name = platform.name();
        // A value that is no string is ignored, as if it were not there.
        let Some(text) = parts.get(name).and_then(Value::as_str) else {
            let default = parts.get("default").and_then(Value::as_str);
            return default.map(|text| plain(platform, text)).ok_or_else(|| {
                invalid(format!(
                    "JSON must contain an entry for 'default' or '{name}'."
                ))
            });
        };
        let refuse = |why: &str| {
            invalid(format!(
                "Message Reason: Invalid notification for protocol {name}: {why}"
            ))
        };
        let payload: Value = serde_json::from_str(text)
            .ok()
            .filter(|payload| is_notification(platform, payload))
            .ok_or_else(|| refuse("Notification payload is malformed"))?;
        let data = payload.pointer("/fcmV1Message/message/data");
        if data.map_or(text.len(), |data| data.to_string().len()) > LONGEST_PAYLOAD {
            return Err(refuse(match platform {
                Platform::Gcm => "Notification data is larger than allowed limit",
                Platform::Apns | Platform::ApnsSandbox => "Notification is too long",
            }));
        }
        Ok(payload)
    }

    /// The attributes, as text by name.
    pub fn into_attributes(self) -> Map<String, Value> {
        self.attributes
    }
}

/// A text as SNS wraps it for a platform.
fn plain(platform: Platform, text: &str) -> Value {
    match platform {
        Platform::Gcm => json!({"data": {"default": text}}),
        Platform::Apns | Platform::ApnsSandbox => json!({"aps": {"alert": text}}),
    }
}

/// Whether a platform would take it: for FCM an object, and in its present shape one with a message whose data are flat
/// strings; for APNs an object.
fn is_notification(platform: Platform, payload: &Value) -> bool {
    let Some(fields) = payload.as_object() else {
        return false;
    };
    if platform != Platform::Gcm {
        return true;
    }
    let Some(v1) = fields.get("fcmV1Message") else {
        return true;
    };
    let data = v1["message"].get("data");
    let strings = |data: &Value| {
        let fields = data.as_object();
        fields.is_some_and(|fields| fields.values().all(Value::is_string))
    };
    v1["message"].is_object() && data.is_none_or(strings)
}

/// The rules for attributes: a text without surrogates and control characters, and the headers of APNs within Apple's
/// bounds.
fn check_attribute(name: &str, kind: &str, value: &str) -> Result<(), Refusal> {
    let refuse = |why: &str| {
        let text = format!("The message attribute '{name}' {why}");
        Err(Refusal::new("ParameterValueInvalid", text))
    };
    match kind.split('.').next() {
        Some("String" | "Number" | "Binary") => {}
        _ => return refuse("must contain a valid data type: Binary, Number or String."),
    }
    if value.is_empty() {
        return refuse("must contain a non-empty value.");
    }
    let allowed =
        |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}');
    if !value.chars().all(allowed) {
        return refuse("contains characters that are not allowed.");
    }
    if kind.starts_with("Number") && value.parse::<f64>().is_err() {
        return refuse("must contain a number.");
    }
    let Some(header) = name.strip_prefix("AWS.SNS.MOBILE.") else {
        return Ok(());
    };
    let fits = match header {
        "APNS.PUSH_TYPE" => ["alert", "background"].contains(&value),
        "APNS.PRIORITY" => ["1", "5", "10"].contains(&value),
        "APNS.COLLAPSE_ID" => value.len() <= 64,
        "APNS.TTL" | "APNS_SANDBOX.TTL" | "FCM.TTL" | "GCM.TTL" => {
            value.parse::<u32>().is_ok_and(|ttl| ttl <= 2_419_200)
        }
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        refuse("has a value that the platform does not take.")
    }
}
