//! The table, what is counted, and what reads of it need.

use super::{Aws, key, refusal, refused};
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, Put, ReturnConsumedCapacity, TransactWriteItem,
};
use serde_json::json;

fn keys(consistent: bool, names: &[&str]) -> KeysAndAttributes {
    let read = KeysAndAttributes::builder().consistent_read(consistent);
    read.set_keys(Some(names.iter().map(|pk| key(pk)).collect()))
        .build()
        .unwrap()
}

#[tokio::test]
async fn the_table_expires_its_items() {
    let aws = Aws::start().await;
    let described = aws
        .dynamodb
        .describe_time_to_live()
        .table_name("userpush")
        .send()
        .await
        .unwrap();
    let life = described.time_to_live_description.unwrap();
    assert_eq!(life.attribute_name(), Some("expires"));
    assert_eq!(life.time_to_live_status.unwrap().as_str(), "ENABLED");
}

#[tokio::test]
async fn calls_and_their_units_are_counted_unseen() {
    let aws = Aws::start().await;
    aws.put("P", &[]).await;
    let read = aws
        .dynamodb
        .batch_get_item()
        .request_items("userpush", keys(true, &["P", "Q"]))
        .send()
        .await
        .unwrap();
    assert_eq!(read.responses.unwrap()["userpush"].len(), 1);
    assert_eq!(read.consumed_capacity, None);
    let put = Put::builder()
        .table_name("userpush")
        .set_item(Some(key("R")))
        .build()
        .unwrap();
    let transaction = aws
        .dynamodb
        .transact_write_items()
        .transact_items(TransactWriteItem::builder().put(put).build());
    assert_eq!(transaction.send().await.unwrap().consumed_capacity, None);
    assert_eq!(
        aws.get("calls").await,
        json!({
        "dynamodb.PutItem": 1, "dynamodb.BatchGetItem": 1, "dynamodb.TransactWriteItems": 1, "readUnits": 2.0, "writeUnits": 3.0})
    );
    aws.delete("calls").await;
    assert_eq!(aws.get("calls").await, json!({}));
    let asked = aws
        .dynamodb
        .get_item()
        .table_name("userpush")
        .set_key(Some(key("P")))
        .consistent_read(true)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .send()
        .await
        .unwrap();
    assert_eq!(asked.consumed_capacity.unwrap().capacity_units, Some(1.0));
    assert_eq!(
        aws.get("calls").await,
        json!({"dynamodb.GetItem": 1, "readUnits": 1.0})
    );
}

#[tokio::test]
async fn a_read_of_the_table_has_to_be_consistent() {
    let aws = Aws::start().await;
    let needs = refused(
        400,
        "ValidationException",
        "Reads of this table need ConsistentRead: true",
    );
    let get = aws
        .dynamodb
        .get_item()
        .table_name("userpush")
        .set_key(Some(key("P")));
    assert_eq!(refusal(get.clone().send().await), needs);
    assert_eq!(
        refusal(get.clone().consistent_read(false).send().await),
        needs
    );
    get.consistent_read(true).send().await.unwrap();
    let batch = |consistent| {
        aws.dynamodb
            .batch_get_item()
            .request_items("userpush", keys(consistent, &["P"]))
            .send()
    };
    assert_eq!(refusal(batch(false).await), needs);
    batch(true).await.unwrap();
    let query = aws
        .dynamodb
        .query()
        .table_name("userpush")
        .key_condition_expression("pk = :pk")
        .expression_attribute_values(":pk", AttributeValue::S("P".to_owned()));
    assert_eq!(refusal(query.clone().send().await), needs);
    query.clone().consistent_read(true).send().await.unwrap();
    // The list of tags is kept for ten seconds anyway.
    let tags = AttributeValue::S("TAGS".to_owned());
    let query = query.expression_attribute_values(":pk", tags);
    query.consistent_read(false).send().await.unwrap();
    let other = aws
        .dynamodb
        .get_item()
        .table_name("other")
        .set_key(Some(key("P")))
        .send()
        .await;
    assert_eq!(refusal(other).1, "ResourceNotFoundException");
}

