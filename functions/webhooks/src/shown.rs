//! Webhooks as answers show them.

use aws::{Call, Settings};
use push::webhook::{Webhook, WebhookName};
use serde_json::{Value, json};

/// A webhook without its key.
pub(crate) fn webhook(
    settings: &Settings,
    call: &Call,
    name: &WebhookName,
    webhook: &Webhook,
) -> Value {
    json!({
        "name": name.as_str(),
        "url": webhook.url.as_str(),
        "eventTypes": webhook.events.names().collect::<Vec<_>>(),
        "createdTime": webhook.created.to_string(),
        "lastUpdatedTime": webhook.updated.to_string(),
        "href": settings.href(call, &format!("/webhooks/{}", name.as_str())),
    })
}
