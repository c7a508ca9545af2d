//! A transaction that becomes visible item by item, as DynamoDB's do for everyone who only reads.

use super::Dynamodb;
use super::locks::{actions, cancelled};
use super::store::{Failure, Reply};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The pause between two items where the fault gives none.
const PAUSE: Duration = Duration::from_millis(10);

/// What a transaction costs for each unit of a single write.
const TRANSACTION_FACTOR: f64 = 2.0;

impl Dynamodb {
    /// Checks all conditions, then holds the items and applies the actions one after the other, in the order given.
    /// Whatever else writes to a held item meanwhile meets a conflict.
    pub(super) async fn torn(&self, input: &Value, pause: Duration) -> Result<Reply, Failure> {
        let held = {
            let _alone = self.locks.alone().await;
            if let Some(refused) = self.locks.refuse("TransactWriteItems", input) {
                return Ok(refused);
            }
            if let Some(cancelled) = self.fails(input).await? {
                return Ok(cancelled);
            }
            self.locks.hold(input)
        };
        let mut units = 0.0;
        let mut first = true;
        for (operation, action) in input["TransactItems"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(single)
        {
            if !std::mem::take(&mut first) {
                tokio::time::sleep(if pause.is_zero() { PAUSE } else { pause }).await;
            }
            let Some(operation) = operation else {
                units += 1.0;
                continue;
            };
            let reply = self.store.call(operation, &action).await?;
            if reply.status != 200 {
                return Ok(reply);
            }
            units += reply.body["ConsumedCapacity"]["CapacityUnits"]
                .as_f64()
                .unwrap_or_default();
        }
        drop(held);
        let consumed =
            json!({"TableName": self.table.name, "CapacityUnits": units * TRANSACTION_FACTOR});
        Ok(Reply {
            status: 200,
            body: json!({"ConsumedCapacity": [consumed]}),
        })
    }

    /// The answer of a transaction whose conditions do not hold: they are checked as one transaction of nothing but
    /// checks, and its reasons are laid out over all actions.
    async fn fails(&self, input: &Value) -> Result<Option<Reply>, Failure> {
        let checks: Vec<Option<Value>> = actions(input)
            .map(|action| self.condition(action))
            .collect();
        let asked: Vec<_> = checks
            .iter()
            .flatten()
            .map(|check| json!({"ConditionCheck": check}))
            .collect();
        if asked.is_empty() {
            return Ok(None);
        }
        let mut reply = self
            .store
            .call("TransactWriteItems", &json!({"TransactItems": asked}))
            .await?;
        if reply.status == 200 {
            return Ok(None);
        }
        if let Some(reasons) = reply.body["CancellationReasons"].as_array() {
            let mut given = reasons.iter();
            let none = json!({"Code": "None"});
            let reasons = checks.iter().map(|check| match check {
                Some(_) => given.next().unwrap_or(&none).clone(),
                None => none.clone(),
            });
            reply.body = cancelled(&reasons.collect::<Vec<_>>());
        }
        Ok(Some(reply))
    }

    /// The condition of an action as a check of its own, with only the placeholders that it uses.
    fn condition(&self, action: &Value) -> Option<Value> {
        let condition = action.get("ConditionExpression")?.as_str()?;
        let key: Map<_, _> = if let Some(key) = action["Key"].as_object() {
            key.clone()
        } else {
            let item = action["Item"].as_object()?;
            let names = self.locks.key_names().iter();
            names
                .filter_map(|name| Some((name.clone(), item.get(name)?.clone())))
                .collect()
        };
        let mut check = json!({
            "TableName": action["TableName"], "Key": key, "ConditionExpression": condition,
        });
        for placeholders in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
            let Some(all) = action[placeholders].as_object() else {
                continue;
            };
            let used: Map<_, _> = all
                .iter()
                .filter(|(name, _)| uses(condition, name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            if !used.is_empty() {
                check[placeholders] = Value::Object(used);
            }
        }
        if let Some(values) = action.get("ReturnValuesOnConditionCheckFailure") {
            check["ReturnValuesOnConditionCheckFailure"] = values.clone();
        }
        Some(check)
    }
}

/// Whether the placeholder stands in the expression, and not only as the beginning of a longer one.
fn uses(expression: &str, placeholder: &str) -> bool {
    expression.match_indices(placeholder).any(|(at, _)| {
        let after = expression.get(at + placeholder.len()..).unwrap_or_default();
        !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// The action as a call of its own, its condition left out; no call for a check.
fn single(item: &Value) -> Option<(Option<&'static str>, Value)> {
    let (operation, action) = [
        ("Put", Some("PutItem")),
        ("Update", Some("UpdateItem")),
        ("Delete", Some("DeleteItem")),
        ("ConditionCheck", None),
    ]
    .into_iter()
    .find_map(|(name, operation)| Some((operation, item.get(name)?)))?;
    let mut action = action.clone();
    let update = action["UpdateExpression"].as_str().map(str::to_owned);
    let fields = action.as_object_mut()?;
    fields.remove("ConditionExpression");
    fields.remove("ReturnValuesOnConditionCheckFailure");
    for placeholders in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
        let Some(all) = fields.get_mut(placeholders).and_then(Value::as_object_mut) else {
            continue;
        };
        let expression = update.as_deref().unwrap_or_default();
        all.retain(|name, _| uses(expression, name));
        if all.is_empty() {
            fields.remove(placeholders);
        }
    }
    fields.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
    Some((operation, action))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_is_used_where_it_stands_whole() {
        assert!(uses("#v = :v", "#v"));
        assert!(uses("attribute_exists(#v)", "#v"));
        assert!(!uses("#value = :v2", "#v"));
        assert!(!uses("#value = :v2", ":v"));
    }

    #[test]
    fn an_action_loses_its_condition_and_what_only_that_used() {
        let update = json!({"Update": {
            "TableName": "t", "Key": {}, "UpdateExpression": "SET #a = :a", "ConditionExpression": "#v = :v",
            "ExpressionAttributeNames": {"#a": "a", "#v": "v"}, "ExpressionAttributeValues": {":a": {"S": "1"}, ":v": {"S": "2"}},
        }});
        let (operation, action) = single(&update).unwrap();
        assert_eq!(operation, Some("UpdateItem"));
        assert_eq!(
            action,
            json!({"TableName": "t", "Key": {}, "UpdateExpression": "SET #a = :a", "ReturnConsumedCapacity": "TOTAL",
                "ExpressionAttributeNames": {"#a": "a"}, "ExpressionAttributeValues": {":a": {"S": "1"}}})
        );
    }
}
