//! Several messages in one request: all or none is accepted, and each is sent once.

use crate::answer::{Answer, INTERNAL, NOT_FOUND, UNAUTHORIZED, UNAVAILABLE};
use crate::api::Api;
use crate::phone::{Phone, random_hex, user};
use crate::story::{Story, own, shared};
use reqwest::Method;
use serde_json::{Value, json};

const BREAKS: &str = "it breaks DynamoDB for all";

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_list_of_messages_is_sent_in_its_order),
        shared(a_list_has_one_to_a_hundred_messages),
        shared(one_wrong_message_refuses_all_and_is_named_by_its_index),
        shared(a_repeated_list_gets_the_same_answer_and_sends_nothing),
        shared(only_a_backend_of_this_application_sends_a_list),
        own(BREAKS, &[], a_list_that_died_goes_on_where_it_was),
        own(BREAKS, &[], what_was_not_kept_of_a_list_is_kept_later),
        own(BREAKS, &[], a_lost_answer_does_not_keep_a_message_twice),
        own(
            BREAKS,
            &[],
            an_id_that_is_taken_is_refused_and_leaves_nothing,
        ),
    ]
}

async fn bulk(api: &Api, list: &Value) -> Answer {
    let call = api.call(Method::POST, "/messages/bulk").backend(api);
    call.json(list).send().await
}

async fn bulk_with(api: &Api, key: &str, list: &Value) -> Answer {
    let call = api.call(Method::POST, "/messages/bulk").backend(api);
    call.header("idempotency-key", key).json(list).send().await
}

fn message(alert: &str, user: &str) -> Value {
    json!({"message": {"alert": alert}, "target": {"userIds": [user]}})
}

/// A registered phone of a new user.
async fn reached(api: &Api, phone: Phone) -> (String, Phone) {
    let alice = user("alice");
    api.register(&phone, Some(&alice), Some(api.client_secret()))
        .await
        .ok(201);
    (alice, phone)
}

/// So many messages to a user, each with another text.
fn many(count: usize, user: &str) -> (Value, Vec<String>) {
    let alerts: Vec<_> = (0..count).map(|n| format!("text {n}")).collect();
    let list = alerts.iter().map(|alert| message(alert, user));
    (list.collect::<Vec<_>>().into(), alerts)
}

/// Holds that the answer names these messages, in order, and that each is kept and done; gives their ids.
async fn accepted(api: &Api, answer: &Value, alerts: &[String]) -> Vec<String> {
    let mut ids = Vec::new();
    let list = answer["messages"].as_array().unwrap();
    assert_eq!(list.len(), alerts.len());
    for (entry, alert) in list.iter().zip(alerts) {
        let id = entry["messageId"].as_str().unwrap();
        let created = entry["createdTime"].as_str().unwrap();
        let href = entry["href"].as_str().unwrap();
        assert!(href.ends_with(&api.path(&format!("/messages/{id}"))));
        assert_eq!(
            entry,
            &json!({"messageId": id, "alert": alert, "href": href, "createdTime": created})
        );
        let kept = api.backend_get(&format!("/messages/{id}")).await.ok(200);
        assert_eq!(&kept["message"]["alert"], alert);
        let status = api.backend_get(&format!("/messages/{id}/status")).await;
        assert_eq!(status.ok(200)["status"], "Dispatched");
        ids.push(id.to_owned());
    }
    let mut different = ids.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), ids.len());
    ids
}

async fn a_list_of_messages_is_sent_in_its_order(api: Api) {
    let (alice, android) = reached(&api, Phone::android()).await;
    let (bob, iphone) = reached(&api, Phone::iphone()).await;
    let nobody = user("nobody");
    let list = json!([
        message("one", &alice),
        message("two", &bob),
        message("three", &alice),
        message("four", &nobody),
    ]);
    let answer = bulk(&api, &list).await.ok(202);
    let alerts = ["one", "two", "three", "four"].map(str::to_owned);
    let ids = accepted(&api, &answer, &alerts).await;
    assert_eq!(api.shown(&android).await, ["one", "three"]);
    assert_eq!(api.shown(&iphone).await, ["two"]);
    assert_eq!(api.pushes(&iphone).await[0].payload()["nid"], ids[1]);
}

