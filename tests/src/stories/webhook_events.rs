//! What webhooks are told: what happened to devices, each once, and nothing that is secret.

use super::publishing::Stage;
use super::subscriptions::{made_some, subscribe, unsubscribe};
use super::webhooks::{ALL, NEEDS, ON, made};
use crate::answer::NO_SUBSCRIPTION;
use crate::api::Api;
use crate::cast::Cast;
use crate::phone::Phone;
use crate::story::{Story, alone};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        alone(NEEDS, ON, a_registration_is_told_once),
        alone(NEEDS, ON, a_device_that_changes_hands_or_token_is_told),
        alone(NEEDS, ON, the_device_that_a_reinstallation_ends_is_told),
        alone(NEEDS, ON, a_logout_is_told_once),
        alone(NEEDS, ON, each_device_of_an_erased_user_is_told),
        alone(NEEDS, ON, a_device_with_a_dead_token_is_told),
        alone(
            NEEDS,
            &["Webhooks=true", "MaxDevicesPerUser=1"],
            a_device_too_many_is_told,
        ),
        alone(NEEDS, ON, subscriptions_are_told_tag_by_tag),
        alone(NEEDS, ON, what_a_device_reports_of_a_message_is_told_once),
        alone(NEEDS, ON, a_webhook_is_told_what_it_asks_for),
        alone(NEEDS, ON, a_refused_call_is_told_to_nobody),
        alone(NEEDS, ON, events_of_one_second_have_an_order),
    ]
}

/// What a webhook is told of a device.
fn event(name: &str, phone: &Phone, user: &str) -> Value {
    json!({"event": name, "deviceId": phone.device, "platform": phone.platform, "userId": user})
}

/// What a webhook is told of the end of a device.
fn end(phone: &Phone, user: &str, reason: &str) -> Value {
    let mut event = event("onDeviceUnregister", phone, user);
    event["reason"] = reason.into();
    event
}

/// What the webhooks were told since the last look, in the order of the events' names and the devices; each in the form of the
/// contract, so that there is no room for a token.
async fn heard(api: &Api) -> Vec<Value> {
    let mut events = Vec::new();
    for hook in api.heard().await {
        hook.is_a_call_of_ours();
        events.push(hook.event(api));
    }
    events.sort_by_key(|event| {
        let part = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        (part("event"), part("deviceId"), part("tagName"))
    });
    events
}

/// A webhook for everything, and two users.
async fn cast(api: &Api) -> Cast {
    made(api, "all", &ALL).await;
    Cast::new(api).await
}

async fn a_registration_is_told_once(api: Api) {
    let cast = cast(&api).await;
    let phone = cast.phone_of_alice().await;
    let told = event("onDeviceRegister", &phone, &cast.alice);
    assert_eq!(heard(&api).await, [told]);
    // Nothing changes.
    for _ in 0..2 {
        let again = api.register(&phone, Some(&cast.alice), Some(cast.own()));
        again.await.ok(201);
    }
    // Nothing but the lease, after more than half of it.
    api.advance(140 * 86_400).await;
    let own = api.secret(&cast.alice).await;
    let again = api.register(&phone, Some(&cast.alice), Some(&own));
    again.await.ok(201);
    assert_eq!(heard(&api).await, [Value::Null; 0]);
    let iphone = Phone::iphone();
    api.register(&iphone, None, None).await.ok(201);
    let told = event("onDeviceRegister", &iphone, "anonymous");
    assert_eq!(heard(&api).await, [told]);
}

async fn a_device_that_changes_hands_or_token_is_told(api: Api) {
    let cast = cast(&api).await;
    let phone = cast.phone_of_alice().await;
    heard(&api).await;
    let phone = phone.refreshed();
    let update = api.update(&phone, Some(&cast.alice), Some(cast.own()));
    update.await.ok(200);
    let told = event("onDeviceUpdate", &phone, &cast.alice);
    assert_eq!(heard(&api).await, [told]);
    let his = api.register(&phone, Some(&cast.bob), Some(cast.another()));
    his.await.ok(201);
    let told = event("onDeviceUpdate", &phone, &cast.bob);
    assert_eq!(heard(&api).await, [told]);
    api.register(&phone, None, None).await.ok(201);
    let told = event("onDeviceUpdate", &phone, "anonymous");
    assert_eq!(heard(&api).await, [told]);
}

