//! The bodies of calls about webhooks.

use aws::{Call, Failure, missing};
use push::Invalid;
use push::webhook::{EventTypes, WebhookName, WebhookUrl};

/// A body, by what it says.
pub(crate) struct Body(aws::Body);

impl Body {
    /// The body of the call.
    pub fn of(call: &Call) -> Result<Self, Failure> {
        aws::Body::of(call).map(Self)
    }

    /// The name, where it is given.
    pub fn name(&self) -> Result<Option<WebhookName>, Invalid> {
        self.0.text("name")?.map(WebhookName::parse).transpose()
    }

    /// Where it is called.
    pub fn url(&self) -> Result<WebhookUrl, Invalid> {
        WebhookUrl::parse(self.0.needed("url")?)
    }

    /// What it is called for.
    pub fn events(&self) -> Result<EventTypes, Invalid> {
        let types = self.0.get("eventTypes");
        let types = types.ok_or_else(|| missing("eventTypes"))?;
        let types = types.as_array().map(Vec::as_slice);
        let types = types.ok_or_else(|| Invalid::new("eventTypes", "It is a list of strings."))?;
        // What is no text is no type either.
        EventTypes::parse(types.iter().map(|kind| kind.as_str().unwrap_or_default()))
    }
}