async fn a_list_has_one_to_a_hundred_messages(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    for wrong in [
        json!([]),
        many(101, &alice).0,
        message("Hi", &alice),
        json!({}),
        json!("list"),
        Value::Null,
    ] {
        bulk(&api, &wrong).await.invalid("messages", "");
    }
    assert_eq!(api.shown(&phone).await, [""; 0]);
    let (list, alerts) = many(100, &alice);
    let answer = bulk(&api, &list).await.ok(202);
    accepted(&api, &answer, &alerts).await;
    assert_eq!(api.shown(&phone).await, alerts);
}

async fn one_wrong_message_refuses_all_and_is_named_by_its_index(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    let alert = random_hex(8);
    let right = message(&alert, &alice);
    for (wrong, parameter) in [
        (json!({}), "[1].message"),
        (json!({"message": {"alert": ""}}), "[1].message.alert"),
        (
            json!({"message": {"alert": "Hi"}, "target": {"userIds": [alice, 7]}}),
            "[1].target.userIds[1]",
        ),
        (
            json!({"message": {"alert": "Hi"}, "target": {"userIds": [alice], "tagNames": ["t"]}}),
            "[1].target",
        ),
        (
            json!({"message": {"alert": "Hi"}, "settings": {"apns": {"badge": "x"}}, "target": {"userIds": [alice]}}),
            "[1].settings.apns.badge",
        ),
        // A broadcast is not allowed here.
        (json!({"message": {"alert": "Hi"}}), "[1].target"),
    ] {
        let refused = bulk(&api, &json!([right, wrong, right])).await;
        refused.invalid(parameter, &alice);
    }
    let dry = api.call(Method::POST, "/messages/bulk?dryRun=true");
    let dry = dry.backend(&api).json(&json!([right])).send().await;
    dry.invalid("dryRun", "");
    assert_eq!(api.shown(&phone).await, [""; 0]);
    api.holds_no_item_of(&[&alert]).await;
}

async fn a_repeated_list_gets_the_same_answer_and_sends_nothing(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    let ((list, alerts), key) = (many(3, &alice), random_hex(8));
    let first = bulk_with(&api, &key, &list).await.ok(202);
    assert_eq!(bulk_with(&api, &key, &list).await.ok(202), first);
    accepted(&api, &first, &alerts).await;
    let other = bulk_with(&api, &key, &many(2, &alice).0).await.ok(422);
    assert_eq!(other["code"], "FPWSE0422E");
    assert_eq!(api.shown(&phone).await, alerts);
}

async fn only_a_backend_of_this_application_sends_a_list(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    let (list, own) = (json!([message("Hi", &alice)]), api.secret(&alice).await);
    for secret in ["anonymous", "forged", api.client_secret(), &own] {
        let call = || api.call(Method::POST, "/messages/bulk").json(&list);
        for call in [
            call().secret(Some(secret)),
            call().header("appSecret", secret),
        ] {
            call.send().await.refused(UNAUTHORIZED);
        }
    }
    let path = "/imfpush/v1/apps/unknown/messages/bulk";
    let call = api.at_path(Method::POST, path).backend(&api).json(&list);
    call.send().await.refused(NOT_FOUND);
    assert_eq!(api.shown(&phone).await, [""; 0]);
}

async fn a_list_that_died_goes_on_where_it_was(api: Api) {
    let (alice, android) = reached(&api, Phone::android()).await;
    let (bob, iphone) = reached(&api, Phone::iphone()).await;
    let list = json!([
        message("one", &alice),
        message("two", &bob),
        message("three", &alice),
    ]);
    let key = random_hex(8);
    // The look at Bob's phone fails.
    api.let_pass("dynamodb", "BatchGetItem").await;
    api.fault("dynamodb", "BatchGetItem", "ValidationException", 1)
        .await;
    bulk_with(&api, &key, &list).await.refused(INTERNAL);
    assert_eq!(api.shown(&android).await, ["one"]);
    let answer = bulk_with(&api, &key, &list).await.ok(202);
    let alerts = ["one", "two", "three"].map(str::to_owned);
    let ids = accepted(&api, &answer, &alerts).await;
    assert_eq!(api.shown(&android).await, ["one", "three"]);
    assert_eq!(api.shown(&iphone).await, ["two"]);
    assert_eq!(api.pushes(&android).await[0].payload()["nid"], ids[0]);
    assert_eq!(bulk_with(&api, &key, &list).await.ok(202), answer);
    assert_eq!(api.shown(&android).await, ["one", "three"]);
}

