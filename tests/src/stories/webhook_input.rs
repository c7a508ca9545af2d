//! What a webhook may be: names, URLs and types of events on both sides of each limit.

use super::webhooks::{ALL, NEEDS, ON, call, made, url_of};
use crate::answer::{NOT_FOUND, NOT_JSON, NOT_SUPPORTED, TOO_LARGE};
use crate::api::Api;
use crate::noted::note;
use crate::story::{Story, alone};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        alone(NEEDS, ON, a_wrong_webhook_is_named),
        alone(NEEDS, ON, names_and_urls_are_taken_up_to_their_limits),
        alone(
            NEEDS,
            ON,
            a_url_that_leads_into_a_house_is_refused_and_not_called,
        ),
    ]
}

/// POST `/webhooks`, then forgotten where it was taken.
async fn tried(api: &Api, body: &Value) -> crate::answer::Answer {
    let answer = call(api, Method::POST, "/webhooks").json(body);
    let answer = answer.send().await;
    if answer.status == 201 {
        let webhook = answer.ok(201);
        note(webhook["signingKey"].as_str().unwrap());
        let route = format!("/webhooks/{}", webhook["name"].as_str().unwrap());
        call(api, Method::DELETE, &route).send().await.empty(204);
    }
    answer
}

async fn a_wrong_webhook_is_named(api: Api) {
    made(&api, "crm", &["onSubscribe"]).await;
    let good = json!({"name": "good", "url": url_of("good"), "eventTypes": ["onSubscribe"]});
    let seven: Vec<_> = ALL.iter().chain(["onSubscribe"].iter()).collect();
    for (key, value, parameter) in [
        ("name", json!(null), "name"),
        ("name", json!(7), "name"),
        ("name", json!(""), "name"),
        ("name", json!(".."), "name"),
        ("name", json!("a b"), "name"),
        ("name", json!("a/b"), "name"),
        ("name", json!("é"), "name"),
        ("url", json!(null), "url"),
        ("url", json!(["https://h.example/"]), "url"),
        ("url", json!("http://h.example/"), "url"),
        ("url", json!("https://user:password@10.0.0.1/"), "url"),
        ("url", json!("https://h.example/#fragment"), "url"),
        ("eventTypes", json!(null), "eventTypes"),
        ("eventTypes", json!("onSubscribe"), "eventTypes"),
        ("eventTypes", json!([]), "eventTypes"),
        ("eventTypes", json!(["onSubscribe", 7]), "eventTypes[1]"),
        ("eventTypes", json!(["onEverything"]), "eventTypes[0]"),
        (
            "eventTypes",
            json!(["onSubscribe", "ONSUBSCRIBE"]),
            "eventTypes[1]",
        ),
        ("eventTypes", json!(seven), "eventTypes[6]"),
    ] {
        let mut body = good.clone();
        body[key] = value.clone();
        let text = value.as_str().unwrap_or_default();
        tried(&api, &body).await.invalid(parameter, text);
        // Of a change a name need not be part, and can only be the one of the path.
        match key {
            "name" if value.is_null() => continue,
            "name" => {}
            _ => body["name"] = "crm".into(),
        }
        let change = call(&api, Method::PUT, "/webhooks/crm").json(&body);
        change.send().await.invalid(parameter, text);
    }
    let other = call(&api, Method::PUT, "/webhooks/crm").json(&good);
    other.send().await.invalid("name", "good");
    for method in [Method::POST, Method::PUT] {
        let route = if method == Method::POST {
            "/webhooks"
        } else {
            "/webhooks/crm"
        };
        let sent = |kind: &str, body: Vec<u8>| {
            let call = call(&api, method.clone(), route);
            call.body(kind, body).send()
        };
        sent("application/json", b"{".to_vec())
            .await
            .refused(NOT_JSON);
        sent("application/json", b"[]".to_vec())
            .await
            .invalid("body", "");
        sent("text/plain", b"{}".to_vec())
            .await
            .refused(NOT_SUPPORTED);
        sent("application/json", vec![b' '; 1024 * 1024 + 1])
            .await
            .refused(TOO_LARGE);
    }
    for unknown in ["%2E%2E", "a%20b", &"x".repeat(65), "unknown"] {
        let route = format!("/webhooks/{unknown}");
        api.backend_get(&route).await.refused(NOT_FOUND);
    }
    let read = api.backend_get("/webhooks/crm").await.ok(200);
    assert_eq!(
        (&read["url"], &read["eventTypes"]),
        (&json!(url_of("crm")), &json!(["onSubscribe"]))
    );
}

async fn names_and_urls_are_taken_up_to_their_limits(api: Api) {
    let with = |name: &str, url: &str| json!({"name": name, "url": url, "eventTypes": ALL});
    let url = |length: usize| format!("https://h.example/{}", "a".repeat(length - 18));
    for (name, ok) in [
        ("a", true),
        ("A-z_0.9", true),
        (&"n".repeat(64), true),
        (&"n".repeat(65), false),
    ] {
        let answer = tried(&api, &with(name, &url(30))).await;
        assert_eq!(answer.status, if ok { 201 } else { 400 }, "{name}");
    }
    for (url, ok) in [(url(2048), true), (url(2049), false)] {
        let answer = tried(&api, &with("crm", &url)).await;
        assert_eq!(answer.status, if ok { 201 } else { 400 }, "{url}");
    }
}

async fn a_url_that_leads_into_a_house_is_refused_and_not_called(api: Api) {
    for host in [
        "localhost",
        "api.localhost",
        "metadata.google.internal",
        "printer.local",
        "intranet",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "user:password@127.0.0.1",
        "user@localhost",
        "public.example@10.0.0.1",
        "public.example:443@169.254.169.254",
        "user@public.example@10.0.0.1",
        "public.example%2F@[::1]",
        "10.0.0.1\\@public.example",
        "public.example#@10.0.0.1",
    ] {
        let url = format!("https://{host}/latest");
        let body = json!({"name": "crm", "url": url, "eventTypes": ALL});
        tried(&api, &body).await.invalid("url", host);
    }
    for host in [
        "8.8.8.8",
        "100.128.0.1",
        "[2606:4700::1]",
        "h.example:8443",
        "10.0.0.1@h.example",
    ] {
        let url = format!("https://{host}/latest");
        let body = json!({"name": "crm", "url": url, "eventTypes": ALL});
        tried(&api, &body).await.ok(201);
    }
    let hooks = api.control(Method::GET, "/hooks", None).await;
    assert_eq!(hooks, json!({"hooks": []}));
}
