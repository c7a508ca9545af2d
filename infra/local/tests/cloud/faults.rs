//! Failures on request, in every service's own shape.

use super::{Aws, GCM, key, refusal, refused};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn an_error_comes_in_the_shape_of_its_service() {
    let aws = Aws::start().await;
    for (service, fault, status, text) in [
        ("sns", "Throttling", 400, "Rate exceeded"),
        ("sns", "InternalError", 500, "Internal server error"),
        ("sns", "EndpointDisabled", 400, "Endpoint is disabled"),
        (
            "sns",
            "AuthorizationError",
            403,
            "User is not authorized to perform this operation on this resource",
        ),
        (
            "dynamodb",
            "ProvisionedThroughputExceededException",
            400,
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.",
        ),
        (
            "dynamodb",
            "InternalServerError",
            500,
            "Internal server error",
        ),
        (
            "secretsmanager",
            "ThrottlingException",
            400,
            "Rate exceeded",
        ),
    ] {
        aws.fault(json!({"service": service, "fault": fault})).await;
        let seen = match service {
            "sns" => refusal(
                aws.sns
                    .delete_endpoint()
                    .endpoint_arn("arn:aws:sns:r:0:endpoint/GCM/a/b")
                    .send()
                    .await,
            ),
            "dynamodb" => refusal(
                aws.dynamodb
                    .put_item()
                    .table_name("userpush")
                    .set_item(Some(key("P")))
                    .send()
                    .await,
            ),
            _ => refusal(aws.secrets.get_secret_value().secret_id("s").send().await),
        };
        assert_eq!(seen, refused(status, fault, text));
    }
    aws.fault(json!({"service": "sns", "fault": "InvalidParameter", "message": "Invalid parameter: <of ours>"})).await;
    let seen = refusal(aws.sns.list_topics().send().await);
    assert_eq!(
        seen,
        refused(400, "InvalidParameter", "Invalid parameter: <of ours>")
    );
    assert_eq!(aws.items().await.len(), 0);
}

#[tokio::test]
async fn a_fault_for_a_token_hits_its_endpoint_and_no_other() {
    let aws = Aws::start().await;
    let (hit, missed) = (aws.endpoint(GCM, "T").await, aws.endpoint(GCM, "U").await);
    aws.fault(json!({"service": "sns", "token": "T", "fault": "Throttling", "times": 2}))
        .await;
    let publish = |arn: &str| aws.sns.publish().target_arn(arn).message("m").send();
    publish(&missed).await.unwrap();
    assert_eq!(refusal(publish(&hit).await).1, "Throttling");
    let created = aws
        .sns
        .create_platform_endpoint()
        .platform_application_arn(GCM)
        .token("T")
        .send()
        .await;
    assert_eq!(refusal(created).1, "Throttling");
    publish(&hit).await.unwrap();
    aws.fault(json!({"service": "sns", "token": "T", "fault": "Throttling", "times": 9}))
        .await;
    aws.delete("faults").await;
    publish(&hit).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_belongs_to_a_call_that_was_carried_out() {
    let aws = Aws::start().await;
    aws.fault(json!({"service": "dynamodb", "operation": "PutItem", "fault": "lostAnswer"}))
        .await;
    let put = |pk: &str| {
        aws.dynamodb
            .put_item()
            .table_name("userpush")
            .set_item(Some(key(pk)))
            .send()
    };
    assert_eq!(refusal(put("P").await), refused(0, "", ""));
    assert!(aws.items().await.contains_key("P"));
    put("Q").await.unwrap();
    let calls = aws.get("calls").await;
    assert_eq!(
        (&calls["dynamodb.PutItem"], &calls["writeUnits"]),
        (&json!(2), &json!(2.0))
    );
}

#[tokio::test]
async fn a_call_whose_connection_breaks_was_not_carried_out() {
    let aws = Aws::start().await;
    aws.fault(json!({"service": "dynamodb", "operation": "PutItem", "fault": "disconnect"}))
        .await;
    let put = aws
        .dynamodb
        .put_item()
        .table_name("userpush")
        .set_item(Some(key("P")))
        .send()
        .await;
    assert_eq!(refusal(put), refused(0, "", ""));
    assert_eq!(aws.items().await.len(), 0);
}

#[tokio::test]
async fn a_timed_out_call_is_neither_answered_nor_carried_out() {
    let aws = Aws::start().await;
    aws.fault(json!({"service": "dynamodb", "operation": "PutItem", "fault": "timeout"}))
        .await;
    let put = aws
        .dynamodb
        .put_item()
        .table_name("userpush")
        .set_item(Some(key("P")))
        .send();
    assert!(
        tokio::time::timeout(Duration::from_millis(300), put)
            .await
            .is_err()
    );
    assert_eq!(aws.items().await.len(), 0);
}

#[tokio::test]
async fn a_call_can_be_held_while_others_pass_it() {
    let aws = Aws::start().await;
    aws.fault(json!({"service": "dynamodb", "operation": "PutItem", "delayMs": 700}))
        .await;
    let put = |pk: &str, value: &str| {
        let value = aws_sdk_dynamodb::types::AttributeValue::S(value.to_owned());
        aws.dynamodb
            .put_item()
            .table_name("userpush")
            .set_item(Some(key(pk)))
            .item("value", value)
            .send()
    };
    let held = tokio::spawn(put("P", "slow"));
    let started = Instant::now();
    while aws.get("calls").await["dynamodb.PutItem"] != 1 {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "the call did not arrive"
        );
    }
    put("P", "quick").await.unwrap();
    assert_eq!(aws.items().await["P"]["value"]["S"], "quick");
    held.await.unwrap().unwrap();
    assert_eq!(aws.items().await["P"]["value"]["S"], "slow");
}

#[tokio::test]
async fn a_held_call_is_carried_out_though_its_caller_gave_up() {
    let aws = Aws::start().await;
    aws.fault(json!({"service": "dynamodb", "operation": "PutItem", "delayMs": 400}))
        .await;
    let put = aws
        .dynamodb
        .put_item()
        .table_name("userpush")
        .set_item(Some(key("P")))
        .send();
    assert!(
        tokio::time::timeout(Duration::from_millis(200), put)
            .await
            .is_err()
    );
    assert_eq!(aws.items().await.len(), 0);
    let started = Instant::now();
    while aws.items().await.is_empty() {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "it never happened"
        );
    }
}