/// The ids of all messages to a user that the table holds.
async fn kept(api: &Api, user: &str) -> Vec<String> {
    let items = api.items().await;
    let messages = items.iter().filter(|item| {
        let asked = item["asked"]["S"].as_str();
        item["sk"]["S"] == "MESSAGE" && asked.is_some_and(|asked| asked.contains(user))
    });
    let id = |item: &Value| item["pk"]["S"].as_str().unwrap().replace("MESSAGE#", "");
    let mut ids: Vec<_> = messages.map(id).collect();
    ids.sort();
    ids
}

async fn what_was_not_kept_of_a_list_is_kept_later(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    let ((list, alerts), key) = (many(60, &alice), random_hex(8));
    let before = kept(&api, &alice).await;
    // The request is kept, and so are 20 messages.
    for _ in 0..21 {
        api.let_pass("dynamodb", "PutItem").await;
    }
    api.fault("dynamodb", "PutItem", "AccessDeniedException", 1)
        .await;
    bulk_with(&api, &key, &list).await.refused(INTERNAL);
    let some = kept(&api, &alice).await.len() - before.len();
    assert!((20..59).contains(&some), "{some}");
    assert_eq!(api.shown(&phone).await, [""; 0]);
    let answer = bulk_with(&api, &key, &list).await.ok(202);
    accepted(&api, &answer, &alerts).await;
    assert_eq!(api.shown(&phone).await, alerts);
    assert_eq!(kept(&api, &alice).await.len() - before.len(), 60);
    assert_eq!(bulk_with(&api, &key, &list).await.ok(202), answer);
}

async fn a_lost_answer_does_not_keep_a_message_twice(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    let (list, alerts) = many(50, &alice);
    let mut shown = Vec::new();
    for key in [None, Some(random_hex(8))] {
        let before = kept(&api, &alice).await;
        // As often as the SDK asks by itself: then we have to find out.
        api.fault("dynamodb", "PutItem", "lostAnswer", 3).await;
        let answer = match &key {
            Some(key) => bulk_with(&api, key, &list).await,
            None => bulk(&api, &list).await,
        };
        accepted(&api, &answer.ok(202), &alerts).await;
        assert_eq!(kept(&api, &alice).await.len() - before.len(), 50);
        shown.extend(alerts.clone());
        assert_eq!(api.shown(&phone).await, shown);
    }
}

async fn an_id_that_is_taken_is_refused_and_leaves_nothing(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    let (list, alerts) = many(3, &alice);
    let (before, shown) = (kept(&api, &alice).await, api.shown(&phone).await);
    // The first message is kept, the second one's id is taken.
    api.let_pass("dynamodb", "PutItem").await;
    api.fault("dynamodb", "PutItem", "ConditionalCheckFailedException", 1)
        .await;
    bulk(&api, &list).await.refused(UNAVAILABLE);
    assert_eq!(kept(&api, &alice).await, before);
    api.fault(
        "dynamodb",
        "PutItem",
        "ConditionalCheckFailedException",
        1000,
    )
    .await;
    bulk(&api, &list).await.refused(UNAVAILABLE);
    let key = random_hex(8);
    bulk_with(&api, &key, &list).await.refused(UNAVAILABLE);
    api.send(&list[0]).await.refused(UNAVAILABLE);
    assert_eq!(
        (kept(&api, &alice).await, api.shown(&phone).await),
        (before, shown)
    );
    api.control(Method::DELETE, "/faults", None).await;
    let answer = bulk_with(&api, &key, &list).await.ok(202);
    accepted(&api, &answer, &alerts).await;
}
