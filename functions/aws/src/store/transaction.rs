//! A change of the rules as one `TransactWriteItems`.

use super::rows::{
    Row, device_key, device_row, erasure_key, link_key, number, text, token_row, version,
};
use super::subscriptions::subscription_key;
use super::{Fault, Store};
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem};
use push::Time;
use push::change::{Action, Change, Seen, TokenCondition};
use push::device::Version;
use std::collections::HashMap;

/// A condition, with the names and the values that it speaks of.
pub(super) struct Condition {
    pub(super) expression: &'static str,
    pub(super) names: &'static [(&'static str, &'static str)],
    pub(super) values: Vec<(&'static str, AttributeValue)>,
}

pub(super) const NO_ITEM: Condition = Condition {
    expression: "attribute_not_exists(#pk)",
    names: &[("#pk", "pk")],
    values: Vec::new(),
};

impl Store {
    /// Makes the change, all of it or nothing, and once: who calls again with the same change and name, because the answer
    /// was lost, within ten minutes, is answered as the first call was, when all of the change is visible.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn apply(&self, change: &Change, name: Version) -> Result<(), Fault> {
        let items: Result<Vec<_>, _> = change
            .actions
            .iter()
            .map(|action| self.item(action))
            .collect();
        let items = items.map_err(|error| Fault::Broken(error.into()))?;
        self.transact(items, name).await
    }

    /// The same for any actions, at most 100 of them.
    pub(super) async fn transact(
        &self,
        items: Vec<TransactWriteItem>,
        name: Version,
    ) -> Result<(), Fault> {
        let call = self
            .client
            .transact_write_items()
            .client_request_token(format!("{:032x}", u128::from_be_bytes(name.0)))
            .set_transact_items(Some(items));
        call.send()
            .await
            .map_err(|error| Fault::of_transaction(&error))?;
        Ok(())
    }

    /// The same for one action.
    pub(super) async fn write(
        &self,
        item: Result<TransactWriteItem, BuildError>,
        name: Version,
    ) -> Result<(), Fault> {
        let item = item.map_err(|error| Fault::Broken(error.into()))?;
        self.transact(vec![item], name).await
    }

    fn item(&self, action: &Action) -> Result<TransactWriteItem, BuildError> {
        match action {
            Action::PutDevice { id, record, seen } => {
                self.put(device_row(id, record), Some(as_seen(seen)))
            }
            Action::CheckDevice { id, seen } => self.check(device_key(id), as_seen(seen)),
            Action::PutToken {
                key,
                item,
                condition,
            } => self.put(token_row(key, item), Some(of_token(condition))),
            Action::CheckErasure {
                user,
                arrived,
                issued,
            } => self.check(erasure_key(user), not_erased(*arrived, *issued)),
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
            Action::DeleteLink { user, device } => self.delete(link_key(user, device)),
            Action::PutSubscription {
                tag,
                device,
                expires,
            } => {
                let mut row = subscription_key(tag, device);
                row.insert("expires".to_owned(), number(expires.seconds()));
                self.put(row, None)
            }
            Action::DeleteSubscription { tag, device } => {
                self.delete(subscription_key(tag, device))
            }
        }
    }

    /// Nothing is written; what there is under the key has to fit the condition.
    fn check(&self, key: Row, condition: Condition) -> Result<TransactWriteItem, BuildError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(key))
            .condition_expression(condition.expression)
            .set_expression_attribute_names(Some(condition.names()))
            .set_expression_attribute_values(condition.values());
        let check = check.build()?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Whatever there is under the key is deleted.
    pub(super) fn delete(&self, key: Row) -> Result<TransactWriteItem, BuildError> {
        self.delete_if(key, None)
    }

    /// What there is under the key is deleted, if it fits the condition.
    pub(super) fn delete_if(
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

    /// The whole item is written, if what there is fits the condition.
    pub(super) fn put(
        &self,
        row: Row,
        condition: Option<Condition>,
    ) -> Result<TransactWriteItem, BuildError> {
        let mut put = Put::builder().table_name(&self.table).set_item(Some(row));
        if let Some(condition) = condition {
            put = put
                .condition_expression(condition.expression)
                .set_expression_attribute_names(Some(condition.names()));
            put = put.set_expression_attribute_values(condition.values());
        }
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }
}

/// The item is as it was seen.
pub(super) fn as_seen(seen: &Seen) -> Condition {
    seen.as_ref().map_or(NO_ITEM, |seen| Condition {
        expression: "#v = :v",
        names: &[("#v", "v")],
        values: vec![(":v", version(seen))],
    })
}

/// The token's item is as it has to be.
fn of_token(condition: &TokenCondition) -> Condition {
    match condition {
        TokenCondition::AsSeen(seen) => as_seen(seen),
        TokenCondition::NamesNoOther(device) => Condition {
            expression: "attribute_not_exists(#d) OR #d = :d",
            names: &[("#d", "d")],
            values: vec![(":d", text(device.as_str()))],
        },
    }
}

/// The user was not erased when the call arrived or later, nor after its secret was made. An item that has expired and is
/// still there stops nobody: no secret from before it is valid any more.
fn not_erased(arrived: Time, issued: Option<Time>) -> Condition {
    let arrived = (":arrived", number(arrived.millis()));
    match issued {
        None => Condition {
            expression: "attribute_not_exists(#pk) OR #arrived < :arrived",
            names: &[("#pk", "pk"), ("#arrived", "arrived")],
            values: vec![arrived],
        },
        Some(issued) => Condition {
            expression: "attribute_not_exists(#pk) OR (#arrived < :arrived AND #at < :issued)",
            names: &[("#pk", "pk"), ("#arrived", "arrived"), ("#at", "at")],
            values: vec![arrived, (":issued", number(issued.seconds()))],
        },
    }
}

impl Condition {
    fn names(&self) -> HashMap<String, String> {
        let name = |(short, name): &(&str, &str)| ((*short).to_owned(), (*name).to_owned());
        self.names.iter().map(name).collect()
    }

    /// DynamoDB refuses values that are not used, and a map of none.
    fn values(self) -> Option<HashMap<String, AttributeValue>> {
        let values = self.values.into_iter();
        let values: HashMap<_, _> = values
            .map(|(short, value)| (short.to_owned(), value))
            .collect();
        (!values.is_empty()).then_some(values)
    }
}