async fn the_device_that_a_reinstallation_ends_is_told(api: Api) {
    let cast = cast(&api).await;
    let first = cast.phone_of_alice().await;
    heard(&api).await;
    let second = first.reinstalled();
    let hers = api.register(&second, Some(&cast.alice), Some(cast.own()));
    hers.await.ok(201);
    let told = [
        event("onDeviceRegister", &second, &cast.alice),
        end(&first, &cast.alice, "reinstall"),
    ];
    assert_eq!(heard(&api).await, told);
    let third = second.reinstalled();
    let his = api.register(&third, Some(&cast.bob), Some(cast.another()));
    his.await.ok(201);
    let told = [
        event("onDeviceRegister", &third, &cast.bob),
        end(&second, &cast.alice, "owner change"),
    ];
    assert_eq!(heard(&api).await, told);
}

async fn a_logout_is_told_once(api: Api) {
    let cast = cast(&api).await;
    let phone = cast.phone_of_alice().await;
    heard(&api).await;
    // A repeat is answered as the first one was.
    for _ in 0..2 {
        api.unregister(&phone, Some(cast.own())).await.empty(204);
    }
    let told = end(&phone, &cast.alice, "logout");
    assert_eq!(heard(&api).await, [told]);
    let phone = cast.phone_of_nobody().await;
    api.unregister(&phone, None).await.empty(204);
    let told = [
        event("onDeviceRegister", &phone, "anonymous"),
        end(&phone, "anonymous", "logout"),
    ];
    assert_eq!(heard(&api).await, told);
}

async fn each_device_of_an_erased_user_is_told(api: Api) {
    let cast = cast(&api).await;
    let mut phones = [cast.phone_of_alice().await, cast.phone_of_alice().await];
    heard(&api).await;
    for _ in 0..2 {
        let erase = api.call(Method::DELETE, &format!("/users/{}", cast.alice));
        erase.backend(&api).send().await.empty(204);
    }
    phones.sort_by(|one, other| one.device.cmp(&other.device));
    let told = phones.map(|phone| end(&phone, &cast.alice, "erased"));
    assert_eq!(heard(&api).await, told);
}

async fn a_device_with_a_dead_token_is_told(api: Api) {
    let cast = cast(&api).await;
    let phone = cast.phone_of_alice().await;
    heard(&api).await;
    // A send finds it dead.
    api.kill(&phone).await;
    api.tell(&[&cast.alice], "Hi").await;
    let told = end(&phone, &cast.alice, "dead token");
    assert_eq!(heard(&api).await, [told]);
    // SNS reports it dead.
    let phone = cast.phone_of_alice().await;
    heard(&api).await;
    let report = json!({"token": phone.token, "failureType": "InvalidPlatformToken"});
    api.advance(1).await;
    api.control(Method::POST, "/feedback", Some(report)).await;
    api.emptied("FeedbackQueue").await;
    let told = end(&phone, &cast.alice, "dead token");
    assert_eq!(heard(&api).await, [told]);
}

async fn a_device_too_many_is_told(api: Api) {
    made(&api, "all", &["onDeviceUnregister"]).await;
    let stage = Stage::set(api, 1).await;
    let api = &stage.api;
    api.advance(1).await;
    let (first, second) = (&stage.phones[0], Phone::iphone());
    let secret = api.client_secret();
    let more = api.register(&second, Some(&stage.alice), Some(secret));
    more.await.ok(201);
    api.tell(&[&stage.alice], "Hi").await;
    // The event is queued before the job is done.
    api.ended(first).await;
    api.emptied("JobQueue").await;
    let told = end(first, &stage.alice, "surplus");
    assert_eq!(heard(api).await, [told]);
}

async fn subscriptions_are_told_tag_by_tag(api: Api) {
    let cast = cast(&api).await;
    let tags = made_some(&api, 3).await;
    let phone = cast.phone_of_alice().await;
    heard(&api).await;
    let told = |name: &str, tag: &str| {
        let mut event = event(name, &phone, &cast.alice);
        event["tagName"] = tag.into();
        event
    };
    let own = Some(cast.own());
    subscribe(&api, &phone, &tags[1], own).await.ok(201);
    assert_eq!(heard(&api).await, [told("onSubscribe", &tags[1])]);
    subscribe(&api, &phone, &tags[1], own).await.ok(201);
    assert_eq!(heard(&api).await, [Value::Null; 0]);
    // Of several those with which it was not so already, and which there are.
    let named =
        json!({"deviceId": phone.device, "tagNames": ["unknown", tags[0], tags[1], tags[2]]});
    let several = |query: &str| {
        let call = api.call(Method::POST, &format!("/subscriptions{query}"));
        call.secret(own).json(&named).send()
    };
    several("").await.ok(207);
    let expected = [&tags[0], &tags[2]].map(|tag| told("onSubscribe", tag));
    assert_eq!(heard(&api).await, expected);
    unsubscribe(&api, &phone, &tags[0], own).await.empty(204);
    assert_eq!(heard(&api).await, [told("onUnsubscribe", &tags[0])]);
    unsubscribe(&api, &phone, &tags[0], own)
        .await
        .refused(NO_SUBSCRIPTION);
    several("?action=delete").await.ok(207);
    let expected = [&tags[1], &tags[2]].map(|tag| told("onUnsubscribe", tag));
    assert_eq!(heard(&api).await, expected);
}

