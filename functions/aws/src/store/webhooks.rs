//! Webhooks: all of them in one item, which every change of one writes anew.

use super::rows::{self, Row, key, number, text, version, version_of};
use super::transaction::as_seen;
use super::{Fault, Store};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use push::change::Seen;
use push::device::Version;
use push::webhook::{EventTypes, Webhook, WebhookId, WebhookName, WebhookUrl, Webhooks};

const WEBHOOKS: &str = "WEBHOOKS";

fn webhooks_key() -> Row {
    key(WEBHOOKS, WEBHOOKS)
}

impl Store {
    /// All webhooks, and how their item was seen.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn webhooks(&self) -> Result<(Webhooks, Seen), Fault> {
        let call = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(webhooks_key()))
            .consistent_read(true);
        let item = call.send().await.map_err(|error| Fault::of(&error))?.item;
        let Some(row) = item else {
            return Ok((Webhooks::default(), None));
        };
        Ok((webhooks_of(&row)?, Some(version_of(&row)?)))
    }

    /// The webhooks are these, if their item was as it was seen. A repeat with the same arguments, within ten minutes, does
    /// what the first call did.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where it was not.
    pub async fn put_webhooks(
        &self,
        webhooks: &Webhooks,
        seen: &Seen,
        new: Version,
    ) -> Result<(), Fault> {
        let all = webhooks.iter();
        let all = all.map(|(name, webhook)| (name.as_str().to_owned(), attribute(webhook)));
        let mut row = webhooks_key();
        row.insert("v".to_owned(), version(&new));
        row.insert("webhooks".to_owned(), AttributeValue::M(all.collect()));
        self.write(self.put(row, Some(as_seen(seen))), new).await
    }
}

fn attribute(webhook: &Webhook) -> AttributeValue {
    let id = AttributeValue::B(Blob::new(webhook.id.0));
    let events = webhook.events.names().map(text).collect();
    let attributes = [
        ("id", id),
        ("url", text(webhook.url.expose())),
        ("events", AttributeValue::L(events)),
        ("created", number(webhook.created.millis())),
        ("updated", number(webhook.updated.millis())),
    ];
    let attributes = attributes.map(|(name, value)| (name.to_owned(), value));
    AttributeValue::M(attributes.into())
}

fn webhooks_of(row: &Row) -> Result<Webhooks, Fault> {
    let all = row.get("webhooks").and_then(|all| all.as_m().ok());
    let all = all.ok_or_else(|| rows::bad("webhooks"))?.iter();
    all.map(|(name, webhook)| {
        let name = WebhookName::parse(name).map_err(|_| rows::bad("webhooks"))?;
        let webhook = webhook.as_m().map_err(|_| rows::bad("webhooks"))?;
        Ok((name, webhook_of(webhook)?))
    })
    .collect()
}

fn webhook_of(row: &Row) -> Result<Webhook, Fault> {
    let events = match row.get("events") {
        Some(AttributeValue::L(events)) => events.iter().map(AttributeValue::as_s),
        _ => return Err(rows::bad("events").into()),
    };
    let events: Result<Vec<_>, _> = events.map(|word| word.map(String::as_str)).collect();
    let events = events.map_err(|_| rows::bad("events"))?;
    let id = match row.get("id") {
        Some(AttributeValue::B(id)) => id.as_ref().try_into().ok(),
        _ => None,
    };
    Ok(Webhook {
        id: WebhookId(id.ok_or_else(|| rows::bad("id"))?),
        url: WebhookUrl::parse(rows::string(row, "url")?).map_err(|_| rows::bad("url"))?,
        events: EventTypes::parse(events).map_err(|_| rows::bad("events"))?,
        created: rows::millis(row, "created")?,
        updated: rows::millis(row, "updated")?,
    })
}
