//! The bodies of calls about webhooks. What is not known is ignored, null counts as absent.

use aws::{Call, Failure};
use push::Invalid;
use push::webhook::{EventTypes, WebhookName, WebhookUrl};
use serde_json::Value;

/// A JSON object, read by name.
pub(crate) struct Body(Value);

/// The largest body, in bytes.
const LARGEST: usize = 1024 * 1024;

impl Body {
    /// The body of the call.
    pub fn of(call: &Call) -> Result<Self, Failure> {
        let body: Value = call.json(LARGEST)?;
        if body.is_object() {
            Ok(Self(body))
        } else {
            Err(Invalid::new("body", "It is an object.").into())
        }
    }

    /// The name, where it is given.
    pub fn name(&self) -> Result<Option<WebhookName>, Invalid> {
        self.text("name")?.map(WebhookName::parse).transpose()
    }

    /// Where it is called.
    pub fn url(&self) -> Result<WebhookUrl, Invalid> {
        WebhookUrl::parse(self.text("url")?.ok_or_else(|| missing("url"))?)
    }

    /// What it is called for.
    pub fn events(&self) -> Result<EventTypes, Invalid> {
        let types = self.get("eventTypes");
        let types = types.ok_or_else(|| missing("eventTypes"))?;
        let types = types.as_array().map(Vec::as_slice);
        let types = types.ok_or_else(|| Invalid::new("eventTypes", "It is a list of strings."))?;
        // What is no text is no type either.
        EventTypes::parse(types.iter().map(|kind| kind.as_str().unwrap_or_default()))
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&str>, Invalid> {
        let text = |value: &Value| value.as_str().is_some();
        match self.get(name) {
            Some(value) if !text(value) => Err(Invalid::new(name, "It is a string.")),
            value => Ok(value.and_then(Value::as_str)),
        }
    }
}

/// The contract's answer to a parameter that is not there.
pub(crate) fn missing(parameter: &str) -> Invalid {
    Invalid::new(parameter, "It is required.")
}
