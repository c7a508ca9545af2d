//! Webhooks: backends make, change and delete them, where the operator wants any.

use crate::answer::{NOT_FOUND, Refusal, UNAUTHORIZED, UNAVAILABLE};
use crate::api::{Api, Request};
use crate::cast::Cast;
use crate::noted::note;
use crate::phone::{Phone, user};
use crate::story::{Story, alone};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

pub(super) const NEEDS: &str = "it needs a parameter, and is all webhooks' owner";
pub(super) const ON: &[&str] = &["Webhooks=true"];

const WEBHOOK_EXISTS: Refusal = Refusal(
    409,
    "FPWSE0002E",
    "Conflict. There is a webhook of this name.",
);

const WEBHOOKS_OFF: Refusal = Refusal(
    404,
    "FPWSE0001E",
    "Not Found. Webhooks are off. The parameter Webhooks=true turns them on.",
);

/// All types of events, as the contract spells and orders them.
pub(super) const ALL: [&str; 6] = [
    "onDeviceRegister",
    "onDeviceUpdate",
    "onDeviceUnregister",
    "onSubscribe",
    "onUnsubscribe",
    "onNotificationStatusChange",
];

pub(super) fn stories() -> Vec<Story> {
    vec![
        alone(NEEDS, ON, a_webhook_is_made_read_listed_changed_and_deleted),
        alone(NEEDS, ON, a_webhook_that_there_is_cannot_be_made),
        alone(NEEDS, ON, there_are_ten_webhooks_at_most),
        alone(NEEDS, ON, at_most_ten_are_made_at_once),
        alone(NEEDS, ON, user_info_is_kept_and_never_shown),
        alone(NEEDS, ON, only_a_backend_makes_and_sees_webhooks),
        alone(NEEDS, ON, what_is_lost_on_the_way_is_found_done),
        alone(
            "it counts the calls of all",
            &[],
            unless_the_operator_wants_them_there_are_no_webhooks,
        ),
    ]
}

/// A call of a backend.
pub(super) fn call(api: &Api, method: Method, route: &str) -> Request {
    api.call(method, route).backend(api)
}

/// POST `/webhooks`.
pub(super) fn make(api: &Api, name: &str, types: &[&str]) -> Request {
    let body = json!({"name": name, "url": url_of(name), "eventTypes": types});
    call(api, Method::POST, "/webhooks").json(&body)
}

/// Where a webhook of these stories is.
pub(super) fn url_of(name: &str) -> String {
    format!("https://hooks.example.com/{name}?key=hidden")
}

/// A webhook for these types of events; gives the key that verifies its signatures.
pub(super) async fn made(api: &Api, name: &str, types: &[&str]) -> String {
    let webhook = make(api, name, types).send().await.ok(201);
    note(webhook["signingKey"].as_str().unwrap())
}

