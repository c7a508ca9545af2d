//! Transactions that conflict, or become visible item by item.

use super::{Aws, key, refusal, refused};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn put(pk: &str, value: &str) -> TransactWriteItem {
    let mut item = key(pk);
    item.insert("value".to_owned(), AttributeValue::S(value.to_owned()));
    let put = Put::builder().table_name("userpush").set_item(Some(item));
    TransactWriteItem::builder()
        .put(put.build().unwrap())
        .build()
}

/// A put that needs the item to have the version.
fn put_over(pk: &str, value: &str, version: &str) -> TransactWriteItem {
    let mut item = key(pk);
    item.insert("value".to_owned(), AttributeValue::S(value.to_owned()));
    let put = Put::builder()
        .table_name("userpush")
        .set_item(Some(item))
        .condition_expression("#v = :v")
        .expression_attribute_names("#v", "value")
        .expression_attribute_values(":v", AttributeValue::S(version.to_owned()));
    TransactWriteItem::builder()
        .put(put.build().unwrap())
        .build()
}

impl Aws {
    fn transaction(&self, actions: Vec<TransactWriteItem>) -> TransactWriteItemsFluentBuilder {
        self.dynamodb
            .transact_write_items()
            .set_transact_items(Some(actions))
    }

    async fn values(&self) -> Vec<(String, Value)> {
        let mut values: Vec<_> = self
            .items()
            .await
            .into_iter()
            .map(|(pk, item)| (pk, item["value"]["S"].clone()))
            .collect();
        values.sort_by(|a, b| a.0.cmp(&b.0));
        values
    }

    async fn until(&self, wanted: &[(&str, &str)]) {
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(pk, value)| ((*pk).to_owned(), json!(value)))
            .collect();
        let started = Instant::now();
        while self.values().await != wanted {
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "{:?}",
                self.values().await
            );
        }
    }
}

fn reasons(error: &TransactWriteItemsError) -> Vec<(&str, Option<&str>)> {
    let TransactWriteItemsError::TransactionCanceledException(cancelled) = error else {
        panic!("{error:?}");
    };
    cancelled
        .cancellation_reasons()
        .iter()
        .map(|reason| (reason.code().unwrap(), reason.message()))
        .collect()
}

const ONGOING: Option<&str> = Some("Transaction is ongoing for the item");

#[tokio::test]
async fn a_conflict_has_a_reason_for_each_action() {
    let aws = Aws::start().await;
    aws.fault(
        json!({"service": "dynamodb", "operation": "TransactWriteItems", "fault": "Conflict"}),
    )
    .await;
    let error = aws
        .transaction(vec![put("P", "1"), put("Q", "1"), put("R", "1")])
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    let error = error.into_service_error();
    assert_eq!(
        reasons(&error),
        [
            ("TransactionConflict", ONGOING),
            ("None", None),
            ("None", None)
        ]
    );
    assert_eq!(
        aws_smithy_types::error::metadata::ProvideErrorMetadata::message(&error),
        Some(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, None, None]"
        )
    );
    assert_eq!(aws.values().await, []);
    aws.transaction(vec![put("P", "1")]).send().await.unwrap();
}

#[tokio::test]
async fn a_single_write_conflicts_in_its_own_way() {
    let aws = Aws::start().await;
    aws.fault(json!({"service": "dynamodb", "operation": "PutItem", "fault": "Conflict"}))
        .await;
    let put = aws
        .dynamodb
        .put_item()
        .table_name("userpush")
        .set_item(Some(key("P")))
        .send()
        .await;
    assert_eq!(
        refusal(put),
        refused(
            400,
            "TransactionConflictException",
            "Transaction is ongoing for the item"
        )
    );
}

