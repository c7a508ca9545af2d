//! A change of the rules as one `TransactWriteItems`.

use super::rows::{Row, device_key, device_row, link_key, number, text, token_key, version};
use super::{Fault, Store};
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem};
use push::change::{Absent, Action, Change, Seen};

/// A condition, with the name and the value that it speaks of.
struct Condition {
    expression: &'static str,
    name: (&'static str, &'static str),
    value: Option<(&'static str, AttributeValue)>,
}

const NO_ITEM: Condition = Condition {
    expression: "attribute_not_exists(#pk)",
    name: ("#pk", "pk"),
    value: None,
};

impl Store {
    /// Makes the change, all of it or nothing. The SDK gives it a token, so that its own repeats of a call whose answer
    /// was lost apply once.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn apply(&self, change: &Change) -> Result<(), Fault> {
        let items: Result<Vec<_>, _> = change
            .actions
            .iter()
            .map(|action| self.item(action))
            .collect();
        let items = items.map_err(|error| Fault::Broken(error.into()))?;
        let call = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items));
        call.send()
            .await
            .map_err(|error| Fault::of_transaction(&error))?;
        Ok(())
    }

    fn item(&self, action: &Action) -> Result<TransactWriteItem, BuildError> {
        match action {
            Action::PutDevice { id, record, seen } => {
                self.put(device_row(id, record), Some(as_seen(seen)))
            }
            Action::CheckDevice { id, seen } => {
                let condition = as_seen(seen);
                let check = ConditionCheck::builder()
                    .table_name(&self.table)
                    .set_key(Some(device_key(id)));
                let check = check
                    .condition_expression(condition.expression)
                    .set_expression_attribute_names(Some(condition.names()));
                let check = check
                    .set_expression_attribute_values(condition.values())
                    .build()?;
                Ok(TransactWriteItem::builder().condition_check(check).build())
            }
            Action::PutToken {
                key,
                device,
                expires,
                held,
            } => {
                let mut row = token_key(key);
                row.insert("d".to_owned(), text(device.as_str()));
                row.insert("expires".to_owned(), number(expires.seconds()));
                self.put(
                    row,
                    Some(held.as_ref().map_or(NO_ITEM, |held| names(held.as_str()))),
                )
            }
            Action::DeleteToken {
                key,
                device,
                absent,
            } => {
                let mut condition = names(device.as_str());
                if *absent == Absent::Fine {
                    condition.expression = "attribute_not_exists(#d) OR #d = :d";
                }
                self.delete(token_key(key), Some(condition))
            }
            // Links are written by Put of the whole item: an Update would revive what TTL left half deleted.
            Action::PutLink {
                user,
                device,
                expires,
            } => {
                let mut row = link_key(user, device);
                row.insert("expires".to_owned(), number(expires.seconds()));
                self.put(row, None)
            }
            Action::DeleteLink { user, device } => self.delete(link_key(user, device), None),
        }
    }

    fn put(&self, row: Row, condition: Option<Condition>) -> Result<TransactWriteItem, BuildError> {
        let mut put = Put::builder().table_name(&self.table).set_item(Some(row));
        if let Some(condition) = condition {
            put = put
                .condition_expression(condition.expression)
                .set_expression_attribute_names(Some(condition.names()));
            put = put.set_expression_attribute_values(condition.values());
        }
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }

    fn delete(
        &self,
        key: Row,
        condition: Option<Condition>,
    ) -> Result<TransactWriteItem, BuildError> {
        let mut delete = Delete::builder().table_name(&self.table).set_key(Some(key));
        if let Some(condition) = condition {
            delete = delete
                .condition_expression(condition.expression)
                .set_expression_attribute_names(Some(condition.names()));
            delete = delete.set_expression_attribute_values(condition.values());
        }
        Ok(TransactWriteItem::builder().delete(delete.build()?).build())
    }
}

/// The device's item is as it was seen.
fn as_seen(seen: &Seen) -> Condition {
    seen.as_ref().map_or(NO_ITEM, |seen| Condition {
        expression: "#v = :v",
        name: ("#v", "v"),
        value: Some((":v", version(seen))),
    })
}

/// The token's item names this device.
fn names(device: &str) -> Condition {
    Condition {
        expression: "#d = :d",
        name: ("#d", "d"),
        value: Some((":d", text(device))),
    }
}

impl Condition {
    fn names(&self) -> std::collections::HashMap<String, String> {
        std::collections::HashMap::from([(self.name.0.to_owned(), self.name.1.to_owned())])
    }

    fn values(self) -> Option<std::collections::HashMap<String, AttributeValue>> {
        self.value
            .map(|(short, value)| std::collections::HashMap::from([(short.to_owned(), value)]))
    }
}
