//! What a registration may hold: both sides of every limit, and nothing is changed by what is refused.

use crate::answer::{NOT_FOUND, NOT_JSON, UNAUTHORIZED};
use crate::api::Api;
use crate::phone::{Phone, random_hex, user};
use crate::story::{Story, shared};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_platform_is_one_of_two_letters),
        shared(who_may_not_update_a_device_is_not_told_its_platform),
        shared(a_missing_or_wrong_field_is_named),
        shared(a_token_of_expo_is_refused),
        shared(a_body_that_is_no_object_is_refused),
        shared(what_is_not_known_is_ignored),
        shared(an_update_is_about_the_device_of_its_path),
        shared(an_update_without_a_user_means_nobody),
        shared(an_existing_device_is_replaced_and_still_created),
    ]
}

/// Registers a body as a trusted backend; a refusal names the parameter and leaves no trace of the token.
pub(super) async fn tried(api: &Api, body: &Value, wrong: Option<(&str, &str)>) {
    let post = api
        .call(Method::POST, "/devices")
        .secret(Some(api.client_secret()));
    let answer = post.json(body).send().await;
    let Some((parameter, value)) = wrong else {
        let device = answer.ok(201);
        assert_eq!(
            (&device["deviceId"], &device["token"]),
            (&body["deviceId"], &body["token"])
        );
        return;
    };
    answer.invalid(parameter, value);
    let token = body["token"].as_str().unwrap_or_default();
    let id = body["deviceId"].as_str().unwrap_or_default();
    let unique = [token, id].into_iter().filter(|word| word.len() > 15);
    api.holds_no_trace(&unique.collect::<Vec<_>>()).await;
}

async fn a_platform_is_one_of_two_letters(api: Api) {
    for bad in [
        "WEB_CHROME",
        "WEB_FIREFOX",
        "WEB_SAFARI",
        "APPEXT_CHROME",
        "g",
        "a",
        "",
        "AG",
        "G ",
    ] {
        let mut body = Phone::android().body(None);
        body["platform"] = bad.into();
        tried(&api, &body, Some(("platform", bad))).await;
    }
    for bad in [json!(7), json!(["G"]), json!({}), json!(true), Value::Null] {
        let mut body = Phone::android().body(None);
        body["platform"] = bad;
        tried(&api, &body, Some(("platform", ""))).await;
    }
    // A device keeps to the platform that its token is of.
    let phone = Phone::iphone();
    api.register(&phone, None, None).await.ok(201);
    let mut body = phone.body(None);
    body["platform"] = "X".into();
    let put = api.device(Method::PUT, &phone, None).json(&body);
    put.send().await.invalid("platform", "");
    api.holds(&phone, None).await;
}

async fn who_may_not_update_a_device_is_not_told_its_platform(api: Api) {
    let (alice, bob) = (user("alice"), user("bob"));
    let [own, another] = [api.secret(&alice).await, api.secret(&bob).await];
    // Of Android's tokens one, of Apple's one, and none.
    for body in [
        json!({"token": "short"}),
        json!({"token": "a".repeat(64)}),
        json!({"token": "an-fcm-token-that-no-iphone-has-ever-had"}),
        json!({"token": ""}),
        json!({}),
    ] {
        for phone in [Phone::android(), Phone::iphone()] {
            api.register(&phone, Some(&alice), Some(&own)).await.ok(201);
            for secret in [None, Some("anonymous"), Some(another.as_str())] {
                let put = api.device(Method::PUT, &phone, secret).json(&body);
                put.send().await.refused(UNAUTHORIZED);
            }
            api.holds(&phone, Some(&alice)).await;
            let put = api.device(Method::PUT, &phone, Some(&own));
            let answer = put.json(&body).send().await;
            if answer.status != 200 {
                answer.invalid("token", "short");
            }
        }
        // As every update of a device that there is not.
        let put = api.device(Method::PUT, &Phone::android(), None);
        put.json(&body).send().await.refused(NOT_FOUND);
    }
}

async fn a_missing_or_wrong_field_is_named(api: Api) {
    for field in ["deviceId", "token", "platform"] {
        let mut body = Phone::android().body(None);
        body.as_object_mut().unwrap().remove(field);
        tried(&api, &body, Some((field, ""))).await;
        body[field] = Value::Null;
        tried(&api, &body, Some((field, ""))).await;
    }
    for field in ["deviceId", "token", "platform", "userId"] {
        for wrong in [json!(7), json!(true), json!({}), json!([]), json!(1.5)] {
            let mut body = Phone::android().body(None);
            body[field] = wrong;
            tried(&api, &body, Some((field, ""))).await;
        }
    }
}

