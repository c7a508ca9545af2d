//! The table's items seen whole, and the broom that sweeps the expired ones.

use super::super::random::Seeded;
use super::Dynamodb;
use super::store::Failure;
use push::Time;
use serde_json::{Map, Value, json};

impl Dynamodb {
    /// All items, in DynamoDB's JSON.
    ///
    /// # Errors
    /// The store refuses the scan.
    pub async fn items(&self) -> Result<Vec<Value>, Failure> {
        let mut scan = json!({"TableName": self.table.name, "ConsistentRead": true});
        let mut items = Vec::new();
        loop {
            let mut page = self.store.must("Scan", &scan).await?;
            if let Some(found) = page["Items"].as_array_mut() {
                items.append(found);
            }
            match page.get("LastEvaluatedKey") {
                Some(last) => scan["ExclusiveStartKey"] = last.clone(),
                None => return Ok(items),
            }
        }
    }

    /// Deletes a part of the expired items, one by one, as time to live does: any of them, in any order. The seed
    /// decides which. Gives how many it were.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn sweep(&self, now: Time, fraction: f64, seed: u64) -> Result<usize, Failure> {
        let Some(attribute) = &self.table.ttl_attribute else {
            return Ok(0);
        };
        let expires = |item: &Value| -> Option<u64> { item[attribute]["N"].as_str()?.parse().ok() };
        let mut keys: Vec<String> = self
            .items()
            .await?
            .iter()
            .filter(|item| expires(item).is_some_and(|expires| expires <= now.seconds()))
            .map(|item| {
                let names = self.locks.key_names().iter();
                let key: Map<_, _> = names
                    .map(|name| (name.clone(), item[name].clone()))
                    .collect();
                Value::Object(key).to_string()
            })
            .collect();
        keys.sort_unstable();
        let mut chance = Seeded::new(seed);
        keys.retain(|_| chance.fraction() < fraction);
        let mut order: Vec<_> = keys
            .into_iter()
            .map(|key| (chance.fraction(), key))
            .collect();
        order.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let mut deleted = 0;
        for (_, key) in order {
            let key: Value = serde_json::from_str(&key)?;
            let delete = json!({
                "TableName": self.table.name, "Key": key,
                "ConditionExpression": "#expires <= :now",
                "ExpressionAttributeNames": {"#expires": attribute},
                "ExpressionAttributeValues": {":now": {"N": now.seconds().to_string()}},
            });
            let reply = self.whole("DeleteItem", &delete).await?;
            // Renewed, or in a transaction, just now: it stays for the next time.
            deleted += usize::from(reply.status == 200);
        }
        Ok(deleted)
    }
}