#[tokio::test]
async fn a_sweep_deletes_a_part_of_what_has_expired() {
    let aws = Aws::start().await;
    let now = (aws.cloud.clock())().seconds();
    let at = |time: u64| [("expires", AttributeValue::N(time.to_string()))];
    for n in 0..40 {
        aws.put(&format!("E{n}"), &at(now - 1)).await;
    }
    aws.put("soon", &at(now + 3600)).await;
    aws.put("never", &[]).await;
    let sweep = |fraction: f64| aws.post("sweep", json!({"fraction": fraction, "seed": 7}));
    assert_eq!(sweep(0.0).await, (200, json!({"deleted": 0})));
    let half = sweep(0.5).await.1["deleted"].as_u64().unwrap();
    assert!((8..=32).contains(&half), "{half} of 40");
    assert_eq!(aws.items().await.len(), 42 - usize::try_from(half).unwrap());
    assert_eq!(sweep(1.0).await, (200, json!({"deleted": 40 - half})));
    assert_eq!(aws.items().await.len(), 2);
    aws.post("clock", json!({"advanceSeconds": 3601})).await;
    assert_eq!(sweep(1.0).await, (200, json!({"deleted": 1})));
    assert_eq!(aws.items().await.keys().collect::<Vec<_>>(), ["never"]);
}

#[tokio::test]
async fn the_same_seed_sweeps_the_same_items() {
    let mut left = Vec::new();
    for _ in 0..2 {
        let aws = Aws::start().await;
        for n in 0..20 {
            aws.put(
                &format!("E{n}"),
                &[("expires", AttributeValue::N("1".to_owned()))],
            )
            .await;
        }
        aws.post("sweep", json!({"fraction": 0.5, "seed": 3})).await;
        let mut names: Vec<_> = aws.items().await.into_keys().collect();
        names.sort();
        left.push(names);
    }
    assert_eq!(left[0], left[1]);
}

#[tokio::test]
async fn a_batch_read_can_leave_keys_unprocessed() {
    let aws = Aws::start().await;
    for pk in ["P", "Q", "R"] {
        aws.put(pk, &[]).await;
    }
    aws.fault(json!({"service": "dynamodb", "operation": "BatchGetItem", "fault": "Unprocessed", "times": 2})).await;
    let read = |names: &[&str]| {
        aws.dynamodb
            .batch_get_item()
            .request_items("userpush", keys(true, names))
            .send()
    };
    let part = read(&["P", "Q", "R"]).await.unwrap();
    assert_eq!(part.responses.unwrap()["userpush"], [key("P")]);
    let later = &part.unprocessed_keys.unwrap()["userpush"];
    assert_eq!(later.keys(), [key("Q"), key("R")]);
    assert_eq!(later.consistent_read(), Some(true));
    let none = read(&["P"]).await.unwrap();
    assert_eq!(none.responses.unwrap()["userpush"], []);
    assert_eq!(
        none.unprocessed_keys.unwrap()["userpush"].keys(),
        [key("P")]
    );
    let all = read(&["P", "Q", "R"]).await.unwrap();
    assert_eq!(all.responses.unwrap()["userpush"].len(), 3);
    assert!(all.unprocessed_keys.unwrap().is_empty());
}

#[tokio::test]
async fn another_dynamodb_can_take_the_place_of_the_embedded_one() {
    let other = Aws::start().await;
    other.put("P", &[]).await;
    let aws = Aws::with(None, Some(other.cloud.endpoint_url())).await;
    aws.fault(
        json!({"service": "dynamodb", "operation": "PutItem", "fault": "ThrottlingException"}),
    )
    .await;
    let put = aws
        .dynamodb
        .put_item()
        .table_name("userpush")
        .set_item(Some(key("Q")));
    assert_eq!(refusal(put.clone().send().await).1, "ThrottlingException");
    put.send().await.unwrap();
    assert_eq!(other.items().await.len(), 2);
    assert_eq!(aws.items().await, other.items().await);
    assert_eq!(
        aws.get("calls").await,
        json!({"dynamodb.PutItem": 2, "writeUnits": 1.0})
    );
    drop(other);
    let lost = aws
        .dynamodb
        .put_item()
        .table_name("userpush")
        .set_item(Some(key("R")))
        .send()
        .await;
    assert_eq!(
        refusal(lost),
        refused(500, "InternalServerError", "DynamoDB does not answer")
    );
}
