//! A batch read that leaves keys out, as DynamoDB does under load.

use super::Dynamodb;
use super::store::{Failure, Reply};
use serde_json::{Map, Value, json};

impl Dynamodb {
    /// Reads the first half of the keys, rounded down, and hands the rest back as unprocessed.
    pub(super) async fn partial(&self, mut input: Value) -> Result<Reply, Failure> {
        let Some(asked) = input["RequestItems"].as_object() else {
            return self.whole("BatchGetItem", &input).await;
        };
        let count = |read: &Value| read["Keys"].as_array().map_or(0, Vec::len);
        let mut left = asked.values().map(count).sum::<usize>() / 2;
        let (mut now, mut later, mut responses) = (Map::new(), Map::new(), Map::new());
        for (table, read) in asked {
            let keys = read["Keys"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            let (first, rest) = keys.split_at(left.min(keys.len()));
            left -= first.len();
            responses.insert(table.clone(), json!([]));
            for (part, keys) in [(&mut now, first), (&mut later, rest)] {
                if !keys.is_empty() {
                    let mut read = read.clone();
                    read["Keys"] = json!(keys);
                    part.insert(table.clone(), read);
                }
            }
        }
        if now.is_empty() {
            let body = json!({"Responses": responses, "UnprocessedKeys": later});
            return Ok(Reply { status: 200, body });
        }
        input["RequestItems"] = Value::Object(now);
        let mut reply = self.whole("BatchGetItem", &input).await?;
        if reply.status == 200 {
            reply.body["UnprocessedKeys"] = Value::Object(later);
        }
        Ok(reply)
    }
}
