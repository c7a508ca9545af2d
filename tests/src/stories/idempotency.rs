//! A send that comes again under the same key is not sent again.

use crate::answer::{Answer, UNAVAILABLE};
use crate::api::Api;
use crate::phone::{Phone, hex, random_hex, user};
use crate::story::{Story, own, shared};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_repeat_gets_the_same_answer_and_sends_nothing),
        shared(another_body_under_the_same_key_is_refused),
        shared(other_keys_are_other_requests),
        shared(a_key_that_cannot_be_one_is_refused),
        shared(of_many_at_once_one_sends),
        own(
            "it breaks DynamoDB for all",
            &[],
            a_request_that_died_goes_on_under_the_same_message_id,
        ),
        own(
            "it breaks DynamoDB for all",
            &[],
            what_was_sent_before_its_answer_was_kept_is_not_sent_again,
        ),
        own(
            "it breaks DynamoDB for all",
            &[],
            a_lost_answer_of_the_table_does_not_stop_a_request,
        ),
        own("it moves the clock", &[], a_key_is_remembered_for_a_day),
    ]
}

async fn send(api: &Api, key: &str, message: &Value) -> Answer {
    let call = api.call(Method::POST, "/messages").backend(api);
    call.header("idempotency-key", key)
        .json(message)
        .send()
        .await
}

async fn reachable(api: &Api) -> (Phone, Value) {
    let (alice, phone) = (user("alice"), Phone::android());
    api.register(&phone, Some(&alice), Some(api.client_secret()))
        .await
        .ok(201);
    (
        phone,
        json!({"message": {"alert": "Once"}, "target": {"userIds": [alice]}}),
    )
}

async fn a_repeat_gets_the_same_answer_and_sends_nothing(api: Api) {
    let ((phone, message), key) = (reachable(&api).await, random_hex(32));
    let first = send(&api, &key, &message).await.ok(202);
    let again = json!({"target": message["target"], "message": message["message"]});
    for message in [&message, &again] {
        assert_eq!(send(&api, &key, message).await.ok(202), first);
    }
    assert_eq!(api.shown(&phone).await, ["Once"]);
}

async fn another_body_under_the_same_key_is_refused(api: Api) {
    let ((phone, message), key) = (reachable(&api).await, random_hex(8));
    send(&api, &key, &message).await.ok(202);
    let mut other = message.clone();
    other["message"]["alert"] = json!("Twice");
    let refused = send(&api, &key, &other).await.ok(422);
    assert_eq!(refused["code"], "FPWSE0422E");
    assert_eq!(
        refused["message"],
        "Unprocessable Entity. The Idempotency-Key was used for another request."
    );
    assert_eq!(api.shown(&phone).await, ["Once"]);
}

async fn other_keys_are_other_requests(api: Api) {
    let (phone, message) = reachable(&api).await;
    let key = random_hex(8);
    let one = send(&api, &format!("{key}a"), &message).await.ok(202);
    let two = send(&api, &format!("{key}A"), &message).await.ok(202);
    assert_ne!(one["messageId"], two["messageId"]);
    api.send(&message).await.ok(202);
    assert_eq!(api.shown(&phone).await, ["Once"; 3]);
}

async fn a_key_that_cannot_be_one_is_refused(api: Api) {
    let (phone, message) = reachable(&api).await;
    let long = "k".repeat(65);
    for key in [long.as_str(), "a b", "é"] {
        send(&api, key, &message)
            .await
            .invalid("Idempotency-Key", key);
        let dry = api
            .call(Method::POST, "/messages?dryRun=true")
            .backend(&api);
        let dry = dry.header("idempotency-key", key).json(&message);
        dry.send().await.invalid("Idempotency-Key", key);
    }
    assert_eq!(api.shown(&phone).await, [""; 0]);
    send(
        &api,
        &format!("{}{}", "!".repeat(32), random_hex(16)),
        &message,
    )
    .await
    .ok(202);
}