async fn what_a_device_reports_of_a_message_is_told_once(api: Api) {
    let cast = cast(&api).await;
    let phone = cast.phone_of_alice().await;
    let id = api.tell(&[&cast.alice], "Hi").await;
    heard(&api).await;
    for (status, expected) in [("SEEN", 1), ("SEEN", 0), ("OPEN", 1), ("SEEN", 0)] {
        let report = api.call(Method::PUT, &format!("/messages/{id}"));
        let body = json!({"deviceId": phone.device, "status": status});
        let report = report.secret(Some(cast.own())).json(&body);
        report.send().await.is(200, &json!({}));
        let mut told = event("onNotificationStatusChange", &phone, &cast.alice);
        told["messageId"] = json!(id);
        told["status"] = json!(status);
        assert_eq!(heard(&api).await, vec![told; expected], "{status}");
    }
}

async fn a_webhook_is_told_what_it_asks_for(api: Api) {
    made(&api, "first", &["onDeviceRegister"]).await;
    made(&api, "both", &["onDeviceRegister", "onDeviceUnregister"]).await;
    made(&api, "other", &["onSubscribe", "onDeviceUpdate"]).await;
    let cast = Cast::new(&api).await;
    let phone = cast.phone_of_alice().await;
    api.emptied("WebhookQueue").await;
    api.unregister(&phone, Some(cast.own())).await.empty(204);
    let hooks = api.heard().await;
    let mut told: Vec<_> = hooks
        .iter()
        .map(|hook| {
            let event = hook.event(&api);
            let path = hook.url().strip_prefix("https://hooks.example.com/");
            let name = path.unwrap().strip_suffix("?key=hidden").unwrap();
            format!("{name} {}", event["event"].as_str().unwrap())
        })
        .collect();
    told.sort();
    let expected = [
        "both onDeviceRegister",
        "both onDeviceUnregister",
        "first onDeviceRegister",
    ];
    assert_eq!(told, expected);
    // Both were told of one and the same event.
    let ids: std::collections::BTreeSet<_> =
        hooks.iter().map(super::super::hooks::Hook::id).collect();
    assert_eq!(ids.len(), 2);
}

async fn a_refused_call_is_told_to_nobody(api: Api) {
    let cast = cast(&api).await;
    let phone = cast.phone_of_alice().await;
    heard(&api).await;
    let theirs = api.register(&phone, Some(&cast.bob), None);
    theirs.await.ok(401);
    api.unregister(&phone, None).await.ok(401);
    api.unregister(&phone, Some(cast.another())).await.ok(404);
    subscribe(&api, &phone, "unknown", Some(cast.own()))
        .await
        .ok(404);
    api.read(&phone, Some(cast.own())).await.ok(200);
    assert_eq!(heard(&api).await, [Value::Null; 0]);
}

async fn events_of_one_second_have_an_order(api: Api) {
    let cast = cast(&api).await;
    // The first is tried again, and comes last.
    api.hooks_answer(None, 500, 1).await;
    let phone = cast.phone_of_alice().await;
    api.attempts_ended("failed", 1).await;
    api.unregister(&phone, Some(cast.own())).await.empty(204);
    api.attempts_ended("delivered", 1).await;
    api.advance(12).await;
    let mut hooks = api.heard().await;
    hooks.remove(0);
    let kinds = |hooks: &[crate::hooks::Hook]| {
        let events = hooks.iter().map(|hook| hook.event(&api)["event"].clone());
        events.collect::<Vec<_>>()
    };
    assert_eq!(kinds(&hooks), ["onDeviceUnregister", "onDeviceRegister"]);
    hooks.sort_by_key(crate::hooks::Hook::time);
    assert_eq!(kinds(&hooks), ["onDeviceRegister", "onDeviceUnregister"]);
    assert_ne!(hooks[0].time(), hooks[1].time());
}
