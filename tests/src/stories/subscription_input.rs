//! What a call about subscriptions has to say.

use super::subscriptions::{made, subscriber};
use crate::api::Api;
use crate::story::{Story, shared};
use reqwest::Method;
use serde_json::json;

pub(super) fn stories() -> Vec<Story> {
    vec![shared(a_wrong_subscription_is_named)]
}

async fn a_wrong_subscription_is_named(api: Api) {
    let tag = made(&api).await;
    let (_, secret, phone) = subscriber(&api, &[]).await;
    let call = |method, route: &str| api.call(method, route).secret(Some(&secret));
    let device = &phone.device;
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    for (body, parameter) in [
        (json!({"tagName": tag}), "deviceId"),
        (json!({"deviceId": "", "tagName": tag}), "deviceId"),
        (json!({"deviceId": "null", "tagName": tag}), "deviceId"),
        (json!({"deviceId": 7, "tagName": tag}), "deviceId"),
        (json!({"deviceId": device}), "tagName"),
        (json!({"deviceId": device, "tagName": null}), "tagName"),
        (json!({"deviceId": device, "tagName": ""}), "tagName"),
        (json!({"deviceId": device, "tagName": ["t"]}), "tagName"),
        (json!({"deviceId": device, "tagName": "a/b"}), "tagName"),
        (json!({"deviceId": device, "tagNames": []}), "tagNames"),
        (json!({"deviceId": device, "tagNames": tag}), "tagNames"),
        (json!({"deviceId": device, "tagNames": many}), "tagNames"),
        (
            json!({"deviceId": device, "tagNames": [tag, 7]}),
            "tagNames[1]",
        ),
        (
            json!({"deviceId": device, "tagNames": [tag, "a/b"]}),
            "tagNames[1]",
        ),
        (
            json!({"deviceId": device, "tagName": tag, "tagNames": [tag]}),
            "tagNames",
        ),
        (json!([]), "body"),
    ] {
        for route in ["/subscriptions", "/subscriptions?action=delete"] {
            let answer = call(Method::POST, route).json(&body).send().await;
            answer.invalid(parameter, &tag);
        }
    }
    let body = json!({"deviceId": device, "tagName": tag});
    let other = call(Method::POST, "/subscriptions?action=add").json(&body);
    other.send().await.invalid("action", "");
    for (route, name) in [
        (format!("/subscriptions?tagName={tag}"), "deviceId"),
        (
            format!("/subscriptions?deviceId={device}&tagName="),
            "tagName",
        ),
    ] {
        let answer = call(Method::DELETE, &route).send().await.ok(400);
        let message = format!("Bad Request. The query parameter '{name}' is missing.");
        assert_eq!(
            (&answer["code"], &answer["message"]),
            (&json!("FPWSE0008E"), &json!(message))
        );
    }
    let answer = api.backend_get("/subscriptions").await.ok(400);
    assert_eq!(answer["code"], "FPWSE0008E");
    for (query, name) in [
        ("deviceId=report", "deviceId"),
        ("tagName=a%2Fb", "tagName"),
        ("userId=anonymous", "userId"),
        ("tagName=t&cursor=x", "cursor"),
        ("userId=u&cursor=eA", "cursor"),
        ("tagName=t&size=501", "size"),
    ] {
        let answer = api.backend_get(&format!("/subscriptions?{query}")).await;
        answer.invalid(name, "");
    }
    // The empty values that real apps send.
    let body = json!({"deviceId": device, "tagName": tag, "userId": ""});
    let subscribe = call(Method::POST, "/subscriptions?action=").json(&body);
    subscribe.send().await.ok(201);
}
