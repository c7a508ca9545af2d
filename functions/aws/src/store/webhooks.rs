//! Webhooks: one item each, together in one partition that one Query reads.

use super::devices::Order;
use super::rows::{self, Row, key, number, text};
use super::transaction::{Condition, NO_ITEM};
use super::{Fault, Store};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use push::device::Version;
use push::webhook::{EventTypes, Webhook, WebhookId, WebhookName, WebhookUrl};

const WEBHOOKS: &str = "WEBHOOKS";

fn webhook_key(name: &WebhookName) -> Row {
    key(WEBHOOKS, name.as_str())
}

impl Store {
    /// A webhook.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn webhook(&self, name: &WebhookName) -> Result<Option<Webhook>, Fault> {
        let call = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(webhook_key(name)))
            .consistent_read(true);
        let item = call.send().await.map_err(|error| Fault::of(&error))?.item;
        item.map(|row| Ok(webhook_row(&row)?.1)).transpose()
    }

    /// All webhooks, in the order of their names.
    ///
    /// # Errors
    /// [`Fault`], never a conflict.
    pub async fn webhooks(&self) -> Result<Vec<(WebhookName, Webhook)>, Fault> {
        let (mut webhooks, mut next) = (Vec::new(), None);
        loop {
            let (rows, last) = self.query(WEBHOOKS, Order::Rising, next, None).await?;
            for row in &rows {
                webhooks.push(webhook_row(row)?);
            }
            next = last;
            if next.is_none() {
                return Ok(webhooks);
            }
        }
    }

    /// The webhook is this, if it was as it was seen; once, for who calls again in the same words and with the same name.
    ///
    /// # Errors
    /// [`Fault::Conflict`] where it was not.
    pub async fn put_webhook(
        &self,
        name: &WebhookName,
        webhook: &Webhook,
        seen: Option<&Webhook>,
        write: Version,
    ) -> Result<(), Fault> {
        let mut row = webhook_key(name);
        let mut set = |name: &str, value| row.insert(name.to_owned(), value);
        set("id", id(webhook.id));
        set("url", text(webhook.url.as_str()));
        set(
            "events",
            AttributeValue::L(webhook.events.names().map(text).collect()),
        );
        set("created", number(webhook.created.millis()));
        set("updated", number(webhook.updated.millis()));
        let condition = seen.map_or(NO_ITEM, as_seen);
        self.write(self.put(row, Some(condition)), write).await
    }

    /// There is no such webhook any more, if it was as it was seen; once, as for [`put_webhook`](Self::put_webhook).
    ///
    /// # Errors
    /// [`Fault::Conflict`] where it was not.
    pub async fn delete_webhook(
        &self,
        name: &WebhookName,
        seen: &Webhook,
        write: Version,
    ) -> Result<(), Fault> {
        let delete = self.delete_if(webhook_key(name), Some(as_seen(seen)));
        self.write(delete, write).await
    }
}

fn as_seen(seen: &Webhook) -> Condition {
    Condition {
        expression: "#id = :id AND #updated = :updated",
        names: &[("#id", "id"), ("#updated", "updated")],
        values: vec![
            (":id", id(seen.id)),
            (":updated", number(seen.updated.millis())),
        ],
    }
}

fn id(id: WebhookId) -> AttributeValue {
    AttributeValue::B(Blob::new(id.0))
}

fn webhook_row(row: &Row) -> Result<(WebhookName, Webhook), Fault> {
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
    let webhook = Webhook {
        id: WebhookId(id.ok_or_else(|| rows::bad("id"))?),
        url: WebhookUrl::parse(rows::string(row, "url")?).map_err(|_| rows::bad("url"))?,
        events: EventTypes::parse(events).map_err(|_| rows::bad("events"))?,
        created: rows::millis(row, "created")?,
        updated: rows::millis(row, "updated")?,
    };
    let name = WebhookName::parse(rows::string(row, "sk")?).map_err(|_| rows::bad("sk"))?;
    Ok((name, webhook))
}
