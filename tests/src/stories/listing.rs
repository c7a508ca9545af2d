//! The list of messages, and the end of one.

use crate::answer::NOT_FOUND;
use crate::api::Api;
use crate::phone::{random_hex, user};
use crate::story::{Story, alone, own, shared};
use reqwest::Method;
use serde_json::{Value, json};

const LISTS_ALL: &str = "it lists all messages there are";
const DAY: u64 = 86_400;

pub(super) fn stories() -> Vec<Story> {
    vec![
        alone(LISTS_ALL, &[], messages_are_listed_the_newest_first),
        alone(LISTS_ALL, &[], the_last_message_of_a_bulk_is_the_newest),
        alone(
            LISTS_ALL,
            &["MessageRetentionDays=40"],
            a_list_reaches_back_as_far_as_messages_are_kept,
        ),
        alone(LISTS_ALL, &[], a_list_shows_the_beginning_of_a_long_alert),
        shared(a_part_of_a_list_that_cannot_be_is_refused),
        shared(a_deleted_message_is_gone_for_every_reader),
        own(
            "it breaks DynamoDB for all",
            &[],
            a_deletion_is_repeated_until_nothing_is_left,
        ),
        shared(messages_are_listed_and_deleted_by_a_backend_of_this_application),
    ]
}

/// The list's answer to this query.
async fn list(api: &Api, query: &str) -> Value {
    api.backend_get(&format!("/messages{query}")).await.ok(200)
}

/// The alerts in the list.
async fn alerts(api: &Api, query: &str) -> Vec<String> {
    let list = list(api, query).await;
    let entries = list["messages"].as_array().unwrap().iter();
    let alert = |entry: &Value| entry["alert"].as_str().unwrap().to_owned();
    entries.map(alert).collect()
}

async fn delete(api: &Api, id: &str) -> crate::answer::Answer {
    let call = api.call(Method::DELETE, &format!("/messages/{id}"));
    call.backend(api).send().await
}

async fn messages_are_listed_the_newest_first(api: Api) {
    assert_eq!(list(&api, "").await, json!({"messages": []}));
    let nobody = user("nobody");
    let mut expected = Vec::new();
    for alert in ["one", "two", "three"] {
        let id = api.tell(&[&nobody], alert).await;
        let href = format!("{}{}", api.url(), api.path(&format!("/messages/{id}")));
        expected.insert(0, json!({"messageId": id, "alert": alert, "href": href}));
        api.advance(1).await;
    }
    let mut all = list(&api, "").await;
    for entry in all["messages"].as_array_mut().unwrap() {
        let created = entry.as_object_mut().unwrap().remove("createdTime");
        let created = created.unwrap();
        let created = created.as_str().unwrap();
        assert!(created.len() == 20 && created.ends_with('Z'), "{created}");
    }
    assert_eq!(all["messages"], json!(expected));
    for (query, shown) in [
        ("?offset=0&size=500", &["three", "two", "one"][..]),
        ("?offset=&size=", &["three", "two", "one"]),
        ("?size=2", &["three", "two"]),
        ("?offset=1&size=1", &["two"]),
        ("?offset=2", &["one"]),
        ("?offset=3", &[]),
        ("?offset=1000", &[]),
        ("/?offset=0", &["three", "two", "one"]),
        ("/", &["three", "two", "one"]),
        ("/?offset=1&size=1", &["two"]),
    ] {
        assert_eq!(alerts(&api, query).await, shown, "{query}");
    }
}

async fn the_last_message_of_a_bulk_is_the_newest(api: Api) {
    let nobody = user("nobody");
    // Two transactions keep sixty messages.
    for (count, key) in [(20, None), (60, None), (60, Some("the-key-of-a-bulk"))] {
        let message =
            |n| json!({"message": {"alert": format!("{n}")}, "target": {"userIds": [nobody]}});
        let list: Vec<_> = (0..count).map(message).collect();
        let mut bulk = api.call(Method::POST, "/messages/bulk").backend(&api);
        if let Some(key) = key {
            bulk = bulk.header("idempotency-key", key);
        }
        bulk.json(&json!(list)).send().await.ok(202);
        let newest_first: Vec<_> = (0..count).rev().map(|n| n.to_string()).collect();
        assert_eq!(alerts(&api, &format!("?size={count}")).await, newest_first);
        api.advance(1).await;
    }
}