async fn of_many_at_once_one_sends(api: Api) {
    let ((phone, message), key) = (reachable(&api).await, random_hex(8));
    api.hold("Publish", &phone.token, 200).await;
    let calls = (0..12).map(|_| send(&api, &key, &message));
    let answers = futures_util::future::join_all(calls).await;
    let mut ids: Vec<Value> = Vec::new();
    for answer in answers {
        if answer.status == 503 {
            answer.refused(UNAVAILABLE);
        } else {
            ids.push(answer.ok(202)["messageId"].clone());
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    assert_eq!(
        send(&api, &key, &message).await.ok(202)["messageId"],
        ids[0]
    );
    assert_eq!(api.shown(&phone).await, ["Once"]);
}

/// The id of the message that is kept for the request with this key.
async fn requested(api: &Api, key: &str) -> String {
    let pk = format!("REQUEST#{}", hex(&Sha256::digest(key)));
    let items = api.items().await;
    let request = items.iter().find(|item| item["pk"]["S"] == pk.as_str());
    let messages = &request.unwrap()["messages"]["L"];
    assert_eq!(messages.as_array().map(Vec::len), Some(1));
    messages[0]["S"].as_str().unwrap().to_owned()
}

async fn a_request_that_died_goes_on_under_the_same_message_id(api: Api) {
    let ((phone, message), key) = (reachable(&api).await, random_hex(8));
    api.fault("dynamodb", "BatchGetItem", "ValidationException", 1)
        .await;
    assert_eq!(
        send(&api, &key, &message).await.ok(500)["code"],
        "FPWSE0010E"
    );
    let id = requested(&api, &key).await;
    let status = api.status(&id).await;
    assert_eq!(status["status"], "Accepted");
    let sent = send(&api, &key, &message).await.ok(202);
    assert_eq!(sent["messageId"], id);
    assert_eq!(api.shown(&phone).await, ["Once"]);
    assert_eq!(api.pushes(&phone).await[0].payload()["nid"], id);
    assert_eq!(send(&api, &key, &message).await.ok(202), sent);
    assert_eq!(api.shown(&phone).await, ["Once"]);
    let status = api.status(&id).await;
    assert_eq!(
        (&status["status"], &status["counts"]["accepted"]),
        (&json!("Dispatched"), &json!(1))
    );
}

async fn what_was_sent_before_its_answer_was_kept_is_not_sent_again(api: Api) {
    let ((phone, message), key) = (reachable(&api).await, random_hex(8));
    // What was sent is noted; the answer is not.
    api.let_pass("dynamodb", "UpdateItem").await;
    api.fault("dynamodb", "UpdateItem", "AccessDeniedException", 1)
        .await;
    let sent = send(&api, &key, &message).await.ok(202);
    send(&api, &key, &message).await.refused(UNAVAILABLE);
    api.advance(42).await;
    // How many devices it reached is not known any more.
    let expected = json!({"message": sent["message"], "messageId": sent["messageId"]});
    for _ in 0..2 {
        send(&api, &key, &message).await.is(202, &expected);
    }
    assert_eq!(api.shown(&phone).await, ["Once"]);
}

async fn a_lost_answer_of_the_table_does_not_stop_a_request(api: Api) {
    let (phone, message) = reachable(&api).await;
    // As often as the SDK asks by itself: then we have to find out.
    for operation in ["PutItem", "UpdateItem"] {
        let key = random_hex(8);
        api.fault("dynamodb", operation, "lostAnswer", 3).await;
        let sent = send(&api, &key, &message).await.ok(202);
        assert_eq!(sent["messageId"], requested(&api, &key).await);
    }
    assert_eq!(api.shown(&phone).await, ["Once"; 2]);
}

async fn a_key_is_remembered_for_a_day(api: Api) {
    let ((phone, message), key) = (reachable(&api).await, random_hex(8));
    let first = send(&api, &key, &message).await.ok(202);
    api.advance(86_390).await;
    assert_eq!(send(&api, &key, &message).await.ok(202), first);
    api.advance(11).await;
    assert_ne!(send(&api, &key, &message).await.ok(202), first);
    assert_eq!(api.shown(&phone).await, ["Once"; 2]);
}