async fn a_webhook_is_made_read_listed_changed_and_deleted(api: Api) {
    let since = api.now().await;
    let answer = make(&api, "crm", &["onDEVICEregister", "onSubscribe"]);
    let answer = answer.send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let webhook = answer.ok(201);
    let key = note(webhook["signingKey"].as_str().unwrap());
    assert!(key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let created = webhook["createdTime"].as_str().unwrap();
    assert!(*created >= *since, "{created}");
    let mut shown = json!({
        "name": "crm", "url": url_of("crm"), "eventTypes": ["onDeviceRegister", "onSubscribe"],
        "createdTime": created, "lastUpdatedTime": created,
        "href": format!("{}{}", api.url(), api.path("/webhooks/crm")),
    });
    let with_key = |shown: &Value| {
        let mut shown = shown.clone();
        shown["signingKey"] = key.as_str().into();
        shown
    };
    assert_eq!(webhook, with_key(&shown));
    let read = api.backend_get("/webhooks/crm").await;
    assert_eq!(read.header("cache-control"), Some("no-store"));
    read.is(200, &with_key(&shown));

    api.advance(60).await;
    let body =
        json!({"name": "crm", "url": "https://other.example/", "eventTypes": ALL, "more": 1});
    let change = call(&api, Method::PUT, "/webhooks/crm").json(&body);
    let changed = change.send().await.ok(200);
    let updated = changed["lastUpdatedTime"].as_str().unwrap();
    assert!(updated > created, "{updated}");
    shown["url"] = "https://other.example/".into();
    shown["eventTypes"] = json!(ALL);
    shown["lastUpdatedTime"] = updated.into();
    assert_eq!(changed, shown);
    // The key stays, and the list has none.
    api.backend_get("/webhooks/crm")
        .await
        .is(200, &with_key(&shown));
    let first = make(&api, "audit", &["onUnsubscribe"]).send().await;
    let mut first = first.ok(201);
    let other_key = first.as_object_mut().unwrap().remove("signingKey");
    assert_ne!(note(other_key.unwrap().as_str().unwrap()), key);
    let list = api.backend_get("/webhooks").await;
    list.is(200, &json!({"webhooks": [first, shown]}));

    let delete = || call(&api, Method::DELETE, "/webhooks/crm").send();
    delete().await.empty(204);
    delete().await.refused(NOT_FOUND);
    api.backend_get("/webhooks/crm").await.refused(NOT_FOUND);
    let change = call(&api, Method::PUT, "/webhooks/crm").json(&body);
    change.send().await.refused(NOT_FOUND);
    let list = api.backend_get("/webhooks").await;
    list.is(200, &json!({"webhooks": [first]}));
    // Another one of the name has another key.
    assert_ne!(made(&api, "crm", &ALL).await, key);
    api.holds_no_item_of(&[&key]).await;
}

async fn a_webhook_that_there_is_cannot_be_made(api: Api) {
    made(&api, "crm", &["onSubscribe"]).await;
    make(&api, "crm", &ALL).send().await.refused(WEBHOOK_EXISTS);
    let read = api.backend_get("/webhooks/crm").await.ok(200);
    assert_eq!(read["eventTypes"], json!(["onSubscribe"]));
    // Letters of another case are others.
    made(&api, "CRM", &ALL).await;
}

async fn there_are_ten_webhooks_at_most(api: Api) {
    for n in 0..10 {
        made(&api, &format!("hook-{n}"), &ALL).await;
    }
    let more = || make(&api, "one-more", &ALL).send();
    more().await.invalid("name", "one-more");
    make(&api, "hook-9", &ALL)
        .send()
        .await
        .refused(WEBHOOK_EXISTS);
    let delete = call(&api, Method::DELETE, "/webhooks/hook-0");
    delete.send().await.empty(204);
    note(more().await.ok(201)["signingKey"].as_str().unwrap());
}

async fn at_most_ten_are_made_at_once(api: Api) {
    let names = async || {
        let list = api.backend_get("/webhooks").await.ok(200);
        let list = list["webhooks"].as_array().unwrap().iter();
        let names = list.map(|webhook| webhook["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let mut made_before = Vec::new();
    for round in 0..3 {
        let tries = (0..30).map(|n| format!("hook-{round}-{n:02}"));
        let tries = tries.map(|name| async {
            let answer = make(&api, &name, &ALL).send().await;
            (name, answer)
        });
        for (name, answer) in join_all(tries).await {
            match answer.status {
                201 => {
                    note(answer.ok(201)["signingKey"].as_str().unwrap());
                    made_before.push(name);
                }
                503 => answer.refused(UNAVAILABLE),
                _ => answer.invalid("name", &name),
            }
        }
        made_before.sort();
        assert_eq!(names().await, made_before);
        // A call that lost every race is repeated.
        while made_before.len() < 10 {
            let name = format!("hook-{round}-x{}", made_before.len());
            made(&api, &name, &ALL).await;
            made_before.push(name);
        }
        make(&api, "one-more", &ALL)
            .send()
            .await
            .invalid("name", "one-more");
        // Each that is deleted frees a place, and no more.
        let gone: Vec<_> = made_before.drain(..4).collect();
        let deletions = gone.iter().map(|name| {
            let route = format!("/webhooks/{name}");
            call(&api, Method::DELETE, &route).send()
        });
        for answer in join_all(deletions).await {
            answer.empty(204);
        }
        assert_eq!(names().await.len(), 6);
    }
}

async fn user_info_is_kept_and_never_shown(api: Api) {
    let secret = note("p%40ss-word-of-a-hook");
    let plain = note("p@ss-word-of-a-hook");
    let (url, shown) = (
        format!("https://a-user:{secret}@hooks.example.com/crm"),
        "https://hooks.example.com/crm",
    );
    let basic = note(STANDARD.encode(format!("a-user:{plain}")));
    let body = |url: &str| json!({"name": "crm", "url": url, "eventTypes": ALL});
    let post = call(&api, Method::POST, "/webhooks").json(&body(&url));
    let webhook = post.send().await.ok(201);
    note(webhook["signingKey"].as_str().unwrap());
    assert_eq!(webhook["url"], shown);
    let put = || {
        let put = call(&api, Method::PUT, "/webhooks/crm");
        put.json(&body(&url)).send()
    };
    for answer in [
        put().await,
        api.backend_get("/webhooks/crm").await,
        api.backend_get("/webhooks").await,
    ] {
        let text = answer.ok(200).to_string();
        assert!(text.contains(shown), "{text}");
        for word in ["a-user", &secret, &plain, &basic] {
            assert!(!text.contains(word), "{text}");
        }
    }
    // Each attempt has it.
    api.hooks_answer(Some(shown), 500, 1).await;
    let phone = Phone::android();
    api.register(&phone, None, None).await.ok(201);
    api.attempts_ended("failed", 1).await;
    api.advance(12).await;
    let hooks = api.heard().await;
    assert_eq!(hooks.len(), 2);
    for hook in hooks {
        assert_eq!(hook.url(), shown);
        let expected = format!("Basic {basic}");
        assert_eq!(hook.header("authorization"), Some(expected.as_str()));
        assert!(!hook.body().contains("a-user"));
    }
    // A change sets all of the URL.
    let put = call(&api, Method::PUT, "/webhooks/crm").json(&body(shown));
    put.send().await.ok(200);
    api.unregister(&phone, None).await.empty(204);
    let hooks = api.heard().await;
    assert_eq!(hooks[0].header("authorization"), None);
    hooks[0].is_a_call_of_ours();
}

async fn only_a_backend_makes_and_sees_webhooks(api: Api) {
    made(&api, "crm", &ALL).await;
    let own = api.secret(&user("alice")).await;
    for (method, route) in [
        (Method::GET, "/webhooks"),
        (Method::POST, "/webhooks"),
        (Method::GET, "/webhooks/crm"),
        (Method::PUT, "/webhooks/crm"),
        (Method::DELETE, "/webhooks/crm"),
    ] {
        api.is_for_backends(&method, route, &own).await;
    }
    let unknown = api.call(Method::GET, "/webhooks/unknown");
    unknown.send().await.refused(UNAUTHORIZED);
    api.backend_get("/webhooks/crm").await.ok(200);
}

async fn what_is_lost_on_the_way_is_found_done(api: Api) {
    for fault in ["lostAnswer", "ThrottlingException", "Conflict"] {
        let fails = || api.fault("dynamodb", "TransactWriteItems", fault, 2);
        fails().await;
        made(&api, "crm", &["onSubscribe"]).await;
        fails().await;
        let body = json!({"url": url_of("other"), "eventTypes": ALL});
        let change = call(&api, Method::PUT, "/webhooks/crm").json(&body);
        change.send().await.ok(200);
        let list = api.backend_get("/webhooks").await.ok(200);
        assert_eq!(list["webhooks"][0]["url"], url_of("other"));
        fails().await;
        let delete = call(&api, Method::DELETE, "/webhooks/crm");
        delete.send().await.empty(204);
        api.control(Method::DELETE, "/faults", None).await;
    }
}

async fn unless_the_operator_wants_them_there_are_no_webhooks(api: Api) {
    let cast = Cast::new(&api).await;
    let warm = cast.phone_of_alice().await;
    api.unregister(&warm, Some(cast.own())).await.empty(204);
    api.forget_calls().await;
    for with in [true, false] {
        for (method, route) in [
            (Method::GET, "/webhooks"),
            (Method::POST, "/webhooks"),
            (Method::GET, "/webhooks/crm"),
            (Method::PUT, "/webhooks/crm"),
            (Method::DELETE, "/webhooks/crm"),
        ] {
            let call = api.call(method, route);
            let call = if with { call.backend(&api) } else { call };
            let body = json!({"name": "crm", "url": url_of("crm"), "eventTypes": ALL});
            call.json(&body).send().await.refused(WEBHOOKS_OFF);
        }
    }
    assert_eq!(api.calls().await, json!({}));
    // Neither does what would be an event cost anything: a logout makes its own calls and no more.
    let phone = cast.phone_of_alice().await;
    api.forget_calls().await;
    api.unregister(&phone, Some(cast.own())).await.empty(204);
    let calls = api.calls().await;
    assert_eq!(calls["sqs.SendMessageBatch"], Value::Null, "{calls}");
    assert_eq!(calls["sqs.SendMessage"], 1, "the endpoint: {calls}");
    let hooks = api.control(Method::GET, "/hooks", None).await;
    assert_eq!(hooks, json!({"hooks": []}));
}
