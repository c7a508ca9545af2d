//! What a backend learns of a message, and what it can set.

use crate::answer::NOT_FOUND;
use crate::api::Api;
use crate::phone::{Phone, random_hex, user};
use crate::story::{Story, shared};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) fn stories() -> Vec<Story> {
    vec![
        shared(a_message_can_be_read_again_with_its_counts),
        shared(nobody_reached_is_a_message_with_zeros),
        shared(a_receiver_who_is_named_twice_gets_one_push),
        shared(a_platform_narrows_a_target),
        shared(a_dry_run_counts_and_sends_nothing),
        shared(android_settings_reach_the_phone),
        shared(an_android_phone_has_all_that_its_sdk_needs_to_show_a_message),
        shared(what_is_shown_wakes_a_sleeping_phone_unless_it_can_wait),
        shared(iphone_settings_reach_the_phone),
        shared(a_silent_push_to_an_iphone_is_content_alone),
        shared(settings_that_do_not_matter_are_ignored),
        shared(the_bearer_header_carries_the_app_secret_too),
        shared(messages_belong_to_backends),
    ]
}

/// A registered phone of a new user.
async fn reached(api: &Api, phone: Phone) -> (String, Phone) {
    let alice = user("alice");
    let secret = api.secret(&alice).await;
    api.register(&phone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    (alice, phone)
}

fn counts(accepted: u32, dead: u32, refused: u32, retried: u32) -> Value {
    json!({"accepted": accepted, "dead": dead, "refused": refused, "retried": retried, "misconfigured": 0, "expired": 0})
}

async fn a_message_can_be_read_again_with_its_counts(api: Api) {
    let (alice, _) = reached(&api, Phone::android()).await;
    let message = json!({"message": {"alert": "Hello", "url": "https://app.example/1"},
        "settings": {"gcm": {"priority": "high"}}, "target": {"userIds": [alice]}});
    let sent = api.send(&message).await.ok(202);
    assert_eq!(sent["message"], message);
    let id = sent["messageId"].as_str().unwrap();
    let kept = api.backend_get(&format!("/messages/{id}")).await.ok(200);
    let created = kept["createdTime"].as_str().unwrap();
    assert!(created.len() == 20 && created.ends_with('Z'), "{created}");
    let mut shown = message.clone();
    for (name, value) in [
        ("messageId", id),
        ("status", "Dispatched"),
        ("createdTime", created),
    ] {
        shown[name] = value.into();
    }
    assert_eq!(kept, shown);
    api.backend_get(&format!("/messages/{id}/status")).await.is(
        200,
        &json!({"messageId": id, "status": "Dispatched", "counts": counts(1, 0, 0, 0), "reports": {"seen": 0, "opened": 0}}),
    );
    for unknown in ["AAAAAAA0", "null", "short", &"x".repeat(200)] {
        for tail in ["", "/status"] {
            api.backend_get(&format!("/messages/{unknown}{tail}"))
                .await
                .refused(NOT_FOUND);
        }
    }
}

async fn nobody_reached_is_a_message_with_zeros(api: Api) {
    let nobody = user("nobody");
    let message = json!({"message": {"alert": "Hello"}, "target": {"userIds": [nobody]}});
    let sent = api.send(&message).await.ok(202);
    assert_eq!(sent["recipients"], json!({&nobody: 0}));
    let id = sent["messageId"].as_str().unwrap();
    api.backend_get(&format!("/messages/{id}/status")).await.is(
        200,
        &json!({"messageId": id, "status": "Dispatched", "counts": counts(0, 0, 0, 0), "reports": {"seen": 0, "opened": 0}}),
    );
}

async fn a_receiver_who_is_named_twice_gets_one_push(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    let message = json!({"message": {"alert": "user"}, "target": {"userIds": [alice, alice]}});
    assert_eq!(
        api.send(&message).await.ok(202)["recipients"],
        json!({&alice: 1})
    );
    let devices = json!([phone.device, phone.device]);
    let message = json!({"message": {"alert": "device"}, "target": {"deviceIds": devices}});
    api.send(&message).await.ok(202);
    assert_eq!(api.shown(&phone).await, ["user", "device"]);
}

async fn a_platform_narrows_a_target(api: Api) {
    let (alice, android) = reached(&api, Phone::android()).await;
    let iphone = Phone::iphone();
    let secret = api.secret(&alice).await;
    api.register(&iphone, Some(&alice), Some(&secret))
        .await
        .ok(201);
    for (platform, alert) in [(json!("A"), "iphone"), (json!(["G"]), "android")] {
        let target = json!({"userIds": [alice], "platform": platform});
        let message = json!({"message": {"alert": alert}, "target": target});
        assert_eq!(
            api.send(&message).await.ok(202)["recipients"],
            json!({&alice: 1})
        );
    }
    assert_eq!(api.shown(&iphone).await, ["iphone"]);
    assert_eq!(api.shown(&android).await, ["android"]);
}

async fn a_dry_run_counts_and_sends_nothing(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    let alert = random_hex(8);
    let message = json!({"message": {"alert": alert}, "target": {"userIds": [alice]}});
    let dry = api
        .call(Method::POST, "/messages?dryRun=true")
        .backend(&api);
    let dry = dry.json(&message).send().await.ok(200);
    assert_eq!(dry["recipients"], json!({&alice: 1}));
    assert_eq!(dry.get("messageId"), None);
    assert_eq!(api.shown(&phone).await, [""; 0]);
    api.holds_no_trace(&[&alert]).await;
}

async fn android_settings_reach_the_phone(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    let gcm = json!({"priority": "MAX", "sound": "ping.wav", "icon": "bell", "androidTitle": "News",
        "visibility": "Private", "redact": "hidden", "interactiveCategory": "yesno", "collapseKey": "news",
        "timeToLive": 60, "channelId": "c1", "payload": {"order": 7, "nid": "mine", "uid": "mine"},
        "style": {"type": "bigtext_notification", "title": "t", "text": "long"},
        "lights": {"ledArgb": "RED", "ledOnMs": 1, "ledOffMs": 2}});
    let message = json!({"message": {"alert": "Hi", "url": "https://app.example"},
        "settings": {"gcm": gcm}, "target": {"userIds": [alice]}});
    let id = api.send(&message).await.ok(202)["messageId"].clone();
    let pushes = api.pushes(&phone).await;
    let payload = pushes[0].payload();
    assert_eq!(
        payload,
        json!({"order": 7, "nid": id, "uid": crate::jwt::uid(api.application(), &alice)})
    );
    let mut data = pushes[0].data().clone();
    for (name, value) in [
        (
            "style",
            json!({"type": "bigtext_notification", "title": "t", "text": "long"}),
        ),
        (
            "lights",
            json!({"ledARGB": "RED", "ledOnMS": 1, "ledOffMS": 2}),
        ),
        ("channel", json!({"channelId": "c1", "channelName": "c1"})),
    ] {
        let text = data.as_object_mut().unwrap().remove(name);
        let text = text
            .as_ref()
            .and_then(Value::as_str)
            .expect(name)
            .to_owned();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
    assert_eq!(
        data,
        json!({"alert": "Hi", "payload": data["payload"], "has-template": "0", "url": "https://app.example",
            "androidTitle": "News", "sound": "ping.wav", "priority": "max", "visibility": "private",
            "redact": "hidden", "interactiveCategory": "yesno", "icon": "bell"})
    );
    let android = &pushes[0].fcm()["android"];
    assert_eq!(
        android,
        &json!({"priority": "HIGH", "ttl": android["ttl"], "collapse_key": "news"})
    );
    let ttl = android["ttl"]
        .as_str()
        .and_then(|ttl| ttl.strip_suffix('s'));
    is_what_is_left_of_a_minute(ttl);
}

async fn an_android_phone_has_all_that_its_sdk_needs_to_show_a_message(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    let inbox = json!({"type": "inbox_notification", "lines": ["one", "two"]});
    let picture = json!({"type": "picture_notification", "url": "https://app.example/i.png"});
    for (gcm, name, text) in [
        (
            json!({"style": inbox}),
            "style",
            json!({"type": "inbox_notification", "title": "", "lines": "[one,two]"}),
        ),
        (
            json!({"style": picture, "androidTitle": "Shop"}),
            "style",
            json!({"type": "picture_notification", "title": "Shop", "url": "https://app.example/i.png"}),
        ),
        (
            json!({"lights": {"ledArgb": "RED"}}),
            "lights",
            json!({"ledARGB": "RED", "ledOnMS": 1000, "ledOffMS": 1000}),
        ),
        (
            json!({"channelId": "c1", "channelName": "News", "icon": ""}),
            "channel",
            json!({"channelId": "c1", "channelName": "News"}),
        ),
    ] {
        let message = json!({"message": {"alert": "Hi"}, "settings": {"gcm": gcm}, "target": {"userIds": [alice]}});
        api.send(&message).await.ok(202);
        let push = api.pushes(&phone).await.pop().unwrap();
        let found: Value = serde_json::from_str(push.data()[name].as_str().unwrap()).unwrap();
        assert_eq!(found, text);
        assert_eq!(push.data().get("icon"), None);
    }
}

async fn what_is_shown_wakes_a_sleeping_phone_unless_it_can_wait(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    for (gcm, priority) in [
        (json!({}), "HIGH"),
        (json!({"type": "DEFAULT"}), "HIGH"),
        (json!({"priority": "default"}), "NORMAL"),
        (json!({"priority": "LOW"}), "NORMAL"),
        (json!({"priority": "min"}), "NORMAL"),
        (json!({"type": "SILENT", "priority": "high"}), "NORMAL"),
    ] {
        let message = json!({"message": {"alert": "Hi"}, "settings": {"gcm": gcm}, "target": {"userIds": [alice]}});
        api.send(&message).await.ok(202);
        let push = api.pushes(&phone).await.pop().unwrap();
        assert_eq!(
            push.fcm()["android"],
            json!({"priority": priority}),
            "{gcm}"
        );
    }
}

/// The time to live counts from the acceptance of the message.
fn is_what_is_left_of_a_minute(seconds: Option<&str>) {
    let seconds: u32 = seconds
        .and_then(|seconds| seconds.parse().ok())
        .expect("seconds");
    assert!((45..=60).contains(&seconds), "{seconds}");
}

async fn iphone_settings_reach_the_phone(api: Api) {
    let (alice, phone) = reached(&api, Phone::iphone()).await;
    let apns = json!({"badge": 3, "sound": "ping.caf", "category": "old", "title": "News", "subtitle": "today",
        "iosActionKey": "key", "payload": "{\"order\":7}", "type": "MIXED", "titleLocKey": "TLK",
        "titleLocArgs": ["a"], "locKey": "LK", "locArgs": ["b"], "launchImage": "img.png",
        "attachmentUrl": "https://app.example/i.png", "apnsCollapseId": "collapse", "apnsThreadId": "thread",
        "timeToLive": 60});
    let message = json!({"message": {"alert": "Hi", "url": "https://app.example"},
        "settings": {"apns": apns}, "target": {"userIds": [alice]}});
    let id = api.send(&message).await.ok(202)["messageId"].clone();
    let pushes = api.pushes(&phone).await;
    assert_eq!(
        pushes[0].payload(),
        json!({"order": 7, "nid": id, "uid": crate::jwt::uid(api.application(), &alice)})
    );
    let (push, payload) = (&pushes[0].0, &pushes[0].0["payload"]);
    let alert = json!({"subtitle": "today", "title-loc-key": "TLK", "title-loc-args": ["a"],
        "loc-key": "LK", "loc-args": ["b"], "launch-image": "img.png", "action-loc-key": "key"});
    assert_eq!(
        payload,
        &json!({
            "aps": {"alert": alert, "badge": 3, "sound": "ping.caf", "category": "old", "thread-id": "thread",
                "content-available": 1, "mutable-content": 1},
            "payload": payload["payload"], "url": "https://app.example",
            "attachment-url": "https://app.example/i.png", "has-template": 0})
    );
    let attributes = &push["attributes"];
    assert_eq!(attributes["AWS.SNS.MOBILE.APNS.COLLAPSE_ID"], "collapse");
    is_what_is_left_of_a_minute(attributes["AWS.SNS.MOBILE.APNS.TTL"].as_str());
}

async fn a_silent_push_to_an_iphone_is_content_alone(api: Api) {
    let (alice, phone) = reached(&api, Phone::iphone()).await;
    let message = json!({"message": {"alert": "Hi"}, "settings": {"apns": {"type": "silent"}},
        "target": {"userIds": [alice]}});
    api.send(&message).await.ok(202);
    let pushes = api.pushes(&phone).await;
    assert_eq!(
        pushes[0].0["payload"]["aps"],
        json!({"content-available": 1})
    );
    let attributes = &pushes[0].0["attributes"];
    assert_eq!(attributes["AWS.SNS.MOBILE.APNS.PUSH_TYPE"], "background");
    assert_eq!(attributes["AWS.SNS.MOBILE.APNS.PRIORITY"], "5");
}

async fn settings_that_do_not_matter_are_ignored(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    let message = json!({"message": {"alert": "Hi", "url": null, "extra": 1}, "validate": true, "more": {},
        "settings": {"apns": null, "gcm": {"novel": 1, "sound": null}, "chromeWeb": {"title": 1}, "firefoxWeb": {},
            "safariWeb": {}, "chromeAppExt": {}, "other": []},
        "target": {"userIds": [alice], "deviceIds": null, "tagNames": null, "platforms": null}});
    api.send(&message).await.ok(202);
    assert_eq!(api.shown(&phone).await, ["Hi"]);
}

async fn the_bearer_header_carries_the_app_secret_too(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": [alice]}});
    let bearer = format!("Bearer {}", api.app_secret());
    let send = api.call(Method::POST, "/messages");
    send.header("authorization", &bearer)
        .json(&message)
        .send()
        .await
        .ok(202);
    let send = api
        .call(Method::POST, "/messages")
        .header("APPSECRET", api.app_secret());
    send.header("clientSecret", "forged")
        .json(&message)
        .send()
        .await
        .ok(202);
    assert_eq!(api.shown(&phone).await, ["Hi", "Hi"]);
}

async fn messages_belong_to_backends(api: Api) {
    let (alice, phone) = reached(&api, Phone::android()).await;
    let message = json!({"message": {"alert": "Hi"}, "target": {"userIds": [alice]}});
    let id = api.send(&message).await.ok(202)["messageId"]
        .as_str()
        .unwrap()
        .to_owned();
    let (provisioned, own) = (api.client_secret().to_owned(), api.secret(&alice).await);
    for secret in ["", "anonymous", "forged", &provisioned, &own] {
        for (method, route) in [
            (Method::POST, "/messages".to_owned()),
            (Method::POST, "/messages?dryRun=true".to_owned()),
            (Method::GET, format!("/messages/{id}")),
            (Method::GET, format!("/messages/{id}/status")),
        ] {
            let call = || {
                api.call(method.clone(), &route)
                    .header("clientSecret", secret)
            };
            let with = |call: crate::api::Request| {
                if method == Method::POST {
                    call.json(&message)
                } else {
                    call
                }
            };
            let refused = [
                with(call()),
                with(call().header("appSecret", secret)),
                with(call().header("authorization", &format!("Bearer {secret}"))),
            ];
            for request in refused {
                request.send().await.refused(crate::answer::UNAUTHORIZED);
            }
        }
    }
    assert_eq!(api.shown(&phone).await, ["Hi"]);
}