async fn a_token_of_expo_is_refused(api: Api) {
    for phone in [Phone::android(), Phone::iphone()] {
        for service in ["ExponentPushToken", "ExpoPushToken"] {
            let mut body = phone.body(None);
            body["token"] = format!("{service}[{}]", random_hex(22)).into();
            let post = api.call(Method::POST, "/devices").json(&body);
            let answer = post.send().await;
            answer.invalid("token", service);
            let message = answer.ok(400)["message"].clone();
            assert!(message.as_str().unwrap().contains("Expo"), "{message}");
        }
    }
}

async fn a_body_that_is_no_object_is_refused(api: Api) {
    for body in [json!([]), json!("text"), json!(7), Value::Null, json!([{}])] {
        let post = api.call(Method::POST, "/devices").json(&body).send().await;
        let code = post.ok(400)["code"].clone();
        assert!(code == NOT_JSON.1 || code == "FPWSE0005E", "{body}: {code}");
    }
}

async fn what_is_not_known_is_ignored(api: Api) {
    let phone = Phone::android();
    let mut body = phone.body(None);
    for (name, value) in [
        ("variables", json!({"a": 1})),
        ("vapidRegistration", json!(true)),
        ("phoneNumber", json!("+49")),
        ("createdTime", json!(7)),
        ("owner", json!("mallory")),
    ] {
        body[name] = value;
    }
    let post = api.call(Method::POST, "/devices?x=1&userId=mallory");
    let post = post
        .header("x-rewrite-domain", "example")
        .header("accept-language", "de");
    let device = post.json(&body).send().await.ok(201);
    assert_eq!(device["userId"], "anonymous");
    assert_eq!(device.as_object().unwrap().len(), 8, "{device}");
}

async fn an_update_is_about_the_device_of_its_path(api: Api) {
    let (phone, other) = (Phone::android(), Phone::android());
    api.register(&phone, None, None).await.ok(201);
    let mut body = phone.body(None);
    body["deviceId"] = other.device.clone().into();
    let put = api.device(Method::PUT, &phone, None).json(&body);
    put.send().await.invalid("deviceId", &other.device);
    api.holds_no_trace(&[&other.device]).await;
    for (name, value) in [
        ("token", Value::Null),
        ("token", json!("")),
        ("token", json!("short")),
    ] {
        let mut body = phone.body(None);
        body[name] = value;
        let put = api.device(Method::PUT, &phone, None).json(&body);
        put.send().await.invalid(name, "short");
    }
    let mut body = phone.body(None);
    body.as_object_mut().unwrap().remove("token");
    let put = api.device(Method::PUT, &phone, None).json(&body);
    put.send().await.invalid("token", "");
    // Neither a device id nor a platform is needed.
    let fresh = phone.refreshed();
    let put = api
        .device(Method::PUT, &phone, None)
        .json(&json!({"token": fresh.token}));
    put.send().await.ok(200);
    api.holds(&fresh, None).await;
    let put = api
        .device(Method::PUT, &other, None)
        .json(&json!({"token": other.token}));
    put.send().await.refused(NOT_FOUND);
}

async fn an_update_without_a_user_means_nobody(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    for nothing in [None, Some(json!("")), Some(Value::Null)] {
        api.register(&phone, Some(&alice), Some(&secret))
            .await
            .ok(201);
        let mut body = phone.body(None);
        if let Some(nothing) = nothing {
            body["userId"] = nothing;
        }
        let put = api.device(Method::PUT, &phone, Some(&secret)).json(&body);
        assert_eq!(put.send().await.ok(200)["userId"], "anonymous");
        api.holds(&phone, None).await;
    }
}

async fn an_existing_device_is_replaced_and_still_created(api: Api) {
    let (alice, phone) = (user("alice"), Phone::android());
    let secret = api.secret(&alice).await;
    let first = api
        .register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    let second = api.register(&phone, Some(&alice), Some(&secret)).await;
    second.is(201, &first);
    let fresh = phone.refreshed();
    let third = api
        .register(&fresh, Some(&alice), Some(&secret))
        .await
        .ok(201);
    assert_eq!(third["createdTime"], first["createdTime"]);
    assert_eq!(third["token"], fresh.token);
}