#[tokio::test]
async fn a_torn_transaction_shows_its_items_one_by_one_and_keeps_others_away() {
    let aws = Aws::start().await;
    aws.transaction(vec![put("P", "1"), put("Q", "1"), put("R", "1")])
        .send()
        .await
        .unwrap();
    aws.fault(json!({"service": "dynamodb", "fault": "Torn", "delayMs": 1500}))
        .await;
    let torn = tokio::spawn(
        aws.transaction(vec![put_over("P", "2", "1"), put("Q", "2")])
            .send(),
    );
    aws.until(&[("P", "2"), ("Q", "1"), ("R", "1")]).await;
    let other = aws
        .transaction(vec![put("R", "3"), put("Q", "3")])
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        reasons(&other.into_service_error()),
        [("None", None), ("TransactionConflict", ONGOING)]
    );
    let single = aws
        .dynamodb
        .put_item()
        .table_name("userpush")
        .set_item(Some(key("P")))
        .send()
        .await;
    assert_eq!(refusal(single).1, "TransactionConflictException");
    aws.transaction(vec![put("R", "4")]).send().await.unwrap();
    assert_eq!(torn.await.unwrap().unwrap().consumed_capacity, None);
    assert_eq!(
        aws.values().await,
        [("P", "2"), ("Q", "2"), ("R", "4")].map(|(pk, value)| (pk.to_owned(), json!(value)))
    );
    aws.transaction(vec![put("P", "5"), put("Q", "5")])
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_torn_transaction_begins_only_where_all_its_conditions_hold() {
    let aws = Aws::start().await;
    aws.transaction(vec![put("P", "1"), put("Q", "1")])
        .send()
        .await
        .unwrap();
    aws.fault(json!({"service": "dynamodb", "fault": "Torn"}))
        .await;
    let error = aws
        .transaction(vec![put("P", "2"), put_over("Q", "2", "other")])
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        reasons(&error.into_service_error()),
        [
            ("None", None),
            (
                "ConditionalCheckFailed",
                Some("The conditional request failed")
            )
        ]
    );
    assert_eq!(
        aws.values().await,
        [("P", "1"), ("Q", "1")].map(|(pk, value)| (pk.to_owned(), json!(value)))
    );
}

#[tokio::test]
async fn a_torn_transaction_carries_out_every_kind_of_action() {
    let aws = Aws::start().await;
    aws.transaction(vec![put("P", "1"), put("Q", "1"), put("R", "1")])
        .send()
        .await
        .unwrap();
    aws.delete("calls").await;
    aws.fault(json!({"service": "dynamodb", "fault": "Torn"}))
        .await;
    let value = AttributeValue::S("1".to_owned());
    let update = Update::builder()
        .table_name("userpush")
        .set_key(Some(key("P")))
        .update_expression("SET #n = :n")
        .condition_expression("#v = :v")
        .expression_attribute_names("#n", "other")
        .expression_attribute_names("#v", "value")
        .expression_attribute_values(":n", AttributeValue::S("new".to_owned()))
        .expression_attribute_values(":v", value.clone());
    let delete = Delete::builder()
        .table_name("userpush")
        .set_key(Some(key("Q")))
        .condition_expression("attribute_not_exists(pk) OR #v = :v")
        .expression_attribute_names("#v", "value")
        .expression_attribute_values(":v", value);
    let check = ConditionCheck::builder()
        .table_name("userpush")
        .set_key(Some(key("S")))
        .condition_expression("attribute_not_exists(pk)");
    let actions = vec![
        TransactWriteItem::builder()
            .update(update.build().unwrap())
            .build(),
        TransactWriteItem::builder()
            .delete(delete.build().unwrap())
            .build(),
        TransactWriteItem::builder()
            .condition_check(check.build().unwrap())
            .build(),
    ];
    aws.transaction(actions).send().await.unwrap();
    let items = aws.items().await;
    assert_eq!(items["P"]["other"]["S"], "new");
    assert!(!items.contains_key("Q"));
    assert_eq!(
        aws.get("calls").await,
        json!({"dynamodb.TransactWriteItems": 1, "writeUnits": 6.0})
    );
}

#[tokio::test]
async fn torn_and_whole_transactions_keep_each_other_out() {
    let aws = Arc::new(Aws::start().await);
    let start = vec![put("P", "0"), put("Q", "0")];
    aws.transaction(start).send().await.unwrap();
    aws.fault(json!({"service": "dynamodb", "fault": "Torn", "times": 40, "delayMs": 3}))
        .await;
    let counting = (0..4).map(|_| {
        let aws = Arc::clone(&aws);
        tokio::spawn(async move {
            let mut counted = 0;
            while counted < 8 {
                let seen = aws
                    .dynamodb
                    .get_item()
                    .table_name("userpush")
                    .set_key(Some(key("P")));
                let seen = seen
                    .consistent_read(true)
                    .send()
                    .await
                    .unwrap()
                    .item
                    .unwrap();
                let version = seen["value"].as_s().unwrap();
                let next = (version.parse::<u32>().unwrap() + 1).to_string();
                // Q is checked too: whoever saw a half must not build on it.
                let both = vec![put_over("P", &next, version), put_over("Q", &next, version)];
                counted += u32::from(aws.transaction(both).send().await.is_ok());
            }
        })
    });
    for task in counting.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(
        aws.values().await,
        [("P", "32"), ("Q", "32")].map(|(pk, value)| (pk.to_owned(), json!(value)))
    );
}
