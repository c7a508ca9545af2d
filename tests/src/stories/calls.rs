//! What an operation costs at AWS, call by call.

use crate::api::Api;
use crate::phone::{Phone, user};
use crate::story::{Story, own};
use serde_json::{Value, json};

const COUNTS: &str = "it counts the calls of all";

pub(super) fn stories() -> Vec<Story> {
    vec![
        own(
            COUNTS,
            &[],
            an_unchanged_registration_makes_one_read_and_nothing_else,
        ),
        own(
            COUNTS,
            &[],
            a_new_registration_makes_one_endpoint_and_one_transaction,
        ),
        own(COUNTS, &[], a_disabled_endpoint_costs_one_call_more),
        own(COUNTS, &[], a_logout_makes_no_call_to_sns),
        own(COUNTS, &[], a_refused_registration_makes_no_call_to_sns),
        own(COUNTS, &[], a_read_makes_one_read),
        own(
            COUNTS,
            &[],
            a_send_makes_one_query_and_a_publish_for_each_device,
        ),
        own(
            COUNTS,
            &[],
            a_send_to_many_devices_reads_a_hundred_at_a_time,
        ),
    ]
}

/// A function reads its secrets once a minute: make it do so before anything is counted.
async fn warm(api: &Api) {
    let (phone, secret) = (Phone::android(), Some(api.client_secret()));
    api.register(&phone, None, secret).await.ok(201);
    api.unregister(&phone, secret).await.empty(204);
    api.tell(&[&user("nobody")], "warm").await;
}

/// Holds how often each operation was called.
async fn held(api: &Api, expected: Value) {
    assert_eq!(api.calls().await, expected);
}

async fn an_unchanged_registration_makes_one_read_and_nothing_else(api: Api) {
    warm(&api).await;
    for phone in [Phone::android(), Phone::iphone()] {
        let alice = user("alice");
        let secret = api.secret(&alice).await;
        for owner in [Some(alice.as_str()), None] {
            api.register(&phone, owner, Some(&secret)).await.ok(201);
            api.forget_calls().await;
            api.register(&phone, owner, Some(&secret)).await.ok(201);
            held(&api, json!({"dynamodb.BatchGetItem": 1})).await;
            api.update(&phone, owner, Some(&secret)).await.ok(200);
            held(&api, json!({"dynamodb.BatchGetItem": 2})).await;
        }
    }
}

async fn a_new_registration_makes_one_endpoint_and_one_transaction(api: Api) {
    warm(&api).await;
    let alice = user("alice");
    let secret = api.secret(&alice).await;
    api.forget_calls().await;
    let phone = Phone::android();
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    let mut calls = api.calls().await;
    let reads = calls["dynamodb.BatchGetItem"].take();
    assert!(reads == 1 || reads == 2, "{reads} reads");
    assert_eq!(
        calls,
        json!({"dynamodb.BatchGetItem": null, "dynamodb.TransactWriteItems": 1,
            "sns.CreatePlatformEndpoint": 1, "sns.GetEndpointAttributes": 1})
    );
}

async fn a_disabled_endpoint_costs_one_call_more(api: Api) {
    warm(&api).await;
    let phone = Phone::android();
    api.register(&phone, None, None).await.ok(201);
    api.unregister(&phone, None).await.empty(204);
    api.set_endpoint(&phone.token, "enabled", false).await;
    api.forget_calls().await;
    api.register(&phone, None, None).await.ok(201);
    let calls = api.calls().await;
    assert_eq!(calls["sns.SetEndpointAttributes"], 1, "{calls}");
    assert_eq!(calls["sns.CreatePlatformEndpoint"], 1, "{calls}");
    assert_eq!(calls["sns.GetEndpointAttributes"], 1, "{calls}");
    assert_eq!(calls["dynamodb.TransactWriteItems"], 1, "{calls}");
}

async fn a_logout_makes_no_call_to_sns(api: Api) {
    warm(&api).await;
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    api.forget_calls().await;
    api.unregister(&phone, Some(&secret)).await.empty(204);
    let calls = api.calls().await;
    let reads: u64 = calls
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| ["dynamodb.BatchGetItem", "dynamodb.GetItem"].contains(&name.as_str()))
        .filter_map(|(_, count)| count.as_u64())
        .sum();
    assert!(reads == 1 || reads == 2, "{calls}");
    assert_eq!(calls["dynamodb.TransactWriteItems"], 1, "{calls}");
    let all: u64 = calls
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_u64)
        .sum();
    // The endpoint is looked after later.
    assert_eq!(calls["sqs.SendMessage"], 1, "{calls}");
    assert_eq!(all, reads + 2, "{calls}");
}

async fn a_refused_registration_makes_no_call_to_sns(api: Api) {
    warm(&api).await;
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&user("bob")).await;
    api.forget_calls().await;
    for secret in [
        None,
        Some("anonymous"),
        Some("a.b.c"),
        Some(secret.as_str()),
    ] {
        api.register(&phone, Some(&alice), secret).await.ok(401);
    }
    let mut calls = api.calls().await;
    let calls = calls.as_object_mut().unwrap();
    // A secret that is none may be the previous one, which is read once, or a newer one.
    assert_eq!(
        calls.remove("secretsmanager.GetSecretValue"),
        Some(json!(2))
    );
    for name in calls.keys() {
        assert_eq!(name, "dynamodb.BatchGetItem", "{calls:?}");
    }
}

async fn a_read_makes_one_read(api: Api) {
    warm(&api).await;
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    api.forget_calls().await;
    api.read(&phone, Some(&secret)).await.ok(200);
    let calls = api.calls().await;
    let calls = calls.as_object().unwrap();
    assert_eq!(calls.len(), 1, "{calls:?}");
    for (name, count) in calls {
        assert!(
            ["dynamodb.BatchGetItem", "dynamodb.GetItem"].contains(&name.as_str()),
            "{name}"
        );
        assert_eq!(count, 1, "{name}");
    }
}

/// Sends to a user with so many devices, and holds what it cost.
async fn costs(api: &Api, devices: usize, reads: u64) {
    let (alice, secret) = (user("alice"), Some(api.client_secret()));
    for _ in 0..devices {
        let phone = Phone::android();
        api.register(&phone, Some(&alice), secret).await.ok(201);
    }
    api.forget_calls().await;
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": [alice]}});
    let sent = api.send(&message).await.ok(202);
    assert_eq!(sent["recipients"], json!({&alice: devices}));
    // The message and its entry in the list are written, and after each page how far its one job is; nothing else.
    let steps = reads.max(1);
    let mut expected =
        json!({"dynamodb.Query": 1, "dynamodb.PutItem": 2, "dynamodb.UpdateItem": steps});
    if devices > 0 {
        expected["dynamodb.BatchGetItem"] = reads.into();
        expected["sns.Publish"] = devices.into();
    }
    held(api, expected).await;
}

async fn a_send_makes_one_query_and_a_publish_for_each_device(api: Api) {
    warm(&api).await;
    costs(&api, 0, 0).await;
    costs(&api, 1, 1).await;
    costs(&api, 3, 1).await;
}

async fn a_send_to_many_devices_reads_a_hundred_at_a_time(api: Api) {
    warm(&api).await;
    costs(&api, 100, 1).await;
}