async fn a_list_reaches_back_as_far_as_messages_are_kept(api: Api) {
    let nobody = user("nobody");
    for (alert, days) in [("one", 1), ("two", 9), ("three", 29)] {
        api.tell(&[&nobody], alert).await;
        api.advance(days * DAY).await;
    }
    api.tell(&[&nobody], "four").await;
    // The first one is 39 days old, the second 38.
    assert_eq!(alerts(&api, "").await, ["four", "three", "two", "one"]);
    assert_eq!(alerts(&api, "?size=2").await, ["four", "three"]);
    assert_eq!(alerts(&api, "?size=1&offset=3").await, ["one"]);
    api.advance(DAY).await;
    assert_eq!(alerts(&api, "").await, ["four", "three", "two"]);
    api.advance(DAY).await;
    assert_eq!(alerts(&api, "").await, ["four", "three"]);
}

async fn a_list_shows_the_beginning_of_a_long_alert(api: Api) {
    let nobody = user("nobody");
    for (length, shown) in [(254, 254), (255, 254)] {
        let id = api.tell(&[&nobody], &"é".repeat(length)).await;
        assert_eq!(alerts(&api, "").await, ["é".repeat(shown)]);
        let kept = api.backend_get(&format!("/messages/{id}")).await.ok(200);
        assert_eq!(kept["message"]["alert"], "é".repeat(length));
        delete(&api, &id).await.empty(204);
    }
}

async fn a_part_of_a_list_that_cannot_be_is_refused(api: Api) {
    for (name, wrong) in [
        ("offset", &["-1", "1001", "x", "1.5", "1,2", "%2B1"][..]),
        (
            "size",
            &["0", "-1", "501", "x", "1e2", "99999999999999999999999"],
        ),
    ] {
        for value in wrong {
            for route in ["/messages", "/messages/", "/devices"] {
                let answer = api.backend_get(&format!("{route}?{name}={value}")).await;
                answer.invalid(name, value);
            }
        }
    }
}

async fn a_deleted_message_is_gone_for_every_reader(api: Api) {
    let (alice, alert) = (user("alice"), random_hex(8));
    let (id, other) = (
        api.tell(&[&alice], &alert).await,
        api.tell(&[&alice], "other").await,
    );
    delete(&api, &id).await.empty(204);
    for tail in ["", "/status"] {
        let read = api.backend_get(&format!("/messages/{id}{tail}")).await;
        read.refused(NOT_FOUND);
    }
    delete(&api, &id).await.refused(NOT_FOUND);
    api.holds_no_item_of(&[&id, &alert]).await;
    api.backend_get(&format!("/messages/{other}")).await.ok(200);
    for unknown in ["AAAAAAA0", "null", "short", "bulk", &"x".repeat(200)] {
        delete(&api, unknown).await.refused(NOT_FOUND);
    }
}

/// How many items of the table name the message.
async fn items_of(api: &Api, id: &str) -> usize {
    let items = api.items().await;
    items
        .iter()
        .filter(|item| item.to_string().contains(id))
        .count()
}

async fn a_deletion_is_repeated_until_nothing_is_left(api: Api) {
    let alice = user("alice");
    for (operation, fault) in [
        ("DeleteItem", "ThrottlingException"),
        ("DeleteItem", "lostAnswer"),
        ("Query", "ThrottlingException"),
    ] {
        let id = api.tell(&[&alice], "Hi").await;
        // The message, its job, its place in the list.
        assert_eq!(items_of(&api, &id).await, 3);
        api.fault("dynamodb", operation, fault, 3).await;
        delete(&api, &id).await.empty(204);
        assert_eq!(items_of(&api, &id).await, 0, "{operation} {fault}");
        api.control(Method::DELETE, "/faults", None).await;
    }
}

async fn messages_are_listed_and_deleted_by_a_backend_of_this_application(api: Api) {
    let alice = user("alice");
    let (id, own) = (api.tell(&[&alice], "Hi").await, api.secret(&alice).await);
    let routes = [
        (Method::GET, "/messages".to_owned()),
        (Method::GET, "/messages/".to_owned()),
        (Method::DELETE, format!("/messages/{id}")),
    ];
    for (method, route) in routes {
        api.is_for_backends(&method, &route, &own).await;
    }
    api.backend_get(&format!("/messages/{id}")).await.ok(200);
}
