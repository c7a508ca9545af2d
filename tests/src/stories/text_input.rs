//! Bodies as programs with UTF-16 strings write them: cut inside of a character, or with a byte order mark.

use super::send_input::Stage;
use crate::answer::NOT_JSON;
use crate::api::{Api, Request};
use crate::phone::Phone;
use crate::story::{Story, shared};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_character_that_was_cut_is_replaced_in_what_is_shown),
        shared(a_cut_character_of_one_message_changes_no_other),
        shared(a_name_with_a_cut_character_is_refused),
        shared(a_byte_order_mark_is_skipped),
    ]
}

const JSON: &str = "application/json";

/// The JSON text of a value, in which every `✂` is an escaped half of a character.
fn cut(value: &Value) -> String {
    value.to_string().replace('✂', "\\ud83d")
}

fn send(api: &Api, route: &str, body: &Value) -> Request {
    api.call(Method::POST, route)
        .backend(api)
        .body(JSON, cut(body))
}

async fn a_character_that_was_cut_is_replaced_in_what_is_shown(api: Api) {
    let stage = Stage::set(api).await;
    let text = r#"{"said": "\ud83d"}"#;
    let gcm = json!({"androidTitle": "✂ News", "payload": {"said": ["✂ 😀"], "✂": 1}});
    for (payload, read) in [
        (
            gcm["payload"].clone(),
            json!({"said": ["\u{fffd} 😀"], "\u{fffd}": 1}),
        ),
        (json!(text), json!({"said": "\u{fffd}"})),
    ] {
        let mut gcm = gcm.clone();
        gcm["payload"] = payload;
        let message = json!({"message": {"alert": "Great ✂"}, "settings": {"gcm": gcm},
            "target": {"userIds": [stage.alice]}});
        let sent = send(&stage.api, "/messages", &message).send().await.ok(202);
        assert_eq!(
            sent["message"]["message"],
            json!({"alert": "Great \u{fffd}"})
        );
        let push = stage.api.pushes(&stage.phone).await.pop().unwrap();
        assert_eq!(push.alert(), "Great \u{fffd}");
        assert_eq!(push.data()["androidTitle"], "\u{fffd} News");
        let mut payload = push.payload();
        for ours in ["nid", "uid"] {
            payload.as_object_mut().unwrap().remove(ours);
        }
        assert_eq!(payload, read);
    }
}

async fn a_cut_character_of_one_message_changes_no_other(api: Api) {
    let stage = Stage::set(api).await;
    let alerts: Vec<_> = (0..20)
        .map(|n| {
            if n == 11 {
                "Great ✂".to_owned()
            } else {
                format!("😀 \0 {n}")
            }
        })
        .collect();
    let message =
        |alert| json!({"message": {"alert": alert}, "target": {"userIds": [stage.alice]}});
    let list: Vec<_> = alerts.iter().map(message).collect();
    let sent = send(&stage.api, "/messages/bulk", &list.into())
        .send()
        .await;
    assert_eq!(sent.ok(202)["messages"].as_array().unwrap().len(), 20);
    let expected: Vec<_> = alerts
        .iter()
        .map(|alert| alert.replace('✂', "\u{fffd}"))
        .collect();
    assert_eq!(stage.api.shown(&stage.phone).await, expected);
}

async fn a_name_with_a_cut_character_is_refused(api: Api) {
    let stage = Stage::set(api).await;
    let api = &stage.api;
    for (kind, name) in [("userIds", "a✂"), ("deviceIds", "a✂"), ("tagNames", "a✂")] {
        let message = json!({"message": {"alert": "Hi"}, "target": {kind: [name]}});
        let path = format!("target.{kind}[0]");
        send(api, "/messages", &message)
            .send()
            .await
            .invalid(&path, "");
        let list =
            json!([{"message": {"alert": "Hi"}, "target": {"userIds": [stage.alice]}}, message]);
        let bulk = send(api, "/messages/bulk", &list).send().await;
        bulk.invalid(&format!("[1].{path}"), "");
    }
    for name in ["deviceId", "userId", "token"] {
        let mut body = Phone::android().body(Some(&stage.alice));
        body[name] = format!("{}✂", body[name].as_str().unwrap()).into();
        let post = api
            .call(Method::POST, "/devices")
            .secret(Some(api.client_secret()));
        post.body(JSON, cut(&body)).send().await.invalid(name, "");
    }
    let tag = json!({"name": "a✂", "description": "✂"});
    send(api, "/tags", &tag).send().await.invalid("name", "");
    let subscribe = json!({"deviceId": stage.phone.device, "tagName": "a✂"});
    let post = api
        .call(Method::POST, "/subscriptions")
        .secret(Some(api.client_secret()));
    post.body(JSON, cut(&subscribe))
        .send()
        .await
        .invalid("tagName", "");
    assert_eq!(api.shown(&stage.phone).await, [""; 0]);
}

async fn a_byte_order_mark_is_skipped(api: Api) {
    let stage = Stage::set(api).await;
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": [stage.alice]}});
    let marked = |text: &str| {
        let send = stage
            .api
            .call(Method::POST, "/messages")
            .backend(&stage.api);
        send.body(JSON, format!("\u{feff}{text}"))
    };
    marked(&message.to_string()).send().await.ok(202);
    assert_eq!(stage.api.shown(&stage.phone).await, ["Hi"]);
    marked("\u{feff}{}").send().await.refused(NOT_JSON);
    let phone = Phone::android();
    let post = stage.api.call(Method::POST, "/devices");
    let post = post.body(JSON, format!("\u{feff}{}", phone.body(None)));
    post.send().await.ok(201);
}
